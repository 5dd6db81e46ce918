"""Messages we owe somebody and papers we made: kept as rows, so that nothing sent is ever a matter of memory."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, mode_check


class Message(TenantKey, Base):
    """One e-mail: asked for, rendered, then sent, kept (no mail server in the demo), failed, held (its address takes none), bounced, or overtaken (no longer true)."""

    __tablename__ = "messages"
    __table_args__ = (
        mode_check(),
        CheckConstraint("state IN ('queued', 'sent', 'kept', 'failed', 'held', 'bounced', 'overtaken')", name="state"),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        Index("ix_messages_newest", "vendor_id", "mode", "created_at", "id"),
        Index("ix_messages_failed", "vendor_id", "mode", "created_at", postgresql_where="state IN ('failed', 'held', 'bounced')"),
        Index("ix_messages_by_id", "id"),  # a letter that comes back names no more than its number, under our signature
        Index("ix_messages_about", "vendor_id", "mode", "about"),
        Index("ix_messages_with_words", "created_at", postgresql_where="text IS NOT NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    recipient: Mapped[str] = mapped_column(String(254))
    locale: Mapped[str] = mapped_column(String(10), default="en")
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)  # ids and plain values; the worker renders from them
    about: Mapped[str] = mapped_column(String(60), default="")  # the public id of what it is about
    state: Mapped[str] = mapped_column(String(10), default="queued")
    subject: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str | None] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    enclosed: Mapped[list[str]] = mapped_column(JSONB, default=list)  # the names of the files that went with it
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    taken_until: Mapped[datetime | None]  # while a worker talks to the mail server, so that no second one does
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    complained_at: Mapped[datetime | None]  # its reader told their mail provider that it is unwanted


class MailStop(Base):
    """An address to which a vendor's letters do not go: it takes none (a letter came back for good), or its reader wants none but the necessary."""

    __tablename__ = "mail_stops"
    __table_args__ = (
        mode_check(),
        CheckConstraint("unreachable_at IS NOT NULL OR unwanted_at IS NOT NULL", name="why"),
        CheckConstraint("unwanted_by IN ('', 'complaint', 'reader')", name="unwanted_by"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    address: Mapped[str] = mapped_column(String(254), primary_key=True)  # in lower case
    unreachable_at: Mapped[datetime | None]
    said: Mapped[str] = mapped_column(String(300), default="")  # what its mail server said
    unwanted_at: Mapped[datetime | None]
    unwanted_by: Mapped[str] = mapped_column(String(10), default="")
    message: Mapped[str] = mapped_column(String(40))  # the letter from which it is known, by its public id


class Paper(TenantKey, Base):
    """A PDF as it was made, with its SHA-256. A later refund makes a new version beside it."""

    __tablename__ = "papers"
    __table_args__ = (mode_check(), UniqueConstraint("vendor_id", "mode", "about", "kind", "version"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    about: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]


class Notice(TenantKey, Base):
    """Something the vendor's people should know, once for all of them; who has read it stands beside it."""

    __tablename__ = "notices"
    __table_args__ = (mode_check(), UniqueConstraint("vendor_id", "mode", "public_id"))
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(String(60))  # the public id of the payment it leads to
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime]


class NoticeReading(Base):
    """How far one person has read: everything up to `read_to`, and the single ones they opened beyond it."""

    __tablename__ = "notice_readings"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    person: Mapped[str] = mapped_column(String(40), primary_key=True)
    read_to: Mapped[uuid.UUID]
    opened: Mapped[list[str]] = mapped_column(ARRAY(String(40)), default=list)


class NotificationChoice(Base):
    """What one person wants to be told in this world, and how. No row: shown in the portal, no e-mail."""

    __tablename__ = "notification_choices"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    person: Mapped[str] = mapped_column(String(40), primary_key=True)  # usr_..., or "business" for its own address
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    shown: Mapped[bool]
    mailed: Mapped[bool]
    daily: Mapped[bool] = mapped_column(default=False, server_default="false")  # by e-mail in the letter of the day, not at once


class NotificationManner(Base):
    """In which manner one person is told in this world: when their letter of the day comes, or nothing at all. No row: no letter of the day."""

    __tablename__ = "notification_manners"
    __table_args__ = (
        mode_check(),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        Index("ix_notification_manners_due", "due_at", postgresql_where="daily"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    person: Mapped[str] = mapped_column(String(40), primary_key=True)
    daily: Mapped[bool]  # whether anything at all is chosen for the letter of the day
    muted: Mapped[bool]
    hour: Mapped[int] = mapped_column(SmallInteger, default=7, server_default="7")  # on the clock of time_zone
    time_zone: Mapped[str] = mapped_column(String(60), default="", server_default="")  # where the person is; empty: that of the business
    due_at: Mapped[datetime]  # when the next daily letter is written
    told_to: Mapped[uuid.UUID]  # the last notice that a daily letter covered
    told_day: Mapped[date]  # the last day, by the business's calendar, whose figures stood in one


class PayerLetter(Base):
    """What a vendor has decided about one letter to its payers. No row: it is sent, without more words."""

    __tablename__ = "payer_letters"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    sent: Mapped[bool]
    paragraph: Mapped[str] = mapped_column(Text, default="")
    updated_at: Mapped[datetime]
