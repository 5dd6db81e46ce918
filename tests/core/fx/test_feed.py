"""The feed of reference rates is read strictly: all of it is right, or none of it is taken."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fx.feed import FeedRefused, Published, read_feed
from core.fx.history import embedded_history
from sandbox.rates import feed

# Two days as the European Central Bank publishes them, its own head and order included.
REAL = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
\t<gesmes:subject>Reference rates</gesmes:subject>
\t<gesmes:Sender>
\t\t<gesmes:name>European Central Bank</gesmes:name>
\t</gesmes:Sender>
\t<Cube>
\t\t<Cube time='2026-10-30'>
\t\t\t<Cube currency='USD' rate='1.1172'/>
\t\t\t<Cube currency='JPY' rate='175.68'/>
\t\t</Cube>
\t\t<Cube time="2026-10-29"><Cube currency="USD" rate="1.113"/><Cube currency="HUF" rate="366"/></Cube>
\t</Cube>
</gesmes:Envelope>
"""


def test_every_day_and_currency_is_read_exactly() -> None:
    assert read_feed(REAL) == [
        Published("USD", date(2026, 10, 30), 11172, 4),
        Published("JPY", date(2026, 10, 30), 17568, 2),
        Published("USD", date(2026, 10, 29), 1113, 3),
        Published("HUF", date(2026, 10, 29), 366, 0),
    ]


def test_the_sandbox_publishes_in_the_same_format() -> None:
    found = read_feed(feed([date(2026, 11, 24), date(2026, 11, 23)]).encode())
    assert {rate.on for rate in found} == {date(2026, 11, 24), date(2026, 11, 23)} and len(found) == 58
    assert read_feed(feed([date(2026, 11, 24)]).encode()) == [rate for rate in found if rate.on == date(2026, 11, 24)], (
        "a day stays as it was"
    )


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"'1.1172'", b"'1,1172'", "Line 9"),
        (b"'1.1172'", b"'0.0000'", "Line 9"),
        (b"'1.1172'", b"'-1.1'", "Line 9"),
        (b"'1.1172'", b"'NaN'", "Line 9"),
        (b"'1.1172'", b"'1e3'", "Line 9"),
        (b"currency='USD'", b"currency='usd'", "Line 9"),
        (b"currency='USD'", b"currency='EUR'", "Line 9"),
        (b"currency='JPY'", b"currency='USD'", "twice"),
        (b"2026-10-30", b"2026-02-30", "Line 8"),
        (b"2026-10-30", b"yesterday", "Line 8"),
        (b"</gesmes:Envelope>", b"", "well-formed"),
        (b"<gesmes:Envelope", b"<!DOCTYPE x [<!ENTITY y 'z'>]><gesmes:Envelope", "document type"),
        (b"gesmes:Envelope", b"gesmes:Letter", "envelope"),
    ],
)
def test_a_damaged_feed_is_refused_whole_with_the_line_named(old: bytes, new: bytes, says: str) -> None:
    with pytest.raises(FeedRefused, match=says):
        read_feed(REAL.replace(old, new))


@pytest.mark.parametrize("raw", [b"", b"\x00", b"<a/>", b"not xml", b"x" * 12_000_001])
def test_what_is_no_feed_is_refused(raw: bytes) -> None:
    with pytest.raises(FeedRefused):
        read_feed(raw)


@given(st.integers(0, len(REAL) - 1), st.binary(max_size=4))
def test_damage_anywhere_is_refused_or_read_and_never_anything_else(at: int, piece: bytes) -> None:
    try:
        assert read_feed(REAL[:at] + piece + REAL[at + len(piece) :])
    except FeedRefused as refusal:
        assert str(refusal)


def test_the_history_that_comes_with_the_product_ends_with_the_days_the_feed_went_on_from() -> None:
    history = embedded_history(days=3)
    by_key = {(rate.currency, rate.on): (rate.units, rate.decimals) for rate in history}
    assert by_key["USD", date(2026, 10, 30)] == (11172, 4) and by_key["JPY", date(2026, 10, 30)] == (17568, 2)
    assert all(rate.units > 0 and rate.currency != "EUR" for rate in history)
