"""On which websites a business lets its payment pages be shown, and which others have tried."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check

REASONS = ("insecure", "off", "opaque", "unlisted")


class EmbedOrigin(TenantKey, Base):
    """One website: its origin as browsers compare it, or all subdomains of one (https://*.shop.example)."""

    __tablename__ = "embed_origins"
    __table_args__ = (mode_check(), UniqueConstraint("vendor_id", "mode", "public_id"), UniqueConstraint("vendor_id", "mode", "origin"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    origin: Mapped[str] = mapped_column(String(270))
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]


class EmbedRefusal(Base):
    """A website that showed, or meant to show, a payment page and was refused: how often, why, and when last. No payer is in it."""

    __tablename__ = "embed_refusals"
    __table_args__ = (
        mode_check(),
        CheckConstraint(one_of("reason", REASONS), name="reason"),
        CheckConstraint("times > 0", name="times"),
        Index("ix_embed_refusals_last", "last_at"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    origin: Mapped[str] = mapped_column(String(270), primary_key=True)
    reason: Mapped[str] = mapped_column(String(12), primary_key=True)
    times: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
