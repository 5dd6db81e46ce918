"""Payouts to sellers through a processor, and what it collects from our bank, are matched like everything else, and are no exceptions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import OutboxTask
from core.payouts import carry
from core.payouts.models import Payout, PayoutAccount
from core.payouts.queries import find_payout
from core.payouts.rail_models import Receiver
from core.payouts.request import request_payout
from core.providers.receivers import OpenReceiver
from core.providers.settlement import Settlement
from core.reconciliation.models import ReconException
from core.reconciliation.runs import look_at_bank
from tests.core.payments.transfers import TestBank, books
from tests.core.providers.statements import Line, Tx
from tests.core.reconciliation.processor import Processor
from tests.core.reconciliation.test_classes import end, nothing_is_left
from tests.factories import release_all, unit

IBAN = "DE89370400440532013000"


def connected(processor: Processor) -> str:
    """The shop's account at this processor, ready, and payouts in dollars go to it."""
    shop = processor.shop
    with shop.app.app_context():
        told = {"vendor": shop.vendor.public_id, "mode": "test"}
        made = processor.adapter.open_receiver(OpenReceiver(public_id("rcv"), "test", "a@b.test", "US", told)).provider_reference
        processor.control("POST", "accounts", account=made, outcome="ready", currency="usd", iban=IBAN, bank="slow")
        found = processor.adapter.inquire_receiver(made)
    same = {"vendor_id": shop.vendor.id, "mode": "test", "provider": processor.name}
    bank = {"last4": found.banks["USD"].last4, "mark": found.banks["USD"].mark}
    with unit(shop.app):
        db.session.add(
            Receiver(
                **same, id=uuid7(), public_id=public_id("rcv"), provider_reference=made, email="a@b.test", country="US", state="ready",
                banks={"USD": bank}, opened_by="usr_1", created_at=now(),
            )
        )  # fmt: skip
        db.session.add(
            PayoutAccount(
                **same, id=uuid7(), public_id=public_id("acct"), currency="USD", holder="Blue Door", iban="", bic="", rail="processor",
                provider_account=made, **bank, added_by="usr_1", added_at=now(), usable_from=now(),
            )
        )  # fmt: skip
    return made


def carries(processor: Processor, payout: Payout) -> Payout:
    """As the worker does, with this processor's own adapter."""
    shop = processor.shop
    for _ in range(4):
        with unit(shop.app):
            question = carry.next_question(shop.vendor, "test", payout.public_id)
        if question is None:
            break
        with shop.app.app_context():
            answer = _answer(processor, question)
        with unit(shop.app):
            if not carry.record(shop.vendor, question, answer, cause="test"):
                break
    with unit(shop.app):
        found = find_payout(shop.vendor, "test", payout.public_id)
        assert found is not None
        return found


def _answer(processor: Processor, question: carry.Question) -> carry.Answer:
    at = processor.adapter
    if question.step == "move":
        wish = carry.MoveToReceiver(question.reference, question.receiver, question.amount, "Payout", question.metadata)
        return at.move_to_receiver(wish)
    if question.step == "pay":
        return at.pay_out(question.reference, question.receiver, question.amount, question.metadata)
    if question.step == "back":
        return at.take_back(question.reference, question.move_reference, question.amount)
    return at.inquire_pay_out(question.receiver, question.payout_reference)


@pytest.fixture
def payout(processor: Processor, monkeypatch: pytest.MonkeyPatch) -> Payout:
    """Sold twice, released, and asked for through this processor; it is none of the registry's, so whether it is ready is not asked again."""
    monkeypatch.setattr("core.payouts.request.check_paid_out", lambda *_: None)
    connected(processor)
    for _twice in range(2):
        processor.sells("60.00", card="pm_card_bypassPending")
    with shifted(timedelta(days=30)):
        release_all(processor.shop.app)
    with unit(processor.shop.app):
        return request_payout(processor.shop.vendor, "test", "USD", by="usr_1", form_token=public_id("frm"))


def lines(processor: Processor, category: str) -> list[tuple[str, str, int]]:
    return [(line.state, line.reference, line.net_minor) for line in processor.lines() if line.category == category]


def test_what_was_moved_to_a_seller_is_matched_by_name(processor: Processor, payout: Payout) -> None:
    assert carries(processor, payout).state == "in_transit"
    processor.looks()
    assert processor.open() == [] and processor.holds() == processor.says()
    assert lines(processor, "transfer") == [("matched", payout.public_id, -payout.amount_minor)]
    processor.pays_out()
    assert nothing_is_left(processor), "a payout to our bank that holds the transfer's line is the sum of its lines"


