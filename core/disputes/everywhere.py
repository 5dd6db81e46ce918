"""Disputes across vendors, for the staff only: narrowed by stage, vendor and how soon an answer is due, and one by its number."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.disputes.models import Dispute, WriteOff
from core.disputes.queries import STAGES
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.sentence import said
from core.ledger.book import SELLER_RECEIVABLE
from core.ledger.models import Balance

Found = tuple[Vendor, Dispute]
DUE = {"1": timedelta(days=1), "3": timedelta(days=3), "7": timedelta(days=7)}
MOST_DEBTS = 200


def list_everywhere(
    *,
    stage: str = "",
    due: str = "",
    mode: str = "",
    vendor_ids: list[uuid.UUID] | None = None,
    unread: bool = False,
    after: uuid.UUID | None = None,
    limit: int = 50,
) -> list[Found]:
    """Those that are due first when asked for by that, the newest first otherwise. `unread`: the vendor wrote, and nobody has answered."""
    asked = select(Vendor, Dispute).join(Vendor, Vendor.id == Dispute.vendor_id)
    if stage in STAGES:
        asked = asked.where(STAGES[stage])
    if mode:
        asked = asked.where(Dispute.mode == mode)
    if vendor_ids is not None:
        asked = asked.where(Dispute.vendor_id.in_(vendor_ids))
    if unread:
        asked = asked.where(Dispute.waits_since.is_not(None))
    if due in DUE:
        asked = asked.where(STAGES["answer"], Dispute.due_at > now(), Dispute.due_at <= now() + DUE[due]).order_by(Dispute.due_at)
    elif after:
        asked = asked.where(Dispute.id < after)
    return [(vendor, dispute) for vendor, dispute in db.session.execute(asked.order_by(Dispute.id.desc()).limit(limit))]


def get_everywhere(number: str) -> Found:
    """One dispute and whose it is; refuses with 404."""
    if is_public_id("dp", number):
        asked = select(Vendor, Dispute).join(Vendor, Vendor.id == Dispute.vendor_id).where(Dispute.public_id == number)
        for vendor, dispute in db.session.execute(asked.limit(1)):
            return vendor, dispute
    raise NotFound(said("There is no such dispute."))


def count_due_up_to(most: int) -> int:
    """How many are due within a day, counted no further than that."""
    some = select(Dispute.id).where(STAGES["answer"], Dispute.due_at > now(), Dispute.due_at <= now() + DUE["1"]).limit(most).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def count_unread_up_to(most: int) -> int:
    """How many have messages of their vendor that nobody of the staff has answered, counted no further than that."""
    some = select(Dispute.id).where(Dispute.waits_since.is_not(None)).limit(most).subquery()
    return int(db.session.scalar(select(func.count()).select_from(some)) or 0)


def list_debts(limit: int = MOST_DEBTS) -> list[tuple[Vendor, str, str, int]]:
    """Who owes: vendor, mode, currency and minor units, the largest first."""
    owed = func.sum(Balance.amount_minor)
    asked: Any = (
        select(Vendor, Balance.mode, Balance.currency, owed)
        .join(Vendor, Vendor.id == Balance.vendor_id)
        .where(Balance.code == SELLER_RECEIVABLE)
        .group_by(Vendor.id, Balance.mode, Balance.currency)
        .having(owed > 0)
        .order_by(owed.desc())
        .limit(limit)
    )
    return [(vendor, mode, currency, int(minor)) for vendor, mode, currency, minor in db.session.execute(asked)]


def list_write_offs(*, waiting: bool, limit: int = 50) -> list[tuple[Vendor, WriteOff]]:
    """Those that wait for a second person, or the newest others."""
    asked = select(Vendor, WriteOff).join(Vendor, Vendor.id == WriteOff.vendor_id)
    asked = asked.where(WriteOff.state == "requested") if waiting else asked.where(WriteOff.state != "requested")
    return [(vendor, row) for vendor, row in db.session.execute(asked.order_by(WriteOff.id.desc()).limit(limit))]


def get_write_off(number: str) -> tuple[Vendor, WriteOff]:
    """One and whose debt it was; refuses with 404."""
    if is_public_id("wof", number):
        asked = select(Vendor, WriteOff).join(Vendor, Vendor.id == WriteOff.vendor_id).where(WriteOff.public_id == number)
        for vendor, row in db.session.execute(asked.limit(1)):
            return vendor, row
    raise NotFound(said("There is no such write-off."))
