"""What moves the same money meanwhile: a dispute, the processor's own page, news that come late. Nothing is paid twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.payments import refund as refunds
from core.payments.claim import ClaimMovedOn, NoRefundLink
from core.payments.disputed import stop_refunds, transfers_beside_a_dispute
from core.payments.models import Payment
from core.payments.order_files import make_order_file, orders_of, take_file_back
from core.payments.refund import ASKED, request_refund, settle_refund
from core.payments.start import lock_payment
from core.providers.bank_orders import find_order
from core.providers.contract import RefundOutcome
from tests.core.payments.claims import approved, failed_refund, messages, named, opened, refund_of, send, whole
from tests.core.payments.transfers import euros_at_another_bank
from tests.core.payouts.sellers import send_waiting_orders
from tests.factories import Shop, again, ask_refund, fresh, make_link, make_paid, tell_refund, unit
from workers.payments import poll_refund, send_refund


@pytest.fixture(autouse=True)
def euros(app: Flask) -> Iterator[None]:
    """Our account in euros is at a bank of these tests' own."""
    with euros_at_another_bank():
        yield


def dispute(shop: Shop, payment: Payment) -> None:
    """The payer's bank takes the money back: what the payment itself knows of it, and what that does to its refunds."""
    with unit(shop.app):
        held = lock_payment(again(payment))
        held.disputed_minor = held.amount_minor
        stop_refunds(shop.vendor, held)


def decide(shop: Shop, payment: Payment) -> None:
    """No more of it: the books of these tests know of no dispute."""
    with unit(shop.app):
        again(payment).disputed_minor = 0


def test_a_transfer_that_the_bank_has_not_been_told_of_is_called_off_by_a_dispute(shop: Shop) -> None:
    """Its bank has taken the money back from the card: a transfer beside it would be the second time, and our bank refuses none."""
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    assert send(shop, refund_of(shop, claim)) == "pending"
    with unit(shop.app):
        stop_refunds(shop.vendor, lock_payment(again(payment)))
    transfer = refund_of(shop, claim)
    assert (transfer.state, transfer.failure_reason, fresh(shop, claim).state) == ("failed", "charge_disputed", "failed")
    with unit(shop.app):
        assert getattr(find_order("test", transfer.public_id), "state", None) == "failed"
    assert fresh(shop, payment).refunding_minor == 0 and whole(shop)
    assert opened(shop, payment, refund).state == "open", "when it has been decided the payer can be asked again"


def test_a_transfer_that_a_file_carries_is_not_called_off_behind_its_back(app: Flask, shop: Shop) -> None:
    send_waiting_orders(app)
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    send(shop, refund_of(shop, claim))
    with unit(app):
        make_order_file("test", by="stf_x")
    with unit(app):
        stop_refunds(shop.vendor, lock_payment(again(payment)))
    assert (refund_of(shop, claim).state, fresh(shop, claim).state) == ("pending", "approved")


def test_taken_back_from_a_file_it_is_called_off_and_the_others_wait_on(app: Flask, shop: Shop) -> None:
    send_waiting_orders(app)
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    other = approved(shop, named(shop, opened(shop, *failed_refund(shop, "30.00"))))
    for one in (claim, other):
        send(shop, refund_of(shop, one))
    with unit(app):
        file = make_order_file("test", by="stf_x")
        assert transfers_beside_a_dispute(orders_of(file)) == set()
    dispute(shop, payment)
    with unit(app):
        assert transfers_beside_a_dispute(orders_of(file)) == {refund_of(shop, claim).public_id}
        take_file_back(file, by="stf_x", reason="one of them is disputed")
    assert (refund_of(shop, claim).state, fresh(shop, claim).state) == ("failed", "failed")
    with unit(app):
        (left,) = orders_of(make_order_file("test", by="stf_x"))
        assert left.reference == refund_of(shop, other).public_id
    decide(shop, payment)
    assert whole(shop)


