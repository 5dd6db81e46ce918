"""Tables of who may do what here: what the staff have stopped of a business, and each wish of one to be let into live mode."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.admission.states import STOPPABLE
from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check


class Stop(TenantKey, Base):
    """Something the staff have stopped for a business: taking payments, being paid out (or one payout), being in the directory. It stays when it is over."""

    __tablename__ = "vendor_stops"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("what", STOPPABLE), name="what"),
        CheckConstraint("(what = 'payouts') = (ends_at IS NOT NULL)", name="ends"),
        CheckConstraint("about = '' OR what = 'payouts'", name="about"),
        CheckConstraint("(ended_at IS NULL) = (ended_by = '')", name="ended"),
        Index("uq_vendor_stops_open", "vendor_id", "mode", "what", "about", unique=True, postgresql_where="ended_at IS NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    what: Mapped[str] = mapped_column(String(12))
    about: Mapped[str] = mapped_column(String(40), default="")  # one payout alone; empty: all of it
    reason: Mapped[str] = mapped_column(String(300))  # in words that the business reads
    begun_by: Mapped[str] = mapped_column(String(60))
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]  # payouts go on by themselves then; the rest only when somebody says so
    ended_by: Mapped[str] = mapped_column(String(60), default="")
    ended_at: Mapped[datetime | None]
