"""The design system keeps its promises: colours that can be read in light and dark, and a payer's page that weighs little."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKENS = (ROOT / "static/css/tokens.css").read_text()
TEXT = [
    ("ink", "ground"), ("ink", "surface"), ("ink", "sunken"), ("ink-soft", "ground"), ("ink-soft", "surface"), ("ink-soft", "sunken"),
    ("accent", "ground"), ("accent", "surface"), ("accent-strong", "surface"), ("on-accent", "accent"), ("on-accent", "accent-strong"),
    ("accent", "accent-soft"), ("ink", "accent-soft"), ("good", "good-soft"), ("ink", "good-soft"), ("warn", "warn-soft"), ("ink", "warn-soft"),
    ("bad", "bad-soft"), ("bad", "surface"), ("ink", "bad-soft"), ("surface", "bad"), ("quiet", "quiet-soft"), ("good", "surface"), ("warn", "surface"),
    ("rail-ink", "rail"), ("rail-soft", "rail"), ("rail-ink", "rail-raised"), ("rail-soft", "rail-raised"), ("test-ink", "test"), ("test-ink", "test-stripe"),
]  # fmt: skip
EDGES = [
    ("line-strong", "surface"),
    ("line-strong", "ground"),
    ("line-strong", "sunken"),
    ("focus", "surface"),
    ("focus", "ground"),
    ("bad", "surface"),
]


def colours(scheme: str) -> dict[str, str]:
    light, dark = TOKENS.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    return found | (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark)) if scheme == "dark" else {})


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio of two colours."""
    first, second = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_on_what_it_stands_on(scheme):
    known = colours(scheme)
    assert {
        pair: round(contrast(*(known[name] for name in pair)), 2) for pair in TEXT if contrast(*(known[name] for name in pair)) < 4.5
    } == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_edge_of_a_field_and_the_focus_can_be_seen(scheme):
    known = colours(scheme)
    assert {
        pair: round(contrast(*(known[name] for name in pair)), 2) for pair in EDGES if contrast(*(known[name] for name in pair)) < 3
    } == {}


def test_the_payers_page_is_light_enough_for_a_slow_phone(payer, new_path):
    """All that is needed to see it comes with the first answer: no sheet and no typeface is asked for beside it."""
    answer = payer.client.get(new_path(), headers={"Accept-Encoding": "gzip"})
    page = gzip.decompress(answer.data).decode()
    assert len(answer.data) < 14_000 and not any(beside in page for beside in ('rel="stylesheet"', 'as="font"', "@font-face"))


def test_no_colour_stands_outside_the_tokens():
    """A few are the same in both schemes on purpose: paper, codes and card fields, and the live switch."""
    allowed = {"#fff", "#000", "#5fd08f", "#04240f", "#8cc2ff"}
    for sheet in (ROOT / "static/css").glob("*.css"):
        if sheet.name not in (
            "tokens.css",
            "paper.css",
            "statement.css",
            "invoice.css",
            "evidence.css",
            "till.css",
        ):  # the last holds the first
            assert set(re.findall(r"#[0-9a-f]{3,8}\b", sheet.read_text())) <= allowed, sheet.name
