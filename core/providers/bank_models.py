"""What passes between us and our bank: what we expect, the statements it sent, every line of them, and the transfers it is to make.

All of it is the platform's: an account takes money for every vendor, and a line belongs to nobody until somebody has read whose
reference stands on it.
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

from core.kernel.db import Base, mode_check
from core.kernel.money import Money


class BankExpectation(Base):
    """A transfer somebody was asked to make. The payer writes the reference, and so the money finds its payment."""

    __tablename__ = "bank_expectations"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "attempt"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_bank_expectations_payment", "mode", "payment"),
        Index("ix_bank_expectations_open", "mode", "currency", "amount_minor", postgresql_where="closed_at IS NULL"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    reference: Mapped[str] = mapped_column(String(25), primary_key=True)  # ISO 11649
    attempt: Mapped[str] = mapped_column(String(40))  # the wish it was made for
    vendor: Mapped[str] = mapped_column(String(40))  # public ids, given back with the outcome
    payment: Mapped[str] = mapped_column(String(40))
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str] = mapped_column(String(70))
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11))
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class BankFile(Base):
    """A file as the bank sent it, for whoever asks later."""

    __tablename__ = "bank_files"
    __table_args__ = (mode_check(),)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    imported_by: Mapped[str] = mapped_column(String(60))
    imported_at: Mapped[datetime]


class BankStatement(Base):
    """One statement, or one page of it. The bank's own number makes it come in once."""

    __tablename__ = "bank_statements"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["mode", "file"], ["bank_files.mode", "bank_files.sha256"]),
        Index("ix_bank_statements_newest", "mode", "account", "closing_on"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    account: Mapped[str] = mapped_column(String(34), primary_key=True)
    identity: Mapped[str] = mapped_column(String(35), primary_key=True)
    page: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[str] = mapped_column(String(64))
    sequence: Mapped[int | None]
    digest: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(CHAR(3))
    opening_minor: Mapped[int] = mapped_column(BigInteger)
    closing_minor: Mapped[int] = mapped_column(BigInteger)
    opening_on: Mapped[date]
    closing_on: Mapped[date]
    entries: Mapped[int]
    imported_at: Mapped[datetime]


LINE_STATES = ("new", "booked", "unknown", "resolved")


class BankLine(Base):
    """One transaction of one entry. It is booked once, whichever statements it stands on.

    new        stored, not yet booked
    booked     its money stands where it belongs
    unknown    booked, but nobody knows what it is for: it waits for a person
    resolved   a person has said what it is for
    """

    __tablename__ = "bank_lines"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        ForeignKeyConstraint(
            ["mode", "account", "statement", "page"],
            ["bank_statements.mode", "bank_statements.account", "bank_statements.identity", "bank_statements.page"],
        ),
        CheckConstraint("sign IN (1, -1)", name="sign"),
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint(f"state IN ({', '.join(map(repr, LINE_STATES))})", name="state"),
        CheckConstraint("wish IS NULL OR (asked_by IS NOT NULL AND state = 'unknown')", name="wish"),
        CheckConstraint("(asked_by IS NULL) = (asked_at IS NULL)", name="asked"),
        CheckConstraint("state <> 'resolved' OR asked_by IS NULL OR resolved_by <> asked_by", name="two_people"),
        Index("ix_bank_lines_to_book", "mode", "account", "statement", postgresql_where="state = 'new'"),
        Index("ix_bank_lines_unknown", "mode", "booked_on", postgresql_where="state = 'unknown'"),
        Index("ix_bank_lines_decided", "mode", "resolved_at", "public_id", postgresql_where="state = 'resolved'"),
        Index("ix_bank_lines_payment", "mode", "payment", postgresql_where="payment IS NOT NULL"),
        Index("ix_bank_lines_bank_reference", "mode", "account", "bank_reference"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    account: Mapped[str] = mapped_column(String(34), primary_key=True)
    entry: Mapped[str] = mapped_column(String(120), primary_key=True)  # the entry's name for ever
    part: Mapped[int] = mapped_column(primary_key=True)  # which of its transactions
    public_id: Mapped[str] = mapped_column(String(40))
    statement: Mapped[str] = mapped_column(String(35))  # the first on which it stood
    page: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))  # the entry's content
    sign: Mapped[int] = mapped_column(SmallInteger)
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reversal: Mapped[bool]
    booked_on: Mapped[date]
    bank_reference: Mapped[str] = mapped_column(String(35))
    name: Mapped[str] = mapped_column(String(140))
    counter_account: Mapped[str] = mapped_column(String(40))
    bic: Mapped[str] = mapped_column(String(11))
    reference: Mapped[str] = mapped_column(String(35))
    text: Mapped[str] = mapped_column(Text)
    end_to_end: Mapped[str] = mapped_column(String(35))
    return_reason: Mapped[str] = mapped_column(String(35))
    state: Mapped[str] = mapped_column(String(10), default="new")
    why: Mapped[str] = mapped_column(String(40), default="")  # why nobody knows it
    vendor: Mapped[str | None] = mapped_column(String(40))  # whose money it is, once that is known: public ids
    payment: Mapped[str | None] = mapped_column(String(40))
    reversed_by: Mapped[str | None] = mapped_column(String(40))  # the line that took it back
    wish: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # what one person wants done, until a second one agrees
    asked_by: Mapped[str | None] = mapped_column(String(60))  # who that was; stays when somebody else has agreed
    asked_at: Mapped[datetime | None]
    resolution: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    resolved_by: Mapped[str | None] = mapped_column(String(60))
    resolved_at: Mapped[datetime | None]

    @property
    def amount(self) -> Money:
        """How much, never below zero."""
        return Money(self.amount_minor, self.currency)


