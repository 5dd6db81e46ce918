"""Journals that people had posted by hand and that were wrong: who wants one taken back, why, and what became of that."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money

STATES = ("requested", "booked", "declined")


class Reversal(TenantKey, Base):
    """One journal is to be taken back by another: by one person of the staff, above a limit by two. Of each there is one that is not declined."""

    __tablename__ = "journal_reversals"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "journal_id"],
            ["journals.vendor_id", "journals.mode", "journals.id"],
            name="fk_journal_reversals_journals",
        ),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name="decided"),
        Index("uq_journal_reversals_once", "vendor_id", "mode", "journal_id", unique=True, postgresql_where="state <> 'declined'"),
        Index("ix_journal_reversals_waiting", "mode", "id", postgresql_where="state = 'requested'"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    journal_id: Mapped[uuid.UUID]
    state: Mapped[str] = mapped_column(String(10))
    currency: Mapped[str] = mapped_column(CHAR(3))  # of what it moved most in
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(300))
    requested_by: Mapped[str] = mapped_column(String(60))
    decided_by: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """What it moved, and what goes back."""
        return Money(self.amount_minor, self.currency)
