"""Refund links are paid: from the refund that failed to the money, and the books are whole whatever the bank does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import now, shifted
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.kernel.shadow import replay
from core.ledger.queries import balance
from core.payments.claim import LIFE, NoRefundLink, is_stuck, make_claim
from core.payments.order_files import make_order_file
from core.payments.order_refused import refuse_order
from core.payments.refund_queue import cancel_queued
from core.payments.replay import SHADOWS
from core.payouts.accounts import COOLING_OFF, add_account
from core.payouts.request import request_payout
from core.providers.bank_orders import find_order
from core.providers.registry import our_bank
from tests.core.payments.claims import (
    OTHER,
    THEIRS,
    approved,
    bank_says,
    failed_refund,
    list_of_refunds,
    messages,
    named,
    opened,
    refund_of,
    send,
    whole,
)
from tests.core.payments.settled import held, lines
from tests.core.payments.transfers import ELSEWHERE, TestBank, begin_transfer, euros_at_another_bank
from tests.core.payouts.sellers import send_waiting_orders
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, again, fresh, make_link, make_payment, release_all, unit


@pytest.fixture(autouse=True)
def euros(app: Flask) -> Iterator[None]:
    """Our account in euros is at a bank of these tests' own."""
    with euros_at_another_bank():
        yield


