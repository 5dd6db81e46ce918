"""What processors and banks say, in one shape, beside what our books say; what does not agree; and each look that found it.

Files, lines and settlements are the platform's: a processor's report speaks of every vendor at once. What a line was matched with
is the vendor's whose book holds the entry.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, mode_check
from core.kernel.money import Money
from core.reconciliation.states import EXCEPTION, FILE, KINDS, LINE


class ReconFile(Base):
    """A settlement report as it was brought, checked before a single line of it counts."""

    __tablename__ = "recon_files"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        CheckConstraint(one_of("state", FILE), name="state"),
        Index("ix_recon_files_newest", "mode", "uploaded_at"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    sha256: Mapped[str] = mapped_column(CHAR(64), primary_key=True)  # the same bytes are the same file
    public_id: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(20))  # the processor
    name: Mapped[str] = mapped_column(String(200))
    size: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[int]
    totals: Mapped[dict[str, list[int]]] = mapped_column(JSONB)  # by currency: lines, gross, fee, net
    problems: Mapped[list[list[Any]]] = mapped_column(JSONB)  # [line, sentence, values], the first of them
    raw: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)  # for whoever asks later
    layout: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # of a table with columns of its own: which of them is what
    state: Mapped[str] = mapped_column(String(12))
    fresh: Mapped[int] = mapped_column(default=0)  # lines that no earlier file or look had
    known: Mapped[int] = mapped_column(default=0)
    uploaded_by: Mapped[str] = mapped_column(String(60))
    uploaded_at: Mapped[datetime]
    imported_at: Mapped[datetime | None]


class ReconLayout(Base):
    """How the tables of one source with these very columns are read, as somebody last said: the next file is read the same way."""

    __tablename__ = "recon_layouts"
    __table_args__ = (mode_check(),)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    head: Mapped[str] = mapped_column(CHAR(64), primary_key=True)  # digest of the columns’ names in their order
    layout: Mapped[dict[str, Any]] = mapped_column(JSONB)
    kept_by: Mapped[str] = mapped_column(String(60))
    kept_at: Mapped[datetime]


class ReconLine(Base):
    """One movement of a processor's balance in the normal form, whichever way it came."""

    __tablename__ = "recon_lines"
    __table_args__ = (
        mode_check(),
        CheckConstraint("net_minor = gross_minor - fee_minor", name="net"),
        CheckConstraint(one_of("state", LINE), name="state"),
        Index("ix_recon_lines_to_match", "mode", "source", "occurred_at", postgresql_where="state = 'new'"),
        Index("ix_recon_lines_settlement", "mode", "source", "settlement_id", postgresql_where="settlement_id <> ''"),
        Index("ix_recon_lines_source", "source_id", postgresql_using="hash", postgresql_where="source_id <> ''"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    type: Mapped[str] = mapped_column(String(60))
    category: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(CHAR(3))
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    fee_minor: Mapped[int] = mapped_column(BigInteger)
    net_minor: Mapped[int] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime]
    value_on: Mapped[date]
    source_id: Mapped[str] = mapped_column(String(80))  # what moved it, by the processor's name
    settlement_id: Mapped[str] = mapped_column(String(80))  # the payout in which it went to our bank; empty until it does
    reference: Mapped[str] = mapped_column(String(60))  # ours, as it was given back
    counterparty: Mapped[str] = mapped_column(String(60))  # the vendor, as it was given back
    description: Mapped[str] = mapped_column(String(200))
    file: Mapped[str] = mapped_column(String(64))  # empty when it was asked for over the API
    line_no: Mapped[int]
    state: Mapped[str] = mapped_column(String(8))
    rule: Mapped[int | None] = mapped_column(SmallInteger)  # the pass that matched it
    book: Mapped[uuid.UUID | None]  # whose book it belongs to, once that is known
    imported_at: Mapped[datetime]


class ReconMatch(Base):
    """An entry of a book and the line that says the same. Each entry is matched once."""

    __tablename__ = "recon_matches"
    __table_args__ = (
        mode_check(),
        Index("ix_recon_matches_external", "external_id", postgresql_using="hash"),
        Index("ix_recon_matches_at", "at", postgresql_using="brin"),  # rows are only ever added, in the order of time
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    journal_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    leg: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    external_id: Mapped[str] = mapped_column(String(80))
    rule: Mapped[int] = mapped_column(SmallInteger)
    at: Mapped[datetime]


class ReconSettlement(Base):
    """A processor's payout to our bank: what it is made of, whose, and the bank's line that brought it."""

    __tablename__ = "recon_settlements"
    __table_args__ = (mode_check(), Index("ix_recon_settlements_open", "mode", "currency", postgresql_where="line IS NULL"))
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    told_state: Mapped[str] = mapped_column(String(12))  # the processor's own word
    trace: Mapped[str] = mapped_column(String(35))
    itemised: Mapped[bool]  # whether the processor says which movements it is made of
    created_at: Mapped[datetime]
    arrives_on: Mapped[date]
    lines_minor: Mapped[int | None] = mapped_column(BigInteger)  # what its lines come to, once they are all here
    shares: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))  # by book, as it was booked
    booked_at: Mapped[datetime | None]
    line: Mapped[str | None] = mapped_column(String(40))  # the bank's
    account: Mapped[str | None] = mapped_column(String(34))
    rule: Mapped[int | None] = mapped_column(SmallInteger)
    banked_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """What leaves for our bank."""
        return Money(self.amount_minor, self.currency)


