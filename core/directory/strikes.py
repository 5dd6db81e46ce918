"""Strikes: what the staff hold against a vendor for what it put into the directory, until they forgive it.

A strike takes nothing away. As long as one stands, what its vendor publishes is read by the staff before the public reads it.
"""

from __future__ import annotations

import uuid

from sqlalchemy import func, select

from core.directory.models import Listing, Strike
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id, public_id, uuid7

MOST_SHOWN = 50


def give_strike(listing: Listing, *, by: str, reason: str) -> Strike:
    """For this listing, with the reason its vendor has been told."""
    strike = Strike(
        vendor_id=listing.vendor_id, mode=listing.mode, id=uuid7(), public_id=public_id("stk"), listing=listing.public_id, title=listing.title,
        reason=reason, given_by=by, given_at=now(), forgiven_by="",
    )  # fmt: skip
    db.session.add(strike)
    db.session.flush()
    record(listing.vendor_id, actor=by, action="directory.strike", subject=listing.public_id, mode=listing.mode, reason=reason)
    return strike


def forgive_strike(strike: Strike, *, by: str) -> bool:
    """It counts no more, and stays in the list. False when it was forgiven before."""
    strike = lock_again(strike)
    if strike.forgiven_at is not None:
        return False
    strike.forgiven_at, strike.forgiven_by = now(), by
    db.session.flush()
    record(strike.vendor_id, actor=by, action="directory.strike_forgiven", subject=strike.listing, mode=strike.mode)
    return True


def list_strikes(vendor_id: uuid.UUID, mode: str) -> list[Strike]:
    """All there were, the newest first."""
    mine = select(Strike).where(Strike.vendor_id == vendor_id, Strike.mode == mode)
    return list(db.session.scalars(mine.order_by(Strike.id.desc()).limit(MOST_SHOWN)))


def count_strikes(vendor_id: uuid.UUID, mode: str) -> int:
    """Those that stand."""
    mine = select(func.count()).where(Strike.vendor_id == vendor_id, Strike.mode == mode, Strike.forgiven_at.is_(None))
    return int(db.session.scalar(mine) or 0)


def get_strike(public: str) -> Strike:
    """Any vendor's; refuses with 404. For staff only."""
    found = db.session.scalar(select(Strike).where(Strike.public_id == public)) if is_public_id("stk", public) else None
    if found is None:
        raise NotFound("There is no such strike.")
    return found
