"""How billing's frozen values are written down as JSON and read again, exactly: money and fractions as whole numbers, never as floats."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.kernel.money import Money

T = TypeVar("T")
Read = Callable[[Any], Any]
KIND = "is"  # names the class where a value may be of several


def encode(value: Any) -> Any:
    """The value as JSON. TypeError for what is none of ours."""
    if value is None or type(value) in (bool, int, str):
        return value
    if isinstance(value, Money):
        return f"{value.currency} {value.minor}"
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [encode(each) for each in value]
    if (names := _fields_of(type(value))) is not None:
        return {name: encode(getattr(value, name)) for name in names}
    raise TypeError(f"billing keeps no {type(value).__name__}")


@cache
def _fields_of(kind: Any) -> tuple[str, ...] | None:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None


def encode_one_of(value: Any) -> dict[str, Any]:
    """The same for a value that may be of several classes: its class is written beside it."""
    return {KIND: type(value).__name__, **encode(value)}


def decode(kind: type[T], kept: Any) -> T:
    """The value again. A field that was not there when it was written takes its default."""
    made: T = _reader(kind)(kept)
    return made


def decode_one_of(kinds: Any, kept: dict[str, Any]) -> Any:
    """The value again, of one of the classes of a union. KeyError for another."""
    return _reader(_named(kinds)[kept[KIND]])({name: value for name, value in kept.items() if name != KIND})


@cache
def _named(kinds: Any) -> dict[str, Any]:
    return {each.__name__: each for each in get_args(kinds)}


@cache
def _reader(kind: Any) -> Read:
    """How a value of this type is read: worked out once, for at a midnight it is done for everybody."""
    if kind is Money:
        return _money
    if kind is Fraction:
        return _fraction
    if kind is date:
        return date.fromisoformat
    if get_origin(kind) in (Union, types.UnionType):
        (some,) = (_reader(each) for each in get_args(kind) if each is not types.NoneType)
        return lambda kept: None if kept is None else some(kept)
    if get_origin(kind) is tuple:
        each_one = _reader(get_args(kind)[0])
        return lambda kept: tuple([each_one(each) for each in kept])
    if is_dataclass(kind):
        return _values_of(kind)
    if kind in (bool, int, str):
        return lambda kept: _as_it_is(kind, kept)
    raise TypeError(f"billing keeps no {kind}")


def _values_of(kind: Any) -> Read:
    readers = {name: _reader(hint) for name, hint in get_type_hints(kind).items()}
    return lambda kept: kind(**{name: readers[name](value) for name, value in kept.items()})


def _money(kept: str) -> Money:
    currency, minor = kept.split(" ")
    return Money(int(minor), currency)


def _fraction(kept: str) -> Fraction:
    above, below = kept.split("/")
    return Fraction(int(above), int(below))


def _as_it_is(kind: type, kept: Any) -> Any:
    if type(kept) is not kind:
        raise TypeError(f"{kept!r} is no {kind}")
    return kept
