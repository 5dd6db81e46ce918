"""Customers: everybody who ever set out to pay a vendor, one row for each e-mail address."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check


class Customer(TenantKey, Base):
    """One payer as this vendor knows them. Their payments carry the same address; the row adds what the team decides."""

    __tablename__ = "customers"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "email"),
        Index("ix_customers_newest", "vendor_id", "mode", "last_seen_at", "id"),
        Index("ix_customers_by_email", "vendor_id", "mode", "email", postgresql_ops={"email": "varchar_pattern_ops"}),
        Index("ix_customers_by_name", "vendor_id", "mode", "name_key", postgresql_ops={"name_key": "varchar_pattern_ops"}),
        Index("ix_customers_by_surname", "vendor_id", "mode", "surname_key", postgresql_ops={"surname_key": "varchar_pattern_ops"}),
        Index("ix_customers_blocked", "vendor_id", "mode", "id", postgresql_where="blocked_at IS NOT NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))  # one spelling, as on the payments
    name: Mapped[str] = mapped_column(String(120), default="")  # as they last wrote it
    name_key: Mapped[str] = mapped_column(String(120), default="")  # the same in lower case, to be found by its beginning
    surname_key: Mapped[str] = mapped_column(String(120), default="")  # its last word
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    blocked_at: Mapped[datetime | None]
    blocked_by: Mapped[str | None] = mapped_column(String(40))
    blocked_because: Mapped[str | None] = mapped_column(String(300))
    erased_at: Mapped[datetime | None]


class PayerKey(TenantKey, Base):
    """One letter that opens a payer's own page. The token in its address proves that we wrote it; this row says whether it still counts."""

    __tablename__ = "payer_keys"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        Index("ix_payer_keys_by_email", "vendor_id", "mode", "email", "id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    token_id: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
