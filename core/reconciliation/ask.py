"""Asking once more: whoever brings payments and refunds to the truth asks the processor, and its answer goes the way of any other."""

from __future__ import annotations

from sqlalchemy import select

from core.kernel.db import db, driver
from core.kernel.outbox import enqueue
from core.ledger.book import PLATFORM
from core.payments.models import Attempt, Payment
from core.payments.refund_models import Refund
from core.reconciliation.exceptions import SYSTEM, write_down
from core.reconciliation.models import ReconException

_CARRIED = """SELECT 1 FROM payouts p JOIN payout_carriages c ON c.vendor_id = p.vendor_id AND c.mode = p.mode AND c.payout_id = p.id
WHERE p.vendor_id = %s AND p.mode = %s AND p.public_id = %s"""
_DISPUTE = "SELECT provider, provider_reference FROM disputes WHERE vendor_id = %s AND mode = %s AND public_id = %s"


def ask_again(row: ReconException, *, by: str = SYSTEM) -> bool:
    """Have whoever brings such things to the truth ask the processor once more: its answer goes the way of any other. Once by rule."""
    if by == SYSTEM and row.act == "asked":
        return False
    ways = (_ask_about_refund, _ask_about_dispute, _ask_about_payment, _ask_about_payout, _ask_about_what_nobody_told)
    asked = any(way(row) for way in ways)
    if asked:
        row.act = "asked"
        write_down(row, "asked", by)
    return asked


def _fact_of(row: ReconException) -> str:
    """Whose journal it is about: what stands in the name of the event, where a payment has several."""
    return str(row.ours.get("event_key", "")).partition(":")[2].partition(":")[0]


def _ask_about_refund(row: ReconException) -> bool:
    number = next((one for one in (str(row.ours.get("refund") or ""), _fact_of(row), row.about) if one.startswith("ref_")), "")
    if not number or row.book is None:
        return False
    mine = Refund.vendor_id == row.book, Refund.mode == row.mode, Refund.public_id == number
    found = db.session.scalar(select(Refund).where(*mine, Refund.provider_reference.is_not(None)))
    if found is None or _is_another(row, found):
        return False
    enqueue("poll_refund", row.book, mode=row.mode, refund=str(found.id))
    return True


def _is_another(row: ReconException, refund: Refund) -> bool:
    """The line bears the name of our refund, and another number: the processor made it twice, and of the second nobody has heard."""
    return str(row.theirs.get("source_id", "")) not in ("", refund.provider_reference)


def _ask_about_dispute(row: ReconException) -> bool:
    number = next((one for one in (_fact_of(row), row.about) if one.startswith("dp_")), "")
    found = driver().execute(_DISPUTE, (row.book, row.mode, number)).fetchone() if number else None
    if found is None:
        return False
    enqueue("follow_dispute", PLATFORM, provider=found[0], mode=row.mode, dispute=found[1], cause="report")
    return True


def _ask_about_payment(row: ReconException) -> bool:
    if not row.about.startswith("pay_") or row.book is None or row.kind not in ("missing_in_ledger", "missing_at_processor"):
        return False
    through = row.source if row.source != "books" else str(row.ours.get("source", ""))
    mine = Payment.vendor_id == row.book, Payment.mode == row.mode, Payment.public_id == row.about
    attempts = select(Attempt.id).join(
        Payment, (Payment.vendor_id == Attempt.vendor_id) & (Payment.mode == Attempt.mode) & (Payment.id == Attempt.payment_id)
    )
    found = list(db.session.scalars(attempts.where(*mine, Attempt.provider == through, Attempt.provider_reference.is_not(None))))
    for attempt in found:
        enqueue("settle_attempt", row.book, mode=row.mode, attempt=str(attempt))
    return bool(found)


def _ask_about_payout(row: ReconException) -> bool:
    """One that a processor carries: whoever carries it knows what to ask. Of those the bank carries its statements tell."""
    if not row.about.startswith("po_") or row.book is None:
        return False
    if driver().execute(_CARRIED, (row.book, row.mode, row.about)).fetchone() is None:
        return False
    enqueue("carry_payout", row.book, mode=row.mode, payout=row.about)
    return True


def _ask_about_what_nobody_told(row: ReconException) -> bool:
    """The processor has a dispute, or a refund made there, of which no news ever came: its line says which, and the processor says the rest."""
    category, source = str(row.theirs.get("category", "")), str(row.theirs.get("source_id", ""))
    if row.kind not in ("missing_in_ledger", "status_conflict") or not source or row.source in ("bank", "books"):
        return False
    if category in ("dispute", "dispute_reversal"):
        enqueue("follow_dispute", PLATFORM, provider=row.source, mode=row.mode, dispute=source[:120], cause="report")
        return True
    if category in ("refund", "refund_failure"):
        enqueue("find_outside_refunds", PLATFORM, provider=row.source, mode=row.mode, refund=source[:120])
        return True
    return False
