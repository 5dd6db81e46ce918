"""Long exports: what was asked for, how far it has been written, and the file itself in pieces, so that any process can hand it out."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check
from core.payments.states import EXPORT


class Export(TenantKey, Base):
    """One list as a file, under the filters it was asked for with. A worker writes it row by row, from the newest to the oldest."""

    __tablename__ = "exports"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint("state IN ({})".format(", ".join(f"'{state}'" for state in EXPORT)), name="state"),
        CheckConstraint("file_format IN ('csv', 'xlsx')", name="file_format"),
        Index("ix_exports_kept", "expires_at", postgresql_where="state = 'ready'"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str] = mapped_column(String(20))  # payments, refunds or customers
    file_format: Mapped[str] = mapped_column(String(4))
    narrow: Mapped[dict[str, Any]] = mapped_column(JSONB)  # the filters, as core/payments/export_narrow.py writes them down
    language: Mapped[str] = mapped_column(String(10))  # of the headings
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    total_rows: Mapped[int | None]  # counted when it was begun
    done_rows: Mapped[int] = mapped_column(default=0)
    pieces: Mapped[int] = mapped_column(default=0)
    newest_row: Mapped[uuid.UUID]  # nothing that came after it is written
    last_row: Mapped[uuid.UUID | None]  # where the writing stands: everything from here on is still to be written
    failures: Mapped[int] = mapped_column(default=0)
    failure_reason: Mapped[str | None] = mapped_column(String(40))
    requested_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class ExportPiece(Base):
    """Some thousand rows as CSV. Dropped when the export has expired."""

    __tablename__ = "export_pieces"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "export_id"], ["exports.vendor_id", "exports.mode", "exports.id"]),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    export_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)
