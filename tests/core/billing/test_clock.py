"""A test subscription's own clock: moved forward, what was planned comes nearer and what happens is what would have happened on that day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.accounts.models import Vendor
from core.billing import store
from core.billing.calendar import first_instant
from core.billing.carry_out import finalise_due
from core.billing.clock import LiveClock, clock_of, move_clock, next_moment
from core.billing.models import BillingDocument, DocumentSeries, KeptSubscription
from core.billing.price_list import publish_terms
from core.billing.terms import POLICY
from core.billing.wishes import ChooseTier
from core.kernel.clock import frozen, now
from core.kernel.db import db
from tests.core.billing.kept import Kept, at, make_seller
from tests.factories import Shop, make_shop, unit

NOVEMBER = date(2026, 11, 1)
DECEMBER = date(2026, 12, 1)


@pytest.fixture
def seller(app: Flask) -> Shop:
    return make_seller(app)


@pytest.fixture(scope="module")
def buyer(app: Flask) -> Vendor:
    return make_shop(app, business="Blue Door Bakery").vendor


def fresh(kept: Kept) -> KeptSubscription:
    return db.session.get_one(KeptSubscription, (kept.row.vendor_id, kept.row.mode, kept.row.id))


def move(kept: Kept, to: datetime, *, on: date = NOVEMBER) -> None:
    """The clock of the house stands at noon of `on`; the subscription's goes to a moment, and what fell due until then is run."""
    with kept.unit(on):
        row = move_clock(fresh(kept), to)
        store.catch_up(row)
        finalise_due()


def what(document: BillingDocument) -> tuple[object, ...]:
    return (
        document.ordinal, document.kind, document.origin, document.state, document.on_day, document.gross_minor, document.body, document.issued_on,
    )  # fmt: skip


def test_moved_to_a_day_it_is_what_it_would_be_on_that_day(seller: Shop, buyer: Vendor) -> None:
    lived, moved = Kept(seller, buyer, NOVEMBER, "pro", branches=2), Kept(seller, buyer, NOVEMBER, "pro", branches=2)
    for kept in (lived, moved):
        kept.settle(NOVEMBER)
    lived.to(DECEMBER)
    with lived.unit(DECEMBER, 13):
        finalise_due()
    move(moved, at(DECEMBER))
    move(moved, at(DECEMBER, 13))
    state = moved.state()
    assert (state.today, state.period, state.open) == (DECEMBER, lived.state().period, lived.state().open)
    assert [what(document) for document in moved.documents()] == [what(document) for document in lived.documents()]
    assert moved.documents()[-1].issued_on == DECEMBER


def test_nothing_is_run_again_and_the_clock_never_goes_back(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    move(kept, at(DECEMBER))
    before, ahead = kept.state(), kept.row.ahead_seconds
    move(kept, at(date(2026, 11, 20)))
    with kept.unit(NOVEMBER):
        assert fresh(kept).ahead_seconds > 0 and clock_of(fresh(kept)) == at(DECEMBER)
    assert kept.state() == before and ahead == 0


def test_what_is_planned_is_kept_by_the_real_clock(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    move(kept, at(DECEMBER))
    with kept.unit(NOVEMBER):
        row = fresh(kept)
        assert row.due_at == first_instant(date(2026, 12, 2), kept.state().zone) - (at(DECEMBER) - at(NOVEMBER))
        assert row.due_at - now() == timedelta(hours=12)
    wanted = kept.charges()[-1]
    assert (wanted.state, wanted.due_at) == ("wanted", at(NOVEMBER)), "it is due at once, by the real clock"
    kept.settle(NOVEMBER, pays=False)
    move(kept, at(date(2026, 12, 2), 0))
    retry = kept.charges()[-1]
    assert retry.attempt == 2
    hour = retry.due_at + (at(date(2026, 12, 2), 0) - at(NOVEMBER))
    assert at(date(2026, 12, 2), 10) <= hour < at(date(2026, 12, 2), 18), "an hour of the day of its own clock"
    with kept.unit(NOVEMBER):
        assert next_moment(fresh(kept)) == hour
    move(kept, hour)
    assert kept.charges()[-1].due_at == at(NOVEMBER), "moved on, a charge that waits comes nearer"


def test_what_waits_for_its_payment_lapses_by_its_own_clock(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 11, 16), ChooseTier("pro"))  # at noon
    sixteenth = date(2026, 11, 16)
    move(kept, at(date(2026, 11, 17), 10), on=sixteenth)
    assert kept.state().awaiting is not None
    move(kept, at(date(2026, 11, 17), 11), on=sixteenth)
    assert kept.state().awaiting is None and kept.state().tier == "starter"


def test_numbers_go_on_by_the_real_clock_for_everybody_else(app: Flask, seller: Shop, buyer: Vendor) -> None:
    ahead, here = Kept(seller, buyer, NOVEMBER), Kept(seller, make_shop(app).vendor, NOVEMBER)
    ahead.settle(NOVEMBER)
    move(ahead, at(DECEMBER))
    move(ahead, at(DECEMBER, 13))
    assert [(d.number, d.issued_on) for d in ahead.documents()] == [(1, NOVEMBER), (2, DECEMBER)]
    here.settle(NOVEMBER)
    assert [(d.number, d.issued_on) for d in here.documents()] == [(3, NOVEMBER)]
    with unit(app):
        series = db.session.get_one(DocumentSeries, (seller.vendor.id, "test", "TEST-INV-"))
        assert series.last_on == NOVEMBER


def test_a_live_clock_is_moved_neither_by_the_act_nor_in_the_database(app: Flask, seller: Shop, buyer: Vendor) -> None:
    with unit(app):
        publish_terms(seller.vendor, "live", POLICY, valid_from=date(2020, 1, 1), by="system")
    with frozen(at(NOVEMBER)), unit(app):
        row = store.begin_subscription(
            seller.vendor, "live", subscriber=buyer.public_id, wish=store.Beginning("pro", "Europe/London"), by="usr_test"
        )
    with pytest.raises(LiveClock), frozen(at(NOVEMBER)), unit(app):
        move_clock(row, at(DECEMBER))
    for wrong in ("mode = 'live'", "mode = 'test'"):
        seconds = 60 if "live" in wrong else -60
        with pytest.raises(IntegrityError, match="ck_subscriptions_ahead"), unit(app):
            db.session.execute(text(f"UPDATE subscriptions SET ahead_seconds = {seconds} WHERE {wrong}"))
