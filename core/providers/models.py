"""The inbox: what providers told us, exactly as it came, stored once per event."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, mode_check


class InboxEvent(Base):
    """One event of a provider. It belongs to no vendor until a worker has opened it."""

    __tablename__ = "provider_events"
    __table_args__ = (
        mode_check(),
        CheckConstraint("provider <> 'sandbox' OR mode = 'test'", name="sandbox_is_test"),
        Index("ix_provider_events_newest", "received_at"),
        Index("ix_provider_events_unmatched", "received_at", postgresql_where="result = 'unmatched'"),
    )
    provider: Mapped[str] = mapped_column(String(20), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    type: Mapped[str] = mapped_column(String(80))
    raw: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    vendor_id: Mapped[uuid.UUID | None]
    handled_at: Mapped[datetime | None]
    result: Mapped[str | None] = mapped_column(String(60))
