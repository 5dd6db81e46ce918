"""Months by the clock on a wall somewhere: when one begins there, which one follows, and the paper of one that is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select

from core.kernel.db import db
from core.kernel.outbox import enqueue, is_waiting
from core.ledger.queries import Owner


def next_month(first: date) -> date:
    """The first day of the month after."""
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def previous_month(first: date) -> date:
    """The first day of the month before."""
    return date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1)


def bounds(first: date, zone: str) -> tuple[datetime, datetime]:
    """The instants at which this month begins and ends in a time zone."""
    wall = ZoneInfo(zone)
    begins, ends = (datetime.combine(day, time(), tzinfo=wall).astimezone(UTC) for day in (first, next_month(first)))
    return begins, ends


def paper_name(first: date, currency: str, *, zone: str, locale: str) -> str:
    """Under what a month's printed statement is kept. Another time zone has other months, another language other words."""
    return f"{first:%Y-%m}:{currency}:{locale}:{zone}"


def ask_for_statement(vendor: Owner, mode: str, first: date, currency: str, *, locale: str) -> None:
    """Have a worker print the statement of a month that is over. Asked for twice, the same paper is kept once."""
    args = {"mode": mode, "month": f"{first:%Y-%m}", "currency": currency, "locale": locale}
    if not db.session.scalar(select(is_waiting("make_statement", vendor.id, **args))):
        enqueue("make_statement", vendor.id, queue="papers", **args)
