"""Days by the merchant's clock: spans by name, over the change of the clocks, on payments, refunds, exports and the balance."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from core.accounts.models import Vendor
from core.kernel.clock import frozen
from core.kernel.db import db
from core.payments.models import Payment
from portal.days import SPANS
from tests.browser import Browser
from tests.factories import Shop, make_colleague, make_link, make_paid, make_payment, unit

SUNDAY = date(2026, 3, 29)  # the clocks go forward in London and Berlin


@pytest.mark.parametrize(
    ("name", "day", "first", "last"),
    [
        ("today", "2026-11-26", "2026-11-26", "2026-11-26"), ("yesterday", "2026-03-01", "2026-02-28", "2026-02-28"),
        ("week", "2026-11-26", "2026-11-23", "2026-11-26"), ("week", "2026-11-23", "2026-11-23", "2026-11-23"),
        ("last_week", "2026-11-29", "2026-11-16", "2026-11-22"), ("month", "2026-11-26", "2026-11-01", "2026-11-26"),
        ("last_month", "2026-01-31", "2025-12-01", "2025-12-31"), ("last_month", "2024-03-31", "2024-02-01", "2024-02-29"),
        ("quarter", "2026-11-26", "2026-10-01", "2026-11-26"), ("last_quarter", "2026-02-14", "2025-10-01", "2025-12-31"),
        ("last_quarter", "2026-11-26", "2026-07-01", "2026-09-30"), ("year", "2026-11-26", "2026-01-01", "2026-11-26"),
        ("last_year", "2026-11-26", "2025-01-01", "2025-12-31"),
    ],
)  # fmt: skip
def test_a_span_has_its_days(name: str, day: str, first: str, last: str) -> None:
    assert SPANS[name][1](date.fromisoformat(day)) == (date.fromisoformat(first), date.fromisoformat(last))


def in_zone(shop: Shop, zone: str) -> None:
    with unit(shop.app):
        db.session.execute(update(Vendor).where(Vendor.id == shop.vendor.id).values(time_zone=zone))


def paid_at(shop: Shop, *moments: datetime) -> list[Payment]:
    link = make_link(shop)
    made = []
    for moment in moments:
        with frozen(moment):
            made.append(make_payment(shop, link))
    return made


def shown(owner: Browser, query: str) -> set[str]:
    answer = owner.client.get(f"/portal/payments.csv?{query}").get_data(as_text=True)
    return {row["reference"] for row in csv.DictReader(io.StringIO(answer))}


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("Europe/Berlin", SUNDAY, datetime(2026, 3, 28, 23, tzinfo=UTC), 23), ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        ("Europe/London", SUNDAY, datetime(2026, 3, 29, 0, tzinfo=UTC), 23), ("Asia/Kolkata", SUNDAY, datetime(2026, 3, 28, 18, 30, tzinfo=UTC), 24),
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 8, 5, tzinfo=UTC), 23),
    ],
)  # fmt: skip
def test_a_day_begins_and_ends_by_the_merchants_clock(
    shop: Shop, owner: Browser, zone: str, day: date, begins: datetime, hours: int
) -> None:
    in_zone(shop, zone)
    ends, second = begins + timedelta(hours=hours), timedelta(seconds=1)
    _before, first, last, _after = paid_at(shop, begins - second, begins, ends - second, ends)
    wanted = {first.reference, last.reference}
    assert shown(owner, f"since={day}&until={day}") == wanted
    with frozen(begins + timedelta(hours=hours) // 2):
        assert shown(shop.browser(), "span=today") == wanted
    with frozen(ends + timedelta(hours=2)):
        assert shown(shop.browser(), "span=yesterday") == wanted


def test_the_page_says_which_days_and_whose_clock_and_a_span_outlives_its_day(shop: Shop, owner: Browser) -> None:
    in_zone(shop, "Europe/Berlin")
    (paid,) = paid_at(shop, datetime(2026, 10, 31, 23, 30, tzinfo=UTC))  # the first of November in Berlin
    with frozen(datetime(2026, 11, 26, 12, tzinfo=UTC)):
        page = shop.browser().get("/portal/payments?span=month&since=2020-01-01")
        assert "From 1 November 2026 to 26 November 2026, by the clock in Europe/Berlin." in page.text and paid.reference in page.text
        csv_link = next(a.attrs["href"] for a in page.all("a") if "payments.csv" in a.attrs["href"])
        assert "span=month" in csv_link and "since" not in csv_link, "the days beside a span say nothing"
        assert paid.reference not in shop.browser().get("/portal/payments?span=last_month").text
    with frozen(datetime(2026, 12, 2, 12, tzinfo=UTC)):
        assert paid.reference in make_colleague(shop, "manager").browser().get("/portal/payments?span=last_month").text


def test_an_unknown_span_is_refused_at_its_field(owner: Browser) -> None:
    for path in ("/portal/payments", "/portal/refunds", "/portal/balance/available"):
        assert owner.get(f"{path}?span=someday").error_summary, path
        assert owner.get(f"{path}?span=quarter").status == 200


def test_the_balance_says_what_moved_in_the_time(shop: Shop, owner: Browser) -> None:
    make_paid(shop)
    today = owner.get("/portal/balance/pending?span=today")
    assert "Moved in this time £24.62" in today.text or "Moved in this time £24.63" in today.text, today.text[:600]
    earlier = owner.get("/portal/balance/pending?span=last_month")
    assert "Moved in this time £0.00" in earlier.text and "No lines yet" in earlier.text
