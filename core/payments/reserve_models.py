"""Tables of reserves: the rules a seller was given, and what was kept aside of which payment."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.kernel.money import Money

# requested waits for a second person; overtaken: another rule was set before one came.
RULE_STATES = frozenset({"requested", "in_force", "declined", "overtaken"})
MOST_DAYS = 365
LONGEST_REASON = 300


class ReserveRule(Base):
    """One version of what is kept aside of a seller's sales: the newest that is in force counts. None of its numbers is ever changed."""

    __tablename__ = "reserve_rules"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint(one_of("state", RULE_STATES), name="state"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("(bps = 0 AND days = 0) OR (bps BETWEEN 1 AND 10000 AND days BETWEEN 1 AND 365)", name="share"),
        Index("uq_reserve_rules_waiting", "vendor_id", "mode", unique=True, postgresql_where="state = 'requested'"),
        Index("ix_reserve_rules_newest", "requested_at"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))
    bps: Mapped[int]  # of what a sale leaves to the seller; 0 with 0 days: nothing is kept
    days: Mapped[int] = mapped_column(SmallInteger)
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    state: Mapped[str] = mapped_column(String(10))
    requested_by: Mapped[str] = mapped_column(String(60))
    requested_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(60), default="")
    decided_at: Mapped[datetime | None]


class ReserveHold(TenantKey, Base):
    """What was kept aside of one payment when it was released. Kept = given back + used for what the seller owed + still held."""

    __tablename__ = "reserve_holds"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        UniqueConstraint("vendor_id", "mode", "payment_id"),
        CheckConstraint("taken_minor > 0 AND given_minor >= 0 AND used_minor >= 0", name="sums"),
        CheckConstraint("given_minor + used_minor <= taken_minor", name="never_more"),
        CheckConstraint("(ended_at IS NULL) = (given_minor + used_minor < taken_minor)", name="ended"),
        Index("ix_reserve_holds_due", "due_at", postgresql_where="ended_at IS NULL"),
        Index("ix_reserve_holds_held", "vendor_id", "mode", "currency", "due_at", "id", postgresql_where="ended_at IS NULL"),
    )
    payment_id: Mapped[uuid.UUID]
    payment: Mapped[str] = mapped_column(String(40))  # its public id: its journals are told apart by it
    rule_version: Mapped[int]
    currency: Mapped[str] = mapped_column(CHAR(3))
    taken_minor: Mapped[int] = mapped_column(BigInteger)
    given_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    used_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    uses: Mapped[int] = mapped_column(SmallInteger, default=0)  # how often something was used of it
    taken_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    @property
    def taken(self) -> Money:
        """What was kept aside."""
        return Money(self.taken_minor, self.currency)

    @property
    def held(self) -> Money:
        """What is still kept."""
        return Money(self.taken_minor - self.given_minor - self.used_minor, self.currency)
