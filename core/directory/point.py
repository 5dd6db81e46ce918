"""A place to be near to: a position, or a town or a postcode where something of the directory is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import text

from core.directory.words import fold
from core.kernel.db import db

_POINT = re.compile(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*[,;]\s*(-?\d{1,3}(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Point:
    """A place to be near to."""

    lat_e6: int
    lon_e6: int
    name: str = ""


def find_point(asked: str) -> Point | None:
    """`51.45, -2.59`, a town or a postcode where something of the directory is; None for what is no place we know."""
    if match := _POINT.fullmatch(asked):
        lat, lon = (int(_micro(match[n])) for n in (1, 2))
        return Point(lat, lon, asked.strip()) if abs(lat) <= 90_000_000 and abs(lon) <= 180_000_000 else None
    name = " ".join(fold(asked).split())[:80]
    if not name:
        return None
    middle = """SELECT CAST(avg(lat_e6) AS int), CAST(avg(lon_e6) AS int) FROM directory_places
                WHERE mode = 'live' AND lat_e6 IS NOT NULL AND {}"""
    for column, value in (("town", name), ("postcode", name.replace(" ", ""))):
        row = db.session.execute(text(middle.format(f"{column} = :value")), {"value": value}).one()
        if row[0] is not None:
            return Point(row[0], row[1], asked.strip())
    return None


def _micro(text_: str) -> str:
    whole, _, part = text_.partition(".")
    return whole + part.ljust(6, "0")[:6]
