"""The days of the books: who closed which, with what it came to, and the paper of each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CHAR, BigInteger, CheckConstraint, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, mode_check

STATES = ("requested", "closing", "hindered", "closed")
SHUT = ("closing", "closed")  # in these PostgreSQL takes no journal of that day, nor of one before it, any more


class LedgerDay(Base):
    """One day (UTC) of all books of a mode. What is closed stays closed: PostgreSQL refuses to change it."""

    __tablename__ = "ledger_days"
    __table_args__ = (
        mode_check(),
        CheckConstraint(one_of("state", STATES), name="state"),
        CheckConstraint("state <> 'closed' OR (facts IS NOT NULL AND closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("signed_by <> asked_by", name="two_people"),
    )
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(10))
    asked_by: Mapped[str] = mapped_column(String(40))
    asked_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    accepted: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # breaks that were open and were accepted as they are
    signed_by: Mapped[str | None] = mapped_column(String(40))  # the second person, where one was needed
    signed_at: Mapped[datetime | None]
    fence: Mapped[int | None] = mapped_column(BigInteger)  # transactions before this one may not have seen that the day is shut
    hindrances: Mapped[list[str]] = mapped_column(JSONB)
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # all that its paper says
    closed_at: Mapped[datetime | None]


class DayPaper(Base):
    """The paper of a closed day as it was printed. Append-only; printed again it is the same, byte for byte."""

    __tablename__ = "day_papers"
    __table_args__ = (mode_check(),)
    mode: Mapped[str] = mapped_column(String(4), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    pdf: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(CHAR(64))
    made_at: Mapped[datetime]
