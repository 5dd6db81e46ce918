"""What an answer is made of: each field of an object says where it comes from, what it means, and what it looks like in JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.kernel.money import Money

Schema = dict[str, Any]
Getter = Callable[[Any], Any]
MONEY: Schema = {
    "type": "object", "additionalProperties": False, "required": ["amount", "currency"],
    "description": "A sum: whole minor units (pence, cents; yen have none) and the currency.",
    "properties": {"amount": {"type": "integer"}, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}},
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One field: what it means, its schema, where its value comes from, and how that becomes JSON."""

    about: str
    schema: Schema
    get: Getter
    write: Callable[[Any], Any]
    nullable: bool = False
    of: Shape | None = None  # the object within, where there is one

    def whole_schema(self) -> Schema:
        """With what is said about it, and null where it may be missing."""
        if not self.nullable:
            return {**self.schema, "description": self.about}
        if "$ref" in self.schema:
            return {"anyOf": [self.schema, {"type": "null"}], "description": self.about}
        known = {**self.schema, "type": [self.schema["type"], "null"], "description": self.about}
        return {**known, "enum": [*known["enum"], None]} if "enum" in known else known

    def value(self, thing: Any) -> Any:
        found = self.get(thing)
        return None if found is None and self.nullable else self.write(found)


@dataclass(frozen=True)
class Shape:
    """An object as it is answered. `name` stands in it as `object`, and names its schema, unless `named` says otherwise."""

    name: str
    about: str
    parts: dict[str, Part]
    named: str = ""

    @property
    def title(self) -> str:
        """The name of its schema: PaymentLink."""
        return self.named or "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def ref(self) -> Schema:
        return {"$ref": f"#/components/schemas/{self.title}"}

    def encode(self, thing: Any) -> dict[str, Any]:
        """The thing, as JSON has it."""
        return {"object": self.name} | {name: part.value(thing) for name, part in self.parts.items()}

    def schema(self) -> Schema:
        """Every field is always there; one that says nothing is null."""
        kind = {"object": {"type": "string", "const": self.name, "description": "What this is."}}
        fields = kind | {name: part.whole_schema() for name, part in self.parts.items()}
        return {"type": "object", "description": self.about, "properties": fields, "required": list(fields), "additionalProperties": False}


def shape(name: str, about: str, named: str = "", /, **parts: Part) -> Shape:
    """`shape("payment", "What one payer pays.", id=text("Its number.", lambda one: one.public_id))`.

    `named` is the name of its schema where two shapes are the same kind of object, such as one in a list and one in full.
    """
    return Shape(name, about, parts, named)


def text(about: str, get: Getter, *, one_of: Iterable[str] = (), nullable: bool = False) -> Part:
    """A text; empty ones stay empty, and `nullable` ones may be null."""
    words = sorted(one_of)
    return Part(about, {"type": "string", "enum": words} if words else {"type": "string"}, get, str, nullable)


def number(about: str, get: Getter, *, nullable: bool = False) -> Part:
    """A whole number."""
    return Part(about, {"type": "integer"}, get, int, nullable)


def flag(about: str, get: Getter) -> Part:
    """True or false."""
    return Part(about, {"type": "boolean"}, get, bool)


def money(about: str, get: Getter, *, nullable: bool = False) -> Part:
    """A sum with its currency."""
    return Part(about, {"$ref": "#/components/schemas/Money"}, get, money_of, nullable)


def moment(about: str, get: Getter, *, nullable: bool = True) -> Part:
    """An instant, in UTC, to the second."""
    return Part(about, {"type": "string", "format": "date-time"}, get, instant, nullable)


def written_moment(about: str, get: Getter) -> Part:
    """An instant that is written already, and told as it stands."""
    return Part(about, {"type": "string", "format": "date-time"}, get, str)


def day(about: str, get: Getter, *, nullable: bool = True) -> Part:
    """A day, 2027-01-31."""
    return Part(about, {"type": "string", "format": "date"}, get, lambda on: on.isoformat(), nullable)


def texts(about: str, get: Getter) -> Part:
    """Several texts."""
    return Part(about, {"type": "array", "items": {"type": "string"}}, get, list)


def pairs(about: str, get: Getter) -> Part:
    """Names with a text each."""
    return Part(about, {"type": "object", "additionalProperties": {"type": "string"}}, get, dict)


def free(about: str, get: Getter) -> Part:
    """An object whose fields follow from something else, such as the type of an event."""
    return Part(about, {"type": "object"}, get, dict)


def chosen(about: str, get: Getter) -> Part:
    """Names with a text each, or several."""
    value = {"type": ["string", "array"], "items": {"type": "string"}}
    return Part(about, {"type": "object", "additionalProperties": value}, get, dict)


def one(of: Shape, about: str, get: Getter, *, nullable: bool = False) -> Part:
    """Another object within."""
    return Part(about, of.ref, get, of.encode, nullable, of)


def each(of: Shape, about: str, get: Getter) -> Part:
    """Several of them."""
    return Part(about, {"type": "array", "items": of.ref}, get, lambda things: [of.encode(thing) for thing in things], of=of)


def money_of(amount: Money) -> dict[str, Any]:
    """A sum as it is answered."""
    return {"amount": amount.minor, "currency": amount.currency}


def instant(at: datetime) -> str:
    """An instant as it is answered."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def inner(**parts: Part) -> Callable[..., Part]:
    """A small object without a name of its own: `inner(email=text(...))("Who pays.", lambda one: one)`."""

    def part(about: str, get: Getter, *, nullable: bool = False) -> Part:
        fields = {name: part.whole_schema() for name, part in parts.items()}
        schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
        return Part(about, schema, get, lambda thing: {name: part.value(thing) for name, part in parts.items()}, nullable)

    return part
