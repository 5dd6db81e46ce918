"""Reads the JSON that a caller sends, strictly: what is unknown, missing or of another kind is refused by its name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from flask import Request

from core.kernel.errors import Refusal
from core.kernel.money import BadAmount, parse_amount
from core.kernel.sentence import said
from core.web.this_request import asked, kept

DEEPEST = 12
MOST_NAMED = 20  # things that are wrong, in one refusal
HALF = re.compile("[\ud800-\udfff]")


class BodyRefused(Refusal):
    """What was sent is not what is read here."""

    code = "invalid_request"


class NotJson(BodyRefused):
    """It is no JSON object at all."""

    status = 400


class WrongContentType(BodyRefused):
    """It says to be something else."""

    code = "wrong_content_type"
    status = 415


class Missing(BodyRefused):
    """A field that has to be there is not."""


class Unknown(BodyRefused):
    """A field that nobody asks for."""


class CurrencyNeeded(BodyRefused):
    """An amount with decimals, and in which currency is not said."""


class SeveralRefused(BodyRefused):
    """Several fields are not as they should be, and all are named at once: nobody asks again for each."""

    def __init__(self, each: Sequence[BodyRefused]) -> None:
        missing = ", ".join(str(one.field) for one in each if isinstance(one, Missing))
        kinds = {type(one) for one in each}
        if kinds == {Missing}:
            words: str = said("These are missing: %(names)s.", names=missing)
        elif kinds == {Missing, Unknown}:  # a misspelled one stands beside what is missing by it
            words = said("There is no such field here: %(name)s. What is missing: %(names)s.", name=each[0].field, names=missing)
        else:
            words = " ".join(f"{one.field}: {one.message}" for one in each)
        super().__init__(words, field=each[0].field)
        self.each = tuple(each)


class Wrong:
    """What is wrong with an object of the request, found field by field and refused at the end."""

    def __init__(self) -> None:
        self.found: list[BodyRefused] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """What the block refuses waits for the end."""
        try:
            yield
        except BodyRefused as no:
            self.found += cast(Sequence[BodyRefused], no.each) or [no]

    def refuse(self) -> None:
        """All of it at once, each field once. An amount is not read where its currency is wrong itself."""
        lost = [one.field for one in self.found if not isinstance(one, CurrencyNeeded) and str(one.field).split(".")[-1] == "currency"]
        each = {one.field: one for one in reversed(self.found) if not (lost and isinstance(one, CurrencyNeeded))}
        found = list(reversed(each.values()))[:MOST_NAMED]
        if len(found) > 1:
            raise SeveralRefused(found)
        if found:
            raise found[0]


class Body:
    """One object of the request. Every field is asked for by name; what nobody asked for is `unknown`."""

    def __init__(self, values: dict[str, Any], at: str = "") -> None:
        self.values, self.at, self.read = values, at, set[str]()

    def path(self, name: str) -> str:
        """How a refusal names a field of this object; what a caller has named is said shortly."""
        return f"{self.at}.{name[:60]}" if self.at else name[:60]

    def text(self, name: str, usual: str | None = None) -> str:
        """A text; required without `usual`."""
        value = self._take(name, usual)
        if not isinstance(value, str):
            raise BodyRefused("This has to be a text.", field=self.path(name))
        if "\x00" in value:
            raise BodyRefused(
                "This text holds a NUL (the sign with the number 0), which cannot be kept. Leave it out.", field=self.path(name)
            )
        if _is_broken(value):
            raise BodyRefused("This text holds half of a sign (a lone surrogate). Send the whole sign.", field=self.path(name))
        return value

    def number(self, name: str, usual: int | None = None) -> int:
        """A whole number."""
        value = self._take(name, usual)
        if type(value) is not int:
            raise BodyRefused("This has to be a whole number.", field=self.path(name))
        if not -(2**53) < value < 2**53:
            raise BodyRefused("This is larger than any number that is taken here.", field=self.path(name))
        return value

    def minor(self, name: str, currency: str) -> int:
        """An amount: whole minor units, or a decimal text such as "19.99"."""
        value = self._take(name, None)
        if type(value) is str:
            if value != value.strip():
                raise BodyRefused("Write the amount without blanks around it.", field=self.path(name))
            if not currency:
                raise CurrencyNeeded(
                    "Send the currency beside an amount with decimals, or send whole minor units.", field=self.path("currency")
                )
            try:
                return parse_amount(value, currency).minor
            except BadAmount as refusal:
                raise BodyRefused(refusal.message, field=self.path(name)) from None
        return self.number(name)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._take(name, None)
        if type(value) is not bool:
            raise BodyRefused("This has to be true or false.", field=self.path(name))
        return value

    def each(self, name: str) -> Body:
        """A list, whose values are asked for by their numbers."""
        value = self._take(name, None)
        if not isinstance(value, list):
            raise BodyRefused("This has to be a list.", field=self.path(name))
        return Body({str(number): one for number, one in enumerate(value)}, self.path(name))

    def is_empty(self, name: str) -> bool:
        """Whether the field was left out, or is null. It counts as asked for."""
        self.read.add(name)
        return self.values.get(name) is None

    def object(self, name: str, *, optional: bool = False) -> Body:
        """An object within."""
        value = self._take(name, {} if optional else None)
        if not isinstance(value, dict):
            raise BodyRefused("This has to be an object.", field=self.path(name))
        return Body(value, self.path(name))

    def objects(self, name: str) -> list[Body]:
        """A list of objects."""
        value = self._take(name, None)
        if not isinstance(value, list):
            raise BodyRefused("This has to be a list.", field=self.path(name))
        for number, one in enumerate(value):
            if not isinstance(one, dict):
                raise BodyRefused("This has to be an object.", field=f"{self.path(name)}.{number}")
        return [Body(one, f"{self.path(name)}.{number}") for number, one in enumerate(value)]

    def unknown(self) -> list[Unknown]:
        """Fields that nobody asked for: a misspelled one would be lost silently."""
        names = [name for name in self.values if name not in self.read][:MOST_NAMED]
        return [Unknown(said("There is no such field here: %(name)s.", name=name[:60]), field=self.path(name)) for name in names]

    def _take(self, name: str, usual: Any) -> Any:
        self.read.add(name)
        value = self.values.get(name, usual)
        if value is None:
            raise Missing("This is missing.", field=self.path(name))
        return value


def body() -> Body:
    """What was sent. Refuses NotJson for anything but one JSON object, and WrongContentType for what says to be something else."""
    return Body(values_sent())


def values_sent() -> dict[str, Any]:
    """The same in plain values, read once for each request."""
    mine = kept()
    if "api_sent" not in mine:
        mine["api_sent"] = _parsed(asked())
    return cast(dict[str, Any], mine["api_sent"])


def _parsed(request: Request) -> dict[str, Any]:
    raw = request.get_data()
    if not raw:
        return {}
    if request.mimetype != "application/json":
        raise WrongContentType("Send JSON, with Content-Type: application/json.")
    try:
        values = json.loads(raw, parse_constant=_refuse, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        raise NotJson("This is no JSON that we can read.") from None
    if not isinstance(values, dict):
        raise NotJson("Send one JSON object.")
    if _depth(values) > DEEPEST:
        raise NotJson(said("Nothing here is nested deeper than %(most)s levels.", most=DEEPEST))
    return values


def _depth(values: Any) -> int:
    """How many levels are nested; counted level by level, however many there are."""
    depth, level = 0, [values]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        if depth > DEEPEST:
            break
    return depth


def _refuse(name: str) -> None:
    raise ValueError(name)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A name that stands twice means two things: whoever reads the first and whoever reads the last would not agree."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _is_broken(text: str) -> bool:
    """JSON can write half of a sign, which no database and no letter can."""
    return HALF.search(text) is not None
