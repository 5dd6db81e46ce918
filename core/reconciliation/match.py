"""What a processor says beside what our books say of its account, in passes: the surest first, each leaving to the next what it did not match.

1 the same id and the same sums; 2 the same id and something else (an exception, never a match); 3 our reference and the same sum;
4 several lines that are one fact, or undo each other; 6 the same sum within two days, when neither side names the other otherwise and there
is only one of each. (Pass 5, a sum of several, is for the bank: core/reconciliation/bank.py.) The same rows give the same matches.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.db import db, driver
from core.kernel.ids import first_id_at
from core.reconciliation.models import ReconException, ReconLine
from core.reconciliation.stage import IN_BULK
from core.reconciliation.states import ALONE, EXACT, REFERENCE, TOGETHER, UNSETTLED

LAID_OUT = (
    "recon_entries",
    "recon_side",
    "recon_left",
    "recon_pairs",
    "recon_alike",
    "recon_parts",
    "recon_payouts",
    "recon_seen",
    "recon_told",
)  # temporary: nobody else sees them
LOOKS_BACK = timedelta(days=14)
AROUND = timedelta(days=2)  # of pass 6, and how long a processor may take to report what it told us of

# Every entry on the processor's account that nothing was matched with yet. Book by book: each is one short look into the index of its own
# entries, and none of another's.
_OPEN = """CREATE TEMP TABLE recon_entries AS
SELECT e.vendor_id, e.journal_id, e.leg, e.currency, e.amount_minor
FROM vendors v
JOIN LATERAL (SELECT * FROM entries WHERE vendor_id = v.id AND mode = %(mode)s AND code = 1010 AND sub = %(source)s AND journal_id >= %(since)s) e
  ON true
WHERE NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.vendor_id = e.vendor_id AND m.mode = %(mode)s AND m.journal_id = e.journal_id AND m.leg = e.leg)"""
# And what each is in the processor's words. By itself, so that PostgreSQL knows how many there are: mostly a few of many, and then their
# journals are looked up one by one.
_SIDE = """CREATE TEMP TABLE recon_side AS
SELECT e.vendor_id, e.journal_id, e.leg, e.currency::text AS currency, e.amount_minor, j.event_key, j.kind, j.about, j.effective_at,
  CASE split_part(j.event_key, ':', 1) WHEN 'cap' THEN 'charge' WHEN 'fee' THEN 'cost' WHEN 'st' THEN 'payout'
    WHEN 'rf' THEN CASE split_part(j.event_key, ':', 3) WHEN 'back' THEN 'refund_failure' ELSE 'refund' END
    WHEN 'dp' THEN CASE WHEN e.amount_minor < 0 THEN 'dispute' ELSE 'dispute_reversal' END
    WHEN 'po' THEN CASE WHEN e.amount_minor < 0 THEN 'transfer' ELSE 'transfer_reversal' END ELSE 'other' END AS category,
  CASE split_part(j.event_key, ':', 1) WHEN 'rf' THEN coalesce(r.provider_reference, '') WHEN 'dp' THEN coalesce(d.provider_reference, '')
    WHEN 'po' THEN coalesce(CASE WHEN e.amount_minor < 0 THEN c.move_reference ELSE c.back_reference END, '')
    ELSE split_part(j.event_key, ':', 3) END AS named,
  CASE split_part(j.event_key, ':', 1) WHEN 'rf' THEN split_part(j.event_key, ':', 2) ELSE j.about END AS reference
