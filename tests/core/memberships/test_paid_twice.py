"""A month paid twice, by the saved card and by the member on a page: what is given back by hand of it does not pay the next month as well."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask

from core.billing import store
from core.billing.models import SubscriptionEvent
from core.disputes.follow import follow_dispute
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.ledger.proof import look_for_breaks
from core.payments.attempt import begin_attempt, record_opening
from core.payments.models import Attempt, Payment
from core.payments.refund import begin_sending, request_refund, settle_refund
from core.payments.refund_models import Refund
from core.payments.settle import settle
from core.providers.contract import Opening, Outcome, RefundOutcome
from core.providers.disputes import DisputeOutcome, Withdrawal
from core.subscriptions import charges
from core.subscriptions.follow import follow
from tests.core.billing.kept import at, replay
from tests.core.memberships.joined import NOVEMBER, Joined, make_gym
from tests.core.payments.test_statements import reversal
from tests.core.payments.transfers import TestBank, begin_transfer, transfer
from tests.factories import again, unit

ASKED, NEXT, NEW_YEAR = date(2026, 12, 1), date(2026, 12, 2), date(2027, 1, 1)


def on_two_ways(app: Flask) -> tuple[Joined, uuid.UUID, Attempt]:
    """December was paid by her card while she goes through the page that her bank had asked for."""
    made = Joined(make_gym(app), NOVEMBER)
    made.answer(NOVEMBER)
    made.to(date(2026, 11, 30))
    made.to(ASKED, pays="ask")
    asked = made.charges()[-1].payment_id
    with made.unit(ASKED, 20):
        attempt = begin_attempt(made.vendor, db.session.get_one(Payment, (made.vendor.id, "test", asked)))
        attempt = record_opening(made.vendor, attempt, Opening(f"cs_{attempt.public_id}", redirect_url="https://processor.example/pay"))
    made.to(NEXT)
    assert asked is not None
    return made, asked, attempt


def pays_on_the_page(made: Joined, asked: uuid.UUID, attempt: Attempt) -> None:
    with made.unit(NEXT, 20):
        payment = db.session.get_one(Payment, (made.vendor.id, "test", asked))
        charge, reference = f"ch_{secrets.token_hex(8)}", attempt.provider_reference or ""
        outcome = Outcome("succeeded", reference, charge=charge, captured=payment.amount, occurred_at=now())
        settle(made.vendor, payment, again(attempt), outcome, cause="evt_page")
    with made.unit(NEXT, 20):
        charges.hear_charge(made.vendor.id, "test", asked, "succeeded")


@pytest.fixture
def ada(app: Flask) -> Joined:
    """December was paid on both."""
    made, asked, attempt = on_two_ways(app)
    pays_on_the_page(made, asked, attempt)
    assert made.state().balance.minor == 1000 and made.paid() == [1000] * 3
    return made


def hear(ada: Joined, on: date = NEXT) -> None:
    """The jobs run that are asked for about payments of hers."""
    with ada.unit(on, 21):
        mine = db.select(OutboxTask).where(
            OutboxTask.vendor_id == ada.vendor.id, OutboxTask.job == "hear_charge", OutboxTask.state == "waiting"
        )
        asked = [dict(task.args) for task in db.session.scalars(mine.order_by(OutboxTask.id))]
    for args in asked:
        with ada.unit(on, 21):
            charges.hear_charge(ada.vendor.id, args["mode"], uuid.UUID(args["payment"]), args["result"])


def payments_for_december(ada: Joined) -> list[Payment]:
    with unit(ada.app):
        mine = db.select(Payment).where(Payment.vendor_id == ada.vendor.id, Payment.email == ada.email, Payment.captured_minor > 0)
        return list(db.session.scalars(mine.order_by(Payment.id)))[1:]


def give_back(ada: Joined, payment: Payment, minor: int = 1000) -> Refund:
    with ada.unit(NEXT, 21):
        made = request_refund(
            ada.vendor,
            again(payment),
            amount=Money(minor, "GBP"),
            reason="duplicate",
            by=ada.shop.user.public_id,
            form_token=public_id("frm"),
        )
    hear(ada)
    return made


def ends(ada: Joined, refund: Refund, state: str) -> None:
    with ada.unit(NEXT, 22):
        begin_sending(again(refund))
    with ada.unit(NEXT, 22):
        settle_refund(ada.vendor, again(refund), RefundOutcome(state, f"re_{refund.public_id}", refund.amount), cause="evt_r")
    hear(ada)


def is_whole(ada: Joined) -> bool:
    """The events replayed give the subscription again, and the books add up."""
    row = ada.row()
    with unit(ada.app):
        mine = db.select(SubscriptionEvent).where(SubscriptionEvent.vendor_id == ada.vendor.id, SubscriptionEvent.subscription_id == row.id)
        state, _ = replay(row, list(db.session.scalars(mine.order_by(SubscriptionEvent.seq))))
        return state == ada.state() and look_for_breaks(ada.vendor.id, "test") == []


@pytest.mark.parametrize("which", [0, 1])
def test_whichever_of_the_two_is_refunded_the_next_month_is_charged(ada: Joined, which: int) -> None:
    refund = give_back(ada, payments_for_december(ada)[which])
    assert ada.state().balance.minor == 0
    hear(ada)  # told twice
    ends(ada, refund, "succeeded")
    assert ada.state().balance.minor == 0 and is_whole(ada)
    ada.to(NEW_YEAR)
    assert ada.paid() == [1000] * 4, "January is paid with money"


def test_a_part_that_is_refunded_leaves_the_rest(ada: Joined) -> None:
    give_back(ada, payments_for_december(ada)[1], 400)
    assert ada.state().balance.minor == 600
    give_back(ada, payments_for_december(ada)[0], 100)
    assert ada.state().balance.minor == 500 and is_whole(ada)
    ada.to(NEW_YEAR)
    assert ada.paid() == [1000, 1000, 1000, 500]


def test_a_refund_that_fails_leaves_the_balance_as_it_was(ada: Joined) -> None:
    refund = give_back(ada, payments_for_december(ada)[1])
    ends(ada, refund, "failed")
    assert ada.state().balance.minor == 1000 and is_whole(ada)
    again_asked = give_back(ada, payments_for_december(ada)[1])
    ends(ada, again_asked, "succeeded")
    assert ada.state().balance.minor == 0 and is_whole(ada)


def test_what_had_paid_the_next_month_already_stays_paid(ada: Joined) -> None:
    ada.to(NEW_YEAR)
    assert ada.paid() == [1000] * 3 and ada.state().balance.minor == 0
    give_back(ada, payments_for_december(ada)[1])
    assert ada.state().balance.minor == 0 and not ada.state().unpaid and is_whole(ada)


def test_what_the_members_bank_takes_back_comes_off_the_balance_and_what_it_gives_back_is_on_it_again(ada: Joined) -> None:
    payment = payments_for_december(ada)[1]
    amount, number = payment.amount, f"du_{secrets.token_hex(8)}"
    with ada.unit(NEXT, 21):
        asked = DisputeOutcome(
            "needs_response", number, payment.charge or "", amount, "duplicate", due_at=now() + timedelta(days=10), opened_at=now(),
            withdrawals=(Withdrawal("txn_1", amount, Money(0, "GBP")),),
        )  # fmt: skip
        follow_dispute(ada.vendor, again(payment), asked, provider=payment.provider, cause="evt_d1")
    hear(ada)
    assert ada.state().balance.minor == 0 and is_whole(ada)
    with ada.unit(NEXT, 22):
        back = replace(asked, state="won", withdrawals=(*asked.withdrawals, Withdrawal("txn_2", -amount, Money(0, "GBP"))))
        follow_dispute(ada.vendor, again(payment), back, provider=payment.provider, cause="evt_d2")
    hear(ada)
    assert ada.state().balance.minor == 1000 and is_whole(ada)


@pytest.mark.parametrize(("minor", "left"), [(1000, 0), (400, 600)])
def test_what_comes_after_the_first_has_gone_back_pays_december_and_not_the_new_year(app: Flask, minor: int, left: int) -> None:
    made, asked, attempt = on_two_ways(app)
    first = payments_for_december(made)[0]
    refund = give_back(made, first, minor)
    assert made.state().balance.minor == 0
    pays_on_the_page(made, asked, attempt)
    hear(made)  # told twice
    assert made.state().balance.minor == left and is_whole(made)
    ends(made, refund, "failed")
    assert made.state().balance.minor == 1000 and is_whole(made), "both stay: it is paid twice after all"


def test_a_transfer_that_paid_the_page_and_that_the_bank_takes_back_comes_off_as_well(app: Flask) -> None:
    made = Joined(make_gym(app, currency="USD"), NOVEMBER)
    made.answer(NOVEMBER)
    made.to(date(2026, 11, 30))
    made.to(ASKED, pays="ask")
    asked, bank = made.charges()[-1], TestBank(made.shop)
    with shifted(at(ASKED, 20) - now()):
        with unit(app):
            payment = db.session.get_one(Payment, (made.vendor.id, "test", asked.payment_id))
        reference = begin_transfer(made.shop, payment).provider_reference or ""
        bank.tell(transfer(1000, reference))
    with made.unit(ASKED, 21):
        assert asked.payment_id is not None
        charges.hear_charge(made.vendor.id, "test", asked.payment_id, "succeeded")
    assert not made.state().open
    with made.unit(ASKED, 22):
        store.receive(made.row(), tuple(asked.documents), payment.amount)
        follow(made.row())
    assert made.state().balance.minor == 1000
    with shifted(at(ASKED, 23) - now()):
        bank.tell(reversal(1000, reference))
    hear(made, ASKED)
    assert made.state().balance.minor == 0 and is_whole(made)
