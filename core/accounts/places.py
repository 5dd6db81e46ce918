"""Countries a business may be in, and the time zone its day most likely follows."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from babel.core import Locale

_NOT_COUNTRIES = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"}


# Member states of the European Union by ISO 3166; Northern Ireland trades services as part of the United Kingdom.
EU = frozenset(
    ("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE")
)  # fmt: skip


@cache
def countries() -> tuple[tuple[str, str], ...]:
    """(ISO code, English name), by name."""
    names = Locale.parse("en_GB").territories
    found = [(code, name) for code, name in names.items() if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES]
    return tuple(sorted(found, key=lambda place: place[1]))


@cache
def _codes() -> frozenset[str]:
    return frozenset(code for code, _ in countries())


def is_country(code: str) -> bool:
    """Whether it is one of `countries()`. The answer is not kept: whoever pays may ask, with whatever text."""
    return code in _codes()


@cache
def time_zones() -> tuple[str, ...]:
    """The zones offered in a form: every inhabited place of the zone table, and UTC."""
    return (*sorted(zone for _, zone in _zone_table()), "UTC")


def usual_time_zone(country: str) -> str:
    """The first zone that the zone table names for a country; UTC where it names none."""
    return next((zone for code, zone in _zone_table() if code == country), "UTC")


@cache
def _zone_table() -> tuple[tuple[str, str], ...]:
    rows = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8").splitlines()
    return tuple((row.split("\t")[0], row.split("\t")[2]) for row in rows if row and not row.startswith("#"))