FROM recon_entries e
JOIN journals j ON j.vendor_id = e.vendor_id AND j.mode = %(mode)s AND j.id = e.journal_id
LEFT JOIN refunds r ON r.vendor_id = e.vendor_id AND r.mode = j.mode AND j.event_key LIKE 'rf:%%' AND r.public_id = split_part(j.event_key, ':', 2)
LEFT JOIN disputes d ON d.vendor_id = e.vendor_id AND d.mode = j.mode AND j.event_key LIKE 'dp:%%' AND d.public_id = split_part(j.event_key, ':', 2)
LEFT JOIN payouts o ON o.vendor_id = e.vendor_id AND o.mode = j.mode AND j.event_key LIKE 'po:%%' AND o.public_id = j.about
LEFT JOIN payout_carriages c ON c.vendor_id = o.vendor_id AND c.mode = o.mode AND c.payout_id = o.id
WHERE j.event_key NOT LIKE 'rec:%%' AND j.event_key NOT LIKE 'rev:%%'"""
# A line that names whose it is finds its entries by their keys, however old they are: a report may be, and a clock may have been moved.
_OLDER = """INSERT INTO recon_side SELECT e.vendor_id, e.journal_id, e.leg, e.currency, e.amount_minor, j.event_key, j.kind, j.about, j.effective_at,
  k.category, k.named, j.about
FROM recon_lines l JOIN vendors v ON v.public_id = l.counterparty
JOIN LATERAL (VALUES (l.category, l.source_id, CASE l.category WHEN 'charge' THEN 'cap:' || l.source || ':' || l.source_id || ':1'
    WHEN 'refund' THEN 'rf:' || l.reference || ':ok' WHEN 'refund_failure' THEN 'rf:' || l.reference || ':back'
    WHEN 'transfer' THEN 'po:' || l.reference || ':moved' WHEN 'transfer_reversal' THEN 'po:' || l.reference || ':back' END),
  ('cost', l.external_id, 'fee:' || l.source || ':' || l.external_id)) k(category, named, event_key) ON true
