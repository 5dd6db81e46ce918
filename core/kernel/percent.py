"""Percentages as people write them and as we keep them: 12.5 is 1250 basis points, hundredths of a percent, a whole number."""

from __future__ import annotations

import re

from core.kernel.errors import Refusal
from core.kernel.sentence import said

WHOLE = 10_000  # a hundred percent
_GRAMMAR = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,2}))?")


class BadPercent(Refusal):
    """What was typed is not a percentage we can keep."""

    code = "bad_percent"


def parse_percent(text: str, *, most: int = WHOLE) -> int:
    """Basis points from `12.5` or `12.5 %`: ASCII digits, at most two decimals. Raises BadPercent with what to write instead."""
    found = _GRAMMAR.fullmatch(text.strip(" ").removesuffix("%").rstrip(" "))
    if not found:
        raise BadPercent("Write a percentage with digits only, like 20 or 5.5.")
    whole, part = found.groups()
    points = int(whole) * 100 + int((part or "").ljust(2, "0"))
    if points > most:
        raise BadPercent(said("At most %(percent)s %%.", percent=percent_text(most)))
    return points


def percent_text(points: int) -> str:
    """The plain spelling, `12.5`: what a form field shows and parse_percent reads back."""
    whole, part = divmod(points, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") if part else str(whole)
