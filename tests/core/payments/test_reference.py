"""What a payer is asked for: patterns in a small language, which no pattern and no answer can make slow."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.payments.reference import MOST, BadPattern, BadReference, check_reference, matches, read_pattern


def asks(**changes: Any) -> Any:
    """A link that asks for an invoice number."""
    link = {
        "reference_label": "Invoice number",
        "reference_pattern": r"INV-\d{4}",
        "reference_hint": "INV- and four digits.",
        "reference_required": True,
    }
    return SimpleNamespace(**{**link, **changes})


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"INV-\d{4}", ["INV-2041"], ["INV-204", "INV-20411", "INV-204x", "XINV-2041", "", "INV 2041"]),
        (r"[A-Z]{2,3}\d+", ["AB1", "ABC123456"], ["A1", "ABCD1", "AB", "ab1"]),
        (r"[A-Za-z0-9]?x", ["x", "ax"], ["aax", "a", ""]),
        (r"a*a", ["a", "aaaa"], ["", "b", "aab"]),
        (r"\.\+", [".+"], ["..", "++"]),
        (r".{3}", ["abc", "日本語"], ["ab", "abcd"]),
        (r"[A-C-]+", ["A-B", "--"], ["D", "A B"]),
    ],
)
def test_a_pattern_takes_the_whole_answer_and_nothing_else(pattern: str, good: list[str], bad: list[str]) -> None:
    parts = read_pattern(pattern)
    assert [text for text in good if not matches(parts, text)] == []
    assert [text for text in bad if matches(parts, text)] == []


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "a|b", "^a$", "[^a]", "[a", "a{", "a{0}", "a{3,2}", "a++", "*a", r"\1", r"\w", r"\s", "[]", "[z-a]", "a{100}", "a" * 21, ".{50}.{50}", "(?:a)"],
)  # fmt: skip
def test_what_is_not_of_the_small_language_is_refused_at_its_field(pattern: str) -> None:
    with pytest.raises(BadPattern) as no:
        read_pattern(pattern)
    assert no.value.field == "reference_pattern"


def test_the_worst_pattern_and_the_worst_answer_take_no_time() -> None:
    """Each of these would keep a backtracking matcher busy for years."""
    worst = read_pattern("a*" * 20)
    began = time.perf_counter()
    assert not matches(worst, "a" * (MOST - 1) + "b")
    assert not matches(read_pattern("[a-z]+" * 19 + "!"), "a" * MOST)
    assert time.perf_counter() - began < 1


@given(st.text(max_size=80))
def test_no_text_is_a_pattern_that_breaks(text: str) -> None:
    try:
        parts = read_pattern(text)
    except BadPattern:
        return
    assert isinstance(matches(parts, text[:MOST]), bool)


def test_an_answer_is_kept_tidy_and_in_the_vendors_capitals() -> None:
    assert check_reference(asks(), "  inv-2041 ") == "INV-2041"
    assert check_reference(asks(reference_pattern=""), " any  thing ") == "any thing"
    assert check_reference(asks(reference_label=""), "ignored") == ""
    assert check_reference(asks(reference_required=False), "") == ""


@pytest.mark.parametrize("text", ["", "  ", "INV-20", "x" * 61])
def test_a_wrong_answer_is_refused_at_its_field(text: str) -> None:
    with pytest.raises(BadReference) as no:
        check_reference(asks(), text)
    assert no.value.field == "payer_reference"
    if text == "INV-20":
        assert "INV- and four digits." in no.value.message
