"""Marks: what the seller's accounts came to at the beginning of a day, so that no statement is added up from the first day on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import first_id_at

# What is the seller's: before release, free, held back, and less what they owe. In the books a seller's money is a credit.
OWN = (2010, 2020, 2030, 1050)
SETTLED = timedelta(hours=1)  # a day is marked when nothing that began in it can still be on its way into the books
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_to_mark() -> date:
    """The last day whose beginning is long enough ago."""
    return (now() - SETTLED).astimezone(UTC).date()


def mark_balances(day: date) -> int:
    """Mark every account of a seller's that moved since its last mark; answers how many. Repeating it marks nothing anew."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    done = db.session.execute(text(_MARK), {"day": day, "own": list(OWN), "until": first_id_at(at)})
    return int(done.rowcount)  # type: ignore[attr-defined]


_MARK = """
INSERT INTO balance_marks (vendor_id, mode, code, sub, currency, day, amount_minor)
  SELECT a.vendor_id, a.mode, a.code, a.sub, a.currency, :day, coalesce(m.amount_minor, 0) + s.moved
  FROM (SELECT DISTINCT vendor_id, mode, code, sub, currency FROM balances WHERE code = ANY (:own)) a
  LEFT JOIN LATERAL (
    SELECT k.day, k.amount_minor, (lpad(to_hex((extract(epoch FROM k.day) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid AS since
    FROM balance_marks k
    WHERE k.vendor_id = a.vendor_id AND k.mode = a.mode AND k.code = a.code AND k.sub = a.sub AND k.currency = a.currency
    ORDER BY k.day DESC LIMIT 1) m ON true
  JOIN LATERAL (
    SELECT sum(e.amount_minor)::bigint AS moved FROM entries e
    WHERE e.vendor_id = a.vendor_id AND e.mode = a.mode AND e.code = a.code AND e.sub = a.sub AND e.currency = a.currency
      AND e.journal_id >= coalesce(m.since, '00000000-0000-0000-0000-000000000000') AND e.journal_id < :until) s ON s.moved IS NOT NULL
  WHERE m.day IS NULL OR m.day < :day
  ON CONFLICT DO NOTHING
"""
