"""Every class of exception: the sandbox makes it, a look finds it and says why, it is resolved, and the books prove afterwards."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.kernel.db import db
from core.kernel.outbox import OutboxTask
from core.payments.close import record_close
from core.payments.refund import settle_refund
from core.providers.contract import Outcome
from core.reconciliation.models import ReconException
from core.reconciliation.resolve import agree, journal_of, resolve, ways_of
from tests.core.payments.transfers import books
from tests.core.reconciliation.processor import Processor
from tests.factories import again, make_link, make_payment, tell, unit


def end(processor: Processor, row: ReconException, act: str) -> None:
    """One proposes, and where it is above the limit another agrees."""
    with unit(processor.shop.app):
        done = resolve(row, act=act, reason="Looked at both sides", by="stf_one", version=row.version)
    if not done:
        with unit(processor.shop.app):
            agree(row, by="stf_two")


def nothing_is_left(processor: Processor) -> bool:
    """Another look finds nothing open, the two sides hold the same, and the books prove."""
    processor.looks()
    return processor.open() == [] and processor.holds() == processor.says() and processor.books_are_whole()


def test_missing_in_ledger(processor: Processor) -> None:
    processor.mishap("stranger", subject="usd", minor=5_000)
    processor.looks()
    (row,) = processor.open("missing_in_ledger")
    assert row.state == "waiting", "our own handlers have an hour"
    assert (row.theirs["gross_minor"], row.theirs["description"], row.amount_minor) == (5_000, "Taken by hand", 4_910)
    before = books(processor.shop, platform=True)
    end(processor, row, "hold")
    after = books(processor.shop, platform=True)
    assert after["unapplied_receipts"] - before.get("unapplied_receipts", 0) == 5_000 and nothing_is_left(processor)


def test_what_is_missing_is_asked_for_and_a_lost_payment_is_found_by_it(processor: Processor) -> None:
    payment = make_payment(processor.shop, make_link(processor.shop, amount="25.00", currency="USD"))
    told = processor.charges(payment)
    processor.looks()
    (row,) = processor.open("missing_in_ledger")
    assert (row.about, row.book) == (payment.public_id, processor.shop.vendor.id) and processor.trail(row) == ["found", "asked"]
    with unit(processor.shop.app):
        asked = db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == row.book, OutboxTask.job == "settle_attempt")).all()
    assert [task.args["attempt"] for task in asked] == [str(told[0].id)]
    processor.settles(payment, told)
    assert nothing_is_left(processor)
    assert [one.state for one in processor.all("missing_in_ledger")] == ["closed"]


def test_amount_mismatch(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("other_amount", subject=sale.charge, minor=-250)
    processor.looks()
    (row,) = processor.open("amount_mismatch")
    assert (row.ours["amount_minor"], row.theirs["gross_minor"], row.amount_minor, row.about) == (3_000, 2_750, -250, sale.public_id)
    with unit(processor.shop.app):
        journal = journal_of(row, ways_of(row)[0])
    assert journal and sum(leg.amount.minor for leg in journal.legs) == 0 and journal.event_key == f"rec:{row.public_id}:{row.version + 1}"
    end(processor, row, "difference")
    assert books(processor.shop)["unexplained_debits"] == 250 and nothing_is_left(processor)


def test_a_rounding_of_one_is_decided_by_rule(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("other_amount", subject=sale.charge, minor=1)
    processor.looks()
    (row,) = processor.all("amount_mismatch")
    assert (row.state, row.act, row.resolved_by) == ("resolved", "rounding", "system")
    assert abs(books(processor.shop)["rounding_difference"]) == 1 and nothing_is_left(processor)


def test_fee_mismatch(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("other_fee", subject=sale.charge, minor=9)
    processor.looks()
    (row,) = processor.all("fee_mismatch")
    assert (row.state, row.act, row.amount_minor, row.ours["fee_minor"], row.theirs["fee_minor"]) == ("resolved", "fee", 9, 62, 71)
    assert books(processor.shop)["psp_fee_expense"] == 71 and nothing_is_left(processor)


def test_currency_mismatch(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("other_currency", subject=sale.charge)
    processor.looks()
    (row,) = processor.open("currency_mismatch")
    assert (row.ours["currency"], row.theirs["currency"]) == ("USD", "EUR")
    end(processor, row, "other_currency")
    assert nothing_is_left(processor)


def test_duplicate_external(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.looks()
    processor.mishap("other_amount", subject=sale.charge, minor=500)
    processor.looks(held=False)
    (row,) = processor.open("duplicate_external")
    assert (row.ours["gross_minor"], row.theirs["gross_minor"]) == (3_000, 3_500)
    assert len(processor.lines()) == 1 and processor.lines()[0].gross_minor == 3_000, "what was known first stays"
    processor.mishap("other_amount", subject=sale.charge, minor=-500)
    end(processor, row, "keep")
    assert nothing_is_left(processor)


def test_duplicate_payment(processor: Processor) -> None:
    sale = processor.sells("30.00")
    processor.mishap("twice", subject=sale.charge)
    with processor.shop.app.app_context():
        lines, _ = processor.adapter.settlement_lines(sale.created_at)
        fees = processor.adapter.fees([lines[0].source_id])
    fee, reference, available = fees[lines[0].source_id]
    tell(
        processor.shop, sale, None, "succeeded", charge=lines[0].source_id, captured=sale.amount, fee=fee, fee_reference=reference,
        available_on=available, occurred_at=sale.captured_at,
    )  # fmt: skip
    processor.looks()
    (row,) = processor.open("duplicate_payment")
    assert (row.about, row.theirs["source_id"], row.amount_minor) == (sale.public_id, lines[0].source_id, 3_000)
    end(processor, row, "give_back")
    with unit(processor.shop.app):
        refund = db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == row.book, OutboxTask.job == "send_refund")).one()
    assert refund.args["mode"] == "test" and books(processor.shop)["refund_in_flight"] == 3_000
    processor.looks()
    assert processor.open("duplicate_payment") == [] and processor.books_are_whole()


def test_late_payment(processor: Processor) -> None:
    payment = make_payment(processor.shop, make_link(processor.shop, amount="25.00", currency="USD"))
    told = processor.charges(payment)
    with unit(processor.shop.app):
        row = again(payment)
        row.expires_at = row.created_at - timedelta(seconds=5)  # a processor's instants are whole seconds
        closed = Outcome("canceled", told[0].provider_reference or "")
        record_close(processor.shop.vendor, row, again(told[0]), closed, to="expired", actor="system")
    processor.settles(payment, told)
    processor.looks()
    (found,) = processor.open("late_payment")
    assert (found.about, found.ours["state"]) == (payment.public_id, "expired")
    end(processor, found, "keep")
    assert nothing_is_left(processor)


def test_status_conflict(processor: Processor) -> None:
    sale = processor.sells("30.00")
    refund = processor.refunds(sale, "12.00")
    processor.looks()
    processor.mishap("refund_back")
    processor.looks()
    (row,) = processor.open("status_conflict")
    assert (row.about, row.ours["state"], row.theirs["category"]) == (refund.public_id, "succeeded", "refund_failure")
    with unit(processor.shop.app):
        asked = db.session.scalars(select(OutboxTask).where(OutboxTask.vendor_id == row.book, OutboxTask.job == "poll_refund")).all()
    assert str(refund.id) in [task.args["refund"] for task in asked]
    with processor.shop.app.app_context():
        outcome = processor.adapter.inquire_refund(refund.provider_reference or "")
    with unit(processor.shop.app):
        settle_refund(processor.shop.vendor, again(refund), outcome, cause="poll")
    assert nothing_is_left(processor) and [one.state for one in processor.all("status_conflict")] == ["closed"]
