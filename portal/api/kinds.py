"""What a caller may send, field by field: each kind reads its value strictly, and says of itself in JSON Schema what it reads."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar

from core.hooks.headers import LONGEST_NAME, LONGEST_VALUE, MOST_HEADERS, TOKEN
from core.kernel.currency import OFFERED
from core.kernel.sentence import said
from core.web.fields import one_spelling, plain_text
from portal.api.reading import MOST_NAMED, Body, BodyRefused, Wrong, body

Schema = dict[str, Any]
Value = TypeVar("Value")
MINUTE = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LONGEST_ADDRESS = 254


class _Required:
    """In place of what counts when a field is left out: it may not be."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


@dataclass(frozen=True, kw_only=True)
class Kind(ABC):
    """`usual` is what counts when the field is left out or null."""

    about: str
    usual: Any = REQUIRED
    example: Any = None

    @property
    def required(self) -> bool:
        return self.usual is REQUIRED

    @abstractmethod
    def take(self, sent: Body, name: str, currency: str) -> Any:
        """The value that stands there. `currency` is the one in which amounts are written."""

    @abstractmethod
    def schema(self) -> Schema:
        """Of a value that is there."""

    def whole_schema(self) -> Schema:
        """With what is said about it."""
        found = self.schema()
        if not self.required and "type" in found:
            found = {**found, "type": [*([found["type"]] if isinstance(found["type"], str) else found["type"]), "null"]}
            if "enum" in found:
                found["enum"] = [*found["enum"], None]
        known = (
            {} if self.required or self.usual in (None, "", (), False) or not isinstance(self.usual, str | int) else {"default": self.usual}
        )
        return {**found, "description": self.about, **known, **({"examples": [self.example]} if self.example is not None else {})}


Fields = Mapping[str, Kind]


@dataclass(frozen=True, kw_only=True)
class Text(Kind):
    """A text; with `one_of` a word from a list."""

    most: int = 255
    least: int = 0
    one_of: tuple[str, ...] = ()
    lines: bool = False  # it may be broken into lines

    def take(self, sent: Body, name: str, currency: str) -> str:
        value = sent.text(name)
        if self.one_of and value not in self.one_of:
            raise BodyRefused(said("One of: %(words)s.", words=", ".join(self.one_of)), field=sent.path(name))
        if trouble := plain_text(value):
            raise BodyRefused(trouble, field=sent.path(name))
        if not self.lines and ("\n" in value or "\r" in value):
            raise BodyRefused("This has to be one line.", field=sent.path(name))
        if not self.least <= len(value) <= self.most:
            raise BodyRefused(said("Between %(least)s and %(most)s letters.", least=self.least, most=self.most), field=sent.path(name))
        return value

    def schema(self) -> Schema:
        if self.one_of:
            return {"type": "string", "enum": list(self.one_of)}
        return {"type": "string", "maxLength": self.most, **({"minLength": self.least} if self.least else {})}


@dataclass(frozen=True, kw_only=True)
class Email(Kind):
    """An e-mail address, in the one spelling that is kept."""

    example: Any = "ada@example.com"

    def take(self, sent: Body, name: str, currency: str) -> str:
        value = sent.text(name)
        try:
            if not plain_text(value) and len(value) <= LONGEST_ADDRESS:
                return one_spelling(value)
        except ValueError:  # EmailNotValidError and UnicodeError are such
            pass
        raise BodyRefused("Send an e-mail address like name@example.com.", field=sent.path(name))

    def schema(self) -> Schema:
        return {"type": "string", "maxLength": LONGEST_ADDRESS}


@dataclass(frozen=True, kw_only=True)
class Number(Kind):
    """A whole number."""

    least: int = 0
    most: int = 2**53 - 1

    def take(self, sent: Body, name: str, currency: str) -> int:
        value = sent.number(name)
        if not self.least <= value <= self.most:
            raise BodyRefused(said("Between %(least)s and %(most)s.", least=self.least, most=self.most), field=sent.path(name))
        return value

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, kw_only=True)
class Flag(Kind):
    """True or false."""

    def take(self, sent: Body, name: str, currency: str) -> bool:
        return sent.flag(name)

    def schema(self) -> Schema:
        return {"type": "boolean"}


@dataclass(frozen=True, kw_only=True)
class Currency(Kind):
    """The code of one of the currencies that are offered."""

    example: Any = "GBP"

    def take(self, sent: Body, name: str, currency: str) -> str:
        value = sent.text(name)
        if value not in OFFERED:
            raise BodyRefused("Send the code of a currency that is offered here, in capitals, such as GBP.", field=sent.path(name))
        return value

    def schema(self) -> Schema:
        return {"type": "string", "enum": sorted(OFFERED)}


@dataclass(frozen=True, kw_only=True)
class Amount(Kind):
    """Minor units, or a decimal text as a person writes it."""

    example: Any = 1999

    def take(self, sent: Body, name: str, currency: str) -> int:
        return sent.minor(name, currency)

    def schema(self) -> Schema:
        return {"type": ["integer", "string"], "minimum": -(2**53) + 1, "maximum": 2**53 - 1, "pattern": r"^-?[0-9]{1,12}([.][0-9]{1,3})?$"}


@dataclass(frozen=True, kw_only=True)
class Moment(Kind):
    """An instant with its zone."""

    example: Any = "2027-01-31T17:00:00Z"

    def take(self, sent: Body, name: str, currency: str) -> datetime:
        return read_moment(sent.text(name), sent.path(name))

    def schema(self) -> Schema:
        return {"type": "string", "format": "date-time"}


def read_moment(value: str, at: str) -> datetime:
    """An instant as RFC 3339 writes it. Refuses one without its zone."""
    try:
        if MINUTE.fullmatch(value):
            return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BodyRefused("Write an instant with its zone, such as 2027-01-31T17:00:00Z.", field=at)


