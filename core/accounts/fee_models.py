"""What the platform keeps of a vendor's payments, version by version; and what the staff write down about a vendor for themselves."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base

FLAGS = ("", "watch", "complaint", "key_account")


class VendorFee(Base):
    """A fee from a day on, for payments that begin then. Never changed: another one takes its place. It counts in both modes."""

    __tablename__ = "vendor_fees"
    __table_args__ = (
        CheckConstraint("bps BETWEEN 0 AND 5000", name="bps"),
        CheckConstraint("applied_at IS NULL OR withdrawn_at IS NULL", name="one_end"),
        Index("uq_vendor_fees_planned", "vendor_id", unique=True, postgresql_where="applied_at IS NULL AND withdrawn_at IS NULL"),
        Index("ix_vendor_fees_due", "from_on", postgresql_where="applied_at IS NULL AND withdrawn_at IS NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    bps: Mapped[int]
    before_bps: Mapped[int]  # what was kept when it was published
    from_on: Mapped[date]  # from midnight UTC
    reason: Mapped[str] = mapped_column(String(300))
    published_by: Mapped[str] = mapped_column(String(60))
    published_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]  # another one was published before its day


class StaffNote(Base):
    """What somebody of the staff wrote down about a vendor, for the staff alone. Append-only by habit: there is no page that changes one."""

    __tablename__ = "staff_notes"
    __table_args__ = (CheckConstraint("flag IN ('', 'complaint', 'key_account', 'watch')", name="flag"),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(60))
    flag: Mapped[str] = mapped_column(String(20))  # how the vendor is marked from here on; empty: not any more
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