def test_what_could_not_go_back_is_paid_to_the_named_account(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    before = held(shop)
    claim = opened(shop, payment, refund)
    assert (claim.state, claim.amount, claim.expires_at) == ("open", refund.amount, claim.created_at + LIFE)
    assert [m.recipient for m in messages(shop, "refund_claim")] == [payment.email]
    claim = named(shop, claim, holder="  Ada   Payer ", iban="de12 5001 0517 0648 4898 90")
    assert (claim.state, claim.holder, claim.iban, claim.masked) == ("claimed", "Ada Payer", THEIRS, "DE·· ···· 9890")
    assert held(shop) == before, "no money moves before somebody has approved it"
    assert len(list_of_refunds(shop, payment)) == 1
    approved(shop, claim)
    paying = refund_of(shop, claim)
    assert (paying.state, paying.provider, paying.amount, paying.reason) == ("requested", "bank", refund.amount, refund.reason)
    assert held(shop)["refund_in_flight"] == 4_000
    send_waiting_orders(app)
    assert send(shop, paying) == "pending"
    with unit(app):
        file = make_order_file("test", by="stf_one")
        order = find_order("test", paying.public_id)
        assert order is not None and (order.to_name, order.to_account, order.account) == ("Ada Payer", THEIRS, ELSEWHERE)
        assert THEIRS.encode() in file.raw and b"Ada Payer" in file.raw and b"40.00" in file.raw
    assert fresh(shop, claim).state == "approved", "a file is no statement"
    bank_says(shop, paying)
    assert (fresh(shop, claim).state, fresh(shop, paying).state) == ("paid", "succeeded")
    row = fresh(shop, payment)
    assert (row.refunded_minor, row.refunding_minor, row.fee_returned_minor) == (4_000, 0, payment.fee_minor)
    books = held(shop)
    assert "refund_in_flight" not in books and books["psp_clearing"] == before["psp_clearing"], "what the processor holds is untouched"
    assert whole(shop)
    kinds = [line for line in lines(shop, payment) if line.startswith(("claim.", "refund."))]
    assert kinds == [
        "refund.requested", "refund.submitted", "refund.failed", "claim.opened", "claim.answered", "refund.requested", "claim.approved",
        "refund.submitted", "refund.pending", "refund.succeeded",
    ]  # fmt: skip
    assert len(messages(shop, "refund_sent")) == 1


def test_a_transfer_that_comes_back_leaves_everything_as_it_was_and_can_be_asked_for_again(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    before = held(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    paying = refund_of(shop, claim)
    send(shop, paying)
    bank_says(shop, paying)
    bank_says(shop, paying, back="AC04")
    assert (fresh(shop, claim).state, fresh(shop, paying).state, held(shop)) == ("failed", "failed", before)
    assert whole(shop)
    again_asked = approved(shop, named(shop, opened(shop, payment, refund), iban=OTHER))
    paying = refund_of(shop, again_asked)
    send(shop, paying)
    bank_says(shop, paying)
    assert (fresh(shop, again_asked).state, fresh(shop, payment).refunded_minor) == ("paid", 4_000)
    assert whole(shop)


def test_a_transfer_the_bank_refuses_to_make_gives_the_money_back(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    before = held(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    send(shop, refund_of(shop, claim))
    with unit(app):
        order = find_order("test", refund_of(shop, claim).public_id)
        assert order is not None
        refuse_order(order, by="stf_one", reason="the account is closed")
    assert (fresh(shop, claim).state, held(shop)) == ("failed", before)
    assert whole(shop)


def test_a_part_is_paid_as_a_part(shop: Shop) -> None:
    payment, refund = failed_refund(shop, back="15.00")
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    paying = refund_of(shop, claim)
    send(shop, paying)
    bank_says(shop, paying)
    assert (fresh(shop, payment).refunded_minor, fresh(shop, payment).refundable.minor) == (1_500, 2_500)
    assert whole(shop)


def test_sent_twice_it_is_one_order(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    paying = refund_of(shop, approved(shop, named(shop, opened(shop, payment, refund))))
    send(shop, paying)
    with unit(app):
        first = find_order("test", paying.public_id)
    with app.app_context():
        told = our_bank("test").refund_to(
            paying.public_id, payment.public_id, paying.amount, holder="Eve", iban=OTHER, of_transfers=False, vendor="vnd_x", text="again",
            may_leave=lambda: True,
        )  # fmt: skip
    with unit(app):
        now_ = find_order("test", paying.public_id)
        assert first and now_ and (told.state, now_.to_account, now_.end_to_end) == ("pending", THEIRS, first.end_to_end)


def test_a_transfer_of_an_unknown_account_is_asked_for_in_parts(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop, make_link(shop, amount="60.00", currency="EUR"))
    attempt = begin_transfer(shop, payment)
    tx = Tx(6_000, reference=attempt.provider_reference or "", name="")
    TestBank(shop, "EUR").tell(Line((tx,), booked_on=now().date()))
    payment = fresh(shop, payment)
    assert payment.state == "succeeded"
    with unit(app):
        assert is_stuck(again(payment), None)
    claim = opened(shop, payment, None, Money.of("20.00", "EUR"))
    with unit(app), pytest.raises(NoRefundLink):
        make_claim(shop.vendor, again(payment), None, amount=Money.of("20.00", "EUR"), by="usr_x")
    for one, minor in ((claim, 2_000), (None, 4_000)):
        one = one or opened(shop, payment, None, Money(minor, "EUR"))
        paying = refund_of(shop, approved(shop, named(shop, one)))
        assert send(shop, paying) == "pending"
        bank_says(shop, paying)
        assert fresh(shop, one).state == "paid"
    assert fresh(shop, payment).refundable.minor == 0
    assert whole(shop)


def test_what_the_balance_does_not_hold_waits_in_line_and_can_be_called_off(app: Flask, shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    with shifted(timedelta(days=3)):
        release_all(app)
    _spend(shop)
    claim = approved(shop, claim)
    paying = refund_of(shop, claim)
    assert (claim.state, paying.state) == ("approved", "queued")
    with unit(app):
        cancel_queued(shop.vendor, "test", paying.public_id, by=shop.user.public_id)
    assert fresh(shop, claim).state == "failed"
    assert whole(shop)


def _spend(shop: Shop) -> None:
    """The balance is paid out."""
    with shifted(-2 * COOLING_OFF), unit(shop.app):
        add_account(shop.vendor, "test", currency="EUR", holder="Blue Door Bakery", iban=THEIRS, by=shop.user.public_id)
    with unit(shop.app):
        request_payout(shop.vendor, "test", "EUR", by=shop.user.public_id, form_token=public_id("frm"))
        assert not balance(shop.vendor, "test", "seller_available", "EUR")


def test_the_logs_give_the_same_refunds_again(app: Flask, shop: Shop) -> None:
    """Made anew from history and journals, payments and refunds are what their rows say."""

    payment, refund = failed_refund(shop)
    paying = refund_of(shop, approved(shop, named(shop, opened(shop, payment, refund))))
    send(shop, paying)
    bank_says(shop, paying)
    with unit(app):
        about = {payment.public_id, paying.public_id, refund.public_id}
        told = [sentence for shadow in SHADOWS for sentence in replay(shadow, shop.vendor.id).differences]
        assert about and [sentence for sentence in told if any(name in sentence for name in about)] == []
