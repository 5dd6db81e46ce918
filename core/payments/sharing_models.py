"""What hands a link out and what comes of it: readable addresses, labels, sendings and reminders, filled-in addresses, openings."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check


def _of_a_link() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["vendor_id", "mode", "link_id"], ["payment_links.vendor_id", "payment_links.mode", "payment_links.id"])


class LinkSlug(Base):
    """A link's name in its readable address. A replaced one redirects; a revoked one opens nothing. Neither is ever another link's."""

    __tablename__ = "link_slugs"
    __table_args__ = (
        mode_check(),
        _of_a_link(),
        Index("uq_link_slugs_current", "vendor_id", "mode", "link_id", unique=True, postgresql_where="replaced_at IS NULL AND revoked_at IS NULL"),
    )  # fmt: skip
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), primary_key=True)
    link_id: Mapped[uuid.UUID]
    created_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class LinkLabel(Base):
    """A word a vendor files a link under."""

    __tablename__ = "link_labels"
    __table_args__ = (mode_check(), _of_a_link(), Index("ix_link_labels_by_label", "vendor_id", "mode", "label", "link_id"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    link_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(30), primary_key=True)


class PaymentLabel(Base):
    """A word a vendor files a payment under."""

    __tablename__ = "payment_labels"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "payment_id"], ["payments.vendor_id", "payments.mode", "payments.id"]),
        Index("ix_payment_labels_by_label", "vendor_id", "mode", "label", "payment_id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(30), primary_key=True)


class LinkSending(TenantKey, Base):
    """A link sent to one address by e-mail, with an address of its own: so it is known who opened it and who paid."""

    __tablename__ = "link_sendings"
    __table_args__ = (
        mode_check(),
        _of_a_link(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        UniqueConstraint("vendor_id", "mode", "form_token", "recipient"),
        Index("ix_link_sendings_by_link", "vendor_id", "mode", "link_id", "id"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))
    link_id: Mapped[uuid.UUID]
    link_token_id: Mapped[str] = mapped_column(String(40))  # replacing the link's address takes this one back too
    form_token: Mapped[str] = mapped_column(String(80))
    recipient: Mapped[str] = mapped_column(String(254))
    message: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[uuid.UUID | None]  # the letter; how it fared is written there
    sent_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    canceled_at: Mapped[datetime | None]


class LinkReminder(Base):
    """A second letter about a sending, so many days before the link ends or falls due; dropped when there is nothing left to pay."""

    __tablename__ = "link_reminders"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "sending_id"], ["link_sendings.vendor_id", "link_sendings.mode", "link_sendings.id"]),
        CheckConstraint("state IN ('planned', 'sent', 'dropped')", name="state"),
        CheckConstraint("number IN (1, 2)", name="number"),
        CheckConstraint("days_before BETWEEN 0 AND 60", name="days_before"),
        Index("ix_link_reminders_due", "due_at", postgresql_where="state = 'planned'"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    sending_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    days_before: Mapped[int]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="planned")
    reason: Mapped[str] = mapped_column(String(120), default="")  # why it was dropped
    message_id: Mapped[uuid.UUID | None]


class LinkPrefill(TenantKey, Base):
    """An address of a link with some answers filled in that the payer cannot change: for one invoice, one member, one sum."""

    __tablename__ = "link_prefills"
    __table_args__ = (
        mode_check(),
        _of_a_link(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "token_id"),
        UniqueConstraint("vendor_id", "mode", "form_token"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("price_minor > 0", name="price"),
        CheckConstraint("look IS NOT NULL OR (price_minor IS NULL AND expires_at IS NULL AND paused_at IS NULL)", name="button"),
        Index("ix_link_prefills_by_link", "vendor_id", "mode", "link_id", "id"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    token_id: Mapped[str] = mapped_column(String(40))
    link_id: Mapped[uuid.UUID]
    link_token_id: Mapped[str] = mapped_column(String(40))
    form_token: Mapped[str] = mapped_column(String(80))
    email: Mapped[str] = mapped_column(String(254), default="")
    payer_name: Mapped[str] = mapped_column(String(120), default="")
    payer_reference: Mapped[str] = mapped_column(String(60), default="")
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    locale: Mapped[str] = mapped_column(String(10), default="", server_default="")  # the language it is read in; empty: the link's
    quantities: Mapped[dict[str, int] | None] = mapped_column(
        JSONB(none_as_null=True)
    )  # how many of each of the link's things; empty: the payer says
    # Where it is a button on somebody's website: how it looks, what it promises to cost, until when it counts, whether it rests.
    look: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    price_minor: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class LinkOpening(Base):
    """How often a link was opened on a day of the vendor's calendar, by where the payers came from."""

    __tablename__ = "link_openings"
    __table_args__ = (mode_check(), _of_a_link(), CheckConstraint("openings > 0", name="openings"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    link_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    opened_on: Mapped[date] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    openings: Mapped[int]