@pytest.mark.parametrize("job", [send_refund, poll_refund])
def test_after_the_dispute_began_nothing_is_ordered(shop: Shop, job: Callable[..., None]) -> None:
    """Whoever marked it as sent has died; the job is done again, or somebody asks what became of it."""
    payment, refund = failed_refund(shop)
    claim = approved(shop, named(shop, opened(shop, payment, refund)))
    transfer = refund_of(shop, claim)
    with unit(shop.app):
        assert refunds.begin_sending(again(transfer))
    dispute(shop, payment)
    with shop.app.app_context():
        job(shop.vendor.id, mode="test", refund=str(transfer.id))
    assert (refund_of(shop, claim).state, fresh(shop, claim).state) == ("failed", "failed")
    with unit(shop.app):
        assert find_order("test", transfer.public_id) is None
    decide(shop, payment)
    assert whole(shop)


def test_an_order_is_not_written_while_a_dispute_begins(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    transfer = refund_of(shop, approved(shop, named(shop, opened(shop, payment, refund))))
    with unit(shop.app):
        sending = refunds.begin_sending(again(transfer))
    assert sending is not None
    told: list[RefundOutcome] = []

    def send_it() -> None:
        with shop.app.app_context():
            told.append(refunds.send_refund(shop.vendor, sending))

    sender = threading.Thread(target=send_it, daemon=True)
    with unit(shop.app):
        held = lock_payment(again(payment))
        sender.start()
        sender.join(0.5)
        assert sender.is_alive(), "it waits for whoever holds the payment"
        held.disputed_minor = 4_000
        stop_refunds(shop.vendor, held)
    sender.join(60)
    assert [(one.state, one.failure_reason) for one in told] == [("failed", "charge_disputed")]
    with unit(shop.app):
        assert find_order("test", transfer.public_id) is None
    decide(shop, payment)


@pytest.mark.parametrize("code", ["charge_already_refunded", "amount_too_large", "charge_disputed"])
def test_what_the_processor_does_not_hold_any_more_is_not_paid_beside(shop: Shop, code: str) -> None:
    """Somebody gave it back there, and the news of that have not come yet: a transfer would be the second time."""
    payment = make_paid(shop, make_link(shop, amount="40.00", currency="EUR"))
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "failed", failure_reason=code)
    with pytest.raises(NoRefundLink, match="pay twice"):
        opened(shop, payment, refund)


def test_a_form_that_bears_the_number_of_an_approval_is_not_taken_for_one(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    with unit(shop.app):
        request_refund(
            shop.vendor, again(payment), amount=Money(1, "EUR"), reason="other", by="usr_x", form_token=f"claim:{claim.public_id}"
        )  # fmt: skip
    with pytest.raises(ClaimMovedOn):
        approved(shop, claim)
    assert fresh(shop, claim).state == "claimed"


def test_a_failed_refund_that_arrived_after_all_is_an_alarm_and_is_not_paid_again(shop: Shop) -> None:
    payment, refund = failed_refund(shop)
    claim = named(shop, opened(shop, payment, refund))
    arrived = RefundOutcome("succeeded", f"re_{refund.public_id}", refund.amount)
    with unit(shop.app):
        assert settle_refund(shop.vendor, again(refund), arrived, cause="evt_late") == "stale"
    with unit(shop.app):
        looking = select(OutboxTask).where(OutboxTask.job == "find_outside_refunds", OutboxTask.args["charge"].astext == payment.charge)
        assert db.session.scalars(looking).one()
        assert again(refund).failure_reason == "expired_or_canceled_card", "news may be old: nothing is said before the processor was asked"
    for _ in range(2):
        with unit(shop.app):
            settle_refund(shop.vendor, again(refund), arrived, cause=ASKED)
    assert len(messages(shop, "refund_not_booked")) == 1
    with pytest.raises(ClaimMovedOn, match="pay twice"):
        approved(shop, claim)
    assert fresh(shop, claim).state == "claimed" and fresh(shop, payment).refunding_minor == 0 and whole(shop)
