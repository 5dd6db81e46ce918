"""A vendor's colour on our pages: WCAG 2's contrast in whole numbers, which text stands on a colour, and which shades are made of it.

A colour is `#rrggbb` in small letters; a contrast is in hundredths (450 is 4.5:1), always rounded down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

WHITE, NEAR_BLACK = "#ffffff", "#0c1110"
ONE = 1_000_000_000  # white; so fine that no ratio is rounded up to more than it is
TEXT, EDGE = 450, 300  # what text on a colour needs, and what a surface of it needs against the page
SCHEMES = ("light", "dark")
# The page and its sheets as static/css/tokens.css has them (a test compares), and how much of the colour a tinted sheet carries.
PAGE = {"light": ("#f4f6f5", "#ffffff"), "dark": ("#0d1514", "#151f1d")}
TINT = {"light": 30, "dark": 40}  # of 256
FAR = {"light": NEAR_BLACK, "dark": WHITE}  # away from the page
_SHORT, _LONG = re.compile(r"#?([0-9a-fA-F]{3})"), re.compile(r"#?([0-9a-fA-F]{6})")


def _linear(part: int) -> int:
    """One part of a colour as light, in units of ONE."""
    if part <= 10:
        return part * 100 * ONE // (255 * 1292)
    return int(ONE * (Decimal(1000 * part + 14025) / 269025) ** Decimal("2.4"))


_LINEAR = tuple(_linear(part) for part in range(256))


def read_colour(text: str) -> str | None:
    """`#0A5560`, `0a5560` or `#a56` as a colour; None for anything else."""
    if long := _LONG.fullmatch(text):
        return f"#{long[1].lower()}"
    if short := _SHORT.fullmatch(text):
        return "#" + "".join(2 * part for part in short[1].lower())
    return None


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@lru_cache(4096)
def luminance(colour: str) -> int:
    """How light it is, in units of ONE."""
    red, green, blue = (_LINEAR[part] for part in _parts(colour))
    return (2126 * red + 7152 * green + 722 * blue) // 10_000


def contrast(one: str, other: str) -> int:
    """WCAG 2's ratio of two colours, in hundredths."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + ONE // 20) * 100 // (dark + ONE // 20)


def mix(colour: str, other: str, parts: int) -> str:
    """The colour with `parts` of 256 of the other in it."""
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{(one * (256 - parts) + two * parts + 128) // 256:02x}" for one, two in pairs)


def text_on(colour: str) -> str:
    """White or near-black, whichever can be read better on it."""
    return max((WHITE, NEAR_BLACK), key=lambda text: contrast(colour, text))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured of a colour in one scheme, and the colour nearest to it that may be used (itself, when it may)."""

    text: str
    on_text: int
    on_page: int
    nearest: str

    @property
    def good(self) -> bool:
        return self.on_text >= TEXT and self.on_page >= EDGE


def judge(colour: str, scheme: str) -> Verdict:
    """Whether text can be read on this colour, and whether a button of it stands out from the page."""
    return Verdict(text_on(colour), contrast(colour, text_on(colour)), _on_page(colour, scheme), nearest(colour, scheme))


def _on_page(colour: str, scheme: str) -> int:
    return min(contrast(colour, page) for page in PAGE[scheme])


def _may(colour: str, scheme: str) -> bool:
    return contrast(colour, text_on(colour)) >= TEXT and _on_page(colour, scheme) >= EDGE


@lru_cache(1024)
def nearest(colour: str, scheme: str) -> str:
    """The colour itself, or the first that may be used on the way from it to black or to white: the hue stays."""
    for parts in range(257):
        for end in (NEAR_BLACK, WHITE):
            if _may(shade := mix(colour, end, parts), scheme):
                return shade
    raise AssertionError("black may be used on white, and white on black")


def _away(colour: str, scheme: str, least: int, grounds: tuple[str, ...]) -> str:
    """The colour, or the first on its way away from the page that reaches this contrast on all of the grounds."""
    return next(shade for shade in _ways(colour, scheme) if min(contrast(shade, ground) for ground in grounds) >= least)


def _ways(colour: str, scheme: str) -> Iterator[str]:
    return (mix(colour, FAR[scheme], parts) for parts in range(257))


@dataclass(frozen=True, slots=True)
class Shades:
    """A colour as the pages use it: surfaces of it with their text, and words and edges in a shade that can be read everywhere."""

    brand: str
    on_brand: str
    brand_strong: str
    accent: str
    accent_strong: str
    accent_soft: str
    on_accent: str


@lru_cache(1024)
def shades_of(colour: str, scheme: str) -> Shades:
    """All that one scheme's pages need of a colour that may be used there."""
    page, sheet = PAGE[scheme]
    soft = mix(sheet, colour, TINT[scheme])
    words = _away(colour, scheme, TEXT, (page, sheet, soft))
    text = text_on(colour)
    pressed = mix(colour, NEAR_BLACK if text == WHITE else WHITE, 48)
    return Shades(colour, text, pressed, words, mix(words, FAR[scheme], 64), soft, text_on(words))
