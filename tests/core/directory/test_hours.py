"""Opening hours: what can be typed, when a branch is open, and that the database's answer is the same as ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.directory.hours import (
    BadHours,
    Timetable,
    changes_at,
    exceptional,
    is_open,
    read_day,
    read_exceptions,
    spell_day,
    spell_exceptions,
    week_of,
)
from core.directory.search import OPEN
from core.kernel.ask import ask_for
from tests.factories import unit


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ("", []),
        ("closed", []),
        ("09:00-17:00", [[540, 1020]]),
        ("9:00-12:30, 14:00 – 18:00", [[540, 750], [840, 1080]]),
        ("14:00-18:00,9.00-12.30", [[540, 750], [840, 1080]]),
        ("18:00-02:00", [[1080, 1560]]),
        ("00:00-24:00", [[0, 1440]]),
        ("22:00 to 00:00", [[1320, 1440]]),
    ],
)
def test_what_a_vendor_types_is_read(typed: str, minutes: list[list[int]]) -> None:
    assert read_day(typed, field="mon") == minutes


@pytest.mark.parametrize(
    "typed", ["nine", "09:00", "09:00-25:00", "24:00-25:00", "09:75-10:00", "09:00-12:00, 11:00-13:00", "10:00-09:00, 12:00-13:00"]
)
def test_what_makes_no_sense_is_refused_at_its_day(typed: str) -> None:
    with pytest.raises(BadHours) as refused:
        read_day(typed, field="hours_2")
    assert refused.value.field == "hours_2"


def test_hours_are_spelt_as_they_are_read() -> None:
    for typed in ("09:00-12:30, 14:00-18:00", "18:00-02:00", "00:00-24:00", ""):
        assert spell_day(read_day(typed, field="x")) == typed
    exceptions = "2026-12-24 09:00-13:00\n2026-12-25 closed"
    assert spell_exceptions(read_exceptions(exceptions, field="x")) == exceptions


@pytest.mark.parametrize("typed", ["tomorrow closed", "2026-02-30 closed", "2026-12-24", "2026-12-24 closed\n2026-12-24 09:00-10:00"])
def test_a_date_that_is_none_or_stands_twice_is_refused(typed: str) -> None:
    with pytest.raises(BadHours):
        read_exceptions(typed, field="exceptions")


BAR = Timetable({"4": [[1080, 1560]], "5": [[1080, 1560]]}, {}, "Europe/London")  # Friday and Saturday from six to two


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-11-27T17:59", False),
        ("2026-11-27T18:00", True),
        ("2026-11-28T01:59", True),
        ("2026-11-28T02:00", False),
        ("2026-11-29T01:30", True),
        ("2026-11-26T20:00", False),
    ],
)
def test_a_night_belongs_to_the_day_it_begins_on(at: str, open_: bool) -> None:
    assert is_open(BAR, datetime.fromisoformat(at).replace(tzinfo=UTC)) is open_  # London is at UTC in November


def test_an_exception_replaces_its_day_and_not_the_night_before() -> None:
    table = Timetable(BAR.hours, {"2026-11-28": []}, BAR.time_zone)
    assert is_open(table, datetime(2026, 11, 28, 1, tzinfo=UTC))
    assert not is_open(table, datetime(2026, 11, 28, 19, tzinfo=UTC))
    assert not is_open(table, datetime(2026, 11, 29, 1, tzinfo=UTC))


def test_it_is_the_branchs_own_clock_that_counts() -> None:
    tokyo = Timetable({str(day): [[540, 1020]] for day in range(7)}, {}, "Asia/Tokyo")
    assert is_open(tokyo, datetime(2026, 11, 26, 0, 30, tzinfo=UTC)) and not is_open(tokyo, datetime(2026, 11, 26, 8, 0, tzinfo=UTC))


def test_it_is_known_when_it_changes() -> None:
    assert changes_at(BAR, datetime(2026, 11, 26, 12, tzinfo=UTC)) == datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert changes_at(BAR, datetime(2026, 11, 27, 19, tzinfo=UTC)) == datetime(2026, 11, 28, 2, tzinfo=UTC)
    assert changes_at(Timetable({}, {}, "UTC"), datetime(2026, 11, 26, tzinfo=UTC)) is None
    always = Timetable({str(day): [[0, 1440]] for day in range(7)}, {}, "UTC")
    assert changes_at(always, datetime(2026, 11, 26, tzinfo=UTC)) is None


def test_the_clocks_going_back_move_the_closing() -> None:
    table = Timetable({"6": [[0, 300]]}, {}, "Europe/London")  # Sunday until five
    assert changes_at(table, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == datetime(2026, 10, 25, 5, tzinfo=UTC)


def _day(pieces: list[int]) -> list[list[int]]:
    """Up to two intervals that do not overlap, of sorted edges; the last may run past midnight."""
    edges = sorted(set(pieces))
    return [[b, e] for b, e in zip(edges[::2], edges[1::2], strict=False) if b < 1440 and e - edges[0] <= 1440]


days = st.lists(st.integers(0, 2000), max_size=4).map(_day)
tables = st.builds(
    Timetable,
    st.dictionaries(st.integers(0, 6).map(str), days),
    st.dictionaries(st.integers(1, 6).map(lambda n: f"2026-11-2{n}"), days, max_size=4),
    st.sampled_from(["Europe/London", "Asia/Tokyo", "America/New_York"]),
)


@given(table=tables, minutes=st.lists(st.integers(0, 9 * 1440), min_size=20, max_size=20))
def test_the_database_says_what_we_say(app: Flask, table: Timetable, minutes: list[int]) -> None:
    cover, special = exceptional(table)
    instants = [datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=minute) for minute in minutes]
    row: dict[str, Any] = {
        "zone": table.time_zone,
        **{name: _spelt(ranges) for name, ranges in (("week", week_of(table)), ("cover", cover), ("special", special))},
    }
    asked = f"""SELECT {OPEN} FROM (SELECT CAST(%(zone)s AS text) AS time_zone, CAST(%(week)s AS int4multirange) AS week,
                CAST(%(cover)s AS int4multirange) AS cover, CAST(%(special)s AS int4multirange) AS special) p"""
    with unit(app):
        said = [ask_for(asked, row | {"at": at})[0][0] for at in instants]
    assert said == [is_open(table, at) for at in instants]


def _spelt(ranges: list[Any]) -> str:
    return "{" + ",".join(f"[{one.lower},{one.upper})" for one in ranges) + "}"
