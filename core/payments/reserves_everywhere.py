"""Reserves across sellers, for the staff only: the rules that count, those that wait for a second person, and what is kept."""

from __future__ import annotations

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.reserve_models import ReserveHold, ReserveRule

Found = tuple[Vendor, ReserveRule]


def list_waiting(limit: int = 100) -> list[Found]:
    """Rules that wait for a second person, the oldest first."""
    asked = select(Vendor, ReserveRule).join(Vendor, Vendor.id == ReserveRule.vendor_id).where(ReserveRule.state == "requested")
    return [(vendor, row) for vendor, row in db.session.execute(asked.order_by(ReserveRule.requested_at).limit(limit))]


def list_in_force(limit: int = 100) -> list[Found]:
    """The rule that counts of every seller of whom anything is kept, the newest first."""
    later = aliased(ReserveRule)
    overtaken = select(later.version).where(
        later.vendor_id == ReserveRule.vendor_id,
        later.mode == ReserveRule.mode,
        later.state == "in_force",
        later.version > ReserveRule.version,
    )
    asked = select(Vendor, ReserveRule).join(Vendor, Vendor.id == ReserveRule.vendor_id)
    asked = asked.where(and_(ReserveRule.state == "in_force", ReserveRule.bps > 0), ~overtaken.exists())
    return [(vendor, row) for vendor, row in db.session.execute(asked.order_by(ReserveRule.decided_at.desc()).limit(limit))]


def held_of(vendor: Vendor, mode: str) -> list[Money]:
    """What is kept of one seller, by currency."""
    held = func.sum(ReserveHold.taken_minor - ReserveHold.given_minor - ReserveHold.used_minor)
    mine = select(ReserveHold.currency, held).where(
        ReserveHold.vendor_id == vendor.id, ReserveHold.mode == mode, ReserveHold.ended_at.is_(None)
    )
    return [
        Money(int(minor), code) for code, minor in db.session.execute(mine.group_by(ReserveHold.currency).order_by(ReserveHold.currency))
    ]