ORDER_STATES = ("requested", "sent", "settled", "failed")


class BankOrderFile(Base):
    """A pain.001 file as it was made. Its bytes never change; only what became of it is written down later."""

    __tablename__ = "bank_order_files"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        CheckConstraint("orders > 0 AND total_minor > 0", name="total"),
        CheckConstraint("state IN ('made', 'handed_over', 'taken_back')", name="state"),
        CheckConstraint("(state = 'made') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("state <> 'handed_over' OR ended_by <> made_by", name="two_people"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)  # in hex: the number of the message
    public_id: Mapped[str] = mapped_column(String(40))
    account: Mapped[str] = mapped_column(String(34))  # ours, as it was then
    holder: Mapped[str] = mapped_column(String(70))
    bic: Mapped[str] = mapped_column(String(11))
    currency: Mapped[str] = mapped_column(CHAR(3))
    orders: Mapped[int]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(12))
    made_by: Mapped[str] = mapped_column(String(60))
    made_at: Mapped[datetime]
    ended_by: Mapped[str] = mapped_column(String(60))
    ended_at: Mapped[datetime | None]

    @property
    def total(self) -> Money:
        """What leaves."""
        return Money(self.total_minor, self.currency)


class BankStatusReport(Base):
    """A pain.002 file as the bank sent it, about one file of ours. Never changed."""

    __tablename__ = "bank_status_reports"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        UniqueConstraint("mode", "message"),
        ForeignKeyConstraint(["mode", "file_id"], ["bank_order_files.mode", "bank_order_files.id"]),
        CheckConstraint("accepted >= 0 AND rejected >= 0", name="counts"),
        Index("ix_bank_status_reports_file", "mode", "file_id"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40))
    file_id: Mapped[uuid.UUID]
    message: Mapped[str] = mapped_column(String(35))  # the bank's own number of it
    made_at: Mapped[datetime]  # by the bank's clock
    status: Mapped[str] = mapped_column(String(4))  # of the whole; empty where each transfer has its own
    reason: Mapped[str] = mapped_column(String(60))
    accepted: Mapped[int]
    rejected: Mapped[int]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120))
    number: Mapped[int | None]  # where it came over a line: which one it was there
    brought_by: Mapped[str] = mapped_column(String(60))
    brought_at: Mapped[datetime]


class RefusedStatusReport(Base):
    """A pain.002 file that came over the line and could not be taken: why, once for each. Never changed; mended, the bank sends another."""

    __tablename__ = "refused_status_reports"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["mode", "file_id"], ["bank_order_files.mode", "bank_order_files.id"]),
        Index("ix_refused_status_reports_file", "mode", "file_id"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    file_id: Mapped[uuid.UUID | None]  # the file of ours it speaks of, where that can be read
    name: Mapped[str] = mapped_column(String(120))
    line: Mapped[int]  # of the file, where the trouble is; 0 where nowhere in particular
    problem: Mapped[list[Any]] = mapped_column(JSONB)  # the sentence and its values
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    came_at: Mapped[datetime]


class BankOrder(Base):
    """A transfer our bank is to make. Only a debit on a statement settles it; a credit that brings it back makes it fail."""

    __tablename__ = "bank_orders"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("mode", "public_id"),
        UniqueConstraint("mode", "reference"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(f"state IN ({', '.join(map(repr, ORDER_STATES))})", name="state"),
        CheckConstraint("purpose IN ('refund', 'payout')", name="purpose"),
        ForeignKeyConstraint(["mode", "file_id"], ["bank_order_files.mode", "bank_order_files.id"]),
        Index("ix_bank_orders_payment", "mode", "payment", postgresql_where="payment IS NOT NULL"),
        Index("ix_bank_orders_file", "mode", "file_id", postgresql_where="file_id IS NOT NULL"),
        Index("ix_bank_orders_waiting", "mode", "created_at", postgresql_where="state = 'requested'"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    end_to_end: Mapped[str] = mapped_column(String(35), primary_key=True)  # what its debit will say
    public_id: Mapped[str] = mapped_column(String(40))
    purpose: Mapped[str] = mapped_column(String(10), default="refund")  # a return counts as one
    reference: Mapped[str] = mapped_column(String(40))  # the refund, return or payout it carries out
    vendor: Mapped[str | None] = mapped_column(String(40))  # public ids; none when nobody knew whose the money was
    payment: Mapped[str | None] = mapped_column(String(40))
    line: Mapped[str | None] = mapped_column(String(40))  # the unknown line whose money it is
    account: Mapped[str] = mapped_column(String(34))  # ours
    to_name: Mapped[str] = mapped_column(String(140))
    to_account: Mapped[str] = mapped_column(String(40))
    to_bic: Mapped[str] = mapped_column(String(11))
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    text: Mapped[str] = mapped_column(String(140))
    state: Mapped[str] = mapped_column(String(10), default="requested")
    file_id: Mapped[uuid.UUID | None]  # the one file that carries it to the bank
    failure_reason: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]  # while it is requested: since when the line to the bank has had it in hand
    settled_at: Mapped[datetime | None]
    # What the bank last answered to the file that carries it, as the standard spells it, and why; nothing is believed but RJCT.
    bank_status: Mapped[str | None] = mapped_column(String(4))
    bank_status_at: Mapped[datetime | None]
    bank_reason: Mapped[str] = mapped_column(String(60), default="", server_default="")

    @property
    def amount(self) -> Money:
        """How much leaves."""
        return Money(self.amount_minor, self.currency)
