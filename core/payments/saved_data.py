"""What saved cards hold of one person: handed out with the rest of it, and taken away with it. No card can be charged after that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.payments.saved import forget
from core.payments.saved_models import SavedCard, Saving


def cards_of(vendor: Vendor, mode: str, email: str) -> list[dict[str, Any]]:
    """Every card this payer ever saved, as plain values."""
    mine = select(SavedCard).where(SavedCard.vendor_id == vendor.id, SavedCard.mode == mode, SavedCard.email == email)
    return [
        {
            "number": card.public_id,
            "brand": card.brand,
            "last_four_digits": card.last4,
            "expires": f"{card.expiry_year}-{card.expiry_month:02d}",
            "issued_in": card.country,
            "name": card.name,
            "saved_at": card.created_at.isoformat(timespec="seconds"),
            "removed_at": card.put_away_at.isoformat(timespec="seconds") if card.put_away_at else None,
        }
        for card in db.session.scalars(mine.order_by(SavedCard.id))
    ]


def forget_cards(vendor: Vendor, mode: str, email: str, pseudonym: str) -> None:
    """Their cards are put away here and at the provider, and nothing of it says any more whose they were."""
    theirs = SavedCard.vendor_id == vendor.id, SavedCard.mode == mode, SavedCard.email == email
    for card in db.session.scalars(select(SavedCard).where(*theirs, SavedCard.put_away_at.is_(None)).order_by(SavedCard.id)).all():
        forget(card)
    db.session.flush()
    db.session.execute(update(SavedCard).where(*theirs).values(email=pseudonym, name="", fingerprint="", country=None))
    asked = Saving.vendor_id == vendor.id, Saving.mode == mode, Saving.email == email
    over = {"state": "ended", "next_inquiry_at": None, "updated_at": now()}
    db.session.execute(update(Saving).where(*asked, Saving.state.in_(("asked", "open"))).values(over))
    db.session.execute(update(Saving).where(*asked).values(email=pseudonym, name="", redirect_url=None))
