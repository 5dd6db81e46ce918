"""Disputes: the provider is asked what became of one, answers are handed over with their evidence pack, and the clock's part of both."""

from __future__ import annotations

import uuid

import structlog

from core.accounts.branding import find_logo
from core.accounts.models import Vendor
from core.accounts.queries import find_vendors, get_vendor
from core.accounts.receipts import find_receipt_settings
from core.disputes import answer
from core.disputes.evidence import answers_of
from core.disputes.files import keep_pack, list_files
from core.disputes.follow import follow_dispute as follow
from core.disputes.models import Dispute
from core.disputes.queries import payment_behind
from core.disputes.records import records_of
from core.disputes.remind import claim_due
from core.kernel.checked_file import Checked
from core.kernel.clock import now
from core.kernel.db import db, lock_again, unit_of_work
from core.kernel.outbox import enqueue
from core.payments.models import Payment
from core.payments.queries import find_payment
from core.providers.contract import ProviderRefused
from core.providers.disputes import DisputeOutcome
from core.providers.registry import provider_named
from core.web.dispute_pack import pack_html
from core.web.pdf import PressMissing, render_pdf

log = structlog.get_logger("workers")


def follow_dispute(_nobody: uuid.UUID, *, provider: str, mode: str, dispute: str, cause: str = "poll") -> None:
    """Read it whole at the provider, which also says whose charge it is, and bring it into the books. Twice is as good as once."""
    outcome = provider_named(provider, mode).inquire_dispute(dispute)
    with unit_of_work():
        _follow(outcome, provider, mode, cause)


def _follow(outcome: DisputeOutcome, provider: str, mode: str, cause: str) -> None:
    number = outcome.metadata.get("vendor", "")
    vendor = find_vendors({number}).get(number)
    payment = find_payment(vendor, mode, outcome.metadata.get("payment", "")) if vendor else None
    if vendor is None or payment is None or payment.provider != provider:
        log.info("dispute_of_nobodys_charge", provider=provider, mode=mode)
        return
    follow(vendor, payment, outcome, provider=provider, cause=cause)


def plan_disputes() -> None:
    """Ask about those whose news may have been lost."""
    for vendor_id, mode, provider, reference in claim_due():
        enqueue("follow_dispute", vendor_id, provider=provider, mode=mode, dispute=reference)


def _print_pack(vendor: Vendor, payment: Payment, dispute: Dispute) -> None:
    """The pack as it goes to the bank, kept beside what was sent. On a machine that cannot print the answer goes without it: the day does
    not wait. What cannot be printed this time raises PaperNotPrinted, and is tried again."""
    with unit_of_work():
        html = pack_html(
            vendor, payment, dispute, records_of(vendor, payment), answers=answers_of(dispute), as_of=now(),
            files=list_files(dispute), extra=find_receipt_settings(vendor),
            logo=find_logo(vendor),
        )  # fmt: skip
    try:
        printed = render_pdf(html)
    except PressMissing as problem:
        log.warning("answer_without_pack", dispute=dispute.public_id, reason=str(problem))
        return
    with unit_of_work():
        keep_pack(lock_again(dispute), Checked(printed.data, "application/pdf", printed.pages))


def send_dispute_answer(vendor_id: uuid.UUID, *, mode: str, dispute: str) -> None:
    """Print the evidence pack, hand everything over, and bring the dispute to what the provider says then. Any part of it may be repeated."""
    with unit_of_work():
        vendor, found = get_vendor(vendor_id), db.session.get_one(Dispute, (vendor_id, mode, uuid.UUID(dispute)))
        payment, wish = payment_behind(vendor, found), found.wish
    if wish == "answer":
        _print_pack(vendor, payment, found)
    with unit_of_work():
        sending = answer.begin_sending(vendor, found, payment)
    if sending is None:
        return
    try:
        outcome = answer.send(sending)
    except ProviderRefused as refusal:
        with unit_of_work():
            answer.record_not_sent(found, refusal)
        return
    with unit_of_work():
        follow(vendor, payment, outcome, provider=found.provider, cause="sent")
