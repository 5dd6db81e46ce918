"""Subscriptions as they are kept: caught up in order, nothing twice, and rebuilt from their events to the last penny."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from core.accounts.models import Vendor
from core.billing import queries, store
from core.billing.carry_out import finalise_due
from core.billing.codec import decode, decode_one_of, encode, encode_one_of
from core.billing.effects import Effect, Notice
from core.billing.limits import LimitReached
from core.billing.price_list import publish_terms
from core.billing.store import claim_due
from core.billing.subscription import Subscription
from core.billing.terms import POLICY, pounds
from core.billing.wishes import AddBranches, AddProducts, Cancel, ChooseTier, Hibernate, Resume
from core.kernel.clock import frozen
from core.kernel.errors import NotFound
from tests.core.billing.kept import Kept, at, make_seller
from tests.core.billing.story import Story
from tests.core.payments.conftest import AtOnce, at_once  # noqa: F401
from tests.factories import Shop, make_shop, unit

NOVEMBER = date(2026, 11, 1)


@pytest.fixture(scope="module")
def seller(app: Flask) -> Shop:
    return make_seller(app)


@pytest.fixture(scope="module")
def buyer(app: Flask) -> Vendor:
    return make_shop(app, business="Blue Door Bakery").vendor


def test_what_is_kept_is_what_the_arithmetic_gives(seller: Shop, buyer: Vendor) -> None:
    kept, story = Kept(seller, buyer, NOVEMBER), Story("starter", NOVEMBER)
    story.change(key=kept.row.public_id)
    kept.settle(NOVEMBER)
    for on, wish in (
        (date(2026, 11, 5), AddProducts(8)), (date(2026, 11, 11), AddBranches(2)), (date(2026, 11, 16), ChooseTier("pro")),
        (date(2026, 11, 20), AddBranches(-1)), (date(2026, 12, 10), Hibernate()), (date(2027, 1, 15), Resume()),
    ):  # fmt: skip
        day = story.state.today
        while day < on:
            day += timedelta(days=1)
            kept.to(day)
            kept.settle(day)
        story.to(on)
        kept.wish(on, wish)
        kept.settle(on)
        story.wish(wish)
    assert kept.state() == story.state
    ours = [(d.kind, d.origin, d.on_day, d.gross_minor) for d in kept.documents() if d.state != "dropped"]
    assert ours == [(d.kind, d.origin, d.on, d.gross.minor) for d in story.documents()]
    assert sum(c.amount_minor for c in kept.charges()) == sum(c.amount.minor for c in story.wanted())


def test_replaying_the_events_gives_the_subscription_and_its_documents_again(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, date(2027, 1, 31), "pro")
    kept.settle(date(2027, 1, 31))
    kept.wish(date(2027, 2, 3), AddBranches(3))
    kept.to(date(2027, 3, 5))
    kept.settle(date(2027, 3, 5), pays=False)
    kept.to(date(2027, 3, 6))
    kept.settle(date(2027, 3, 6))
    kept.wish(date(2027, 3, 20), ChooseTier("starter", now=True))
    kept.wish(date(2027, 5, 2), Cancel())
    state, effects = kept.replayed()
    assert state == kept.state()
    kept_effects = [decode_one_of(Effect, one) for event in kept.events() for one in event.effects]
    assert effects == kept_effects


def test_ec_102_the_same_boundary_run_twice_makes_one_invoice(seller: Shop, buyer: Vendor, at_once: AtOnce) -> None:  # noqa: F811
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)

    def run() -> int:
        with frozen(at(date(2026, 12, 1))):
            return len(store.catch_up(kept.row))

    counts = sorted(at_once(run, run, run))
    assert counts[:2] == [0, 0] and counts[2] > 0
    kept.to(date(2026, 12, 1))
    renewals = [d for d in kept.documents() if d.origin == "renewal"]
    assert [(d.on_day, d.gross_minor) for d in renewals] == [(date(2026, 12, 1), 100)] and len(kept.charges()) == 2


def test_ec_103_after_five_weeks_both_boundaries_are_caught_up_in_order(app: Flask, buyer: Vendor) -> None:
    kept = Kept(make_seller(app), buyer, NOVEMBER, "pro")  # a series of its own: the days of one never go back
    kept.settle(NOVEMBER)
    kept.to(date(2027, 1, 5))
    renewals = [d for d in kept.documents() if d.origin == "renewal"]
    assert [d.on_day for d in renewals] == [date(2026, 12, 1), date(2027, 1, 1)], "each by its own tax point"
    with kept.unit(date(2027, 1, 5), 13):
        finalise_due()
    issued = [(d.number, d.issued_on) for d in kept.documents() if d.origin == "renewal"]
    assert [on for _, on in issued] == [date(2027, 1, 5)] * 2 and issued[0] < issued[1], "and both issued on the day of the run, in order"
    assert len([c for c in kept.charges() if c.state == "wanted"]) == 2


def test_ec_104_a_clock_that_goes_back_repeats_nothing(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.to(date(2026, 12, 1))
    before = kept.state(), len(kept.events())
    with kept.unit(date(2026, 11, 30), 23):
        assert store.catch_up(kept.row) == ()
    assert (kept.state(), len(kept.events())) == before


def test_ec_39_two_who_publish_the_eleventh_product_at_once_open_one_episode(seller: Shop, buyer: Vendor, at_once: AtOnce) -> None:  # noqa: F811
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 11, 5), AddProducts(10))

    def publish() -> tuple[Effect, ...]:
        with frozen(at(date(2026, 11, 5), 14)):
            return store.wish_for(kept.row, AddProducts(1), by="usr_test")

    told = [effect for effects in at_once(publish, publish) for effect in effects if isinstance(effect, Notice)]
    assert [notice.kind for notice in told] == ["limit_breached"] and kept.state().products.count == 12


def test_ec_25_a_change_that_is_not_paid_is_gone_after_twenty_three_hours(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    kept.wish(date(2026, 11, 16), ChooseTier("pro"))  # at noon
    with kept.unit(date(2026, 11, 17), 10):
        store.catch_up(kept.row)
    assert kept.state().awaiting is not None, "asked for anew at midnight, one day less"
    with kept.unit(date(2026, 11, 17), 11):
        assert "change_lapsed" in [e.kind for e in store.catch_up(kept.row) if isinstance(e, Notice)]
    state = kept.state()
    assert state.awaiting is None and state.tier == "starter" and [d.state for d in kept.documents()] == ["final", "dropped", "dropped"]
    assert {charge.state for charge in kept.charges()} == {"received", "stopped"}
    assert kept.replayed()[0] == state


def test_what_is_refused_leaves_the_midnights_and_nothing_else(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    before = kept.state(), len(kept.events())
    with pytest.raises(Exception, match="plan"), kept.unit(date(2026, 11, 20)):
        store.wish_for(kept.row, ChooseTier("golden"), by="usr_test")
    assert (kept.state(), len(kept.events())) == before, "a unit of work that is refused keeps nothing"
    assert LimitReached.status == 409


def test_a_new_price_counts_from_the_next_boundary_on(app: Flask, buyer: Vendor) -> None:
    seller = make_seller(app)
    kept = Kept(seller, buyer, NOVEMBER)
    kept.settle(NOVEMBER)
    dearer = replace(POLICY, tiers=(replace(POLICY.tiers[0], price=pounds("1.20")), *POLICY.tiers[1:]))
    with unit(app):
        made = publish_terms(seller.vendor, "test", dearer, valid_from=date(2026, 11, 10), by="stf_test")
        assert made.version == 2
    kept.to(date(2026, 11, 20))
    assert kept.state().plan.price == pounds("1.00")
    kept.to(date(2026, 12, 1))
    assert kept.state().terms.version == 2 and kept.documents()[-1].gross_minor == 120


def test_only_what_is_due_is_claimed_and_by_one_run_only(app: Flask, buyer: Vendor) -> None:
    seller = make_seller(app)
    rows = [Kept(seller, buyer, date(2030, 6, n)).row.id for n in (1, 2)]
    with Kept(seller, buyer, date(2030, 6, 3)).unit(date(2030, 6, 2), 1):
        mine = {row.id for row in claim_due(10_000)}
        assert rows[0] in mine and rows[1] not in mine


def test_a_subscription_is_its_sellers_own(app: Flask, seller: Shop, buyer: Vendor) -> None:
    kept, other = Kept(seller, buyer, NOVEMBER), make_shop(app)
    with unit(app):
        assert queries.get_subscription(seller.vendor, "test", kept.row.public_id).id == kept.row.id
        for vendor, mode in ((other.vendor, "test"), (seller.vendor, "live")):
            with pytest.raises(NotFound):
                queries.get_subscription(vendor, mode, kept.row.public_id)


@given(days=st.lists(st.integers(1, 20), max_size=6), branches=st.integers(0, 3), products=st.integers(0, 120))
@settings(max_examples=30, deadline=None)
def test_what_is_written_down_is_read_again_as_it_was(days: list[int], branches: int, products: int) -> None:
    story = Story("starter", NOVEMBER)
    story.branches(branches)
    story.products(products)
    for n in days:
        story.to(story.state.today + timedelta(days=n))
    assert decode(Subscription, encode(story.state)) == story.state
    assert [decode_one_of(Effect, encode_one_of(effect)) for effect in story.effects] == story.effects


def test_what_is_none_of_billings_values_is_not_written_down() -> None:
    for wrong in (1.5, {"a": 1}, [1], object()):
        with pytest.raises(TypeError):
            encode(wrong)
    with pytest.raises(TypeError):
        decode(int, "5")


def test_the_debt_of_who_cancelled_is_written_off_on_its_day_and_then_nothing_is_due(seller: Shop, buyer: Vendor) -> None:
    kept = Kept(seller, buyer, NOVEMBER, "pro")
    kept.settle(NOVEMBER)
    kept.to(date(2026, 12, 1))
    kept.settle(date(2026, 12, 1), pays=False)
    kept.wish(date(2026, 12, 4), Cancel())
    kept.to(date(2026, 12, 6))
    assert kept.state().status == "cancelled" and kept.state().open
    with kept.unit(date(2027, 1, 20)):
        assert kept.row.id in {row.id for row in claim_due(10_000)}, "what is owed is not forgotten"
        written = [effect for effect in store.catch_up(kept.row) if type(effect).__name__ == "Written"]
    assert [effect.kind for effect in written] == ["bad_debt"] and not kept.state().open
    with kept.unit(date(2028, 1, 1)):
        assert kept.row.id not in {row.id for row in claim_due(10_000)}
