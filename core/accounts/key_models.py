"""Keys for a vendor's own software, and what was answered to what it asked for, so that asking again is asking once."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CHAR, Index, SmallInteger, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check


class ApiKey(TenantKey, Base):
    """A secret key. The secret itself is shown once and kept nowhere: we know only its hash."""

    __tablename__ = "api_keys"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "digest"),
        Index("ix_api_keys_digest", "digest"),  # whose it is, is not known before it is found
    )
    public_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(CHAR(64))
    ends_in: Mapped[str] = mapped_column(CHAR(4))  # by which a person tells one key from another
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class KeptAnswer(Base):
    """What was answered to a write with this Idempotency-Key. Written in the same transaction as what it did, so it is there or nothing is."""

    __tablename__ = "kept_answers"
    __table_args__ = (mode_check(), Index("ix_kept_answers_at", "at"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(CHAR(64))  # of method, path and body
    status: Mapped[int] = mapped_column(SmallInteger)
    body: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]
