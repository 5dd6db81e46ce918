"""Money nobody asked for is held apart, shown, and can be given back: once, in full, and without touching what was sold."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.ledger.queries import balances, find_breaks, journals_about
from core.notifications.models import Message
from core.payments.models import Payment
from core.payments.queries import list_refunds, refunds_of_sale, timeline
from core.payments.refund_models import Refund
from core.payments.unexpected import GoesBackAlready, Unexpected, give_back, list_unexpected
from tests.core.payments.conftest import AtOnce, another_shop
from tests.factories import Shop, again, ask_refund, fresh, make_paid, make_payment, open_payment, tell, tell_refund, unit

ROUNDS = 20


@pytest.fixture
def payment(shop: Shop) -> Payment:
    """Paid, and then charged a second time."""
    made = make_paid(shop)
    tell(shop, made, None, "succeeded", charge="ch_twice", captured=made.amount)
    return fresh(shop, made)


def held(shop: Shop) -> dict[str, int]:
    with shop.app.app_context():
        return {name: money.minor for (name, _, _), money in balances(shop.vendor, "test").items() if money}


def unexpected(shop: Shop, payment: Payment) -> list[Unexpected]:
    with shop.app.app_context():
        return list_unexpected(shop.vendor, payment)


def ask(shop: Shop, payment: Payment, charge: str = "ch_twice", form: str = "") -> Refund:
    with unit(shop.app):
        token = form or secrets.token_urlsafe(18)
        return give_back(shop.vendor, again(payment), charge=charge, by=shop.user.public_id, form_token=token)


def letters(shop: Shop, kind: str) -> int:
    with shop.app.app_context():
        return int(db.session.scalar(select(func.count()).where(Message.vendor_id == shop.vendor.id, Message.kind == kind)) or 0)


def test_it_is_shown_with_what_it_is_and_where_it_came_from(shop: Shop, payment: Payment) -> None:
    (one,) = unexpected(shop, payment)
    assert (one.charge, one.amount, one.why, one.is_here) == ("ch_twice", payment.amount, "second_charge", True)
    assert held(shop)["unapplied_receipts"] == payment.amount_minor


def test_it_goes_back_from_where_it_was_held_and_no_seller_gives_anything(shop: Shop, payment: Payment) -> None:
    before = held(shop)
    refund = ask(shop, payment)
    assert held(shop) == {**{k: v for k, v in before.items() if k != "unapplied_receipts"}, "refund_in_flight": payment.amount_minor}
    tell_refund(shop, refund, "succeeded")
    after = held(shop)
    assert "unapplied_receipts" not in after and "refund_in_flight" not in after
    assert after["psp_clearing"] == payment.amount_minor and after["seller_pending"] == before["seller_pending"]
    now = fresh(shop, payment)
    assert (now.state, now.refunded_minor, now.refunding_minor, now.fee_returned_minor) == ("succeeded", 0, 0, 0)
    assert (letters(shop, "money_returned"), letters(shop, "refund_sent")) == (1, 0)
    with shop.app.app_context():
        assert refunds_of_sale(shop.vendor, payment) == [] and len(list_refunds(shop.vendor, payment)) == 1
        kinds = [journal.kind for journal, _ in journals_about(shop.vendor, "test", payment.public_id)]
        told = [line.kind for line in timeline(shop.vendor, payment)]
        assert find_breaks(shop.vendor.id, "test") == []
    assert kinds[-3:] == ["unexpected capture", "refund requested", "refund confirmed"]
    assert told[-4:] == ["payment.unexpected_money", "unexpected.return_requested", "refund.submitted", "refund.succeeded"]


def test_the_sale_can_still_be_refunded_in_full(shop: Shop, payment: Payment) -> None:
    tell_refund(shop, ask(shop, payment), "succeeded")
    tell_refund(shop, ask_refund(shop, payment), "succeeded")
    assert fresh(shop, payment).refunded_minor == payment.amount_minor
    assert {k: v for k, v in held(shop).items() if v} == {"platform_fee": payment.fee_minor, "fee_refunds": payment.fee_minor}


def test_a_return_that_failed_is_held_again_and_may_be_tried_again(shop: Shop, payment: Payment) -> None:
    tell_refund(shop, ask(shop, payment), "failed", failure_reason="expired_or_canceled_card")
    (one,) = unexpected(shop, payment)
    assert one.is_here and held(shop)["unapplied_receipts"] == payment.amount_minor
    assert letters(shop, "refund_failed") == 1
    tell_refund(shop, ask(shop, payment), "succeeded")
    assert not unexpected(shop, payment)[0].is_here and "unapplied_receipts" not in held(shop)


def test_a_return_the_bank_sends_back_weeks_later_is_held_again(shop: Shop, payment: Payment) -> None:
    refund = ask(shop, payment)
    tell_refund(shop, refund, "succeeded")
    tell_refund(shop, refund, "failed", failure_reason="account_closed")
    assert unexpected(shop, payment)[0].is_here and held(shop)["unapplied_receipts"] == payment.amount_minor


def test_another_amount_goes_back_in_its_own_currency_and_the_payment_stays_unpaid(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "succeeded", charge="ch_other", captured=Money(777, "EUR"))
    refund = ask(shop, payment, "ch_other")
    assert refund.amount == Money(777, "EUR")
    tell_refund(shop, refund, "succeeded")
    assert held(shop) == {} and fresh(shop, payment).captured_minor == 0


def test_only_what_is_this_payments_unexpected_money_goes_back(shop: Shop, first_shop: Shop, payment: Payment) -> None:
    with pytest.raises(NotFound):
        ask(shop, payment, payment.charge or "")
    with pytest.raises(NotFound):
        ask(shop, make_paid(shop), "ch_twice")
    with pytest.raises(NotFound):
        ask(another_shop(first_shop), payment, "ch_twice")
    assert held(shop)["unapplied_receipts"] == payment.amount_minor


def test_the_same_form_twice_is_one_return_and_another_is_refused(shop: Shop, payment: Payment) -> None:
    first, again_ = ask(shop, payment, form="form-1-of-the-page"), ask(shop, payment, form="form-1-of-the-page")
    assert first.public_id == again_.public_id
    with pytest.raises(GoesBackAlready):
        ask(shop, payment)
    tell_refund(shop, first, "succeeded")
    with pytest.raises(GoesBackAlready):
        ask(shop, payment)


def test_two_people_at_once_send_it_back_once(shop: Shop, at_once: AtOnce) -> None:
    for n in range(ROUNDS):
        payment, charge = make_paid(shop), f"ch_{secrets.token_hex(6)}"
        tell(shop, payment, None, "succeeded", charge=charge, captured=payment.amount)

        def press(n: int = n, payment: Payment = payment, charge: str = charge) -> Callable[[], Refund]:
            return lambda: give_back(shop.vendor, again(payment), charge=charge, by="usr_1", form_token=secrets.token_urlsafe(18))

        answers = at_once(press(), press(), press())
        assert sorted(type(a).__name__ for a in answers) == ["GoesBackAlready", "GoesBackAlready", "Refund"]
        with shop.app.app_context():
            assert len(list_refunds(shop.vendor, payment)) == 1
