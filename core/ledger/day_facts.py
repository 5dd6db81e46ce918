"""What a closed day's paper says: each account with what it opened with, what moved and what it closed with, and where every chain ended."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from typing import Any

from sqlalchemy import text

from core.kernel.canonical import pack
from core.kernel.db import db
from core.ledger.day_models import LedgerDay
from core.ledger.days import day_before

MOST_HEADS = 300  # listed on paper; the sum over all of them is on it in any case


def facts_of(row: LedgerDay) -> dict[str, Any]:
    """Worked out from the journals that took effect on the day. The opening is the closing of the day before, of which the first day has none:
    it reaches back to the first journal ever."""
    before = day_before(row.mode, row.day)
    named = {"mode": row.mode, "day": row.day, "after": before.day if before else date.min}
    opening = {(one["code"], one["currency"]): one for one in (before.facts or {})["accounts"]} if before else {}
    moved = {(one.code, one.currency): one for one in db.session.execute(text(_MOVED), named)}
    names = {code: name for code, name in db.session.execute(text("SELECT code, name FROM ledger_chart"))}
    accounts = [
        {
            "code": code, "name": names.get(code, ""), "currency": currency,
            "opening": opening[key]["closing"] if (key := (code, currency)) in opening else 0,
            "debit": int(moved[key].debit) if key in moved else 0, "credit": int(moved[key].credit) if key in moved else 0,
        }
        for code, currency in sorted(opening.keys() | moved.keys(), key=lambda one: (one[1], one[0]))
    ]  # fmt: skip
    for one in accounts:
        one["closing"] = one["opening"] + one["debit"] - one["credit"]
    counts = db.session.execute(text(_COUNTS), named).one()
    return {
        "mode": row.mode, "day": row.day.isoformat(), "since": before.day.isoformat() if before else None, "accounts": accounts,
        "totals": _totals(accounts), "journals": int(counts.journals), "books": int(counts.books), "late": int(counts.late),
        "accepted": row.accepted, "reason": row.reason, "asked_by": row.asked_by, "signed_by": row.signed_by,
    }  # fmt: skip


def _totals(accounts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The trial balance: both sides of each currency."""
    found: dict[str, dict[str, Any]] = {}
    for one in accounts:
        sums = found.setdefault(one["currency"], {"currency": one["currency"], "debit": 0, "credit": 0, "left": 0, "right": 0})
        sums["debit"], sums["credit"] = sums["debit"] + one["debit"], sums["credit"] + one["credit"]
        sums["left" if one["closing"] > 0 else "right"] += abs(one["closing"])
    return list(found.values())


def anchor_heads(mode: str, day: date) -> dict[str, Any]:
    """Write down where each chain of this mode ends that has grown since its last anchor; with them the sum over the ends of all."""
    rows = db.session.execute(text(_ANCHOR), {"mode": mode, "day": day}).all()
    listed = sorted(([str(one.vendor_id), one.what, one.seq, one.hash.hex()] for one in rows), key=lambda one: (one[1], one[0]))
    return {"heads": listed[:MOST_HEADS], "heads_grown": len(listed), "heads_sum": sum_of_heads(mode, day)}


def sum_of_heads(mode: str, day: date) -> str:
    """SHA-256 over the end of every chain as the papers up to this day have it: two lines on paper stand for all books."""
    whole = sha256()
    for one in db.session.execute(text(_LATEST), {"mode": mode, "day": day}):
        whole.update(pack((one.vendor_id, one.mode, one.what, one.seq, one.hash)))
    return whole.hexdigest()


_OF_DAY = "FROM chain_links l {join} WHERE l.what = 'journals' AND l.mode = :mode AND l.day <= :day AND l.day > :after"
_JOIN = "JOIN {0} ON {0}.vendor_id = l.vendor_id AND {0}.mode = l.mode AND {0}.{1} = l.of_id"
_MOVED = f"""SELECT entries.code, entries.currency::text AS currency,
    coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0) AS debit, coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0) AS credit
  {_OF_DAY.format(join=_JOIN.format("entries", "journal_id"))} GROUP BY entries.code, entries.currency"""
_COUNTS = f"""SELECT count(*) AS journals, count(DISTINCT l.vendor_id) AS books, count(journals.original_effective_at) AS late
  {_OF_DAY.format(join=_JOIN.format("journals", "id"))}"""
_ANCHOR = """INSERT INTO chain_anchors (vendor_id, mode, what, on_paper_of, day, seq, hash)
  SELECT c.vendor_id, c.mode, c.what, CAST(:mode AS varchar), CAST(:day AS date), c.seq, c.hash FROM chains c
  WHERE (c.mode = :mode OR c.what = 'audit') AND c.seq > coalesce((
    SELECT max(a.seq) FROM chain_anchors a
    WHERE a.vendor_id = c.vendor_id AND a.mode = c.mode AND a.what = c.what AND a.on_paper_of = :mode), 0)
  RETURNING vendor_id, what, seq, hash"""
_LATEST = """SELECT DISTINCT ON (vendor_id, mode, what) vendor_id, mode, what, seq, hash FROM chain_anchors
  WHERE on_paper_of = :mode AND day <= :day ORDER BY vendor_id, mode, what, day DESC"""
