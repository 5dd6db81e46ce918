"""What was decided about each try that rules had something to say about, and the reviews that came of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint, false
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check
from core.payments.states import REVIEW

LONGEST_NOTE = 300


class Screening(TenantKey, Base):
    """One try of one payment as the rules saw it. Where they sent it to review it waits here for a person, or for the clock."""

    __tablename__ = "payment_screenings"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        ForeignKeyConstraint(["vendor_id", "mode", "attempt_id"], ["attempts.vendor_id", "attempts.mode", "attempts.id"]),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "attempt_id"),
        CheckConstraint(one_of("state", REVIEW), name="state"),
        CheckConstraint("state <> 'waiting' OR waits_since IS NOT NULL", name="waits"),
        Index("ix_payment_screenings_waiting", "waits_since", postgresql_where="state = 'waiting'"),
        Index("ix_payment_screenings_together", "mode", "together", postgresql_where="together <> ''"),
        Index("ix_payment_screenings_by_payment", "vendor_id", "mode", "payment_id"),
        Index("ix_payment_screenings_addresses", "created_at", postgresql_where="address <> ''"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    payment_id: Mapped[uuid.UUID]
    attempt_id: Mapped[uuid.UUID]
    version: Mapped[int]  # of the rules; 0: only lists counted
    action: Mapped[str] = mapped_column(String(12), default="", server_default="")  # what was decided when it began
    together: Mapped[str] = mapped_column(
        String(40), default="", server_default=""
    )  # the checkout it was decided for, once for all its orders
    state: Mapped[str] = mapped_column(String(10))
    held: Mapped[bool] = mapped_column(default=False, server_default=false())  # its money is only authorised, and nothing is taken yet
    reasons: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)  # what was known when the try began
    address: Mapped[str] = mapped_column(String(60), default="", server_default="")  # of the payer; let go of after a while
    card: Mapped[str] = mapped_column(String(120), default="", server_default="")  # the processor's mark of it, as long
    waits_since: Mapped[datetime | None]
    lapses_at: Mapped[datetime | None]  # when the clock decides, because the authorisation is about to end
    decided_by: Mapped[str] = mapped_column(String(60), default="", server_default="")
    decided_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(LONGEST_NOTE), default="", server_default="")
    created_at: Mapped[datetime]
