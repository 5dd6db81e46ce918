"""The arithmetic of colours: WCAG's ratio in whole numbers, and whatever a vendor picks, what is made of it can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from core.accounts.colours import (
    EDGE,
    NEAR_BLACK,
    ONE,
    PAGE,
    SCHEMES,
    TEXT,
    WHITE,
    contrast,
    judge,
    luminance,
    nearest,
    read_colour,
    shades_of,
)

TOKENS = (Path(__file__).resolve().parents[3] / "static/css/tokens.css").read_text()
COLOURS = some.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
BY_SCHEME = some.sampled_from(SCHEMES)


def exact(one: str, other: str) -> float:
    """The same ratio by the book, with floats."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@given(COLOURS, COLOURS)
@example("#000106", "#64fddb")  # 16.4998, which is not 16.50
def test_the_ratio_is_wcags_and_never_flatters(one: str, other: str) -> None:
    assert exact(one, other) * 100 - 1.1 < contrast(one, other) <= exact(one, other) * 100 + 0.01


@pytest.mark.parametrize(("one", "other", "ratio"), [("#000000", "#ffffff", 2100), ("#ffffff", "#ffffff", 100), ("#777777", "#ffffff", 447), ("#767676", "#ffffff", 454)])  # fmt: skip
def test_known_ratios(one: str, other: str, ratio: int) -> None:
    assert contrast(one, other) == contrast(other, one) == ratio


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_the_one_of_the_tokens(scheme: str) -> None:
    light, _, dark = TOKENS.partition("@media (prefers-color-scheme: dark)")
    known = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark))
    assert PAGE[scheme] == (known["ground"], known["surface"])


@pytest.mark.parametrize(
    ("text", "colour"),
    [("#0A5560", "#0a5560"), ("0a5560", "#0a5560"), ("#a56", "#aa5566"), ("", None), ("#0a556", None), ("red", None), ("#0a5560;}", None), ("#０a5560", None), ("url(x)", None)],
)  # fmt: skip
def test_only_six_or_three_signs_are_a_colour(text: str, colour: str | None) -> None:
    assert read_colour(text) == colour


@given(COLOURS, BY_SCHEME)
def test_what_is_offered_in_the_place_of_a_colour_may_be_used_and_a_good_one_is_kept(colour: str, scheme: str) -> None:
    found = judge(colour, scheme)
    assert judge(found.nearest, scheme).good
    assert (found.nearest == colour) == found.good
    assert found.good == (
        max(contrast(colour, WHITE), contrast(colour, NEAR_BLACK)) >= TEXT and min(contrast(colour, p) for p in PAGE[scheme]) >= EDGE
    )


@given(COLOURS, BY_SCHEME)
def test_every_word_in_a_vendors_colour_can_be_read_where_it_may_stand(colour: str, scheme: str) -> None:
    made, (page, sheet) = shades_of(nearest(colour, scheme), scheme), PAGE[scheme]
    pairs = [(made.on_brand, made.brand), (made.on_brand, made.brand_strong), (made.on_accent, made.accent)]
    pairs += [(word, ground) for word in (made.accent, made.accent_strong) for ground in (page, sheet, made.accent_soft)]
    assert min(contrast(*pair) for pair in pairs) >= TEXT
    assert made.brand == nearest(colour, scheme)


def test_black_is_dark_and_white_is_light() -> None:
    assert (luminance("#000000"), luminance("#ffffff")) == (0, ONE)
