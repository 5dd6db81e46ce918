"""The proof of the chains: names the first row of each that was altered, taken out or added, and whether a chain was cut or made anew."""

from __future__ import annotations

import re
import uuid

from sqlalchemy import text

from core.kernel.canonical import sql_bytes, sql_id, sql_instant, sql_number, sql_text
from core.kernel.db import db
from core.ledger.chain import AUDIT, HOUSE, TAGS

_NAMES = {"journals": "journal", "audit": "line of the audit log"}


def chain_breaks(vendor_id: uuid.UUID | None = None, mode: str | None = None) -> list[str]:
    """A sentence for each thing that is wrong with the chain of one book, or with all of them and the chain over the log."""
    found = []
    for what in ("journals", "audit"):
        if vendor_id and what == "audit" and (vendor_id, mode) != AUDIT[:2]:
            continue
        asked = {"vendor": vendor_id, "mode": mode, "tag": TAGS[what].encode(), "what": what}
        for sentence, sql in _CHECKS.items():
            rows = db.session.execute(text(_of_one(sql.replace("/*content*/", _CONTENT[what]), vendor_id)), asked)
            found += [sentence.format(*row, of=_NAMES[what]) for row in rows]
    return found


def added_afterwards(vendor_id: uuid.UUID | None = None, mode: str | None = None) -> list[str]:
    """Rows that pretend to be older than the last sweep and were not there then."""
    asked = {"vendor": vendor_id, "mode": mode}
    found = [_ADDED.format(*row) for row in db.session.execute(text(_of_one(_LATE_JOURNALS, vendor_id)), asked)]
    if vendor_id in (None, HOUSE) and mode in (None, "live"):
        found += [f"the audit log: line {row[0]} was added afterwards" for row in db.session.execute(text(_LATE_LINES))]
    return found


def _of_one(sql: str, vendor_id: uuid.UUID | None) -> str:
    """`/*l*/` and the like are where a single book is asked for."""
    if vendor_id is None:
        return re.sub(r"/\*\w+\*/", "", sql)
    return re.sub(r"/\*(\w+)\*/", r"AND \1.vendor_id = :vendor AND \1.mode = :mode", sql)


_HEAD = "".join(
    part + " || "
    for part in (
        sql_id("j.vendor_id"), sql_text("j.mode"), sql_id("j.id"), sql_text("j.event_key"), sql_text("j.kind"), sql_number("j.n_legs"),
        sql_text("j.digest"), sql_text("j.about"), sql_id("j.reverses"), sql_number("j.xid::text::bigint"), sql_instant("j.effective_at"),
        sql_instant("j.original_effective_at"), sql_instant("j.recorded_at"), sql_number("coalesce(e.legs, 0)"),
    )
)  # fmt: skip
_LEG = " || ".join(
    (sql_number("e.leg"), sql_number("e.code"), sql_text("e.sub"), sql_text("e.currency"), sql_number("e.amount_minor"), sql_text("e.ref"))
)
_LINE = " || ".join(
    (
        sql_id("a.vendor_id"),
        sql_id("a.id"),
        *(sql_text(f"a.{name}") for name in ("actor", "action", "subject", "detail")),
        sql_instant("a.at"),
    )
)
# What each link says it holds, as it stands today.
_CONTENT = {
    "journals": f"""SELECT j.vendor_id, j.mode, j.id, {_HEAD} coalesce(e.data, ''::bytea) AS data FROM journals j LEFT JOIN (
        SELECT e.vendor_id, e.mode, e.journal_id, count(*) AS legs, string_agg({_LEG}, ''::bytea ORDER BY e.leg) AS data
        FROM entries e WHERE true /*e*/ GROUP BY e.vendor_id, e.mode, e.journal_id
      ) e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id WHERE true /*j*/""",
    "audit": f"SELECT '{HOUSE}'::uuid AS vendor_id, 'live' AS mode, a.id, {_LINE} AS data FROM audit_entries a",
}
_LINKS = """SELECT l.*, lag(l.hash, 1, ''::bytea) OVER each AS before, lag(l.seq, 1, 0::bigint) OVER each AS seq_before
    FROM chain_links l WHERE l.what = :what /*l*/ WINDOW each AS (PARTITION BY l.vendor_id, l.mode ORDER BY l.seq)"""
