"""How billing's frozen values are written down as JSON and read again, exactly: money and fractions as whole numbers, never as floats."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from core.kernel.money import Money

T = TypeVar("T")
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
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"billing keeps no {type(value).__name__}")


def encode_one_of(value: Any) -> dict[str, Any]:
    """The same for a value that may be of several classes: its class is written beside it."""
    return {KIND: type(value).__name__, **encode(value)}


def decode(kind: type[T], kept: Any) -> T:
    """The value again. A field that was not there when it was written takes its default."""
    made: T = _read(kind, kept)
    return made


def decode_one_of(kinds: Any, kept: dict[str, Any]) -> Any:
    """The value again, of one of the classes of a union. KeyError for another."""
    known = {each.__name__: each for each in get_args(kinds)}
    return _read(known[kept[KIND]], {name: value for name, value in kept.items() if name != KIND})


def _read(kind: Any, kept: Any) -> Any:
    if kind is Money:
        currency, minor = kept.split(" ")
        return Money(int(minor), currency)
    if kind is Fraction:
        above, below = kept.split("/")
        return Fraction(int(above), int(below))
    if kind is date:
        return date.fromisoformat(kept)
    if get_origin(kind) in (Union, types.UnionType):
        (inner,) = (each for each in get_args(kind) if each is not types.NoneType)
        return None if kept is None else _read(inner, kept)
    if get_origin(kind) is tuple:
        inner, *_rest = get_args(kind)
        return tuple(_read(inner, each) for each in kept)
    if is_dataclass(kind):
        make: Any = kind
        hints = _hints(make)
        return make(**{name: _read(hints[name], value) for name, value in kept.items()})
    if kind in (bool, int, str) and type(kept) is kind:
        return kept
    raise TypeError(f"{kept!r} is no {kind}")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
