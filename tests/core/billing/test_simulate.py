"""What the simulator says is what the days bring: the kept subscription lives the year by the clock, and its invoices are the forecast's."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.accounts.models import Vendor
from core.billing import queries, store
from core.billing.codec import decode, decode_one_of
from core.billing.effects import Effect
from core.billing.forecast import Intention
from core.billing.lines import Document
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.price_list import publish_terms
from core.billing.simulate import Simulation, last_day, simulate, simulate_new
from core.billing.store import Beginning
from core.billing.subscription import Subscription
from core.billing.terms import POLICY, pounds
from core.billing.wishes import AddBranches, AddProducts, ChooseTier, Hibernate, Resume, Wish
from core.fx.feed import Published
from core.fx.rates import record_rates
from core.kernel.clock import frozen
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from tests.core.billing.kept import make_seller
from tests.core.billing.lives import ENDS, TIERS, WISHES
from tests.factories import Shop, make_shop, unit

ZONES = ("Europe/London", "Pacific/Auckland", "America/St_Johns", "Asia/Kolkata")
# Beginnings on the days that not every month has, and in the middle; across a leap day and both changes of the clocks.
ANCHORS = st.sampled_from(
    [date(2027, 1, 29), date(2027, 1, 30), date(2027, 1, 31), date(2027, 8, 31), date(2027, 10, 15), date(2027, 12, 31), date(2028, 2, 29)]
)
PLANS = st.lists(st.tuples(st.integers(0, 363), st.one_of(WISHES, WISHES, WISHES, WISHES, ENDS)), max_size=9)


@pytest.fixture(scope="module")
def seller(app: Flask) -> Shop:
    with unit(app):
        record_rates([Published("GBP", date(2019, 1, 2), 9, 1), Published("JPY", date(2019, 1, 2), 12_596, 2)], source="history")
    return make_seller(app)


@pytest.fixture(scope="module")
def buyer(app: Flask) -> Vendor:
    return make_shop(app, business="Blue Door Bakery").vendor


def noon(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def begin(seller: Shop, buyer: Vendor, on: date, wish: Beginning) -> KeptSubscription:
    with frozen(noon(on, wish.zone)), unit(seller.app):
        row = store.begin_subscription(seller.vendor, "test", subscriber=buyer.public_id, wish=wish, by="usr_test")
        _receive_all(row)
    return row


def _receive_all(row: KeptSubscription) -> None:
    """The card says yes to all that is wanted."""
    mine = select(BillingCharge).where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.subscription_id == row.id)
    while wanted := db.session.scalars(mine.where(BillingCharge.state == "wanted").order_by(BillingCharge.event_seq)).first():
        wanted.state = "received"
        store.receive(row, tuple(wanted.documents), Money(wanted.amount_minor, wanted.currency))


def told(row: KeptSubscription, app: Flask, on: date, zone: str, wishes: list[Intention]) -> Simulation:
    with frozen(noon(on, zone)), unit(app):
        return simulate(db.session.get_one(KeptSubscription, (row.vendor_id, row.mode, row.id)), wishes)


def live(row: KeptSubscription, app: Flask, first: date, zone: str, wishes: list[Intention]) -> None:
    """Every day of the year: its midnight, its wishes in their order, and a card that says yes."""
    with unit(app):
        row = db.session.get_one(KeptSubscription, (row.vendor_id, row.mode, row.id))
        for n in range((last_day(first) - first).days + 1):
            day = first + timedelta(days=n)
            with frozen(noon(day, zone)):
                if store.catch_up(row):
                    _receive_all(row)
                for wish in [each.wish for each in wishes if each.on == day]:
                    with suppress(Refusal):
                        store.wish_for(row, wish, by="usr_test")
                        _receive_all(row)


def documents(row: KeptSubscription, app: Flask, *, after: int = 0) -> list[Document]:
    """The invoices and credit notes that stand, whole: each line with its arithmetic."""
    with unit(app):
        mine = select(BillingDocument).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.subscription_id == row.id)
        found = db.session.scalars(
            mine.where(BillingDocument.ordinal > after, BillingDocument.state != "dropped").order_by(BillingDocument.ordinal)
        )
        return [decode(Document, each.body) for each in found]


def charges(row: KeptSubscription, app: Flask) -> list[tuple[date, Money]]:
    """What the card paid, and for which day it was asked: branches are charged when their day closes."""
    with unit(app):
        mine = select(BillingCharge).where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.subscription_id == row.id)
        found = db.session.scalars(mine.where(BillingCharge.state == "received").order_by(BillingCharge.event_seq, BillingCharge.place))
        effects = {event.seq: event.effects for event in queries.list_events(seller_of(row), row)}
        wanted = [(charge, decode_one_of(Effect, effects[charge.event_seq][charge.place])) for charge in found]
        return [(effect.on, Money(charge.amount_minor, charge.currency)) for charge, effect in wanted]


def seller_of(row: KeptSubscription) -> Vendor:
    return db.session.get_one(Vendor, row.vendor_id)


@given(st.sampled_from(ZONES), TIERS, ANCHORS, PLANS, st.sampled_from([None, 2000]), st.integers(0, 2), st.sampled_from(["GBP", "JPY"]))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_kept_subscription_lives_what_was_forecast_line_by_line(
    seller: Shop,
    buyer: Vendor,
    zone: str,
    tier: str,
    begins: date,
    plans: list[tuple[int, Wish]],
    tax: int | None,
    branches: int,
    currency: str,
) -> None:
    wishes = [Intention(begins + timedelta(days=n), wish) for n, wish in plans]
    row = begin(seller, buyer, begins, Beginning(tier, zone, currency=currency, tax_bps=tax, branches=branches))
    coming = told(row, seller.app, begins, zone, wishes)
    live(row, seller.app, begins, zone, wishes)
    assert bare(documents(row, seller.app, after=1)) == bare(coming.wished.documents)
    assert charges(row, seller.app)[1:] == [(each.on, each.amount) for each in coming.wished.charges]
    end = kept(row, seller.app)
    assert end.currency == currency
    assert replace(end, rate=None) == replace(coming.wished.end, rate=None), "a forecast trusts today's rate as if it stayed new"


def bare(found: Iterable[Document]) -> list[Document]:
    """Without the rate's own day: a forecast trusts today's rate as if it stayed new."""
    return [replace(document, rate=None) for document in found]


def kept(row: KeptSubscription, app: Flask) -> Subscription:
    with unit(app):
        return queries.read(db.session.get_one(KeptSubscription, (row.vendor_id, row.mode, row.id)))


def test_the_wishes_of_the_issue_cost_what_their_days_cost(seller: Shop, buyer: Vendor) -> None:
    begins = date(2027, 1, 1)
    row = begin(seller, buyer, begins, Beginning("starter", "Europe/London"))
    wishes = [
        Intention(date(2027, 1, 17), AddBranches(3)), Intention(date(2027, 1, 17), AddProducts(40)), Intention(date(2027, 9, 10), Hibernate()),
        Intention(date(2027, 11, 15), Resume()),
    ]  # fmt: skip
    coming = told(row, seller.app, begins, "Europe/London", wishes)
    assert (coming.first, coming.last) == (begins, date(2027, 12, 31))
    assert coming.unchanged.total == pounds("11.00"), "eleven renewals at one pound"
    first = coming.wished.documents[0]
    assert (first.on, first.gross) == (date(2027, 1, 17), pounds("1.45")), "three branches for 15 of 31 days"
    assert [(n.kind, n.sent_on) for n in coming.wished.notices][:1] == [("limit_breached", date(2027, 1, 17))]
    assert [document.gross for document in coming.wished.documents if document.on == date(2027, 10, 1)] == [pounds("0.50")]
    live(row, seller.app, begins, "Europe/London", wishes)
    assert documents(row, seller.app, after=1) == list(coming.wished.documents)
    assert coming.difference("GBP") == coming.wished.total - coming.unchanged.total


def test_what_is_on_its_way_counts_as_paid_and_missed_midnights_are_played(seller: Shop, buyer: Vendor) -> None:
    begins = date(2027, 3, 31)
    row = begin(seller, buyer, begins, Beginning("pro", "Europe/London"))
    with frozen(noon(date(2027, 4, 30), "Europe/London")), unit(seller.app):
        store.catch_up(db.session.get_one(KeptSubscription, (row.vendor_id, row.mode, row.id)))
    before = kept(row, seller.app)
    coming = told(row, seller.app, date(2027, 5, 2), "Europe/London", [Intention(date(2027, 5, 2), Hibernate())])
    assert coming.on_the_way == pounds("3.00") and not coming.wished.refused
    assert coming.wished.charges[0].on == date(2027, 5, 31) and coming.wished.charges[0].amount == pounds("0.50")
    assert kept(row, seller.app) == before, "nothing is kept"
    late = told(row, seller.app, date(2027, 6, 2), "Europe/London", [])
    assert late.wished.charges[0].on == date(2027, 5, 31), "a midnight that nobody has run yet belongs to what comes"


def test_a_price_that_is_published_counts_from_its_boundary_on(app: Flask, buyer: Vendor) -> None:
    seller = make_seller(app)
    row = begin(seller, buyer, date(2027, 1, 1), Beginning("starter", "Europe/London"))
    dearer = replace(POLICY, tiers=(replace(POLICY.tiers[0], price=pounds("1.20")), *POLICY.tiers[1:]))
    with unit(app):
        publish_terms(seller.vendor, "test", dearer, valid_from=date(2027, 6, 10), by="stf_test")
    coming = told(row, app, date(2027, 1, 2), "Europe/London", [])
    assert [charge.amount.minor for charge in coming.wished.charges] == [100] * 5 + [120] * 7


def test_one_that_nobody_has_begun_costs_what_it_would_have(seller: Shop, buyer: Vendor) -> None:
    begins, wishes = (
        date(2027, 1, 31),
        [Intention(date(2027, 2, 3), AddBranches(2)), Intention(date(2027, 5, 31), ChooseTier("enterprise"))],
    )
    wish = Beginning("pro", "Europe/London", tax_bps=2000)
    with frozen(noon(date(2027, 1, 5), "Europe/London")), unit(seller.app):
        coming = simulate_new(seller.vendor, "test", wish, begins, wishes)
    row = begin(seller, buyer, begins, wish)
    live(row, seller.app, begins, "Europe/London", wishes)
    assert documents(row, seller.app) == list(coming.wished.documents)
    assert charges(row, seller.app) == [(each.on, each.amount) for each in coming.wished.charges]


def test_a_change_of_currency_ahead_is_added_up_apart(seller: Shop, buyer: Vendor) -> None:
    row = begin(seller, buyer, date(2027, 1, 15), Beginning("pro", "Europe/London"))
    with frozen(noon(date(2027, 1, 15), "Europe/London")), unit(seller.app):
        held = db.session.get_one(KeptSubscription, (row.vendor_id, row.mode, row.id))
        held.state = {**held.state, "next_currency": "JPY"}
    coming = told(row, seller.app, date(2027, 1, 15), "Europe/London", [Intention(date(2027, 1, 20), AddBranches(5))])
    assert coming.currencies == ("JPY", "GBP")
    assert coming.difference("GBP") > Money(0, "GBP") and coming.difference("JPY") > Money(0, "JPY")
