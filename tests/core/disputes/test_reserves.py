"""Reserves: taken at release, given back by the clock, used for what is owed; whatever happens, held + given back + used = taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import NeedsASecondPerson, Refusal
from core.kernel.ids import public_id
from core.kernel.shadow import replay
from core.ledger.book import RESERVE
from core.ledger.queries import balance, balances
from core.payments.models import Payment
from core.payments.release import give_reserves_back
from core.payments.replay import PAYMENTS, RESERVES
from core.payments.reserve import list_days, list_due, list_held
from core.payments.reserve_models import ReserveHold, ReserveRule
from core.payments.reserve_rules import ReserveRefused, RuleWaits, approve_rule, decline_rule, rule_of, set_rule
from core.payouts.statement import lines_of, prove
from tests.core.disputes.cases import case_of, usd
from tests.core.disputes.test_any_life import Life
from tests.core.payments.conftest import AtOnce
from tests.core.payouts.sellers import Seller
from tests.factories import fresh, unit

A, B = "stf_a", "stf_b"


def keep(seller: Seller, bps: int, days: int, *, by: str = A, reason: str = "Young business") -> ReserveRule:
    with unit(seller.shop.app):
        return set_rule(seller.shop.vendor, "test", bps=bps, days=days, reason=reason, by=by, form_token=public_id("frm"))


def give(seller: Seller) -> int:
    with unit(seller.shop.app):
        return give_reserves_back(seller.shop.vendor.id, "test")


def reserved(seller: Seller) -> int:
    with unit(seller.shop.app):
        return balance(seller.shop.vendor, "test", "seller_hold", "USD", RESERVE).minor


def holds(seller: Seller) -> list[ReserveHold]:
    with unit(seller.shop.app):
        mine = select(ReserveHold).where(ReserveHold.vendor_id == seller.shop.vendor.id).order_by(ReserveHold.due_at, ReserveHold.id)
        return list(db.session.scalars(mine))


def replayed(seller: Seller) -> list[str]:
    with unit(seller.shop.app):
        return [line for shadow in (RESERVES, PAYMENTS) for line in replay(shadow, seller.shop.vendor.id).differences]


@contextmanager
def after(days: float, seller: Seller | None = None) -> Iterator[None]:
    with shifted(timedelta(days=days)):
        if seller is not None:
            seller.release()
        yield


def test_a_part_is_kept_when_it_is_released_and_given_back_on_its_day(seller: Seller) -> None:
    keep(seller, 500, 90)
    seller.sells("100.00")
    with after(3, seller):
        # 97.50 are the seller's; 5 % of it
        assert (seller.has(), reserved(seller)) == (usd(9262), 488)
        with unit(seller.shop.app):
            (day,) = list_days(seller.shop.vendor, "test", "USD", zone="UTC")
            assert (day.day, day.held, day.payments) == ((now() + timedelta(days=90)).date(), usd(488), 1)
            assert [one.held for one in list_held(seller.shop.vendor, "test", "USD")] == [usd(488)]
        assert give(seller) == 0
        payout = seller.pays_out()
        assert payout.amount == usd(9262), "what is kept is not paid out"
        with unit(seller.shop.app):
            sums, kinds = prove(payout), [line.kind for line in lines_of(seller.shop.vendor, payout)]
        assert sums.opening + sums.lines == sums.paid + sums.carried and kinds == ["release", "reserve held"]
    with after(93.1):
        assert give(seller) == 1 and give(seller) == 0, "late or twice, once"
        assert (seller.has(), reserved(seller)) == (usd(488), 0)
        with unit(seller.shop.app):
            later = [line.kind for line in lines_of(seller.shop.vendor, seller.pays_out())]
    assert later == ["reserve given back"]
    assert seller.books_are_whole() and replayed(seller) == []


def test_more_counts_at_once_and_less_needs_a_second_person(seller: Seller) -> None:
    assert keep(seller, 500, 90).state == "in_force"
    assert keep(seller, 1000, 90).state == "in_force"
    for bps, days in ((900, 120), (2000, 30), (0, 0)):
        easier = keep(seller, bps, days)
        assert easier.state == "requested"
        with pytest.raises(RuleWaits):
            keep(seller, 1, 1)
        with pytest.raises(NeedsASecondPerson), unit(seller.shop.app):
            approve_rule(seller.shop.vendor, easier, by=A)
        with unit(seller.shop.app):
            assert (rule_of(seller.shop.vendor.id, "test").bps, rule_of(seller.shop.vendor.id, "live").bps) == (1000, 0)
            decline_rule(seller.shop.vendor, easier, by=B)
    easier = keep(seller, 0, 0)
    with unit(seller.shop.app):
        approve_rule(seller.shop.vendor, easier, by=B)
        approve_rule(seller.shop.vendor, easier, by=B)
        assert rule_of(seller.shop.vendor.id, "test").bps == 0
    easier = keep(seller, 700, 10)
    waits = keep(seller, 0, 0)
    assert keep(seller, 700, 11).state == "in_force", "more than before waits for nobody"
    with unit(seller.shop.app):
        assert db.session.get_one(ReserveRule, (waits.vendor_id, "test", waits.version)).state == "overtaken"
        approve_rule(seller.shop.vendor, waits, by=B)
        assert rule_of(seller.shop.vendor.id, "test").days == 11, "what was overtaken is not let happen any more"


@pytest.mark.parametrize(
    ("bps", "days", "reason", "field"),
    [
        (10_001, 1, "x", "bps"),
        (-1, 1, "x", "bps"),
        (100, 0, "x", "days"),
        (100, 366, "x", "days"),
        (100, 1, "  ", "reason"),
        (0, 5, "x", "bps"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_at_its_field(seller: Seller, bps: int, days: int, reason: str, field: str) -> None:
    with pytest.raises(ReserveRefused) as refused:
        keep(seller, bps, days, reason=reason)
    assert refused.value.field == field


def test_a_rule_counts_for_what_is_released_after_it_and_what_is_kept_keeps_its_day(seller: Seller) -> None:
    keep(seller, 1000, 30)
    seller.sells("100.00")
    with after(3, seller):
        easier = keep(seller, 0, 0)
        with unit(seller.shop.app):
            approve_rule(seller.shop.vendor, easier, by=B)
        seller.sells("100.00")
    with after(6, seller):
        assert (reserved(seller), len(holds(seller))) == (975, 1)
        assert holds(seller)[0].due_at > now() + timedelta(days=26)


def test_what_is_owed_is_made_up_from_the_reserve_before_it_is_a_debt(seller: Seller) -> None:
    """A dispute after the payout: the reserve covers what it can, and only the rest is owed."""
    keep(seller, 1000, 90)
    payment = seller.sells("100.00")
    with after(3, seller):
        seller.pays_out()
        case = case_of(seller, payment, 5000, fee=0)
        assert case.tell() == "settled"
        assert (reserved(seller), seller.has("seller_receivable").minor, seller.has("seller_hold").minor) == (0, 4875 - 975, 4875)
        (hold,) = holds(seller)
        assert (hold.taken_minor, hold.used_minor, hold.given_minor) == (975, 975, 0) and hold.ended_at is not None
        assert replayed(seller) == []
        case.won().tell()
        assert (seller.has(), seller.has("seller_receivable")) == (usd(975), usd(0))
    with after(95):
        assert give(seller) == 0, "what was used is not given back"
    assert seller.books_are_whole() and replayed(seller) == []


def test_two_workers_give_each_back_once(seller: Seller, at_once: AtOnce) -> None:
    keep(seller, 1000, 1)
    for _ in range(4):
        seller.sells("10.00")
    with after(3, seller):
        taken = reserved(seller)
        with unit(seller.shop.app):  # the clock of a test is not that of its threads
            mine = update(ReserveHold).where(ReserveHold.vendor_id == seller.shop.vendor.id)
            db.session.execute(mine.values(due_at=ReserveHold.due_at - timedelta(days=30)))
    before, vendor = seller.has(), seller.shop.vendor.id
    answers = at_once(*[lambda: give_reserves_back(vendor, "test", 3)] * 3)
    assert max(answers) <= 3 and sum(answers) == 4, answers
    assert seller.has() - before == usd(taken) and reserved(seller) == 0
    assert seller.books_are_whole() and replayed(seller) == []


def test_killed_in_between_what_is_left_is_given_back_the_next_time(seller: Seller) -> None:
    keep(seller, 1000, 1)
    seller.sells("10.00")
    with after(3, seller), pytest.raises(RuntimeError), unit(seller.shop.app):
        with shifted(timedelta(days=10)):
            assert give_reserves_back(seller.shop.vendor.id, "test") == 1
        raise RuntimeError("the worker dies before it is committed")
    with after(10):
        with unit(seller.shop.app):
            assert (seller.shop.vendor.id, "test") in list_due(10_000)
        assert reserved(seller) > 0 and give(seller) == 1 and reserved(seller) == 0


class LifeWithReserve(Life):
    """The same seller, of whom now and then another part is kept."""

    def step(self) -> None:
        if self.dice.random() < 0.25:
            self.done.append("reserve")
            with shifted(timedelta(days=self.day)):
                self.dice.choice([self.rule, self.back, self.back])()
        else:
            super().step()

    def rule(self) -> None:
        try:
            row = keep(self.seller, self.dice.choice([0, 500, 3000, 10_000]), self.dice.choice([1, 2, 7]))
            with unit(self.seller.shop.app):
                approve_rule(self.seller.shop.vendor, row, by=B)
        except Refusal:
            return

    def back(self) -> None:
        give(self.seller)

    def check(self) -> None:
        with unit(self.seller.shop.app):
            mine = select(Payment).where(Payment.vendor_id == self.seller.shop.vendor.id).execution_options(populate_existing=True)
            payments = list(db.session.scalars(mine))
            stands: dict[Any, int] = {}
            for (account, sub, _code), amount in balances(self.seller.shop.vendor, "test").items():
                key = RESERVE if sub == RESERVE else account
                stands[key] = stands.get(key, 0) + amount.minor
        pending, available, owed = (stands.get(f"seller_{name}", 0) for name in ("pending", "available", "receivable"))
        kept, story = holds(self.seller), "\n".join(self.done)
        assert stands.get(RESERVE, 0) == sum(one.held.minor for one in kept), story
        assert all(one.held.minor + one.given_minor + one.used_minor == one.taken_minor for one in kept), story
        assert not (owed and stands.get(RESERVE, 0)) or not available, (stands, story)
        assert stands.get("seller_hold", 0) == sum(one.withheld.minor for one in payments), (stands, story)
        nets = sum(one.net.minor for one in payments)
        assert pending + available + stands.get(RESERVE, 0) - owed + stands.get("payout_in_transit", 0) == nets, (stands, story)
        assert self.seller.books_are_whole(), story


@pytest.mark.parametrize("seed", range(8))
def test_in_any_order_of_events_nothing_is_lost_and_the_logs_say_the_same(seller: Seller, seed: int) -> None:
    life = LifeWithReserve(seller, seed, bears=False)
    keep(seller, 2000, 2)
    life.sell()
    life.release()
    for _ in range(40):
        life.step()
        life.check()
    assert replayed(seller) == [], "\n".join(life.done)
    assert holds(seller), "something was kept at all"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        ("UPDATE reserve_holds SET taken_minor = taken_minor + 1", "taken_minor is 976, the logs say 975"),
        ("DELETE FROM reserve_holds", "it is not kept"),
    ],
)
def test_what_is_kept_otherwise_than_the_journals_say_is_named(seller: Seller, spoil: str, sentence: str) -> None:
    keep(seller, 1000, 90)
    payment = seller.sells("100.00")
    with after(3, seller):
        assert fresh(seller.shop, payment).released_at
    with pytest.raises(RuntimeError), unit(seller.shop.app):
        db.session.execute(text(f"{spoil} WHERE vendor_id = :vendor"), {"vendor": seller.shop.vendor.id})
        assert any(sentence in line for line in replay(RESERVES, seller.shop.vendor.id).differences)
        raise RuntimeError("nothing of it stays")