JOIN journals j ON j.vendor_id = v.id AND j.mode = l.mode AND j.event_key = k.event_key AND j.id < %(since)s
JOIN entries e ON e.vendor_id = j.vendor_id AND e.mode = j.mode AND e.journal_id = j.id AND e.code = 1010 AND e.sub = l.source
WHERE l.mode = %(mode)s AND l.source = %(source)s AND l.state = 'new' AND l.counterparty <> ''
  AND NOT EXISTS (SELECT 1 FROM recon_side s WHERE s.named = l.source_id)
  AND NOT EXISTS (SELECT 1 FROM recon_matches m WHERE m.vendor_id = e.vendor_id AND m.mode = e.mode AND m.journal_id = e.journal_id AND m.leg = e.leg)"""
_NEW = "l.mode = %(mode)s AND l.source = %(source)s AND l.state = 'new'"
# Lines and entries under the same id. What the processor kept is an entry of its own, under the line's own number; a dispute books both in one.
_PAIRED = """SELECT l.external_id, l.currency::text AS their_currency, l.gross_minor, l.fee_minor, l.net_minor, l.occurred_at, l.file,
  s.vendor_id, s.journal_id, s.leg, s.currency, s.amount_minor, s.event_key, s.kind, s.about, s.effective_at,
  f.journal_id AS fee_journal, f.leg AS fee_leg, f.currency AS fee_currency, coalesce(-f.amount_minor, 0) AS fee_booked,
  CASE WHEN l.category IN ('dispute', 'dispute_reversal') AND f.journal_id IS NULL AND s.amount_minor = l.net_minor THEN l.net_minor
    ELSE l.gross_minor END AS wanted_minor,
  l.category IN ('dispute', 'dispute_reversal') AND f.journal_id IS NULL AND s.amount_minor = l.net_minor AS whole"""
_PAIRS = f"""CREATE TEMP TABLE recon_pairs AS
{_PAIRED}
FROM recon_lines l
JOIN recon_side s ON s.category = l.category AND s.named = l.source_id
LEFT JOIN recon_side f ON f.category = 'cost' AND f.named = l.external_id
WHERE {_NEW} AND l.category NOT IN ('payout', 'payout_reversal') AND l.source_id <> ''
  AND NOT EXISTS (SELECT 1 FROM recon_side o WHERE o.category = s.category AND o.named = s.named AND (o.vendor_id, o.journal_id, o.leg) <> (s.vendor_id, s.journal_id, s.leg))
  AND NOT EXISTS (SELECT 1 FROM recon_lines o WHERE o.mode = l.mode AND o.source = l.source AND o.source_id = l.source_id AND o.source_id <> '' AND o.category = l.category
    AND o.external_id <> l.external_id) ORDER BY l.external_id"""
_SAME = "p.currency = p.their_currency AND p.amount_minor = p.wanted_minor AND (p.whole OR p.fee_booked = p.fee_minor)"
# A dispute that was decided and taken up anew has a line and an entry for each time: the first is the first, and so on, where the sums say so too.
_OF_DISPUTES = "category IN ('dispute', 'dispute_reversal')"
_CYCLES = f"""INSERT INTO recon_pairs SELECT * FROM ({_PAIRED}
FROM (SELECT l.*, row_number() OVER (PARTITION BY l.category, l.source_id ORDER BY l.occurred_at, l.external_id) AS cycle FROM recon_lines l
  WHERE {_NEW} AND l.{_OF_DISPUTES} AND l.source_id <> '') l
JOIN (SELECT s.*, row_number() OVER (PARTITION BY s.category, s.named ORDER BY s.effective_at, s.journal_id, s.leg) AS cycle FROM recon_side s
  WHERE s.{_OF_DISPUTES}) s ON s.category = l.category AND s.named = l.source_id AND s.cycle = l.cycle
LEFT JOIN recon_side f ON f.category = 'cost' AND f.named = l.external_id
WHERE NOT EXISTS (SELECT 1 FROM recon_pairs o WHERE o.external_id = l.external_id)) p WHERE {_SAME}"""
_MATCH = """INSERT INTO recon_matches (vendor_id, mode, journal_id, leg, source, external_id, rule, at)
SELECT vendor_id, %(mode)s, journal_id, leg, %(source)s, external_id, %(rule)s, %(at)s FROM """
_EXACT = (
    f"{_MATCH} (SELECT p.vendor_id, p.journal_id, p.leg, p.external_id FROM recon_pairs p WHERE {_SAME} "
    f"UNION ALL SELECT p.vendor_id, p.fee_journal, p.fee_leg, p.external_id FROM recon_pairs p WHERE {_SAME} AND p.fee_journal IS NOT NULL) x ORDER BY vendor_id, journal_id, leg"
)  # in the order of the keys, so that neighbours in the index are written one after the other
_LINES = """UPDATE recon_lines l SET state = 'matched', rule = %(rule)s, book = x.vendor_id FROM (SELECT external_id, vendor_id FROM {0}) x
WHERE l.mode = %(mode)s AND l.source = %(source)s AND l.external_id = x.external_id AND l.state = 'new'"""
_LEFT = "CREATE TEMP TABLE recon_left AS SELECT s.* FROM recon_side s WHERE " + " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM recon_pairs p WHERE {_SAME} AND s.vendor_id = p.vendor_id AND s.journal_id = p.{journal})"
    for journal in ("journal_id", "fee_journal")
)
# Passes 3 and 6 look for one line and one entry that have nobody else: `k` counts on both sides.
_ALIKE = f"""CREATE TEMP TABLE recon_alike AS SELECT * FROM (
  SELECT l.external_id, s.vendor_id, s.journal_id, s.leg, f.journal_id AS fee_journal, f.leg AS fee_leg,
    count(*) OVER (PARTITION BY l.external_id) AS lines, count(*) OVER (PARTITION BY s.vendor_id, s.journal_id, s.leg) AS entries
  FROM recon_lines l JOIN recon_side s ON s.category = l.category AND s.currency = l.currency AND s.amount_minor = l.gross_minor AND {{0}}
  LEFT JOIN recon_side f ON f.category = 'cost' AND f.named = l.external_id AND f.currency = l.currency
  WHERE {_NEW} AND (l.fee_minor = 0 OR -f.amount_minor = l.fee_minor)) k WHERE lines = 1 AND entries = 1"""
_BY_REFERENCE = (
    "s.reference = coalesce(nullif(l.reference, ''), substring(l.description from '(?:pay|ref)_[0-9A-Za-z]{22}')) "
    "AND s.named <> l.source_id AND (l.source_id = '' OR s.named = '')"
)
_BY_DATE = "(l.source_id = '' OR s.named = '') AND l.occurred_at BETWEEN s.effective_at - %(around)s AND s.effective_at + %(around)s"
_ALIKE_MATCH = (
    f"{_MATCH} (SELECT vendor_id, journal_id, leg, external_id FROM recon_alike "
    "UNION ALL SELECT vendor_id, fee_journal, fee_leg, external_id FROM recon_alike WHERE fee_journal IS NOT NULL) x"
)
# Pass 4. Several lines of one charge (taken in parts) are one entry; a refund and its return, neither of which reached our books, are nothing; the
# shares of a payout in many books are one line.
_PARTS = f"""CREATE TEMP TABLE recon_parts AS
SELECT s.vendor_id, s.journal_id, s.leg, x.category, x.source_id, x.external_ids FROM
  (SELECT category, source_id, currency::text AS currency, sum(gross_minor) AS total, array_agg(external_id ORDER BY external_id) AS external_ids FROM recon_lines l
   WHERE {_NEW} AND source_id <> '' AND category IN ('charge', 'refund', 'dispute', 'dispute_reversal')
   GROUP BY 1, 2, 3 HAVING count(*) > 1) x
