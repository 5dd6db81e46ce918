"""Who did what: one row for every sensitive act of a person, in the same transaction as the act."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.clock import now
from core.kernel.db import Base, db
from core.kernel.ids import uuid7


class AuditEntry(Base):
    """Append-only (PostgreSQL refuses to change or delete one)."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_vendor_at", "vendor_id", "at"),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(String(60))  # usr_..., 'system' or 'payer'
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]


def record(vendor_id: uuid.UUID, *, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Write the row. `detail` holds plain values only: no secrets, no card data."""
    db.session.add(AuditEntry(vendor_id=vendor_id, id=uuid7(), actor=actor, action=action, subject=subject, detail=detail, at=now()))
