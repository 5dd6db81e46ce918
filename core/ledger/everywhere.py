"""Journals to be taken back, over all books: for the staff only."""

from __future__ import annotations

from sqlalchemy import select

from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.ledger.models import Journal
from core.ledger.reversal_models import Reversal

Found = tuple[Reversal, Journal]
_OF = (Journal.vendor_id == Reversal.vendor_id) & (Journal.mode == Reversal.mode) & (Journal.id == Reversal.journal_id)


def list_reversals(*, waiting: bool, limit: int = 50) -> list[Found]:
    """What waits for a second person, the oldest first; or what was decided, the newest first."""
    asked = select(Reversal, Journal).join(Journal, _OF)
    if waiting:
        asked = asked.where(Reversal.state == "requested").order_by(Reversal.id)
    else:
        asked = asked.where(Reversal.state != "requested").order_by(Reversal.id.desc())
    return [(row, journal) for row, journal in db.session.execute(asked.limit(limit))]


def get_reversal(number: str) -> Reversal:
    """By its public number; refuses with 404."""
    row = db.session.scalar(select(Reversal).where(Reversal.public_id == number)) if is_public_id("rvs", number) else None
    if row is None:
        raise NotFound("There is no such reversal.")
    return row
