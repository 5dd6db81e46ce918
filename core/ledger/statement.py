"""The statement of a period: what the seller had, every line that changed it, and what they had then. Opening + lines = closing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, literal, select, text

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.money import Money
from core.kernel.sheet import decimal, instant, words, write_sheet
from core.ledger.marks import EPOCH, OWN
from core.ledger.models import Entry, Journal
from core.ledger.queries import Owner

FEES = (4010, 4015)  # the platform's fee, and fees given back


class StatementDoesNotAddUp(RuntimeError):
    """Opening and lines do not make the closing: a bug or a broken book. It is never shown as if nothing were wrong."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One journal as it changed the seller's money: `net` = `gross` + `fee`, each with the sign the seller feels."""

    journal_id: uuid.UUID
    kind: str
    about: str
    event_key: str
    effective_at: datetime
    gross: Money
    fee: Money

    @property
    def net(self) -> Money:
        """What changed."""
        return self.gross + self.fee


@dataclass(frozen=True, slots=True)
class KindTotal:
    """All lines of one kind in the period."""

    kind: str
    count: int
    gross: Money
    fee: Money

    @property
    def net(self) -> Money:
        """What they changed together."""
        return self.gross + self.fee


@dataclass(frozen=True, slots=True)
class Statement:
    """A period of one currency. The lines belong to it by when they were booked, so a period that is over never changes."""

    currency: str
    since: datetime
    until: datetime
    is_over: bool
    opening: Money
    totals: list[KindTotal]
    closing: Money

    @property
    def moved(self) -> Money:
        """The sum of all lines."""
        total = Money(0, self.currency)
        for part in self.totals:
            total = total + part.net
        return total


def make_statement(vendor: Owner, mode: str, currency: str, since: datetime, until: datetime) -> Statement:
    """The statement of [since, until). Its closing is not worked out from its lines: it comes from the marks, and for a period
    that is not over from the balances that PostgreSQL keeps. Raises StatementDoesNotAddUp when they disagree.
    """
    named = {"vendor": vendor.id, "mode": mode, "currency": currency, "own": list(OWN), "fees": list(FEES)}
    is_over = until <= now()
    rows = db.session.execute(
        text(_STATEMENT),
        named
        | {
            "since": first_id_at(since),
            "until": first_id_at(until),
            "day": since.astimezone(UTC).date(),
            "to_day": until.astimezone(UTC).date(),
            "over": is_over,
        },
    ).all()  # one question, so that every part of the answer is of one instant
    opening = Money(-int(rows[0].opening), currency)
    closing = Money(-int(rows[0].closing), currency)
    totals = [
        KindTotal(row.kind, int(row.lines), Money(-int(row.own) - int(row.fee), currency), Money(int(row.fee), currency))
        for row in rows
        if row.kind is not None
    ]
    made = Statement(currency, since, until, is_over, opening, totals, closing)
    if made.opening + made.moved != made.closing:
        raise StatementDoesNotAddUp(f"{made.opening} and {made.moved} are not {made.closing}")
    return made


def balance_at(vendor: Owner, mode: str, currency: str, at: datetime) -> Money:
    """What the seller had at an instant: the last mark before it and what was booked since."""
    named = {
        "vendor": vendor.id,
        "mode": mode,
        "currency": currency,
        "own": list(OWN),
        "at": first_id_at(at),
        "day": at.astimezone(UTC).date(),
    }
    return Money(-int(db.session.scalar(text(f"SELECT {_until('at', 'day')}"), named) or 0), currency)


def _until(bound: str, day: str) -> str:
    """SQL: what the own accounts came to before a journal id, debit positive, from the last marks on."""
    return f"""(
      SELECT coalesce(sum(coalesce(m.amount_minor, 0) + s.moved), 0)::bigint
      FROM (SELECT DISTINCT code, sub FROM balances
            WHERE vendor_id = :vendor AND mode = :mode AND currency = :currency AND code = ANY (:own)) a
      LEFT JOIN LATERAL (
        SELECT k.day, k.amount_minor, (lpad(to_hex((extract(epoch FROM k.day) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AS since
        FROM balance_marks k
        WHERE k.vendor_id = :vendor AND k.mode = :mode AND k.code = a.code AND k.sub = a.sub AND k.currency = :currency AND k.day <= :{day}
        ORDER BY k.day DESC LIMIT 1) m ON true
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(e.amount_minor), 0) AS moved FROM entries e
        WHERE e.vendor_id = :vendor AND e.mode = :mode AND e.code = a.code AND e.sub = a.sub AND e.currency = :currency
          AND e.journal_id >= coalesce(m.since, '00000000-0000-0000-0000-000000000000') AND e.journal_id < :{bound}) s)"""


