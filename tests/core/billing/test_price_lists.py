"""Versions of a price list: the first one of the house, what counts when, who publishes what, and whom a new one reaches at which boundary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask

from core.accounts.house import HOUSE, house
from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.billing.price_list import (
    CurrencyIsFixed,
    PricesOfThePast,
    PricesPublishedMeanwhile,
    find_in_force,
    is_subscribed,
    list_price_lists,
    offer_on,
    publish_next,
    standings,
    terms_of,
)
from core.billing.reprice import Reached, who_is_reached
from core.billing.terms import POLICY, Terms, Tier
from core.billing.wishes import Cancel, ChooseTier
from core.kernel.clock import frozen
from core.kernel.db import locked
from core.kernel.errors import Conflict
from core.kernel.money import Money
from tests.core.billing.kept import Kept, at, make_seller
from tests.core.billing.story import gbp
from tests.factories import Shop, make_shop, unit

NOVEMBER = date(2026, 11, 1)
DEARER = replace(POLICY, tiers=tuple(replace(tier, price=tier.price + gbp("1.00")) for tier in POLICY.tiers))


@pytest.fixture
def seller(app: Flask) -> Shop:
    return make_seller(app)


def publish(seller: Shop, terms: Terms, on: date, valid_from: date, *, after: int, by: str = "stf_one") -> int:
    with frozen(at(on)), unit(seller.app):
        return publish_next(seller.vendor, "test", terms, valid_from=valid_from, after=after, by=by).version


def known(seller: Shop, today: date) -> dict[int, str]:
    with unit(seller.app):
        return standings(list_price_lists(seller.vendor, "test"), today)


@pytest.mark.parametrize("mode", ["test", "live"])
def test_the_house_begins_with_the_policy(app: Flask, mode: str) -> None:
    with unit(app):
        first = list_price_lists(house(), mode)[-1]
        assert (terms_of(first), first.version, first.valid_from, first.made_by) == (POLICY, 1, date(2020, 1, 1), "system")
        assert offer_on(HOUSE, mode, date(2020, 1, 1)).terms.tiers == POLICY.tiers


def test_a_version_is_in_force_to_come_over_or_never_was(seller: Shop) -> None:
    publish(seller, DEARER, NOVEMBER, date(2027, 1, 1), after=1)
    publish(seller, DEARER, NOVEMBER, date(2026, 12, 1), after=2)
    publish(seller, POLICY, NOVEMBER, date(2026, 12, 1), after=3)
    assert known(seller, NOVEMBER) == {1: "in_force", 2: "coming", 3: "replaced", 4: "coming"}
    assert known(seller, date(2027, 1, 1)) == {1: "earlier", 2: "in_force", 3: "replaced", 4: "earlier"}


def test_what_is_in_force_is_what_the_engine_is_offered(seller: Shop) -> None:
    publish(seller, DEARER, NOVEMBER, date(2027, 1, 1), after=1)
    publish(seller, POLICY, NOVEMBER, date(2026, 12, 1), after=2)
    with unit(seller.app):
        kept = list_price_lists(seller.vendor, "test")
        for day in (NOVEMBER, date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 31), date(2027, 1, 1), date(2028, 1, 1)):
            found = find_in_force(kept, day)
            assert found is not None and found.version == offer_on(seller.vendor.id, "test", day).terms.version


def test_no_list_counts_from_a_day_that_is_over(seller: Shop) -> None:
    with pytest.raises(PricesOfThePast) as refused:
        publish(seller, DEARER, NOVEMBER, date(2026, 10, 31), after=1)
    assert refused.value.field == "valid_from"
    assert publish(seller, DEARER, NOVEMBER, NOVEMBER, after=1) == 2


def test_the_day_that_is_over_is_the_sellers(seller: Shop) -> None:
    with unit(seller.app):
        vendor = locked(Vendor, seller.vendor.id)
        assert vendor is not None
        vendor.time_zone = "Pacific/Auckland"
    late = datetime(2026, 11, 1, 11, 30, tzinfo=UTC)  # the 2nd has begun there
    with frozen(late), unit(seller.app), pytest.raises(PricesOfThePast):
        publish_next(get_vendor(seller.vendor.id), "test", DEARER, valid_from=NOVEMBER, after=1, by="stf_one")


def test_the_same_sent_twice_is_published_once_and_what_is_out_of_date_is_refused(seller: Shop) -> None:
    assert [publish(seller, DEARER, NOVEMBER, date(2027, 1, 1), after=1) for _ in range(2)] == [2, 2]
    for change in ({"by": "stf_two"}, {"valid_from": date(2027, 2, 1)}, {"terms": POLICY}, {"after": 0}):
        wish = {"terms": DEARER, "valid_from": date(2027, 1, 1), "after": 1, "by": "stf_one", **change}
        with pytest.raises(PricesPublishedMeanwhile):
            publish(seller, wish.pop("terms"), NOVEMBER, wish.pop("valid_from"), **wish)  # type: ignore[arg-type]


def test_of_two_who_publish_at_once_one_has_to_look_again(seller: Shop) -> None:
    together, came = Barrier(2, timeout=30), []

    def one(by: str) -> None:
        together.wait()
        try:
            came.append(publish(seller, DEARER, NOVEMBER, date(2027, 1, 1), after=1, by=by))
        except Conflict:
            came.append(None)

    threads = [Thread(target=one, args=(by,)) for by in ("stf_one", "stf_two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(came, key=str) == [2, None]


def test_the_currency_is_fixed_once_somebody_subscribes(seller: Shop, app: Flask) -> None:
    euros = POLICY.converted(1, "EUR")  # type: ignore[arg-type]
    assert publish(seller, euros, NOVEMBER, NOVEMBER, after=1) == 2
    assert publish(seller, POLICY, NOVEMBER, NOVEMBER, after=2) == 3
    Kept(seller, make_shop(app).vendor, NOVEMBER)
    with unit(app):
        assert is_subscribed(seller.vendor.id)
    with pytest.raises(CurrencyIsFixed):
        publish(seller, euros, NOVEMBER, NOVEMBER, after=3)


def reached(seller: Shop, terms: Terms, valid_from: date) -> list[Reached]:
    with unit(seller.app):
        others = list_price_lists(seller.vendor, "test")
        return who_is_reached(seller.vendor, "test", terms, valid_from=valid_from, others=others)


def begin(seller: Shop, on: date, tier: str, **more: object) -> Kept:
    kept = Kept(seller, make_shop(seller.app).vendor, on, tier, **more)
    kept.settle(on)
    return kept


def test_whom_it_reaches_is_whom_it_then_reaches(seller: Shop) -> None:
    """The preview against the engine: the boundary it names is the first at which the new price is charged."""
    lives = [begin(seller, date(2026, 10, day), tier) for day, tier in ((3, "starter"), (31, "starter"), (15, "pro"))]
    trial = begin(seller, date(2026, 10, 20), "pro", trial_days=20)
    valid_from, today = date(2026, 12, 5), date(2026, 11, 1)
    for kept in (*lives, trial):
        for day in range(32):
            kept.to(min(today, date(2026, 10, 3) + timedelta(days=day)))
            kept.settle(today)
    found = reached(seller, DEARER, valid_from)
    assert found == [
        Reached("starter", "Starter", gbp("1.00"), gbp("2.00"), 2, date(2026, 12, 31), date(2027, 1, 3)),
        Reached("pro", "Pro", gbp("3.00"), gbp("4.00"), 2, date(2026, 12, 9), date(2026, 12, 15)),
    ]
    publish(seller, DEARER, today, valid_from, after=1)
    for kept, boundary in (
        (lives[0], date(2027, 1, 3)),
        (lives[1], date(2026, 12, 31)),
        (lives[2], date(2026, 12, 15)),
        (trial, date(2026, 12, 9)),
    ):
        day = today
        while day < boundary:
            day += timedelta(days=1)
            before = kept.state().terms.version
            kept.to(day)
            kept.settle(day)
        assert (before, kept.state().terms.version) == (1, 2)


def test_who_has_a_plan_that_is_taken_off_keeps_the_list(seller: Shop) -> None:
    begin(seller, NOVEMBER, "pro")
    without = replace(POLICY, tiers=(POLICY.tiers[0], POLICY.tiers[2]))
    assert reached(seller, without, date(2026, 11, 2)) == [
        Reached("pro", "Pro", gbp("3.00"), None, 1, date(2026, 12, 1), date(2026, 12, 1))
    ]


def test_who_has_left_is_not_counted_and_who_meets_a_later_list_first_is_told_apart(seller: Shop) -> None:
    kept = begin(seller, NOVEMBER, "starter")
    publish(seller, POLICY, NOVEMBER, date(2026, 11, 20), after=1)
    (found,) = reached(seller, DEARER, date(2026, 11, 10))
    assert (found.count, found.overtaken) == (1, 1)
    assert reached(seller, DEARER, date(2026, 11, 20))[0].overtaken == 0
    kept.wish(NOVEMBER, Cancel(now=True))
    kept.to(date(2026, 11, 2))
    assert reached(seller, DEARER, date(2026, 11, 10)) == []


def test_an_upgrade_today_is_counted_where_it_leads(seller: Shop) -> None:
    kept = begin(seller, NOVEMBER, "starter")
    kept.wish(date(2026, 11, 5), ChooseTier("pro"))
    kept.settle(date(2026, 11, 5))
    assert [each.tier for each in reached(seller, DEARER, date(2026, 11, 6))] == ["pro"]


def test_a_name_is_told_as_it_will_be(seller: Shop) -> None:
    begin(seller, NOVEMBER, "pro")
    named = replace(POLICY, tiers=(POLICY.tiers[0], Tier("pro", Money(300, "GBP"), 100, "High street"), POLICY.tiers[2]))
    assert reached(seller, named, NOVEMBER)[0].title == "High street"