JOIN recon_side s ON s.category = x.category AND s.named = x.source_id AND s.currency = x.currency AND s.amount_minor = x.total"""
_UNDONE = f"""UPDATE recon_lines l SET state = 'matched', rule = %(rule)s FROM
  (SELECT source_id FROM recon_lines l WHERE {_NEW} AND category IN ('refund', 'refund_failure') AND source_id <> ''
     AND NOT EXISTS (SELECT 1 FROM recon_side s WHERE s.named = l.source_id)
   GROUP BY source_id, currency HAVING sum(net_minor) = 0 AND count(*) = 2) x
WHERE {_NEW} AND l.source_id = x.source_id AND l.category IN ('refund', 'refund_failure')"""
_PAYOUTS = f"""CREATE TEMP TABLE recon_payouts AS
SELECT l.external_id, s.vendor_id, s.journal_id, s.leg FROM recon_lines l JOIN recon_side s ON s.category = 'payout' AND s.named = l.source_id
WHERE {_NEW} AND l.category = 'payout' AND l.net_minor =
  (SELECT sum(t.amount_minor) FROM recon_side t WHERE t.category = 'payout' AND t.named = l.source_id AND t.currency = l.currency)"""


@dataclass(frozen=True, slots=True)
class Sides:
    """What one look was about: from when on entries were looked at, and how much there was on both sides."""

    mode: str
    source: str
    since: uuid.UUID
    lines: int
    entries: int
    matched: dict[int, int]  # by pass


def match_source(mode: str, source: str) -> Sides:
    """All passes over what one processor's lines and our entries on its account have left open. In the present unit, in which the two sides
    stay laid out (`recon_side`, `recon_pairs`) for whoever asks what is left, until `let_go`."""
    since = first_id_at(_looks_from(mode, source))
    ask, values = driver().execute, {"mode": mode, "source": source, "since": since, "at": now(), "around": AROUND}
    let_go()
    for setting in IN_BULK:
        ask(setting)
    ask(_OPEN, values)
    ask("ANALYZE recon_entries")
    ask(_SIDE, values)
    ask("CREATE INDEX ON recon_side (named)")
    ask("ANALYZE recon_side")
    ask(_OLDER, values)
    # Of lines that have only just come PostgreSQL knows nothing yet, and would look each up beside all others.
    ask("SET LOCAL enable_nestloop = off")
    lines = int(ask(f"SELECT count(*) FROM recon_lines l WHERE {_NEW}", values).fetchone()[0])
    entries = int(ask("SELECT count(*) FROM recon_side").fetchone()[0])
    ask(_PAIRS, values)
    ask(_CYCLES, values)
    matched = {}
    ask(_EXACT, {**values, "rule": EXACT})
    matched[EXACT] = ask(_LINES.format(f"recon_pairs p WHERE {_SAME}"), {**values, "rule": EXACT}).rowcount
    # What is left is less than what was matched, and so it is written anew: deleting would touch nearly every row.
    ask(_LEFT)
    ask("DROP TABLE recon_side")
    ask("ALTER TABLE recon_left RENAME TO recon_side")
    ask(f"DELETE FROM recon_pairs p WHERE {_SAME}")
    matched[REFERENCE] = _alike(_BY_REFERENCE, {**values, "rule": REFERENCE})
    matched[TOGETHER] = _together({**values, "rule": TOGETHER})
    matched[ALONE] = _alike(_BY_DATE, {**values, "rule": ALONE})
    ask("SET LOCAL enable_nestloop = on")
    return Sides(mode, source, since, lines, entries, matched)


def let_go() -> None:
    """The two sides that were laid out are put away, at the end of the unit that laid them out."""
    for table in LAID_OUT:
        driver().execute(f"DROP TABLE IF EXISTS {table}")


_FIRST = """SELECT min(j.effective_at) FROM vendors v
JOIN LATERAL (SELECT vendor_id, journal_id FROM entries WHERE vendor_id = v.id AND mode = %(mode)s AND code = 1010 AND sub = %(source)s
              ORDER BY journal_id LIMIT 1) e ON true