_STATEMENT = f"""
WITH lines AS (
  SELECT e.journal_id, sum(e.amount_minor) FILTER (WHERE e.code = ANY (:own)) AS own,
         coalesce(sum(e.amount_minor) FILTER (WHERE e.code = ANY (:fees)), 0) AS fee
  FROM entries e
  WHERE e.vendor_id = :vendor AND e.mode = :mode AND e.currency = :currency AND e.journal_id >= :since AND e.journal_id < :until
    AND (e.code = ANY (:own) OR e.code = ANY (:fees))
  GROUP BY e.journal_id
  HAVING sum(e.amount_minor) FILTER (WHERE e.code = ANY (:own)) <> 0),
totals AS (
  SELECT j.kind, count(*) AS lines, sum(l.own)::bigint AS own, sum(l.fee)::bigint AS fee
  FROM lines l JOIN journals j ON j.vendor_id = :vendor AND j.mode = :mode AND j.id = l.journal_id GROUP BY j.kind),
sides AS (
  SELECT {_until("since", "day")} AS opening,
         CASE WHEN :over THEN {_until("until", "to_day")} ELSE (
           SELECT coalesce(sum(amount_minor), 0)::bigint FROM balances
           WHERE vendor_id = :vendor AND mode = :mode AND currency = :currency AND code = ANY (:own)) END AS closing)
SELECT sides.opening, sides.closing, totals.kind, totals.lines, totals.own, totals.fee
FROM sides LEFT JOIN totals ON true ORDER BY totals.own NULLS LAST
"""


def _lines(vendor: Owner, mode: str, statement: Statement) -> tuple[Select[Any], Any, Any]:
    """The journals of a period with what they changed: the question, and its sums over own accounts and fees (debit positive)."""
    own = func.coalesce(func.sum(Entry.amount_minor).filter(Entry.code.in_(OWN)), 0)
    fee = func.coalesce(func.sum(Entry.amount_minor).filter(Entry.code.in_(FEES)), 0)
    of = (Journal.vendor_id == Entry.vendor_id) & (Journal.mode == Entry.mode) & (Journal.id == Entry.journal_id)
    query = (
        select(Journal.id)
        .join(Entry, of)
        .where(Entry.vendor_id == vendor.id, Entry.mode == mode, Entry.currency == statement.currency, Entry.code.in_((*OWN, *FEES)))
        .where(Entry.journal_id >= first_id_at(statement.since), Entry.journal_id < first_id_at(statement.until))
        .group_by(Journal.vendor_id, Journal.mode, Journal.id)
        .having(own != 0)
    )
    return query, own, fee


def statement_lines(
    vendor: Owner, mode: str, statement: Statement, *, after: uuid.UUID | None = None, limit: int = 50
) -> tuple[list[StatementLine], uuid.UUID | None]:
    """The lines, oldest first, by keyset: over all pages they add up to what moved. And where the next page begins."""
    query, own, fee = _lines(vendor, mode, statement)
    if after:
        query = query.where(Entry.journal_id > after)
    query = query.add_columns(Journal.kind, Journal.about, Journal.event_key, Journal.effective_at, own.label("own"), fee.label("fee"))
    rows = db.session.execute(query.order_by(Journal.id).limit(limit + 1)).all()
    code = statement.currency
    lines = [
        StatementLine(r.id, r.kind, r.about, r.event_key, r.effective_at, Money(-int(r.own) - int(r.fee), code), Money(int(r.fee), code))
        for r in rows[:limit]
    ]
    return lines, lines[-1].journal_id if len(rows) > limit else None


def statement_sheet(vendor: Owner, mode: str, statement: Statement, *, titles: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """The same as CSV: the opening, each line with the balance after it, the closing."""
    query, own, fee = _lines(vendor, mode, statement)
    per_journal = query.add_columns(
        Journal.kind, Journal.about, Journal.event_key, Journal.effective_at, own.label("own"), fee.label("fee")
    ).subquery()
    code, line = literal(statement.currency), per_journal.c
    running = statement.opening.minor - func.sum(line.own).over(order_by=line.id, rows=(None, 0))
    columns = (
        ("at", instant(line.effective_at)),
        ("what", words(line.kind)),
        ("about", words(line.about)),
        ("currency", code),
        ("amount", decimal(-line.own - line.fee, code)),
        ("fee", decimal(line.fee, code)),
        ("net", decimal(-line.own, code)),
        ("balance", decimal(running, code)),
        ("booked_as", words(line.event_key)),
    )

    def edge(what: str, at: datetime, amount: Money) -> list[str]:
        return [f"{at:%Y-%m-%dT%H:%M:%SZ}", what, "", statement.currency, "", "", "", amount.decimal_text, ""]

    return write_sheet(
        columns,
        select(line.id).order_by(line.id),
        titles=titles,
        first=edge("opening balance", statement.since, statement.opening),
        last=edge("closing balance", statement.until if statement.is_over else now(), statement.closing),
    )


def first_booked_at(vendor: Owner, mode: str) -> datetime | None:
    """When the first journal of this book was made, read from its id; None for an empty book."""
    first = db.session.scalar(select(Journal.id).where(Journal.vendor_id == vendor.id, Journal.mode == mode).order_by(Journal.id).limit(1))
    return None if first is None else EPOCH + timedelta(milliseconds=first.int >> 80)
