"""The night of waking up as it is kept: late, repeated, run by several at once, it happens once and on its own day."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from core.accounts.models import Vendor
from core.billing import store
from core.billing.codec import encode
from core.billing.subscription import Subscription
from core.billing.wishes import Hibernate
from core.kernel.clock import frozen
from tests.core.billing.kept import Kept, at, make_seller
from tests.core.payments.conftest import AtOnce, at_once  # noqa: F401
from tests.factories import Shop, make_shop

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
DAY, FEBRUARY = date(2026, 12, 16), date(2027, 2, 1)


@pytest.fixture(scope="module")
def seller(app: Flask) -> Shop:
    return make_seller(app)


@pytest.fixture(scope="module")
def buyer(app: Flask) -> Vendor:
    return make_shop(app, business="Sleepy Bakery").vendor


def asleep(seller: Shop, buyer: Vendor, until: date = DAY) -> Kept:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 11, 10), Hibernate(until=until))
    kept.to(DECEMBER)
    kept.settle(DECEMBER)
    return kept


def woken(kept: Kept) -> list[tuple[date, int]]:
    return [(document.on_day, document.gross_minor) for document in kept.documents() if document.origin == "resume"]


def test_ec_103_a_run_that_comes_ten_days_late_wakes_it_once_and_nobody_pays_for_the_days_they_were_hidden(
    seller: Shop, buyer: Vendor
) -> None:
    kept, late = asleep(seller, buyer, date(2026, 12, 5)), date(2026, 12, 15)
    kept.to(late)
    kept.to(late)
    kept.settle(late)
    assert (kept.state().status, woken(kept)) == ("active", [(late, 138)])  # 300 and 50 x 17/31: 165 - 27
    kept.to(date(2026, 12, 31))
    assert len(woken(kept)) == 1


def test_a_run_of_the_same_night_that_comes_hours_late_wakes_it(seller: Shop, buyer: Vendor) -> None:
    kept = asleep(seller, buyer)
    with kept.unit(DAY, 23):
        store.catch_up(kept.row)
    kept.settle(DAY)
    assert (kept.state().status, woken(kept)) == ("active", [(DAY, 129)])  # 300 x 16/31 - 50 x 16/31
    state, _effects = kept.replayed()
    assert state == kept.state()


def test_ec_102_several_who_run_the_night_at_once_wake_it_once(seller: Shop, buyer: Vendor, at_once: AtOnce) -> None:  # noqa: F811
    kept = asleep(seller, buyer)

    def run() -> int:
        with frozen(at(DAY)):
            return len(store.catch_up(kept.row))

    counts = sorted(at_once(run, run, run))
    assert counts[:2] == [0, 0] and counts[2] > 0
    assert len([charge for charge in kept.charges() if charge.state == "wanted"]) == 1


def test_ec_103_at_a_boundary_weeks_late_it_wakes_with_that_period_and_is_charged_once_for_it(seller: Shop, buyer: Vendor) -> None:
    kept = asleep(seller, buyer, FEBRUARY)
    kept.to(date(2027, 1, 1))
    kept.settle(date(2027, 1, 1))
    kept.to(date(2027, 2, 20))
    kept.to(date(2027, 2, 20))
    renewals = [(each.on_day, each.gross_minor) for each in kept.documents() if each.origin == "renewal"]
    assert renewals == [(DECEMBER, 50), (date(2027, 1, 1), 50), (FEBRUARY, 300)]
    assert kept.state().status == "active"


def test_a_plan_that_was_kept_before_there_were_such_days_is_read_as_one_without(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    with kept.unit(NOVEMBER):
        row = store._locked(kept.row)
        row.state = {name: value for name, value in encode(kept.state()).items() if name != "wakes_on"}
    state: Subscription = kept.state()
    assert state.wakes_on is None
