"""Typed attributes: what fits is kept as it was meant, what does not is said at its field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from core.directory.attributes import KINDS, BadAttribute, check_attributes, check_schema, facts_of, fitting, read_attributes, read_schema
from core.directory.colours import COLOURS
from core.directory.models import Category
from core.directory.schemas import change_schema, versions_of
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.web.words import LANGUAGES
from tests.core.directory.stalls import live_shop, make_listing, make_product
from tests.factories import again, unit

SCHEMA = read_schema(
    [
        {"key": "brand", "kind": "text", "names": {"en": "Brand"}, "required": True},
        {"key": "weight", "kind": "number", "unit": "g", "names": {"en": "Weight"}},
        {"key": "vegan", "kind": "yes_no", "names": {"en": "Vegan"}},
        {"key": "flour", "kind": "choice", "names": {"en": "Flour"}, "options": [{"key": k, "names": {"en": k}} for k in ("rye", "wheat")]},
        {"key": "contains", "kind": "choices", "names": {"en": "Contains"}, "options": [{"key": k, "names": {"en": k}} for k in ("milk", "egg", "nuts")]},
        {"key": "from", "kind": "date", "names": {"en": "From"}},
        {"key": "glaze", "kind": "colour", "names": {"en": "Glaze"}},
    ]
)  # fmt: skip


def test_what_fits_is_kept() -> None:
    typed = {"brand": "  Old   Mill ", "weight": "12,50", "vegan": "no", "flour": "rye", "contains": ["nuts", "milk"], "from": "2026-12-01", "glaze": "blue"}  # fmt: skip
    kept = check_attributes(SCHEMA, typed)
    assert kept == {
        "brand": "Old Mill",
        "weight": "12.50",
        "vegan": "no",
        "flour": "rye",
        "contains": ["milk", "nuts"],
        "from": "2026-12-01",
        "glaze": "blue",
    }
    assert facts_of(SCHEMA, kept) == {"vegan=no", "flour=rye", "contains=milk", "contains=nuts", "glaze=blue"}
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
        ("glaze", "#12f"),
        ("glaze", "bluish"),
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


def test_every_colour_has_a_sign_and_a_name_in_every_language() -> None:
    for sign, names in COLOURS.values():
        assert re.fullmatch(r"#[0-9a-f]{6}", sign) and set(names) == set(LANGUAGES)
    glaze = SCHEMA[-1]
    assert [key for key, _names in glaze.options] == list(COLOURS) and glaze.option_name("blue", "de") == "Blau"


def test_what_a_new_schema_does_not_know_is_neither_shown_nor_found() -> None:
    kept = {"brand": "Mill", "flour": "spelt", "contains": ["milk", "sulphur"], "glaze": "blue", "weight": "12.50", "gone": "yes"}
    assert fitting(SCHEMA, kept) == {"brand": "Mill", "glaze": "blue", "weight": "12.50"}
    assert facts_of(SCHEMA, kept) == {"glaze=blue"}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({}, "attributes"),
        ([{"key": "Flour", "kind": "text", "names": {"en": "x"}}], "attributes.0"),
        ([{"key": "a", "kind": "text", "names": {"en": "x"}}, {"key": "a", "kind": "text", "names": {"en": "x"}}], "attributes.1"),
        ([{"key": "a", "kind": "sound", "names": {"en": "x"}}], "attributes.0"),
        ([{"key": "a", "kind": "text", "names": {"de": "x"}}], "attributes.0"),
        ([{"key": "a", "kind": "choice", "names": {"en": "x"}}], "attributes.0"),
        ([{"key": "a", "kind": "choice", "names": {"en": "x"}, "options": [{"key": "b"}]}], "attributes.0"),
        ([{"key": "a", "kind": "colour", "names": {"en": "x"}, "options": [{"key": "mauve", "names": {"en": "Mauve"}}]}], "attributes.0"),
        (["text"], "attributes.0"),
    ],
)
def test_a_schema_of_which_no_form_could_be_made_is_refused_at_its_place(wrong: Any, field: str) -> None:
    with pytest.raises(BadAttribute) as refused:
        check_schema(wrong)
    assert refused.value.field == field


def test_a_schema_has_versions_and_a_product_says_by_which_it_was_checked(app: Flask) -> None:
    shop = live_shop(app)
    listing = make_listing(shop, category="crafts")
    with unit(app):
        before = db.session.get_one(Category, "crafts")
        document, version = before.attributes, before.schema_version
    assert [one["kind"] for one in document if one["key"] == "colour"] == ["colour"] and version >= 2
    old = make_product(shop, listing, attributes={"colour": "blue"})
    try:
        with unit(app):
            changed = change_schema("crafts", [*document, {"key": "signed", "kind": "yes_no", "names": {"en": "Signed"}}], by="operator")
            assert changed.schema_version == version + 1
            assert change_schema("crafts", changed.attributes, by="operator").schema_version == version + 1  # the same is no new one
        new = make_product(shop, listing, name="Jug", attributes={"colour": "red", "signed": "yes"})
        with unit(app):
            assert (again(old).schema_version, again(new).schema_version) == (version, version + 1)
            assert [row.version for row in versions_of("crafts")] == list(range(version + 1, 0, -1))
            assert versions_of("crafts")[1].attributes == document
        with unit(app), pytest.raises(NotFound):
            change_schema("alchemy", [], by="operator")
    finally:
        with unit(app):
            change_schema("crafts", document, by="operator")


def test_an_operator_changes_a_schema_and_reads_what_is_wrong_with_a_file(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "attributes.json"
    file.write_text('[{"key": "a", "kind": "sound", "names": {"en": "A"}}]')
    run = app.test_cli_runner().invoke
    refused = run(args=["change-schema", "stays", str(file)])
    assert refused.exit_code == 1 and "attributes.0: It is one of these" in refused.output
    file.write_text("{")
    assert "This is no JSON." in run(args=["change-schema", "stays", str(file)]).output
    with unit(app):
        stays = db.session.get_one(Category, "stays")
        document, version = stays.attributes, stays.schema_version
    file.write_text(json.dumps(document))
    assert run(args=["change-schema", "stays", str(file)]).output == f"stays has version {version} of its attributes.\n"
