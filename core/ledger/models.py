"""The books: the chart of accounts, journals with their entries, and balances kept by PostgreSQL itself."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.db import Base, TenantKey, TransactionId, mode_check


class ChartAccount(Base):
    """One kind of account. Its code is the same in every vendor's book; migrations add rows, nothing changes them."""

    __tablename__ = "ledger_chart"
    __table_args__ = (CheckConstraint("side IN ('D', 'C')", name="side"),)
    code: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    side: Mapped[str] = mapped_column(CHAR(1))  # where its natural balance stands: debit or credit
    floor: Mapped[bool]  # may never go below zero
    purpose: Mapped[str] = mapped_column(Text)


class Journal(TenantKey, Base):
    """One business event in the books. Sealed when its transaction ends; `event_key` makes the same fact post once."""

    __tablename__ = "journals"
    __table_args__ = (
        mode_check(),
        UniqueConstraint("vendor_id", "mode", "event_key"),
        ForeignKeyConstraint(
            ["vendor_id", "mode", "reverses"], ["journals.vendor_id", "journals.mode", "journals.id"], name="fk_journals_reverses"
        ),
        CheckConstraint("n_legs >= 2", name="n_legs"),
        CheckConstraint("original_effective_at < effective_at", name="moved_on"),
        Index("ix_journals_about", "vendor_id", "mode", "about", "id"),
    )
    event_key: Mapped[str] = mapped_column(String(160))
    kind: Mapped[str] = mapped_column(String(40))
    n_legs: Mapped[int] = mapped_column(SmallInteger)
    digest: Mapped[str] = mapped_column(CHAR(32))  # of the legs: the same fact told twice must say the same
    about: Mapped[str] = mapped_column(String(60))  # the public id of the payment, refund or payout it belongs to
    reverses: Mapped[uuid.UUID | None]
    # The transaction that wrote it: entries may join a journal only in that same transaction.
    xid: Mapped[int] = mapped_column(TransactionId, server_default=text("pg_current_xact_id()"))
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    original_effective_at: Mapped[datetime | None]  # when it happened, if that day was closed already: then it took effect later


class Entry(Base):
    """One leg: so much on this account of this book. Debit is positive, credit negative, in minor units."""

    __tablename__ = "entries"
    __table_args__ = (
        mode_check(),
        CheckConstraint("amount_minor <> 0 AND amount_minor BETWEEN -9000000000000000 AND 9000000000000000", name="amount"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("sub <> 'sandbox' OR mode = 'test'", name="sandbox_is_test"),
        Index("ix_entries_account", "vendor_id", "mode", "code", "sub", "currency", "journal_id"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    journal_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    leg: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    code: Mapped[int] = mapped_column(SmallInteger)
    sub: Mapped[str] = mapped_column(String(60), default="")  # which of them: the processor, the bank account, the wallet's owner
    currency: Mapped[str] = mapped_column(CHAR(3))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    ref: Mapped[str] = mapped_column(String(60), default="")  # the one refund or payout an in-flight account must clear


class Proof(Base):
    """When a book was last proved and what was found: the alarm of a book that is broken, until it is mended. The nil vendor is the house."""

    __tablename__ = "ledger_proofs"
    __table_args__ = (
        mode_check(),
        Index("ix_ledger_proofs_due", "due_at"),
        Index("ix_ledger_proofs_broken", "broken_since", postgresql_where=text("broken_since IS NOT NULL")),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    due_at: Mapped[datetime]
    proven_at: Mapped[datetime | None]
    last_journal: Mapped[uuid.UUID | None]  # the newest one then: a book without a newer one rests
    breaks: Mapped[list[str]] = mapped_column(JSONB)
    broken_since: Mapped[datetime | None]


class ProofRun(Base):
    """Every book proved one after the other: because the night has come, or because somebody pressed the button. What it found stays."""

    __tablename__ = "ledger_proof_runs"
    __table_args__ = (
        Index("uq_ledger_proof_runs_night", "night", unique=True, postgresql_where=text("night IS NOT NULL")),
        Index("uq_ledger_proof_runs_going_on", text("(ended_at IS NULL)"), unique=True, postgresql_where=text("ended_at IS NULL")),
    )
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(40), unique=True)
    asked_by: Mapped[str] = mapped_column(String(40))  # stf_..., or clock
    night: Mapped[date | None]
    asked_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    # How far it is: the last book that is done, in the order of the keys.
    vendor_id: Mapped[uuid.UUID | None]
    mode: Mapped[str | None] = mapped_column(String(4))
    total: Mapped[int]  # books there were when it began
    books: Mapped[int]
    journals: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int] = mapped_column(BigInteger)
    broken: Mapped[int]
    breaks: Mapped[list[str]] = mapped_column(JSONB)


class Balance(Base):
    """Part of an account's balance. The shards of one account add up to its entries; PostgreSQL's trigger is the only writer."""

    __tablename__ = "balances"
    __table_args__ = (
        mode_check(),
        CheckConstraint("amount_minor * floor_side >= 0", name="floor"),
        {"postgresql_with": {"fillfactor": "60"}},
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    code: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sub: Mapped[str] = mapped_column(String(60), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    floor_side: Mapped[int] = mapped_column(SmallInteger)  # 1: never below zero, -1: never above (a credit account), 0: free


class BalanceMark(Base):
    """What an account's entries came to when a day began (UTC), added up from its very first entry.

    Kept so that a statement's opening is not summed from the beginning of time; only days on which something moved before
    have one. It follows from the entries and may be made anew from them whenever somebody doubts it.
    """

    __tablename__ = "balance_marks"
    __table_args__ = (mode_check(),)
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    code: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    sub: Mapped[str] = mapped_column(String(60), primary_key=True)
    currency: Mapped[str] = mapped_column(CHAR(3), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
