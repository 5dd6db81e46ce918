"""Reports that somebody ordered to come by e-mail, each day, week or month; and each report that was due, once for its days."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.columns import one_of
from core.kernel.db import Base, TenantKey, mode_check

EVERY = frozenset({"daily", "weekly", "monthly"})


class ReportSchedule(TenantKey, Base):
    """What one person has ordered. Ended, it is deleted; its reports stay."""

    __tablename__ = "report_schedules"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        CheckConstraint(one_of("every", EVERY), name="every"),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "person", "every", "query"),
        Index("ix_report_schedules_due", "due_at"),
    )
    public_id: Mapped[str] = mapped_column(String(40))
    person: Mapped[str] = mapped_column(String(40))  # usr_...
    every: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60), default="")  # of the filter, as it was called then; empty: all payments
    query: Mapped[str] = mapped_column(String(2000), default="")  # the filter as the address of the list has it, without its days
    narrow: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)  # the same as plain values
    next_on: Mapped[date]  # the first day of the next report
    due_at: Mapped[datetime]  # when those days are over
    created_at: Mapped[datetime]


class Report(TenantKey, Base):
    """One report: which days, which filter. Its figures are read from the books each time it is looked at; that they are over keeps them."""

    __tablename__ = "payment_reports"
    __table_args__ = (
        mode_check(),
        ForeignKeyConstraint(["vendor_id"], ["vendors.id"]),
        CheckConstraint("first_on <= last_on AND since < until", name="days"),
        UniqueConstraint("vendor_id", "mode", "public_id"),
        UniqueConstraint("vendor_id", "mode", "schedule", "first_on"),  # nothing is told of the same days twice
    )
    public_id: Mapped[str] = mapped_column(String(40))
    schedule: Mapped[str] = mapped_column(String(40))  # by its public id
    person: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(60))
    narrow: Mapped[dict[str, Any]] = mapped_column(JSONB)
    first_on: Mapped[date]
    last_on: Mapped[date]
    since: Mapped[
        datetime
    ]  # the instants between which these days were, by the business's clock at that time; from where the one before ended
    until: Mapped[datetime]
    created_at: Mapped[datetime]