_EXPECTED = f"sha256({sql_bytes(':tag')} || {sql_bytes('l.before')} || {sql_number('l.seq')} || {sql_bytes('c.data')})"
_CHECKS = {
    # Only the first of each chain: what comes after it hangs on it.
    "chain of vendor {0} ({1}): {of} {2}, link {3}, {4}": f"""
        SELECT DISTINCT ON (l.vendor_id, l.mode) l.vendor_id, l.mode, l.of_id, l.seq, CASE
            WHEN l.seq <> l.seq_before + 1 THEN 'has no link before it: links are missing'
            WHEN c.data IS NULL THEN 'is missing'
            WHEN l.form <> 1 THEN 'was hashed in a form that is not known'
            ELSE 'is not what it was when it was linked' END
        FROM ({_LINKS}) l LEFT JOIN (/*content*/) c ON c.vendor_id = l.vendor_id AND c.mode = l.mode AND c.id = l.of_id
        WHERE l.seq <> l.seq_before + 1 OR c.data IS NULL OR l.form <> 1 OR l.hash <> {_EXPECTED}
        ORDER BY l.vendor_id, l.mode, l.seq""",
    "chain of vendor {0} ({1}): its end was changed, link {2} of the {of}s is not its last one": """
        SELECT h.vendor_id, h.mode, h.seq FROM chains h LEFT JOIN LATERAL (
            SELECT l.seq, l.hash FROM chain_links l WHERE l.vendor_id = h.vendor_id AND l.mode = h.mode AND l.what = h.what
            ORDER BY l.seq DESC LIMIT 1) l ON true
        WHERE h.what = :what AND (coalesce(l.seq, 0) <> h.seq OR coalesce(l.hash, ''::bytea) <> h.hash) /*h*/""",
    "chain of vendor {0} ({1}): its row is gone, {2} links of the {of}s are left": """
        SELECT l.vendor_id, l.mode, count(*) FROM chain_links l WHERE l.what = :what /*l*/ AND NOT EXISTS (
            SELECT FROM chains h WHERE h.vendor_id = l.vendor_id AND h.mode = l.mode AND h.what = l.what)
        GROUP BY l.vendor_id, l.mode""",
}
_CHECKS |= {
    "chain of vendor {0} ({1}): it was made anew, or a paper's anchor was changed: on the paper of {2} link {3} of the {of}s is another one": """
        SELECT a.vendor_id, a.mode, a.day, a.seq FROM chain_anchors a
        LEFT JOIN chain_links l ON l.vendor_id = a.vendor_id AND l.mode = a.mode AND l.what = a.what AND l.seq = a.seq
        WHERE a.what = :what AND l.hash IS DISTINCT FROM a.hash /*a*/ ORDER BY a.day, a.seq LIMIT 20""",
    "chain of vendor {0} ({1}): link {2} says that {of} {3} took effect on another day than it did": """
        SELECT l.vendor_id, l.mode, l.seq, l.of_id FROM chain_links l
        JOIN journals j ON j.vendor_id = l.vendor_id AND j.mode = l.mode AND j.id = l.of_id
        WHERE l.what = :what AND l.what = 'journals' /*l*/ AND l.day IS DISTINCT FROM (j.effective_at AT TIME ZONE 'UTC')::date
        ORDER BY l.vendor_id, l.mode, l.seq LIMIT 20""",
    # What the guard refuses: linked after the paper of its day, or of a later one, had been anchored.
    "chain of vendor {0} ({1}): {of} {2} was booked into {3} after that day had been closed": """
        SELECT s.vendor_id, s.mode, l.of_id, l.day FROM (
            SELECT a.vendor_id, a.mode, a.what, lag(a.seq, 1, 0::bigint) OVER each AS beyond, a.seq AS upto, (
              SELECT max(d.day) FROM ledger_days d WHERE d.mode = a.mode AND d.state = 'closed' AND d.day < a.day) AS shut
            FROM chain_anchors a WHERE a.what = :what AND a.what = 'journals' AND a.on_paper_of = a.mode /*a*/
            WINDOW each AS (PARTITION BY a.vendor_id, a.mode ORDER BY a.day)
          UNION ALL
            SELECT h.vendor_id, h.mode, h.what, coalesce((SELECT max(t.seq) FROM chain_anchors t WHERE t.vendor_id = h.vendor_id AND t.mode = h.mode
              AND t.what = h.what AND t.on_paper_of = h.mode), 0), h.seq, (
              SELECT max(d.day) FROM ledger_days d WHERE d.mode = h.mode AND d.state = 'closed')
            FROM chains h WHERE h.what = :what AND h.what = 'journals' /*h*/
        ) s JOIN chain_links l ON l.vendor_id = s.vendor_id AND l.mode = s.mode AND l.what = s.what AND l.seq > s.beyond AND l.seq <= s.upto
          AND l.day <= s.shut
        ORDER BY s.vendor_id, s.mode, l.seq LIMIT 20""",
}
_ADDED = "journal {0} of vendor {1} was added to the book afterwards: no transaction of its number was going on"
_OLD = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= h.swept_below"
_LATE_JOURNALS = f"""SELECT j.id, j.vendor_id FROM chains h
    JOIN journals j ON j.vendor_id = h.vendor_id AND j.mode = h.mode AND j.xid < CAST(h.swept_below::text AS xid8)
    WHERE h.what = 'journals' /*h*/ AND {_OLD} AND NOT EXISTS (
        SELECT FROM chain_links l WHERE l.vendor_id = j.vendor_id AND l.mode = j.mode AND l.what = 'journals' AND l.of_id = j.id)
    ORDER BY j.vendor_id, j.mode, j.id LIMIT 20"""
_LATE_LINES = f"""SELECT a.id FROM chains h JOIN audit_entries a ON coalesce(a.xid, '1'::xid8) < CAST(h.swept_below::text AS xid8)
    WHERE h.what = 'audit' AND {_OLD} AND NOT EXISTS (
        SELECT FROM chain_links l WHERE l.vendor_id = h.vendor_id AND l.mode = h.mode AND l.what = 'audit' AND l.of_id = a.id)
    ORDER BY a.id LIMIT 20"""
