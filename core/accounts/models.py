"""Who there is: vendors, the people who work for them, their sessions and their single-use e-mail links."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.kernel.db import Base, TenantKey, mode_check


class Vendor(Base):
    """A business that takes money through us. Its id is the head of every key below it and the name of its book."""

    __tablename__ = "vendors"
    __table_args__ = (
        CheckConstraint("fee_bps BETWEEN 0 AND 5000", name="fee_bps"),
        CheckConstraint("refund_limit_minor >= 0", name="refund_limit_minor"),
        CheckConstraint("release_days BETWEEN 0 AND 90", name="release_days"),
        CheckConstraint("accent ~ '^#[0-9a-f]{6}$' AND accent_dark ~ '^#[0-9a-f]{6}$'", name="accent"),
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
    stopped_modes: Mapped[list[str]] = mapped_column(
        ARRAY(String(4)), default=list, server_default="{}"
    )  # where the staff have stopped its payments
    embed_stopped_modes: Mapped[list[str]] = mapped_column(
        ARRAY(String(4)), default=list, server_default="{}"
    )  # where the staff have stopped its forms on other websites
    api_stopped_modes: Mapped[list[str]] = mapped_column(
        ARRAY(String(4)), default=list, server_default="{}"
    )  # where the staff have stopped what its software asks
    resting_modes: Mapped[list[str]] = mapped_column(
        ARRAY(String(4)), default=list, server_default="{}"
    )  # where its plan hibernates, is suspended or has ended: nothing of it is shown, and it takes no payments
    approved_at: Mapped[datetime | None]  # when the staff let it into live mode: without that it does not go there
    stopped_at: Mapped[datetime | None]  # its account is being closed, or is closed: it takes no payments and shows nothing
    second_factor_required: Mapped[bool] = mapped_column(default=False)  # of everybody who works here
    refund_limit_minor: Mapped[int | None] = mapped_column(BigInteger)  # above it a refund asks who is there; empty: the usual limit
    # How the vendor looks to payers stands on this row, because every payer's page begins with reading it.
    accent: Mapped[str | None] = mapped_column(CHAR(7))
    accent_dark: Mapped[str | None] = mapped_column(CHAR(7))
    logo_digest: Mapped[str | None] = mapped_column(String(32))
    logo_width: Mapped[int] = mapped_column(SmallInteger, default=0)
    logo_height: Mapped[int] = mapped_column(SmallInteger, default=0)
    logo_says_name: Mapped[bool] = mapped_column(default=False)  # then the name is not written beside it
    support_phone: Mapped[str] = mapped_column(String(30), default="")
    pay_host: Mapped[str | None] = mapped_column(String(253))  # its own host name in new addresses of its payment pages; None: ours
    created_at: Mapped[datetime]


class BusinessDetails(Base):
    """What an invoice must say of a business, as the seller or as the buyer on it."""

    __tablename__ = "business_details"
    __table_args__ = (CheckConstraint("tax_bps BETWEEN 0 AND 5000", name="tax_bps"),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    legal_name: Mapped[str] = mapped_column(String(120))
    street: Mapped[str] = mapped_column(String(120))
    postcode: Mapped[str] = mapped_column(String(20))
    city: Mapped[str] = mapped_column(String(80))
    registration: Mapped[str] = mapped_column(String(60))  # the number in the register of companies
    vat_id: Mapped[str] = mapped_column(String(20))
    tax_bps: Mapped[int | None]  # what it charges on its own plans, in hundredths of a percent; None: it is not registered for VAT
    updated_at: Mapped[datetime]


class VatCheck(Base):
    """One consultation of the registry of VAT numbers about a business, with what it answered: kept as evidence, for ever.

    The number is the business's in both modes, so there is no mode.
    """

    __tablename__ = "vat_checks"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'valid', 'invalid')", name="state"),
        CheckConstraint("(state = 'asked') = (answered_at IS NULL)", name="answered"),
        Index("ix_vat_checks_due", "next_at", postgresql_where=text("next_at IS NOT NULL")),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    vat_id: Mapped[str] = mapped_column(String(20))
    requester: Mapped[str] = mapped_column(String(20))  # the house's own number, by which the registry knows who asked
    state: Mapped[str] = mapped_column(String(10))
    asked_at: Mapped[datetime]
    next_at: Mapped[datetime | None]  # when it is asked again, as long as there is no answer
    tries: Mapped[int]
    problem: Mapped[str] = mapped_column(String(60), default="")  # why there was none the last time, in the registry's word
    answered_at: Mapped[datetime | None]  # the registry's own date of the consultation
    consultation: Mapped[str] = mapped_column(String(60), default="")  # the number by which the registry finds it again
    name: Mapped[str] = mapped_column(String(300), default="")  # whose the number is, as far as that country says
    address: Mapped[str] = mapped_column(String(500), default="")


class VendorLogo(Base):
    """The picture itself, as we drew it (core/accounts/logo.py): read only when a browser or a paper asks for it."""

    __tablename__ = "vendor_logos"
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(32))
    png: Mapped[bytes] = mapped_column(LargeBinary)
    updated_at: Mapped[datetime]


class VendorDomain(Base):
    """A host name a vendor says is theirs. Once proved, payers may be led back to it; both modes share it, for it is one shop."""

    __tablename__ = "vendor_domains"
    __table_args__ = (UniqueConstraint("vendor_id", "public_id"), UniqueConstraint("vendor_id", "host"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    host: Mapped[str] = mapped_column(String(253))  # in lower case, as DNS writes it
    proof: Mapped[str] = mapped_column(String(60))  # what the file or the DNS record must say
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[str | None] = mapped_column(String(10))  # file or dns
    asked_at: Mapped[datetime | None]  # when somebody last asked for a look
    checked_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(String(200), default="")  # what the last look found wrong
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
    second_factor_at: Mapped[datetime | None]  # since when signing in takes a second step; read with the person on every page
    email_verified_at: Mapped[datetime | None]
    language: Mapped[str] = mapped_column(String(10), default="", server_default="")  # chosen in the portal; letters to them are in it
    created_at: Mapped[datetime]


class CustomRole(Base):
    """A role that a vendor put together for its own people."""

    __tablename__ = "custom_roles"
    __table_args__ = (UniqueConstraint("vendor_id", "public_id"), UniqueConstraint("vendor_id", "name"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40))
    permissions: Mapped[list[str]] = mapped_column(ARRAY(String(60)))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Membership(Base):
    """This person works for this vendor, in this role."""

    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'admin', 'manager', 'accountant', 'support', 'developer', 'viewer', 'custom')", name="role"),
        CheckConstraint("(role = 'custom') = (custom_role_id IS NOT NULL)", name="custom_role"),
        CheckConstraint("role <> 'owner' OR branches IS NULL", name="owner_everywhere"),
        ForeignKeyConstraint(
            ["vendor_id", "custom_role_id"], ["custom_roles.vendor_id", "custom_roles.id"], name="fk_memberships_custom_roles"
        ),
        Index("ix_memberships_user", "user_id"),
        # Somebody must be answerable, and only one: there is exactly one owner.
        Index("uq_memberships_one_owner", "vendor_id", unique=True, postgresql_where="role = 'owner'"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(20))
    custom_role_id: Mapped[uuid.UUID | None]
    # The branches this person is limited to, of test and of live; None: the whole business. No foreign keys: a limit outlives its branch.
    branches: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid(as_uuid=True)))
    created_at: Mapped[datetime]
    vendor: Mapped[Vendor] = relationship(lazy="raise_on_sql")
    user: Mapped[User] = relationship(lazy="raise_on_sql")


class UserSession(Base):
    """One browser that is signed in, or one app. The cookie holds a random secret; the row holds only its SHA-256."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index("ix_user_sessions_user", "user_id"), CheckConstraint("mode IN ('test', 'live')", name="mode"))
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"))
    mode: Mapped[str] = mapped_column(String(4), default="test")  # which of the two worlds this browser is looking at
    app: Mapped[str] = mapped_column(String(60), default="", server_default="")  # what an app with tokens calls itself; empty: a browser
    address: Mapped[str] = mapped_column(String(60), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None] = mapped_column(String(40))
    confirmed_at: Mapped[datetime | None]  # when the person last proved that it is they who sit there


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


