"""A day on which many sellers are paid out: together, each by their own facts, and nobody held up by another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import delete, func, or_, select, text, update

from core.accounts.models import Vendor
from core.admission.stops import stop
from core.kernel.clock import frozen, now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.ledger.book import PLATFORM
from core.payouts.accounts import add_account
from core.payouts.held import is_kept_back, kept_back
from core.payouts.models import Payout, PayoutTerms
from core.payouts.queries import list_payouts
from core.payouts.request import NotPayable, Wish, request_payout, request_payouts
from core.payouts.terms import change_terms, is_anybody_due
from core.providers.bank_models import BankOrder
from core.providers.bank_orders import find_order, list_waiting_orders
from tests.core.payments.conftest import AtOnce, another_shop
from tests.core.payouts.sellers import THEIRS, Seller, send_waiting_orders
from tests.factories import Shop, out_of_sight, release_all, unit
from workers import payouts as jobs

WHY = "We are looking at a sale of yesterday."


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.fixture
def sellers(app: Flask, first_shop: Shop) -> Iterator[list[Seller]]:
    """Four with USD 19.50 each, paid out every day; their day has come."""
    found = [Seller(another_shop(first_shop)) for _ in range(4)]
    with unit(app):
        db.session.execute(update(PayoutTerms).values(schedule="on_request", next_on=None))  # other tests' sellers
        for seller in found:
            vendor = seller.shop.vendor
            add_account(vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by="usr_owner")
            change_terms(vendor, "test", schedule="daily", day=1, minimum=usd(100), by="usr_owner")
    for seller in found:
        seller.sells("20.00")
    with shifted(timedelta(days=30)):
        with unit(app):
            out_of_sight()
            db.session.execute(delete(OutboxTask).where(OutboxTask.vendor_id == PLATFORM))
        release_all(app)
        yield found


def paid(seller: Seller) -> list[Money]:
    with unit(seller.shop.app):
        return [one.amount for one in list_payouts(seller.shop.vendor, "test")]


def run(app: Flask) -> None:
    with app.app_context():
        jobs.run_payouts(PLATFORM)


def tasks(app: Flask, job: str) -> int:
    with unit(app):
        return int(db.session.scalar(select(func.count()).where(OutboxTask.job == job)) or 0)


def spoil(seller: Seller) -> None:
    """A payout that hides a line: the statement of the next one does not add up."""
    seller.pays_out()
    with unit(seller.shop.app):
        db.session.execute(
            text("UPDATE payouts SET opening_minor = 100, carried_minor = 100 WHERE vendor_id = :v"), {"v": seller.shop.vendor.id}
        )
    seller.sells("20.00")


def test_all_whose_day_has_come_are_paid_once(app: Flask, sellers: list[Seller]) -> None:
    for _twice in range(2):
        run(app)
    assert [paid(seller) for seller in sellers] == [[usd(1950)]] * 4
    assert all(seller.books_are_whole() and seller.has() == usd(0) for seller in sellers)


def test_a_refusal_concerns_nobody_else(app: Flask, sellers: list[Seller]) -> None:
    held, poor, *others = sellers
    with unit(app):
        stop(held.shop.vendor, "test", "payouts", reason=WHY, days=90, by="stf_one")
        change_terms(poor.shop.vendor, "test", schedule="on_request", day=1, minimum=usd(5000), by="usr_owner")
        db.session.execute(
            update(PayoutTerms).where(PayoutTerms.vendor_id == poor.shop.vendor.id).values(schedule="daily", next_on=now().date())
        )
    run(app)
    assert [paid(seller) for seller in sellers] == [[], [], [usd(1950)], [usd(1950)]]
    assert (held.has(), poor.has()) == (usd(1950), usd(1950)) and tasks(app, "make_payout") == 0
    wishes = [Wish(seller.shop.vendor, "by hand") for seller in (held, poor, others[0])]
    with unit(app):
        answers = request_payouts(wishes, "test", "USD", by="usr_owner")
    assert all(isinstance(answer, NotPayable) for answer in answers) and WHY in str(answers[0].message)


def test_a_statement_that_does_not_add_up_holds_up_its_own_seller_only(app: Flask, sellers: list[Seller], work: Callable[[], int]) -> None:
    spoil(sellers[1])
    with shifted(timedelta(days=40)):
        release_all(app)
        run(app)
        assert tasks(app, "make_payout") == 4, "each for themselves"
        work()
        assert [len(paid(seller)) for seller in sellers] == [1, 1, 1, 1], "the one that was made before it was spoilt is one of them"
        assert sellers[1].has() == usd(1950) and tasks(app, "make_payout") == 1


def test_killed_in_a_portion_nothing_of_it_is_left_and_the_next_turn_makes_it(
    app: Flask, sellers: list[Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("core.payouts.request.hand_over_all", die)
        with pytest.raises(Killed):
            run(app)
    assert [paid(seller) for seller in sellers] == [[]] * 4
    run(app)
    assert [paid(seller) for seller in sellers] == [[usd(1950)]] * 4


def test_two_at_once_and_somebody_who_asks_by_hand_pay_each_once(app: Flask, sellers: list[Seller], at_once: AtOnce) -> None:
    vendor = sellers[2].shop.vendor

    def turn() -> None:
        due = jobs.claim_due(jobs.AT_ONCE)
        jobs._pay_out(due)

    at_once(turn, turn, lambda: request_payout(vendor, "test", "USD", by="usr_owner", form_token="by hand"))
    run(app)
    assert [paid(seller) for seller in sellers] == [[usd(1950)]] * 4
    assert all(seller.books_are_whole() for seller in sellers)


def test_one_turn_runs_and_one_waits_however_often_the_clock_looks(app: Flask, sellers: list[Seller]) -> None:
    for _ in range(5):
        with unit(app):
            jobs.plan_payouts()
    assert tasks(app, "run_payouts") == jobs.TURNS
    run(app)
    with unit(app):
        db.session.execute(delete(OutboxTask).where(OutboxTask.job == "run_payouts"))
        jobs.plan_payouts()
    assert tasks(app, "run_payouts") == 0, "nobody is due"


def test_whoever_is_ahead_of_others_is_due_when_their_own_day_begins(app: Flask, sellers: list[Seller]) -> None:
    ahead, behind, *_ = sellers
    day, at = date(2031, 3, 6), datetime(2031, 3, 5, 9, 30, tzinfo=UTC)
    with unit(app):
        db.session.execute(update(PayoutTerms).values(schedule="on_request", next_on=None))
        for seller, zone in ((ahead, "Pacific/Kiritimati"), (behind, "Europe/London")):
            mine = seller.shop.vendor.id
            db.session.execute(update(Vendor).where(Vendor.id == mine).values(time_zone=zone))
            db.session.execute(update(PayoutTerms).where(PayoutTerms.vendor_id == mine).values(schedule="daily", next_on=day))

    def due() -> list[Seller]:
        with unit(app):
            looked = [is_anybody_due() for _twice in range(2)]
        with app.app_context():
            claimed = {row.vendor_id for row in jobs.claim_due()}
            db.session.rollback()
        assert looked == [bool(claimed)] * 2
        return [seller for seller in sellers if seller.shop.vendor.id in claimed]

    for hours, expected in ((0, []), (1, [ahead]), (14, [ahead]), (15, [ahead, behind])):  # at 10:00 by UTC it is the 6th in Kiritimati
        with frozen(at + timedelta(hours=hours)):
            assert due() == expected
    with unit(app):
        db.session.execute(update(PayoutTerms).where(PayoutTerms.vendor_id == ahead.shop.vendor.id).values(next_on=day + timedelta(days=1)))
    with frozen(at + timedelta(hours=1)):
        assert due() == [], "tomorrow's are looked at, and are nobody's there"


def test_a_portion_is_told_to_the_line_once_and_without_a_line_not_at_all(
    app: Flask, sellers: list[Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = sellers
    for seller, url, expected in ((first, "http://bank.test", 1), (second, "", 0)):
        monkeypatch.setattr("core.providers.bank_accounts.settings", lambda url=url: dataclasses.replace(settings(), sandbox_url=url))
        with unit(app):
            db.session.execute(delete(OutboxTask).where(OutboxTask.job == "send_bank_orders"))
        seller.pays_out()
        assert tasks(app, "send_bank_orders") == expected


def test_many_and_one_are_kept_back_by_the_same_facts(app: Flask, sellers: list[Seller]) -> None:
    send_waiting_orders(app)
    made = [seller.pays_out() for seller in sellers]
    with unit(app):
        stop(sellers[0].shop.vendor, "test", "payouts", reason=WHY, days=10, by="stf_one")
        stop(sellers[1].shop.vendor, "test", "payouts", about=made[1].public_id, reason=WHY, days=10, by="stf_one")
        stop(sellers[2].shop.vendor, "test", "payouts", about="po_another", reason=WHY, days=10, by="stf_one")
        orders = [order for one in made if (order := find_order("test", one.public_id))]
        by_one = [is_kept_back(order) for order in orders]
        left = {order.end_to_end for order in list_waiting_orders("test", without=kept_back())}
        by_many = [order.end_to_end not in left for order in orders]
        assert by_one == by_many == [True, True, False, False]
    with shifted(timedelta(days=41)), unit(app):
        assert (
            db.session.scalar(
                select(func.count()).where(BankOrder.vendor.in_([s.shop.vendor.public_id for s in sellers]), or_(*kept_back()))
            )
            == 0
        )


def test_a_hold_on_one_payout_keeps_back_no_other_of_its_seller(app: Flask, sellers: list[Seller]) -> None:
    send_waiting_orders(app)
    seller = sellers[0]
    first = seller.pays_out()
    seller.sells("20.00")
    with shifted(timedelta(days=40)):
        release_all(app)
        second = seller.pays_out()
        with unit(app):
            stop(seller.shop.vendor, "test", "payouts", about=first.public_id, reason=WHY, days=90, by="stf_one")
            left = [order.reference for order in list_waiting_orders("test", without=kept_back())]
            orders = [order for one in (first, second) if (order := find_order("test", one.public_id))]
            assert left == [second.public_id] and [is_kept_back(order) for order in orders] == [True, False]


def test_what_is_waiting_for_a_person_is_among_what_the_run_made(
    app: Flask, sellers: list[Seller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.payouts.request.settings", lambda: dataclasses.replace(settings(), payout_limits={"USD": 2000}))
    sellers[3].sells("20.00")
    with shifted(timedelta(days=40)):
        release_all(app)
        run(app)
        with unit(app):
            states = [db.session.scalar(select(Payout.state).where(Payout.vendor_id == seller.shop.vendor.id)) for seller in sellers]
            assert states == ["submitted"] * 3 + ["requested"]
            assert find_order("test", list_payouts(sellers[3].shop.vendor, "test")[0].public_id) is None
