"""A subscription as plain values and back, without loss: what a database keeps as JSON. Sums stay whole numbers, fractions stay exact."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import date
from fractions import Fraction
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from core.billing.subscription import Subscription
from core.kernel.money import Money


def to_plain(value: Any) -> Any:
    """Dictionaries, lists, texts, whole numbers, true, false and None. A default is written out: should it change, what was kept does not."""
    if isinstance(value, Money):
        return [value.minor, value.currency]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, tuple):
        return [to_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form")


def from_plain(plain: dict[str, Any]) -> Subscription:
    """The subscription that was stored. A field that is not known raises: nothing that was kept is silently forgotten."""
    state = _read(plain, Subscription)
    assert isinstance(state, Subscription)
    return state


def _read(plain: Any, kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return None if plain is None else _read(plain, next(each for each in get_args(kind) if each is not NoneType))
    if get_origin(kind) is tuple:
        return tuple(_read(each, get_args(kind)[0]) for each in plain)
    if kind is Money:
        return Money(plain[0], plain[1])
    if kind is date:
        return date.fromisoformat(plain)
    if kind is Fraction:
        return Fraction(plain)
    if is_dataclass(kind):
        known = _kinds(kind)
        return kind(**{name: _read(each, known[name]) for name, each in plain.items()})
    if type(plain) is not kind:
        raise TypeError(f"{plain!r} was stored where {kind.__name__} belongs")
    return plain


@cache
def _kinds(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
