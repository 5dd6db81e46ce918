"""Typed attributes of products: the schema of a category, and what somebody typed read against it, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from core.kernel.errors import Refusal
from core.kernel.sentence import said

KINDS = ("text", "number", "yes_no", "choice", "choices", "date")
LONGEST = 200
FILTERED = ("yes_no", "choice", "choices")  # what the public can narrow a search by


class BadAttribute(Refusal):
    """What was typed does not fit the attribute."""

    code = "bad_attribute"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a category. `names` and the options' names are by language; English is always there."""

    key: str
    kind: str
    names: Mapping[str, str]
    unit: str = ""
    options: tuple[tuple[str, Mapping[str, str]], ...] = ()
    required: bool = False

    @property
    def field(self) -> str:
        """What its field is called in a form."""
        return f"attr_{self.key}"

    def name(self, language: str) -> str:
        return in_language(self.names, language)

    def option_name(self, value: str, language: str) -> str:
        return next((in_language(names, language) for key, names in self.options if key == value), value)


def in_language(names: Mapping[str, str], language: str) -> str:
    return names.get(language) or names["en"]


def read_schema(document: Iterable[Mapping[str, Any]]) -> list[Attribute]:
    """A category's attributes as they stand in its row."""
    return [
        Attribute(
            key=one["key"], kind=one["kind"], names=one["names"], unit=one.get("unit", ""), required=one.get("required", False),
            options=tuple((option["key"], option["names"]) for option in one.get("options", ())),
        )
        for one in document
    ]  # fmt: skip


def read_attributes(schema: list[Attribute], typed: Mapping[str, Any]) -> tuple[dict[str, Any], list[BadAttribute]]:
    """What is to be stored, and what is wrong, each at its field. `typed` is by key: texts, and a list of texts for several choices.

    Whatever the schema does not know is dropped: it may be left over from another category.
    """
    good: dict[str, Any] = {}
    wrong: list[BadAttribute] = []
    for one in schema:
        try:
            value = READERS[one.kind](one, typed.get(one.key))
        except BadAttribute as refusal:
            wrong.append(refusal)
            continue
        if value not in (None, "", []):
            good[one.key] = value
        elif one.required:
            wrong.append(BadAttribute(said("Fill in “%(name)s”.", name=one.names["en"]), field=one.field))
    return good, wrong


def check_attributes(schema: list[Attribute], typed: Mapping[str, Any]) -> dict[str, Any]:
    """The same for an act: raises the first thing that is wrong."""
    good, wrong = read_attributes(schema, typed)
    if wrong:
        raise wrong[0]
    return good


def facts_of(schema: list[Attribute], stored: Mapping[str, Any]) -> set[str]:
    """What the search can be narrowed by: `gluten_free=yes`, `flour=rye`."""
    found = set()
    for one in schema:
        value = stored.get(one.key)
        if one.kind in FILTERED and value:
            found |= {f"{one.key}={single}" for single in (value if isinstance(value, list) else [value])}
    return found


def _text(one: Attribute, typed: Any) -> str:
    text = " ".join(str(typed or "").split())
    if len(text) > LONGEST:
        raise BadAttribute(said("Use %(most)s characters at most.", most=LONGEST), field=one.field)
    return text


def _number(one: Attribute, typed: Any) -> str:
    """Kept as it is written, in plain digits: 12.50 litres are not 12.5 of some binary fraction."""
    text = str(typed or "").strip().replace(",", ".")
    if not text:
        return ""
    try:
        value = Decimal(text) if len(text) <= 20 and text.isascii() else None
    except InvalidOperation:
        value = None
    if value is None or not value.is_finite() or "e" in text.lower() or "_" in text:
        raise BadAttribute("Write a number like 12 or 12.5, without its unit.", field=one.field)
    if value < 0 or value >= 1_000_000_000:
        raise BadAttribute("Write a number from 0 to 999,999,999.", field=one.field)
    if -int(value.as_tuple().exponent) > 3:
        raise BadAttribute("Use three decimals at most.", field=one.field)
    return f"{value:f}"


def _yes_no(one: Attribute, typed: Any) -> str:
    if typed not in (None, "", "yes", "no"):
        raise BadAttribute("Choose yes or no.", field=one.field)
    return str(typed or "")


def _choice(one: Attribute, typed: Any) -> str:
    if typed not in (None, "", *(key for key, _ in one.options)):
        raise BadAttribute("Choose one from the list.", field=one.field)
    return str(typed or "")


def _choices(one: Attribute, typed: Any) -> list[str]:
    chosen = [typed] if isinstance(typed, str) and typed else list(typed or ())
    known = [key for key, _ in one.options]
    if not all(value in known for value in chosen):
        raise BadAttribute("Choose from the list.", field=one.field)
    return [key for key in known if key in chosen]


def _date(one: Attribute, typed: Any) -> str:
    text = str(typed or "").strip()
    if not text:
        return ""
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year < 2200:
        raise BadAttribute(said("Write it like %(example)s.", example="2026-11-21"), field=one.field)
    return day.isoformat()


READERS = {"text": _text, "number": _number, "yes_no": _yes_no, "choice": _choice, "choices": _choices, "date": _date}