class Invitation(Base):
    """Somebody was asked to join a vendor's team. The signed token names `token_id`; a new one kills every older message."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role IN ('admin', 'manager', 'accountant', 'support', 'developer', 'viewer', 'custom')", name="role"),
        CheckConstraint("(role = 'custom') = (custom_role_id IS NOT NULL)", name="custom_role"),
        ForeignKeyConstraint(
            ["vendor_id", "custom_role_id"], ["custom_roles.vendor_id", "custom_roles.id"], name="fk_invitations_custom_roles"
        ),
        UniqueConstraint("vendor_id", "public_id"),
        UniqueConstraint("vendor_id", "token_id"),
        # One open invitation for each address; to ask again is to send the same one anew.
        Index("uq_invitations_open", "vendor_id", "email", unique=True, postgresql_where="ended_at IS NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(20))
    custom_role_id: Mapped[uuid.UUID | None]
    branches: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid(as_uuid=True)))  # as in the membership that comes of it
    invited_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(10))  # accepted or revoked


class SavedFilter(TenantKey, Base):
    """A way of looking at a list that somebody gave a name: for themselves, or for everybody of the vendor."""

    __tablename__ = "saved_filters"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_saved_filters_list", "vendor_id", "mode", "list", "id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    list: Mapped[str] = mapped_column(String(20))  # which page it belongs to: payments
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text)  # as it stands in the address of the page
    owner: Mapped[str] = mapped_column(String(40))
    shared: Mapped[bool]
    created_at: Mapped[datetime]


class SavedFilterDefault(Base):
    """The saved filter with which a list opens for one person."""

    __tablename__ = "saved_filter_defaults"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "filter_id"],
            ["saved_filters.vendor_id", "saved_filters.mode", "saved_filters.id"],
            ondelete="CASCADE",  # a filter that is removed opens for nobody
        ),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    list: Mapped[str] = mapped_column(String(20), primary_key=True)
    person: Mapped[str] = mapped_column(String(40), primary_key=True)
    filter_id: Mapped[uuid.UUID]


class Remark(TenantKey, Base):
    """What somebody of the team wrote down about a payment or a customer. The payer never sees it."""

    __tablename__ = "remarks"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_remarks_about", "vendor_id", "mode", "about", "id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(60))
    author: Mapped[str] = mapped_column(String(40))
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class ReceiptSettings(Base):
    """What a vendor adds to its receipts, and what it leaves off."""

    __tablename__ = "receipt_settings"
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    legal_name: Mapped[str] = mapped_column(String(120), default="")
    postal_address: Mapped[str] = mapped_column(Text, default="")
    registration: Mapped[str] = mapped_column(String(60), default="")
    paragraph: Mapped[str] = mapped_column(Text, default="")  # above the figures' end, in the letter too
    footer: Mapped[str] = mapped_column(Text, default="")
    show_business: Mapped[bool] = mapped_column(default=True)
    show_payer: Mapped[bool] = mapped_column(default=True)
    show_payments: Mapped[bool] = mapped_column(default=True)  # how and when it was paid, and the ways to all of it
    updated_at: Mapped[datetime]


class LinkStyle(TenantKey, Base):
    """Colours by a name, for links that do not look as the rest."""

    __tablename__ = "link_styles"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint("accent ~ '^#[0-9a-f]{6}$' AND accent_dark ~ '^#[0-9a-f]{6}$'", name="accent"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40))
    accent: Mapped[str] = mapped_column(CHAR(7))
    accent_dark: Mapped[str | None] = mapped_column(CHAR(7))
    put_away_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