JOIN journals j ON j.vendor_id = e.vendor_id AND j.mode = %(mode)s AND j.id = e.journal_id"""


def first_booked(mode: str, source: str) -> datetime | None:
    """When this processor moved the first money that is in the books."""
    found: datetime | None = driver().execute(_FIRST, {"mode": mode, "source": source}).fetchone()[0]
    return found


def _looks_from(mode: str, source: str) -> datetime:
    """Two weeks, or as far back as anything is open."""
    line = select(func.min(ReconLine.occurred_at)).where(ReconLine.mode == mode, ReconLine.source == source, ReconLine.state == "new")
    open_ = select(func.min(ReconException.happened_on)).where(
        ReconException.mode == mode, ReconException.source == source, ReconException.state.in_(UNSETTLED)
    )
    oldest, day = db.session.scalar(line), db.session.scalar(open_)
    moments = [now() - LOOKS_BACK]
    if oldest is not None:
        moments.append(oldest - AROUND)
    if day is not None:
        moments.append(datetime(day.year, day.month, day.day, tzinfo=moments[0].tzinfo) - AROUND)
    return min(moments)


def _alike(how: str, values: dict[str, Any]) -> int:
    ask = driver().execute
    ask("DROP TABLE IF EXISTS recon_alike")
    ask(_ALIKE.format(how), values)
    ask(_ALIKE_MATCH, values)
    _forget("recon_alike")
    return int(ask(_LINES.format("recon_alike"), values).rowcount)


def _together(values: dict[str, Any]) -> int:
    ask = driver().execute
    ask(_PARTS, values)
    ask(f"{_MATCH} (SELECT vendor_id, journal_id, leg, external_ids[1] AS external_id FROM recon_parts) x", values)
    _forget("recon_parts")
    done = ask(_LINES.format("(SELECT unnest(external_ids) AS external_id, vendor_id FROM recon_parts) y"), values).rowcount
    done += ask(_UNDONE, values).rowcount
    ask(_PAYOUTS, values)
    ask(f"{_MATCH} recon_payouts", values)
    _forget("recon_payouts")
    platform = "(SELECT DISTINCT external_id, NULL::uuid AS vendor_id FROM recon_payouts) y"
    return int(done + ask(_LINES.format(platform), values).rowcount)


def _forget(table: str) -> None:
    """What was matched is no longer on our side."""
    driver().execute(
        f"DELETE FROM recon_side s USING {table} x WHERE s.vendor_id = x.vendor_id AND s.journal_id = x.journal_id AND s.leg = x.leg"
    )