@dataclass(frozen=True, kw_only=True)
class Day(Kind):
    """A day."""

    example: Any = "2027-01-31"

    def take(self, sent: Body, name: str, currency: str) -> date:
        value = sent.text(name)
        try:
            if DAY.fullmatch(value):  # Python reads weeks as well: 2027-W04-7
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise BodyRefused("Write a day as 2027-01-31.", field=sent.path(name))

    def schema(self) -> Schema:
        return {"type": "string", "format": "date"}


@dataclass(frozen=True, kw_only=True)
class Listed(Kind):
    """A list of values of one kind."""

    of: Kind
    most: int = 100
    least: int = 0

    def take(self, sent: Body, name: str, currency: str) -> list[Any]:
        parts = sent.each(name)
        if not self.least <= len(parts.values) <= self.most:
            raise BodyRefused(said("Between %(least)s and %(most)s of them.", least=self.least, most=self.most), field=sent.path(name))
        return _all_of(parts, lambda number: self.of.take(parts, number, currency))

    def schema(self) -> Schema:
        return {"type": "array", "items": self.of.schema(), "maxItems": self.most, **({"minItems": self.least} if self.least else {})}


@dataclass(frozen=True, kw_only=True)
class Within(Kind):
    """An object within, with fields of its own."""

    fields: Fields = field(default_factory=dict)

    def take(self, sent: Body, name: str, currency: str) -> dict[str, Any]:
        return take_all(sent.object(name), self.fields, currency)

    def schema(self) -> Schema:
        return schema_of(self.fields)


@dataclass(frozen=True, kw_only=True)
class Pairs(Kind):
    """Names of the caller's own, each with a text: kept, given back, and searched."""

    most: int = 15
    example: Any = field(default_factory=lambda: {"order": "4711"})

    def take(self, sent: Body, name: str, currency: str) -> dict[str, str]:
        pairs = sent.object(name)
        if len(pairs.values) > self.most:
            raise BodyRefused(said("%(most)s lines at most.", most=self.most), field=sent.path(name))
        return dict(zip(pairs.values, _all_of(pairs, pairs.text), strict=True))

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 200}, "maxProperties": self.most}


@dataclass(frozen=True, kw_only=True)
class Headers(Pairs):
    """The same for headers of HTTP: which they may be, the act says."""

    most: int = MOST_HEADERS
    example: Any = field(default_factory=lambda: {"X-Shop": "4711"})

    def schema(self) -> Schema:
        name = {"pattern": f"^{TOKEN.pattern}$", "maxLength": LONGEST_NAME}
        value = {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE, "pattern": "^[!-~]([ -~]*[!-~])?$"}
        return {"type": "object", "propertyNames": name, "additionalProperties": value, "maxProperties": self.most}


@dataclass(frozen=True, kw_only=True)
class Attributes(Pairs):
    """The same for what a category asks of a product: a text, or several where several may be chosen."""

    def take(self, sent: Body, name: str, currency: str) -> dict[str, Any]:
        pairs = sent.object(name)
        if len(pairs.values) > self.most:
            raise BodyRefused(said("%(most)s lines at most.", most=self.most), field=sent.path(name))
        return dict(zip(pairs.values, _all_of(pairs, partial(self._value, pairs)), strict=True))

    def _value(self, pairs: Body, key: str) -> str | list[str]:
        if not isinstance(pairs.values[key], list):
            return pairs.text(key)
        several = pairs.each(key)
        return _all_of(several, several.text)

    def schema(self) -> Schema:
        value = {"type": ["string", "array"], "items": {"type": "string"}}
        return {"type": "object", "additionalProperties": value, "maxProperties": self.most}


def schema_of(fields: Fields) -> Schema:
    """Of an object with exactly these."""
    needed = [name for name, kind in fields.items() if kind.required]
    found: Schema = {
        "type": "object",
        "properties": {name: kind.whole_schema() for name, kind in fields.items()},
        "additionalProperties": False,
    }
    return {**found, "required": needed} if needed else found


def read(fields: Fields, *, currency: str = "") -> dict[str, Any]:
    """The body of this request by its fields. Refuses at its field what is missing, unknown or of another kind."""
    return take_all(body(), fields, currency)


def read_given(fields: Fields, *, currency: str = "") -> dict[str, Any]:
    """The same of what was sent only: a change of some fields leaves the others as they are, and null takes one back to what is usual."""
    sent = body()
    given = {name: kind for name, kind in fields.items() if name in sent.values}
    return take_all(sent, given, currency)


def _all_of(sent: Body, take: Callable[[str], Value]) -> list[Value]:
    """What stands in a list, or under names of the caller's own. Whatever is wrong is refused at once, as far as it is named."""
    taken: list[Value] = []
    wrong = Wrong()
    for name in sent.values:
        with wrong.noted():
            taken.append(take(name))
        if len(wrong.found) >= MOST_NAMED:
            break
    wrong.refuse()
    return taken


def take_all(sent: Body, fields: Fields, currency: str) -> dict[str, Any]:
    """Every field of one object; amounts come last, for they are written in the currency that stands beside them.

    Whatever is missing, wrong or unknown is refused at once, each at its field.
    """
    found: dict[str, Any] = {}
    wrong = Wrong()
    for name in sorted(fields, key=lambda name: name != "currency"):
        kind = fields[name]
        with wrong.noted():
            if not kind.required and sent.is_empty(name):
                found[name] = kind.usual
            else:
                found[name] = kind.take(sent, name, found.get("currency") or currency)
    wrong.found = [*sent.unknown(), *wrong.found]
    wrong.refuse()
    return found
