"""Typed attributes: what fits is kept as it was meant, what does not is said at its field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.directory.attributes import KINDS, BadAttribute, check_attributes, facts_of, read_attributes, read_schema
from core.web.words import LANGUAGES

SCHEMA = read_schema(
    [
        {"key": "brand", "kind": "text", "names": {"en": "Brand"}, "required": True},
        {"key": "weight", "kind": "number", "unit": "g", "names": {"en": "Weight"}},
        {"key": "vegan", "kind": "yes_no", "names": {"en": "Vegan"}},
        {"key": "flour", "kind": "choice", "names": {"en": "Flour"}, "options": [{"key": k, "names": {"en": k}} for k in ("rye", "wheat")]},
        {"key": "contains", "kind": "choices", "names": {"en": "Contains"}, "options": [{"key": k, "names": {"en": k}} for k in ("milk", "egg", "nuts")]},
        {"key": "from", "kind": "date", "names": {"en": "From"}},
    ]
)  # fmt: skip


def test_what_fits_is_kept() -> None:
    typed = {"brand": "  Old   Mill ", "weight": "12,50", "vegan": "no", "flour": "rye", "contains": ["nuts", "milk"], "from": "2026-12-01"}
    kept = check_attributes(SCHEMA, typed)
    assert kept == {
        "brand": "Old Mill",
        "weight": "12.50",
        "vegan": "no",
        "flour": "rye",
        "contains": ["milk", "nuts"],
        "from": "2026-12-01",
    }
    assert facts_of(SCHEMA, kept) == {"vegan=no", "flour=rye", "contains=milk", "contains=nuts"}
    assert check_attributes(SCHEMA, {"brand": "Mill", "weight": "", "colour": "from another category"}) == {"brand": "Mill"}


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("brand", ""),
        ("brand", "x" * 201),
        ("weight", "heavy"),
        ("weight", "-1"),
        ("weight", "1e9"),
        ("weight", "NaN"),
        ("weight", "1_000"),
        ("weight", "0.0001"),
        ("weight", "١٢"),
        ("vegan", "maybe"),
        ("flour", "sawdust"),
        ("contains", ["milk", "stones"]),
        ("from", "tomorrow"),
        ("from", "2026-02-30"),
        ("from", "0001-01-01"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(key: str, typed: Any) -> None:
    with pytest.raises(BadAttribute) as refused:
        check_attributes(SCHEMA, {"brand": "Mill", key: typed})
    assert refused.value.field == f"attr_{key}"


def test_everything_that_is_wrong_is_said_at_once() -> None:
    _, wrong = read_attributes(SCHEMA, {"weight": "heavy", "from": "never"})
    assert [one.field for one in wrong] == ["attr_brand", "attr_weight", "attr_from"]


def test_the_categories_we_bring_are_whole() -> None:
    """Every name in every language, no key twice, no kind that nobody can read."""
    root = Path(__file__).resolve().parents[3]
    for category in json.loads((root / "migrations" / "sql" / "directory_categories.json").read_text()):
        named = [category, *category["attributes"], *(option for one in category["attributes"] for option in one.get("options", []))]
        assert all(set(one["names"]) == set(LANGUAGES) for one in named)
        schema = read_schema(category["attributes"])
        assert len({one.key for one in schema}) == len(schema)
        assert all(one.kind in KINDS and bool(one.options) == (one.kind in ("choice", "choices")) for one in schema)