class ReconException(Base):
    """Something that does not agree. It waits, is owned by a person, and ends with a reason."""

    __tablename__ = "recon_exceptions"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        UniqueConstraint("mode", "kind", "source", "key"),
        CheckConstraint(one_of("kind", KINDS), name="kind"),
        CheckConstraint(one_of("state", EXCEPTION), name="state"),
        Index("ix_recon_exceptions_open", "mode", "state", "kind", "id", postgresql_where="state IN ('waiting', 'open', 'proposed')"),
        Index("ix_recon_exceptions_day", "mode", "happened_on", postgresql_where="state IN ('waiting', 'open', 'proposed')"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(24))
    key: Mapped[str] = mapped_column(String(200))  # what it is about: the same finding again is the same exception
    source: Mapped[str] = mapped_column(String(20))
    book: Mapped[uuid.UUID | None]
    about: Mapped[str] = mapped_column(String(60))  # a payment's, refund's or line's public id
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # what it is worth: theirs less ours
    ours: Mapped[dict[str, Any]] = mapped_column(JSONB)
    theirs: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    owner: Mapped[str] = mapped_column(String(60))
    happened_on: Mapped[date]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # while it waits: when a person has to look
    act: Mapped[str] = mapped_column(String(24))  # what was proposed or done
    reason: Mapped[str] = mapped_column(String(300))
    counterpart: Mapped[str] = mapped_column(String(40), default="", server_default="")  # the exception it is linked with
    proposed_by: Mapped[str] = mapped_column(String(60))
    resolved_by: Mapped[str] = mapped_column(String(60))
    resolved_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """Theirs less ours."""
        return Money(self.amount_minor, self.currency)


class ReconNote(Base):
    """One line of an exception's trail. Append-only."""

    __tablename__ = "recon_notes"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["mode", "exception_id"], ["recon_exceptions.mode", "recon_exceptions.id"]),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    exception_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    actor: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]


class ReconRun(Base):
    """One look over everything: by the clock at night, or because somebody asked. Its figures stay."""

    __tablename__ = "recon_runs"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        Index("uq_recon_runs_night", "mode", "night", unique=True, postgresql_where="night IS NOT NULL"),
        Index("uq_recon_runs_going_on", "mode", unique=True, postgresql_where="ended_at IS NULL"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    asked_by: Mapped[str] = mapped_column(String(60))
    night: Mapped[date | None]
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    stage: Mapped[str] = mapped_column(String(20))
    figures: Mapped[dict[str, int]] = mapped_column(JSONB)
    problem: Mapped[str] = mapped_column(Text)
    # By processor; what stands in it: core/reconciliation/untold.py: Stretch.
    untold: Mapped[dict[str, list[dict[str, Any]]]] = mapped_column(JSONB, default=dict, server_default="{}")
