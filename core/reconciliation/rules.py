"""What is decided by rule, the same every time: a fee that turned out otherwise, a rounding, and asking once more where an answer was lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.models import Journal
from core.ledger.post import post
from core.payments.models import Payment
from core.reconciliation.ask import ask_again
from core.reconciliation.exceptions import SYSTEM, lock, move, write_down
from core.reconciliation.models import ReconException
from core.reconciliation.resolve import MOST_ROUNDED, WAYS, Way, consume, journal_of
from core.reconciliation.states import UNSETTLED

MOST_ROUNDED_A_DAY = 100  # minor units of a currency; beyond it a person looks why everything is off by one
REASONS = {"fee": "The processor's own figure for what it kept", "rounding": "A rounding of one minor unit"}
ASKED = ("missing_in_ledger", "missing_at_processor", "status_conflict", "stale_in_flight")


def apply_rules(mode: str, source: str) -> int:
    """Do to the open exceptions of a processor, or of the books themselves, what is written for them; answers how many ended."""
    open_ones = select(ReconException).where(
        ReconException.mode == mode,
        ReconException.source == source,
        ReconException.state.in_(("waiting", "open")),
        ReconException.kind.in_(("fee_mismatch", "amount_mismatch", *ASKED)),
    )
    done = 0
    for row in db.session.scalars(open_ones.order_by(ReconException.id)).all():
        if row.kind == "fee_mismatch":
            done += _by_rule(row, "fee")
        elif row.kind == "amount_mismatch":
            done += _by_rule(row, "rounding") if _is_rounding(row) else 0
        else:
            ask_again(row)
    return done


def _is_rounding(row: ReconException) -> bool:
    if abs(row.amount_minor) > MOST_ROUNDED or row.ours.get("fee_minor") != row.theirs.get("fee_minor"):
        return False
    midnight = datetime.combine(now().astimezone(UTC).date(), datetime.min.time(), UTC)
    today = select(func.coalesce(func.sum(func.abs(ReconException.amount_minor)), 0)).where(
        ReconException.mode == row.mode, ReconException.currency == row.currency, ReconException.act == "rounding", ReconException.resolved_at >= midnight
    )  # fmt: skip
    return int(db.session.scalar(today) or 0) + abs(row.amount_minor) <= MOST_ROUNDED_A_DAY


def _by_rule(row: ReconException, act: str) -> int:
    row = lock(row)
    if row.state not in UNSETTLED:
        return 0
    way: Way = next(one for one in WAYS[row.kind] if one.act == act)
    journal = _fee_itself(row) if act == "fee" and not row.ours.get("fee_minor") else journal_of(row, way)
    if journal is not None:
        post([journal])
    move(row, "resolved")
    row.act, row.reason, row.resolved_by, row.resolved_at = act, REASONS[act], SYSTEM, now()
    write_down(row, "resolved", SYSTEM, act=act, reason=REASONS[act], journal=journal.event_key if journal else "")
    consume(row)
    return 1


def _fee_itself(row: ReconException) -> Any:
    """Nothing was booked for it yet: it is the fee, under its own key, on which whoever brings it later runs aground as on any known fact."""
    owner = Vendor.id == row.book, Payment.public_id == row.about, Payment.mode == row.mode
    payment = db.session.scalar(select(Payment).join(Vendor, Vendor.id == Payment.vendor_id).where(*owner))
    key = f"fee:{row.source}:{row.key}"
    known = select(Journal.id).where(Journal.vendor_id == row.book, Journal.mode == row.mode, Journal.event_key == key)
    if payment is None or db.session.scalar(known) is not None:
        return journal_of(row, WAYS["fee_mismatch"][0])
    at = datetime.fromisoformat(str(row.theirs["occurred_at"]))
    return book.processor_fee(payment, fee=Money(row.amount_minor, row.currency), reference=row.key, at=at, through=row.source)
