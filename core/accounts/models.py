"""Who there is: vendors, the people who work for them, their sessions and their single-use e-mail links."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.kernel.db import Base


class Vendor(Base):
    """A business that takes money through us. Its id is the head of every key below it and the name of its book."""

    __tablename__ = "vendors"
    __table_args__ = (
        CheckConstraint("fee_bps BETWEEN 0 AND 5000", name="fee_bps"),
        CheckConstraint("release_days BETWEEN 0 AND 90", name="release_days"),
    )
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    country: Mapped[str] = mapped_column(CHAR(2))
    currency: Mapped[str] = mapped_column(CHAR(3))
    time_zone: Mapped[str] = mapped_column(String(60), default="Europe/London")
    support_email: Mapped[str] = mapped_column(String(254))
    fee_bps: Mapped[int] = mapped_column(default=150)  # what the platform keeps of a payment, in hundredths of a percent
    release_days: Mapped[int] = mapped_column(default=7)  # captured money waits this long before it may be paid out
    live_enabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class User(Base):
    """A person. One person may work for several vendors, and holds one password for all of them."""

    __tablename__ = "users"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # kept in lower case
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(Text)
    password_changed_at: Mapped[datetime]
    email_verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Membership(Base):
    """This person works for this vendor, in this role."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'manager', 'accountant', 'support')", name="role"),
        Index("ix_memberships_user", "user_id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    vendor: Mapped[Vendor] = relationship(lazy="raise_on_sql")
    user: Mapped[User] = relationship(lazy="raise_on_sql")


class UserSession(Base):
    """One browser that is signed in. The cookie holds a random secret; the row holds only its SHA-256."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index("ix_user_sessions_user", "user_id"), CheckConstraint("mode IN ('test', 'live')", name="mode"))
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"))
    mode: Mapped[str] = mapped_column(String(4), default="test")  # which of the two worlds this browser is looking at
    address: Mapped[str] = mapped_column(String(60), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))


class VendorSlug(Base):
    """A vendor's name in readable addresses. A former one stays the vendor's for ever: it redirects, and nobody else can take it."""

    __tablename__ = "vendor_slugs"
    __table_args__ = (Index("uq_vendor_slugs_current", "vendor_id", unique=True, postgresql_where="replaced_at IS NULL"),)
    slug: Mapped[str] = mapped_column(String(40), primary_key=True)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"))
    created_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]


class EmailLink(Base):
    """A single-use link sent by e-mail: the signed token names this row, and the row says whether it still counts."""

    __tablename__ = "email_links"
    __table_args__ = (
        CheckConstraint("purpose IN ('email-verify', 'password-reset')", name="purpose"),
        Index("ix_email_links_user", "user_id"),
    )
    token_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