def test_what_came_back_from_a_seller_is_matched_too(processor: Processor, payout: Payout) -> None:
    carries(processor, payout)
    with unit(processor.shop.app):
        row = carry.find_carriage(processor.shop.vendor, payout)
        assert row is not None
    processor.control("POST", "connected_payouts", payout=row.payout_reference, outcome="failed")
    assert carries(processor, payout).state == "failed"
    processor.looks()
    assert lines(processor, "transfer_reversal") == [("matched", payout.public_id, payout.amount_minor)] and nothing_is_left(processor)


def test_one_that_was_moved_without_our_hearing_of_it_is_asked_about(processor: Processor, payout: Payout) -> None:
    with unit(processor.shop.app):
        question = carry.next_question(processor.shop.vendor, "test", payout.public_id)
    assert question is not None
    with processor.shop.app.app_context():
        _answer(processor, question)
    processor.looks()
    (row,) = processor.open("missing_in_ledger")
    assert (row.about, row.book, processor.trail(row)) == (payout.public_id, processor.shop.vendor.id, ["found", "asked"])
    with unit(processor.shop.app):
        asked = select(OutboxTask).where(OutboxTask.vendor_id == row.book, OutboxTask.job == "carry_payout")
        assert {task.args["payout"] for task in db.session.scalars(asked)} == {payout.public_id}
    carries(processor, payout)
    assert nothing_is_left(processor) and [one.state for one in processor.all("missing_in_ledger")] == ["closed"]


# --- the processor collects what its balance is below zero ------------------------------------------------------------------------


def collected(processor: Processor) -> Settlement:
    """Paid out, and then refunded: the balance is below zero, and the processor takes it from our bank."""
    payment = processor.sells("60.00")
    processor.pays_out()
    processor.looks()
    processor.bank_brings(processor.settlements()[-1])
    processor.refunds(payment)
    processor.control("POST", "payouts", at_once=True, collect=True, currency="usd")
    return processor.settlements()[-1]


def bank_takes(processor: Processor, taken: Settlement, *, minor: int = 0, text: str | None = None) -> None:
    tx = Tx(minor or -taken.amount_minor, sign=-1, name="Sandbox Processor", text=f"SANDBOX PAYOUT {taken.trace}" if text is None else text)
    TestBank(processor.shop, "USD").tell(Line((tx,), sign=-1, booked_on=now().date()))
    with unit(processor.shop.app):
        look_at_bank("test")


def test_a_collection_is_booked_and_its_debit_is_known(processor: Processor) -> None:
    before = books(processor.shop, platform=True)
    taken = collected(processor)
    assert taken.amount_minor == -6_000
    assert nothing_is_left(processor) and processor.holds() == processor.says() == 0
    assert books(processor.shop)["payout_shortfall"] == 6_000
    bank_takes(processor, taken)
    settled = processor.settlement(taken)
    assert settled.line and processor.bank_line(settled.line).resolution == "settlement"
    after = books(processor.shop, platform=True)
    assert "payout_shortfall" not in books(processor.shop) and after.get("unexplained_debits") == before.get("unexplained_debits")
    assert nothing_is_left(processor)


def test_one_that_took_another_sum_is_an_exception_and_ends(processor: Processor) -> None:
    taken = collected(processor)
    processor.looks()
    bank_takes(processor, taken, minor=6_040)
    with unit(processor.shop.app):
        mine = select(ReconException).where(ReconException.source == "bank", ReconException.kind == "amount_mismatch")
        (row,) = [one for one in db.session.scalars(mine) if one.ours["external_id"] == taken.external_id]
    assert row.amount_minor == -40
    end(processor, row, "arrived")
    assert processor.settlement(taken).line and processor.books_are_whole()


def test_a_debit_is_never_a_payout_and_a_credit_never_a_collection(processor: Processor) -> None:
    taken = collected(processor)
    processor.looks()
    tx = Tx(6_000, name="Sandbox Processor", text=f"SANDBOX PAYOUT {taken.trace}")
    TestBank(processor.shop, "USD").tell(Line((tx,), booked_on=now().date()))
    with unit(processor.shop.app):
        look_at_bank("test")
    assert processor.settlement(taken).line is None
