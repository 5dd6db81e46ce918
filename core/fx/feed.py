"""Reads the European Central Bank's feed of reference rates strictly: all of the file is right, or none of it is taken.

The format: an envelope in the namespace of gesmes, in it nested `Cube` elements of the bank's own vocabulary: one for each day
(`time`), in each one for each currency (`currency`, `rate`, units of the currency for one euro).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.kernel.currency import is_currency

LARGEST = 12_000_000  # bytes; the whole history since 1999 has eight million
CUBE = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
ENVELOPE = "{http://www.gesmes.org/xml/2002-08-01}Envelope"
SAFE: dict[str, Any] = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RATE = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,9}))?")


class FeedRefused(ValueError):
    """The file is not a feed of reference rates; the message, for the log, names the line."""


@dataclass(frozen=True, slots=True)
class Published:
    """One euro in another currency on one day: `units` / 10^`decimals`."""

    currency: str
    on: date
    units: int
    decimals: int


def read_feed(raw: bytes) -> list[Published]:
    """Every rate of every day in the file, in its order. A currency the books cannot hold is passed over.

    Raises FeedRefused and nothing else, whatever it is given.
    """
    from lxml import etree  # only whoever reads a feed needs it

    if len(raw) > LARGEST:
        raise FeedRefused("The feed is larger than any the bank has published.")
    for word in (b"<!DOCTYPE", b"<!ENTITY"):
        if word in raw:
            raise FeedRefused("A feed of rates declares no document type and no entities.")
    try:
        root = etree.fromstring(raw, etree.XMLParser(**SAFE))
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise FeedRefused(f"The feed is no well-formed XML: {wrong}.") from None
    if root.tag != ENVELOPE:
        raise FeedRefused("The feed does not begin with the bank's envelope.")
    found = [rate for day in root.iter(CUBE) if day.get("time") is not None for rate in _day(day)]
    if not found:
        raise FeedRefused("The feed names no rate at all.")
    seen = {(rate.currency, rate.on) for rate in found}
    if len(seen) != len(found):
        raise FeedRefused("The feed names a currency twice on one day.")
    return found


def _day(cube: Any) -> list[Published]:
    text = cube.get("time")
    try:
        on = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        on = None
    if on is None:
        raise FeedRefused(f"Line {cube.sourceline}: {text!r} is no day.")
    return [rate for one in cube if (rate := _rate(one, on))]


def _rate(cube: Any, on: date) -> Published | None:
    code, text = cube.get("currency", ""), cube.get("rate", "")
    parts = _RATE.fullmatch(text)
    if cube.tag != CUBE or not re.fullmatch(r"[A-Z]{3}", code) or code == "EUR" or not parts:
        raise FeedRefused(f"Line {cube.sourceline}: a rate needs a currency and a number like 1.0834.")
    whole, decimals = parts[1], parts[2] or ""
    units = int(whole + decimals)
    if not units:
        raise FeedRefused(f"Line {cube.sourceline}: a rate of zero is no rate.")
    return Published(code, on, units, len(decimals)) if is_currency(code) else None
