"""What is kept of a clock that is being moved: from when, to when, why it goes, and what it waits for."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check


class ClockAdvance(TenantKey, Base):
    """A test subscription's clock on its way to a later moment. One at a time; it goes on where it stands, whoever was killed."""

    __tablename__ = "clock_advances"
    __table_args__ = (
        mode_check(),
        CheckConstraint("mode = 'test'", name="test_only"),
        CheckConstraint("state IN ('running', 'done', 'stopped')", name="state"),
        CheckConstraint("(state = 'running') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("target_at >= from_at", name="forward"),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("uq_clock_advances_one", "vendor_id", "mode", "subscription_id", unique=True, postgresql_where="state = 'running'"),
        Index("ix_clock_advances_newest", "vendor_id", "mode", "subscription_id", "id"),
        Index("ix_clock_advances_due", "look_at", postgresql_where="state = 'running'"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "subscription_id"], ["subscriptions.vendor_id", "subscriptions.mode", "subscriptions.id"],
            name="fk_clock_advances_subscriptions",
        ),
    )  # fmt: skip
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    subscription_id: Mapped[uuid.UUID]
    goal: Mapped[str] = mapped_column(String(10))  # day, charge, period, month or date
    state: Mapped[str] = mapped_column(String(10))
    why: Mapped[str] = mapped_column(String(20), default="")  # why it was stopped: asked, no_answer or broken
    from_at: Mapped[datetime]  # both by the subscription's own clock
    target_at: Mapped[datetime]
    first_seq: Mapped[int] = mapped_column(Integer)  # how many events there were before
    last_seq: Mapped[int | None] = mapped_column(Integer)  # and how many once it had ended
    waits_for: Mapped[uuid.UUID | None]  # the charge whose answer is still to come
    waits_since: Mapped[datetime | None]
    look_at: Mapped[datetime]  # when a worker looks at it again, by the real clock
    asked_by: Mapped[str] = mapped_column(String(60))
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
