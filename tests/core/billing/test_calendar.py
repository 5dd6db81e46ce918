"""The calendar: months from the anchor, local days, zones without midnight, and zones that change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.calendar import BillingZone, Period, boundary, first_instant, instant_on, local_date, period_of, trial_end
from core.billing.proration import part
from tests.core.billing.story import gbp

LONDON = BillingZone("Europe/London")


def boundaries(anchor: date, count: int) -> list[str]:
    return [boundary(anchor, n).isoformat() for n in range(count)]


def test_ec_01_the_31st_comes_back_after_a_short_month() -> None:
    expected = ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"]
    assert boundaries(date(2027, 1, 31), 6) == expected


def test_ec_02_a_leap_year_uses_the_29th_and_goes_back_to_the_31st() -> None:
    assert boundaries(date(2028, 1, 31), 4) == ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        (date(2027, 1, 30), ["2027-01-30", "2027-02-28", "2027-03-30"]),
        (date(2028, 1, 30), ["2028-01-30", "2028-02-29", "2028-03-30"]),
        (date(2027, 1, 29), ["2027-01-29", "2027-02-28", "2027-03-29"]),
    ],
)
def test_ec_03_only_february_clamps_the_29th_and_the_30th(anchor: date, expected: list[str]) -> None:
    assert boundaries(anchor, 3) == expected


def test_ec_06_a_day_without_midnight_begins_at_its_first_instant() -> None:
    cairo = BillingZone("Africa/Cairo")
    assert first_instant(date(2027, 4, 30), cairo) == datetime(2027, 4, 29, 22, tzinfo=UTC)
    assert first_instant(date(2027, 5, 1), cairo) - first_instant(date(2027, 4, 30), cairo) == timedelta(hours=23)


@pytest.mark.parametrize(
    ("zone", "day"), [("Africa/Cairo", (2027, 4, 30)), ("America/Santiago", (2027, 9, 5)), ("Asia/Beirut", (2027, 3, 28))]
)
def test_ec_06_nothing_of_such_a_day_is_skipped(zone: str, day: tuple[int, int, int]) -> None:
    begins = first_instant(date(*day), BillingZone(zone))
    assert local_date(begins, BillingZone(zone)) == date(*day)
    assert local_date(begins - timedelta(seconds=1), BillingZone(zone)) == date(*day) - timedelta(days=1)


def test_ec_07_the_local_date_is_not_the_utc_date() -> None:
    on = local_date(datetime(2026, 11, 30, 11, 30, tzinfo=UTC), BillingZone("Pacific/Auckland"))
    assert on == date(2026, 12, 1)
    assert period_of(date(2026, 11, 1), on).start == on


def test_ec_08_a_new_zone_counts_from_the_boundary_and_no_day_comes_twice() -> None:
    zone = LONDON.moved("Pacific/Auckland", today=date(2026, 11, 10), at=date(2026, 12, 1))
    last = datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    assert local_date(last, zone) == date(2026, 11, 30)
    assert local_date(last + timedelta(seconds=1), zone) == date(2026, 12, 1) == local_date(datetime(2026, 12, 1, 10, 59, tzinfo=UTC), zone)
    assert local_date(datetime(2026, 12, 1, 11, tzinfo=UTC), zone) == date(2026, 12, 2)


def test_ec_08_going_west_the_boundary_day_lasts_until_the_new_zone_has_caught_up() -> None:
    zone = BillingZone("Pacific/Auckland").moved("Europe/London", today=date(2026, 11, 10), at=date(2026, 12, 1))
    begins = first_instant(date(2026, 12, 1), zone)
    assert begins == datetime(2026, 11, 30, 11, tzinfo=UTC)
    assert local_date(begins, zone) == date(2026, 12, 1)  # in London it is still the 30th, which is over
    assert first_instant(date(2026, 12, 2), zone) == datetime(2026, 12, 2, tzinfo=UTC)


def test_a_zone_asked_for_twice_is_the_later_one_and_the_present_one_stays() -> None:
    zone = LONDON.moved("Asia/Tokyo", today=date(2026, 11, 10), at=date(2026, 12, 1))
    zone = zone.moved("Pacific/Auckland", today=date(2026, 11, 12), at=date(2026, 12, 1))
    assert zone == BillingZone("Pacific/Auckland", "Europe/London", date(2026, 12, 1))
    assert zone.moved("Asia/Tokyo", today=date(2027, 1, 5), at=date(2027, 2, 1)).earlier == "Pacific/Auckland"


def test_ec_09_on_the_anchor_begins_a_full_period() -> None:
    assert period_of(date(2026, 11, 15), date(2026, 11, 15)) == Period(date(2026, 11, 15), date(2026, 12, 15))


def test_ec_10_the_end_of_a_trial_is_the_new_anchor() -> None:
    anchor = trial_end(date(2027, 1, 17), 14)
    assert anchor == date(2027, 1, 31)
    assert period_of(anchor, anchor) == Period(date(2027, 1, 31), date(2027, 2, 28))


def test_ec_04_a_stub_is_counted_in_the_days_between_the_anchors_boundaries() -> None:
    period = period_of(date(2027, 1, 31), date(2027, 2, 14))
    stub = period.rest(date(2027, 2, 14))
    assert (stub.days, period.days) == (14, 28)


def test_an_hour_that_no_zone_leaves_out_is_found() -> None:
    assert instant_on(date(2027, 3, 28), 10 * 60 + 5, LONDON) == datetime(2027, 3, 28, 9, 5, tzinfo=UTC)


def test_an_instant_without_a_zone_is_an_error() -> None:
    with pytest.raises(ValueError):
        local_date(datetime(2027, 1, 1), LONDON)


anchors = st.dates(date(2020, 1, 1), date(2040, 12, 31))
zones = st.sampled_from(
    ["Europe/London", "Pacific/Auckland", "America/St_Johns", "Africa/Cairo", "America/Santiago", "Asia/Kathmandu", "Etc/GMT+12"]
)


@given(anchors, st.integers(0, 600))
def test_every_day_lies_in_exactly_the_period_between_its_boundaries(anchor: date, days: int) -> None:
    day = anchor + timedelta(days=days)
    period = period_of(anchor, day)
    assert day in period
    assert 28 <= period.days <= 31
    assert period_of(anchor, period.end).start == period.end


@given(zones, zones, st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.integers(-60, 60))
def test_local_days_follow_each_other_through_a_change_of_zone(old: str, new: str, at: date, around: int) -> None:
    zone = BillingZone(old).moved(new, today=at - timedelta(days=5), at=at)
    began = first_instant(at, zone) + timedelta(hours=around)
    dates = [local_date(began + timedelta(minutes=20 * n), zone) for n in range(200)]
    assert all(earlier <= later for earlier, later in pairwise(dates))


@given(zones, st.dates(date(2026, 1, 1), date(2030, 12, 31)))
def test_a_day_begins_at_the_first_second_that_has_its_date(zone: str, day: date) -> None:
    begins = first_instant(day, BillingZone(zone))
    assert local_date(begins, BillingZone(zone)) == day
    assert local_date(begins - timedelta(seconds=1), BillingZone(zone)) == day - timedelta(days=1)


def test_ec_05_clocks_that_change_move_no_penny() -> None:
    period = Period(date(2027, 3, 1), date(2027, 4, 1))
    assert part(gbp("3.00"), Fraction(period.rest(date(2027, 3, 9)).days, period.days)) == gbp("2.23")
