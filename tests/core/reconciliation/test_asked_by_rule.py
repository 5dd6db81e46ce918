"""What rules do before a person has to look: whoever brings such things to the truth asks the processor once more, and once only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core.disputes.models import Dispute
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.outbox import OutboxTask
from core.payments.models import Attempt
from core.payments.refund import begin_sending
from core.payments.refund_models import Refund
from core.reconciliation.exceptions import Finding, note_findings
from core.reconciliation.rules import apply_rules
from core.reconciliation.runs import look_at_totals
from core.reconciliation.totals import CLEARS_WITHIN
from tests.core.reconciliation.processor import Processor
from tests.core.reconciliation.test_more_classes import named
from tests.factories import again, ask_refund, unit


def asked(processor: Processor, job: str, **about: Any) -> int:
    """How often that job was asked for, about this."""
    with unit(processor.shop.app):
        mine = [OutboxTask.args[name].astext == str(value) for name, value in about.items()]
        return len(db.session.scalars(select(OutboxTask).where(OutboxTask.job == job, *mine)).all())


def test_a_refund_under_way_for_too_long_is_asked_about(processor: Processor) -> None:
    refund = ask_refund(processor.shop, processor.sells("30.00"), "5.00")
    with unit(processor.shop.app):
        begin_sending(again(refund))
        db.session.execute(update(Refund).where(Refund.id == refund.id).values(provider_reference="re_1"))
    before = asked(processor, "poll_refund", refund=refund.id)
    with shifted(timedelta(days=11)):
        for _ in range(2):
            with unit(processor.shop.app):
                look_at_totals("test")
    assert asked(processor, "poll_refund", refund=refund.id) == before + 1
    assert processor.trail(named(processor, "stale_in_flight", refund.public_id)) == ["found", "asked"]


def test_money_a_dispute_took_and_nobody_decided_on_is_found_and_asked_about(processor: Processor) -> None:
    sale = processor.sells("30.00")
    number = processor.control("POST", "disputes", charge=sale.charge)["id"]
    processor.hears_of(sale, number)
    with unit(processor.shop.app):
        dispute = db.session.scalars(select(Dispute).where(Dispute.provider_reference == number)).one()
    with shifted(CLEARS_WITHIN[1060] - timedelta(days=1)), unit(processor.shop.app):
        look_at_totals("test")
    before = asked(processor, "follow_dispute", dispute=number)
    with shifted(CLEARS_WITHIN[1060] + timedelta(days=1)), unit(processor.shop.app):
        look_at_totals("test")
    row = named(processor, "stale_in_flight", dispute.public_id)
    assert (row.ours["account"], row.ours["amount_minor"], row.book) == (1060, 3_000, processor.shop.vendor.id)
    assert asked(processor, "follow_dispute", dispute=number) == before + 1


def test_what_the_processor_does_not_have_is_asked_about_before_a_person_looks(processor: Processor) -> None:
    sale = processor.sells("80.00")
    processor.mishap("forgotten", subject=sale.charge)
    with unit(processor.shop.app):
        attempt = db.session.scalars(select(Attempt).where(Attempt.payment_id == sale.id)).one()
    before = asked(processor, "settle_attempt", attempt=attempt.id)
    with shifted(timedelta(days=3)):
        processor.looks()
        rows = processor.open("missing_at_processor")
        assert {processor.trail(row)[1] for row in rows} == {"asked"} and {row.state for row in rows} == {"open"}
        told = asked(processor, "settle_attempt", attempt=attempt.id)
        processor.looks()
    assert told > before and asked(processor, "settle_attempt", attempt=attempt.id) == told, "once by rule"


def test_a_payment_without_its_journal_is_asked_about_where_it_was_paid(processor: Processor) -> None:
    sale = processor.sells("80.00")
    key = f"cap:{processor.name}:{sale.charge}:1"
    with unit(processor.shop.app):
        attempt = db.session.scalars(select(Attempt).where(Attempt.payment_id == sale.id)).one()
        found = Finding(
            "missing_in_ledger", f"key:{key}", "books", "USD", 8_000, now().date(), book=processor.shop.vendor.id, about=sale.public_id,
            ours={"event_key": key, "source": processor.name}, theirs={"source_id": sale.charge, "amount_minor": 8_000, "currency": "USD"},
        )  # fmt: skip
        note_findings("test", [found])
    before = asked(processor, "settle_attempt", attempt=attempt.id)
    with unit(processor.shop.app):
        apply_rules("test", "books")
    assert asked(processor, "settle_attempt", attempt=attempt.id) == before + 1
