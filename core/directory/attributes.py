"""Typed attributes of products: the schema of a category, and what somebody typed read against it, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from core.directory.colours import COLOURS
from core.kernel.errors import Refusal
from core.kernel.sentence import said

KINDS = ("text", "number", "yes_no", "choice", "choices", "date", "colour")
LONGEST = 200
FILTERED = ("yes_no", "choice", "choices", "colour")  # what the public can narrow a search by
MOST_ATTRIBUTES, MOST_OPTIONS = 40, 60
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


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
            options=_options(one),
        )
        for one in document
    ]  # fmt: skip


def _options(one: Mapping[str, Any]) -> tuple[tuple[str, Mapping[str, str]], ...]:
    """What may be chosen. A colour that names none may be any of them."""
    listed = tuple((option["key"], option["names"]) for option in one.get("options", ()))
    if one["kind"] == "colour" and not listed:
        return tuple((key, names) for key, (_sign, names) in COLOURS.items())
    return listed


def check_schema(document: Any) -> list[dict[str, Any]]:
    """A category's attributes as they may be kept. Refuses what no form could be made of, naming the attribute by its place: attributes.2."""
    if not isinstance(document, list) or len(document) > MOST_ATTRIBUTES:
        raise BadAttribute(said("A list of %(most)s attributes at most.", most=MOST_ATTRIBUTES), field="attributes")
    seen: set[str] = set()
    for place, one in enumerate(document):
        words = _fault(one) or (said("Another attribute has this key already.") if one["key"] in seen else "")
        if words:
            raise BadAttribute(words, field=f"attributes.{place}")
        seen.add(one["key"])
    return document


def _fault(one: Any) -> str:
    """What is wrong with one attribute of a schema; empty when nothing is."""
    if not isinstance(one, dict) or not _KEY.fullmatch(str(one.get("key", ""))):
        return said("Give it a key of small letters, digits and low lines.")
    if one.get("kind") not in KINDS:
        return said("It is one of these: %(kinds)s.", kinds=", ".join(KINDS))
    if not _is_named(one.get("names")):
        return said("Name it, in English at least.")
    options = one.get("options", [])
    if not isinstance(options, list) or len(options) > MOST_OPTIONS:
        return said("%(most)s options at most.", most=MOST_OPTIONS)
    if not all(isinstance(each, dict) and _KEY.fullmatch(str(each.get("key", ""))) and _is_named(each.get("names")) for each in options):
        return said("Each option has a key and a name, in English at least.")
    if one["kind"] in ("choice", "choices") and not options:
        return said("Say what may be chosen.")
    if one["kind"] == "colour" and not all(each["key"] in COLOURS for each in options):
        return said("These are not colours of the list.")
    return ""


def _is_named(names: Any) -> bool:
    return isinstance(names, dict) and all(isinstance(name, str) and name for name in names.values()) and "en" in names


def fitting(schema: list[Attribute], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a product, as far as the schema still knows it: an option that is gone is not shown, and found by nobody."""
    found = {}
    for one in schema:
        value = stored.get(one.key)
        try:
            kept = READERS[one.kind](one, value) if value not in (None, "", []) else None
        except BadAttribute:
            continue
        if kept not in (None, "", []):
            found[one.key] = kept
    return found


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
    found, known = set(), fitting(schema, stored)
    for one in schema:
        value = known.get(one.key)
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


READERS = {"text": _text, "number": _number, "yes_no": _yes_no, "choice": _choice, "choices": _choices, "date": _date, "colour": _choice}
