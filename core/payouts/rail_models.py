"""Tables of the processor's rail: a seller's own account at a processor, and how far the money of a payout is on its way through it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.payouts.states import CARRIED, RECEIVER


class Receiver(TenantKey, Base):
    """A seller's account at a processor, opened by us and completed there. What it says of itself is read whole each time."""

    __tablename__ = "payout_receivers"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "provider"),
        CheckConstraint(one_of("state", RECEIVER), name="state"),
        CheckConstraint("(provider_reference IS NULL) = (state = 'opening')", name="opened"),
        Index("ix_payout_receivers_due", "next_look_at", postgresql_where="next_look_at IS NOT NULL"),
    )
    public_id: Mapped[str] = mapped_column(String(40))  # the processor's idempotency key
    provider: Mapped[str] = mapped_column(String(20))
    provider_reference: Mapped[str | None] = mapped_column(String(60))
    email: Mapped[str] = mapped_column(String(254))  # until it is opened
    country: Mapped[str] = mapped_column(CHAR(2))
    state: Mapped[str] = mapped_column(String(12))
    banks: Mapped[dict[str, dict[str, str]]] = mapped_column(JSONB)  # by currency: last4, and the processor's mark of the account
    due: Mapped[int] = mapped_column(default=0)  # how many things the processor still wants to know
    reason: Mapped[str] = mapped_column(String(60), default="")
    opened_by: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]
    looks: Mapped[int] = mapped_column(default=0)

    def pays_out(self, currency: str) -> bool:
        """Whether money in this currency can leave through it now."""
        return self.state == "ready" and currency in self.banks


class Carriage(Base):
    """A payout's way through a processor: what is asked next, under which number, and what the processor has called each part of it."""

    __tablename__ = "payout_carriages"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payout_id"], ["payouts.vendor_id", "payouts.mode", "payouts.id"]),
        CheckConstraint(one_of("step", CARRIED), name="step"),
        Index("ix_payout_carriages_due", "next_look_at", postgresql_where="next_look_at IS NOT NULL"),
        Index("ix_payout_carriages_move", "vendor_id", "mode", "move_reference"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    payout_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(20))
    receiver: Mapped[str] = mapped_column(String(60))  # the processor's name for the seller's account
    step: Mapped[str] = mapped_column(String(8))
    tries: Mapped[int] = mapped_column(default=0)  # a definite no to taking money back is asked again under another number
    asked_at: Mapped[datetime | None]  # when this step was first asked for: a day later its number is no protection any more
    move_reference: Mapped[str] = mapped_column(String(60), default="")
    payout_reference: Mapped[str] = mapped_column(String(60), default="")
    back_reference: Mapped[str] = mapped_column(String(60), default="")
    trace: Mapped[str] = mapped_column(String(60), default="")
    why: Mapped[str] = mapped_column(String(60), default="")  # why the money is taken back
    problem: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    next_look_at: Mapped[datetime | None]
    looks: Mapped[int] = mapped_column(default=0)

    def facts(self) -> dict[str, Any]:
        """What the staff read of it."""
        return {"move": self.move_reference, "payout": self.payout_reference, "back": self.back_reference, "trace": self.trace}
