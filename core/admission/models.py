"""Tables of who may do what here: what the staff have stopped of a business, and each wish of one to be let into live mode."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from core.admission.states import APPLICATION, FILES, NOTES, REVIEWS, STOPPABLE
from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check


class Stop(TenantKey, Base):
    """Something the staff have stopped for a business: taking payments, being paid out (or one payout), being in the directory,
    showing its forms on other websites, being spoken to by its software. From now on, or from a day that it is told beforehand. It stays when it is over."""

    __tablename__ = "vendor_stops"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("what", STOPPABLE), name="what"),
        CheckConstraint("(what = 'payouts') = (ends_at IS NOT NULL)", name="ends"),
        CheckConstraint("starts_at >= begun_at", name="starts"),
        CheckConstraint("about = '' OR what = 'payouts'", name="about"),
        CheckConstraint("(ended_at IS NULL) = (ended_by = '')", name="ended"),
        Index("uq_vendor_stops_open", "vendor_id", "mode", "what", "about", unique=True, postgresql_where="ended_at IS NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    what: Mapped[str] = mapped_column(String(12))
    about: Mapped[str] = mapped_column(String(40), default="")  # one payout alone; empty: all of it
    reason: Mapped[str] = mapped_column(String(300))  # in words that the business reads
    begun_by: Mapped[str] = mapped_column(String(60))
    begun_at: Mapped[datetime]  # when it was said
    starts_at: Mapped[datetime]  # from when it holds: at once, or on a day of which the business was told before
    carried_out: Mapped[bool]  # whether it has been begun: what was announced is not, until its day
    ends_at: Mapped[datetime | None]  # payouts go on by themselves then; the rest only when somebody says so
    ended_by: Mapped[str] = mapped_column(String(60), default="")
    ended_at: Mapped[datetime | None]


class Application(TenantKey, Base):
    """A business wishes to be let into live mode: what it says of itself, and what the staff decided. One is open at a time."""

    __tablename__ = "applications"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("state", APPLICATION), name="state"),
        CheckConstraint("(state IN ('approved', 'refused')) = (decided_at IS NOT NULL)", name="decided"),
        Index("uq_applications_open", "vendor_id", unique=True, postgresql_where="state IN ('asked', 'sent')"),
        Index("ix_applications_waiting", "sent_at", postgresql_where="state IN ('asked', 'sent')"),
        Index("ix_applications_public_id", "public_id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(10))
    legal_name: Mapped[str] = mapped_column(String(120))
    street: Mapped[str] = mapped_column(String(120))
    postcode: Mapped[str] = mapped_column(String(20))
    city: Mapped[str] = mapped_column(String(80))
    registration: Mapped[str] = mapped_column(String(60))
    owner_name: Mapped[str] = mapped_column(String(120))  # the person who answers for the business
    website: Mapped[str] = mapped_column(String(200))
    sells: Mapped[str] = mapped_column(Text)  # what is sold, and to whom
    sent_by: Mapped[str] = mapped_column(String(60))
    sent_at: Mapped[datetime]  # the last time: what was asked back has been answered then
    decided_by: Mapped[str] = mapped_column(String(60), default="")
    decided_at: Mapped[datetime | None]


class ApplicationNote(TenantKey, Base):
    """One step of an application, with the words that went with it: both sides read them."""

    __tablename__ = "application_notes"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id", "mode", "application_id"], ["applications.vendor_id", "applications.mode", "applications.id"]),
        CheckConstraint(one_of("kind", NOTES), name="kind"),
        Index("ix_application_notes_of", "vendor_id", "mode", "application_id", "id"),
    )
    application_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(10))
    author: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class AdmissionFile(TenantKey, Base):
    """A paper that shows who a business is: checked and drawn anew, read by its owner and the staff alone."""

    __tablename__ = "admission_files"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        CheckConstraint(one_of("kind", FILES), name="kind"),
        CheckConstraint(one_of("review", REVIEWS), name="review"),
        CheckConstraint("(review = '') = (reviewed_at IS NULL)", name="reviewed"),
        CheckConstraint("review <> 'refused' OR review_reason <> ''", name="reason"),
        CheckConstraint("expires_on IS NULL OR review = 'accepted'", name="expires"),
        Index("ix_admission_files_expires", "expires_on", postgresql_where="expires_on IS NOT NULL"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("vendors.id"), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    pages: Mapped[int] = mapped_column(SmallInteger)
    added_by: Mapped[str] = mapped_column(String(60))
    added_at: Mapped[datetime]
    review: Mapped[str] = mapped_column(String(10), default="")  # empty: nobody has looked at it yet
    review_reason: Mapped[str] = mapped_column(String(300), default="")  # in words that the business reads
    reviewed_by: Mapped[str] = mapped_column(String(60), default="")
    reviewed_at: Mapped[datetime | None]
    expires_on: Mapped[date | None]  # the last day on which it counts, as it stands on the paper
    end_told_at: Mapped[datetime | None]
    content: Mapped[bytes] = deferred(mapped_column("data", LargeBinary, nullable=False))
