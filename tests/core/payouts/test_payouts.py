"""A payout proves itself, takes each line once, and ends in what the bank's statement says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from core.kernel.clock import now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import NeedsASecondPerson
from core.kernel.money import Money
from core.ledger.post import BalanceTooLow
from core.payouts.accounts import COOLING_OFF, BadPayoutAccount, add_account
from core.payouts.approve import approve_payout, cancel_payout
from core.payouts.hand_over import record_made_by_hand
from core.payouts.history import IllegalMove
from core.payouts.models import Payout, PayoutTerms
from core.payouts.queries import history_of, list_payouts
from core.payouts.request import NotPayable, request_payout
from core.payouts.statement import StatementDoesNotAddUp, lines_of, prove
from core.payouts.terms import change_terms, claim_due, next_day
from core.providers.bank_orders import find_order
from tests.core.payments.conftest import AtOnce
from tests.core.payouts.sellers import OTHER, THEIRS, Seller
from tests.factories import Shop, ask_refund, out_of_sight, tell_refund, unit
from workers.payouts import plan_payouts


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def test_everything_available_is_paid_and_each_line_leads_to_its_payment(seller: Seller) -> None:
    payout = seller.pays_out()
    assert (payout.amount, payout.opening_minor, payout.carried_minor, payout.seq) == (usd(9750), 0, 0, 1)
    assert (payout.state, seller.has(), seller.has("payout_in_transit")) == ("submitted", usd(0), usd(9750))
    with unit(seller.shop.app):
        (line,) = lines_of(seller.shop.vendor, payout)
        assert (line.kind, line.gross, line.fee, line.given_back, line.net) == ("release", usd(10000), usd(-250), usd(0), usd(9750))
        assert line.about.startswith("pay_")
        order = find_order("test", payout.public_id)
        assert order is not None and (order.purpose, order.amount, order.to_account) == ("payout", usd(9750), THEIRS)
    assert seller.books_are_whole()


def test_what_a_payer_got_back_before_the_release_stands_on_its_line(shop: Shop) -> None:
    with unit(shop.app):
        add_account(shop.vendor, "test", currency="USD", holder="Blue Door", iban=THEIRS, by="usr_owner")
    seller = Seller(shop)
    payment = seller.sells("100.00")
    tell_refund(shop, ask_refund(shop, payment, "40.00"), "succeeded")
    with shifted(timedelta(days=30)):
        seller.release()
        payout = seller.pays_out()
        with unit(shop.app):
            (line,) = lines_of(shop.vendor, payout)
    assert (line.gross, line.fee, line.given_back, line.net) == (usd(10000), usd(-150), usd(-4000), usd(5850))


def test_the_bank_says_it_left_and_then_that_it_came_back(seller: Seller) -> None:
    payout = seller.pays_out()
    seller.bank_says(payout)
    paid = seller.as_it_is(payout)
    assert (paid.state, paid.arrived_at is not None, seller.has("payout_in_transit")) == ("paid", True, usd(0))
    seller.bank_says(payout, back="AC04")
    back = seller.as_it_is(payout)
    assert (back.state, back.failure_reason) == ("returned", "AC04")
    assert (seller.has(), seller.has("payout_in_transit")) == (usd(9750), usd(0))
    again = seller.pays_out()
    assert (again.amount, again.opening_minor, again.lines_minor) == (usd(9750), 0, 9750)
    with unit(seller.shop.app):
        assert [line.kind for line in lines_of(seller.shop.vendor, again)] == ["payout came back"]
        kinds = [event.kind for event in history_of(seller.shop.vendor, back)]
    assert kinds == ["payout.requested", "payout.submitted", "payout.paid", "payout.returned"]
    assert seller.books_are_whole()


def test_the_same_form_sent_twice_is_one_payout(seller: Seller) -> None:
    assert seller.pays_out("form-1").public_id == seller.pays_out("form-1").public_id


@pytest.mark.parametrize("_round", range(10))
def test_two_at_once_pay_once(seller: Seller, at_once: AtOnce, _round: int) -> None:
    def ask(token: str) -> Callable[[], Payout]:
        return lambda: request_payout(seller.shop.vendor, "test", "USD", by="usr_owner", form_token=token)

    answers = at_once(ask("a"), ask("b"))
    assert sorted(type(answer).__name__ for answer in answers) == ["NotPayable", "Payout"]
    assert seller.has("payout_in_transit") == usd(9750) and seller.books_are_whole()


def test_a_refund_and_a_payout_at_once_never_give_the_same_money(seller: Seller, at_once: AtOnce) -> None:
    payment = seller.sells("50.00")
    with shifted(timedelta(days=60)):
        seller.release()
        answers = at_once(
            lambda: request_payout(seller.shop.vendor, "test", "USD", by="usr_owner", form_token="x"),
            lambda: ask_refund(seller.shop, payment),
        )
        assert not [answer for answer in answers if isinstance(answer, BalanceTooLow)]
        assert seller.books_are_whole()
        with unit(seller.shop.app):
            prove(answers[0])


def test_one_above_the_limit_waits_for_somebody_else(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    low = dataclasses.replace(settings(), payout_limits={"USD": 5_000})
    monkeypatch.setattr("core.payouts.request.settings", lambda: low)
    payout = seller.pays_out(by="stf_one")
    assert (payout.state, payout.why_held) == ("requested", "above_limit")
    with unit(seller.shop.app):
        assert find_order("test", payout.public_id) is None
    with unit(seller.shop.app), pytest.raises(NeedsASecondPerson):
        approve_payout(seller.shop.vendor, seller.as_it_is(payout), by="stf_one")
    with unit(seller.shop.app):
        approve_payout(seller.shop.vendor, payout, by="stf_two")
    assert (seller.as_it_is(payout).state, seller.as_it_is(payout).approved_by) == ("submitted", "stf_two")
    with unit(seller.shop.app):
        order = find_order("test", payout.public_id)
        assert order is not None
        record_made_by_hand(order)
    with unit(seller.shop.app), pytest.raises(IllegalMove):
        cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="too late")


def test_called_off_the_money_is_available_again(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    low = dataclasses.replace(settings(), payout_limits={})
    monkeypatch.setattr("core.payouts.request.settings", lambda: low)
    payout = seller.pays_out()
    with unit(seller.shop.app):
        cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="a name that does not fit")
    assert seller.has() == usd(9750) and seller.books_are_whole()


def test_nothing_below_the_minimum_and_nothing_to_a_new_account(seller: Seller) -> None:
    with unit(seller.shop.app):
        change_terms(seller.shop.vendor, "test", schedule="on_request", day=1, minimum=usd(10_000), by="usr_owner")
    with pytest.raises(NotPayable, match="below your minimum"):
        seller.pays_out()
    with unit(seller.shop.app):
        change_terms(seller.shop.vendor, "test", schedule="on_request", day=1, minimum=usd(100), by="usr_owner")
        add_account(seller.shop.vendor, "test", currency="USD", holder="Somebody else", iban=OTHER, by="usr_thief")
    with pytest.raises(NotPayable, match="can be used from"):
        seller.pays_out()
    with shifted(timedelta(days=30) + COOLING_OFF):
        assert seller.pays_out().state == "submitted"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"iban": "DE00500105170648489890"}, "iban"), ({"iban": "x" * 5000}, "iban"), ({"holder": " "}, "holder"),
        ({"holder": "x" * 71}, "holder"), ({"holder": "🥐 ★"}, "holder"), ({"currency": "EUR", "iban": "SA0380000000608010167519"}, "iban"), ({"bic": "NOPE"}, "bic"), ({"currency": "NOK"}, "currency"), ({"currency": "??"}, "currency"),
    ],
)  # fmt: skip
def test_a_bad_account_is_refused_at_its_field(shop: Shop, changes: dict[str, str], field: str) -> None:
    given = {"currency": "USD", "holder": "Blue Door", "iban": THEIRS, "bic": "", **changes}
    with unit(shop.app), pytest.raises(BadPayoutAccount) as refused:
        add_account(shop.vendor, "test", by="usr_owner", **given)
    assert refused.value.field == field


def test_a_book_that_does_not_add_up_pays_nothing(seller: Seller) -> None:
    """A payout that hides a line: the one after it finds the hole, and no money leaves."""
    seller.pays_out()
    with unit(seller.shop.app):
        first = db.session.execute(
            text("UPDATE payouts SET opening_minor = 100, carried_minor = 100 WHERE vendor_id = :v"), {"v": seller.shop.vendor.id}
        )
        assert first.rowcount == 1
    seller.sells("20.00")
    with shifted(timedelta(days=60)):
        seller.release()
        with pytest.raises(StatementDoesNotAddUp):
            seller.pays_out()
        assert seller.has() == usd(1950)


@pytest.mark.parametrize(
    ("schedule", "day", "after", "then"),
    [
        ("on_request", 1, date(2026, 11, 26), None), ("daily", 1, date(2026, 12, 31), date(2027, 1, 1)),
        ("weekly", 4, date(2026, 11, 26), date(2026, 12, 3)), ("weekly", 5, date(2026, 11, 26), date(2026, 11, 27)),
        ("weekly", 1, date(2026, 11, 26), date(2026, 11, 30)), ("monthly", 31, date(2026, 11, 26), date(2026, 11, 30)),
        ("monthly", 31, date(2026, 11, 30), date(2026, 12, 31)), ("monthly", 26, date(2026, 11, 26), date(2026, 12, 26)),
        ("monthly", 30, date(2027, 1, 30), date(2027, 2, 28)), ("monthly", 1, date(2026, 12, 1), date(2027, 1, 1)),
    ],
)  # fmt: skip
def test_the_next_day_of_a_schedule(schedule: str, day: int, after: date, then: date | None) -> None:
    assert next_day(schedule, day, after) == then


def test_the_clock_pays_out_once_on_the_day(seller: Seller, work: Callable[[], int]) -> None:
    shop = seller.shop
    with unit(shop.app):
        change_terms(shop.vendor, "test", schedule="daily", day=1, minimum=usd(100), by="usr_owner")
    seller.sells("20.00")
    with unit(shop.app):
        assert shop.vendor.id not in {row.vendor_id for row in claim_due()}, "not before its day"
        out_of_sight(shop.vendor)  # a month of everybody else's work
    with shifted(timedelta(days=33)):
        seller.release()
        for _twice in range(2):
            with unit(shop.app):
                plan_payouts()
            work()
        with unit(shop.app):
            made = list_payouts(shop.vendor, "test")
        assert [(one.amount, one.requested_by, one.seq) for one in made] == [(usd(9750 + 1950), "system", 1)]
    with unit(shop.app):
        kept = db.session.get_one(PayoutTerms, (shop.vendor.id, "test", "USD"))
        assert kept.next_on == now().date() + timedelta(days=4), "the day after the one it was made on"
