"""What is left when the passes are through, and which exception that is. Reads the two sides that `match_source` has laid out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.kernel.clock import now
from core.kernel.db import driver
from core.reconciliation.exceptions import Finding
from core.reconciliation.match import AROUND, Sides

PATIENCE = timedelta(hours=1)  # for our own handlers, which may only just be at work on what the processor says
PER_ROW = (
    "missing_in_ledger", "missing_at_processor", "amount_mismatch", "fee_mismatch", "currency_mismatch", "status_conflict", "duplicate_payment",
    "late_payment", "cut_off",
)  # fmt: skip
_UNLIKE = "SELECT * FROM recon_pairs ORDER BY external_id, vendor_id, journal_id"
_OPEN_LINES = """SELECT l.external_id, l.category, l.currency::text, l.gross_minor, l.fee_minor, l.net_minor, l.occurred_at, l.source_id, l.reference,
  l.counterparty, l.description, v.id, r.id, r.state, r.public_id FROM recon_lines l
LEFT JOIN vendors v ON v.public_id = l.counterparty
LEFT JOIN refunds r ON r.vendor_id = v.id AND r.mode = l.mode AND r.public_id = l.reference
WHERE l.mode = %(mode)s AND l.source = %(source)s AND l.state = 'new' AND l.category <> 'payout'
  AND NOT EXISTS (SELECT 1 FROM recon_pairs p WHERE p.external_id = l.external_id) ORDER BY l.occurred_at, l.external_id"""
_OPEN_ENTRIES = """SELECT s.vendor_id, s.journal_id, s.leg, s.currency, s.amount_minor, s.event_key, s.about, s.effective_at FROM recon_side s
WHERE s.category <> 'payout' AND s.effective_at < %(before)s
  AND NOT EXISTS (SELECT 1 FROM recon_pairs p WHERE p.vendor_id = s.vendor_id AND s.journal_id IN (p.journal_id, p.fee_journal))
ORDER BY s.journal_id, s.leg"""
# Matched, and still something to look at: taken twice, taken after the end, or on the other side of midnight.
_SEEN = """CREATE TEMP TABLE recon_seen AS SELECT m.vendor_id, m.mode, m.journal_id, l.currency, l.gross_minor, l.external_id, l.source_id, l.occurred_at
FROM recon_matches m JOIN recon_lines l ON l.mode = m.mode AND l.source = m.source AND l.external_id = m.external_id
WHERE m.mode = %(mode)s AND m.source = %(source)s AND m.at >= %(looks)s"""
_TOLD = """CREATE TEMP TABLE recon_told AS SELECT m.vendor_id, j.event_key, j.kind, j.about, j.effective_at, m.currency::text, m.gross_minor, m.external_id,
  m.source_id, m.occurred_at
FROM recon_seen m JOIN journals j ON j.vendor_id = m.vendor_id AND j.mode = m.mode AND j.id = m.journal_id
WHERE j.kind IN ('capture', 'unexpected capture') OR (j.event_key NOT LIKE 'fee:%%' AND j.event_key NOT LIKE 'st:%%'
  AND abs((j.effective_at AT TIME ZONE 'UTC')::date - (m.occurred_at AT TIME ZONE 'UTC')::date) = 1)"""
_TWICE = """SELECT m.vendor_id, m.event_key, m.about, m.effective_at, m.currency, m.gross_minor, m.external_id, m.source_id FROM recon_told m
WHERE m.kind = 'unexpected capture' AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.vendor_id = m.vendor_id AND r.mode = %(mode)s
  AND r.taken_from = 'unapplied' AND r.charge = m.source_id AND r.state NOT IN ('failed', 'canceled'))"""
_LATE = """SELECT m.vendor_id, m.event_key, m.about, m.effective_at, m.currency, m.gross_minor, m.external_id FROM recon_told m
WHERE m.kind = 'capture' AND EXISTS (SELECT 1 FROM payments p WHERE p.vendor_id = m.vendor_id AND p.mode = %(mode)s AND p.public_id = m.about
  AND p.captured_at > p.expires_at)"""
_ENDED_FIRST = """SELECT p.public_id, p.expires_at, e.from_state FROM payments p JOIN payment_events e
  ON e.vendor_id = p.vendor_id AND e.mode = p.mode AND e.payment_id = p.id AND e.to_state = 'succeeded' AND e.from_state IN ('expired', 'canceled')
WHERE p.vendor_id = %s AND p.mode = %s AND p.public_id = %s AND p.refunded_minor + p.refunding_minor + p.queued_minor < p.captured_minor"""
_OTHER_DAY = """SELECT m.vendor_id, m.event_key, m.about, m.effective_at, m.currency, m.gross_minor, m.external_id, m.occurred_at FROM recon_told m
WHERE m.event_key NOT LIKE 'fee:%%' AND m.event_key NOT LIKE 'st:%%'
  AND abs((m.effective_at AT TIME ZONE 'UTC')::date - (m.occurred_at AT TIME ZONE 'UTC')::date) = 1
  AND m.effective_at BETWEEN m.occurred_at - interval '1 day' AND m.occurred_at + interval '1 day'"""


def look(sides: Sides) -> Iterator[Finding]:
    """Every finding about single lines and entries of one processor."""
    yield from _unlike(sides)
    yield from _missing_here(sides)
    yield from _missing_there(sides)
    yield from _matched_all_the_same(sides)


def _unlike(sides: Sides) -> Iterator[Finding]:
    """The same id on both sides, and something else beside it."""
    for row in _rows(_UNLIKE, {}):
        same_currency = row["currency"] == row["their_currency"]
        same_sum = row["amount_minor"] == row["wanted_minor"]
        kind = "fee_mismatch" if same_currency and same_sum else "amount_mismatch" if same_currency else "currency_mismatch"
        theirs = _theirs(row) | {"currency": row["their_currency"]}
        ours = _ours(row) | {"currency": row["currency"], "amount_minor": row["amount_minor"], "fee_minor": row["fee_booked"]}
        difference = row["gross_minor"] if kind == "currency_mismatch" else row["wanted_minor"] - row["amount_minor"]
        if kind == "fee_mismatch":
            difference = row["fee_minor"] - row["fee_booked"]
        yield Finding(
            kind, row["external_id"], sides.source, row["their_currency"], difference, _day(row["occurred_at"]),
            book=row["vendor_id"], about=row["about"], ours=ours, theirs=theirs,
        )  # fmt: skip


def _missing_here(sides: Sides) -> Iterator[Finding]:
    values = {"mode": sides.mode, "source": sides.source}
    names = (
        "external_id", "category", "currency", "gross_minor", "fee_minor", "net_minor", "occurred_at", "source_id", "reference", "counterparty",
        "description", "vendor_id", "refund_id", "refund_state", "refund",
    )  # fmt: skip
    for cells in driver().execute(_OPEN_LINES, values).fetchall():
        row = dict(zip(names, cells, strict=True))
        conflict = row["category"] == "refund_failure" and row["refund_state"] == "succeeded"
        ours = {"refund": row["refund"], "refund_id": str(row["refund_id"]), "state": row["refund_state"]} if conflict else {}
        yield Finding(
            "status_conflict" if conflict else "missing_in_ledger", row["external_id"], sides.source, row["currency"], row["net_minor"],
            _day(row["occurred_at"]), book=row["vendor_id"], about=row["reference"], ours=ours,
            theirs=_theirs(row) | {name: row[name] for name in ("category", "currency", "source_id", "reference", "description")},
            due_at=row["occurred_at"] + PATIENCE,
        )  # fmt: skip


def _missing_there(sides: Sides) -> Iterator[Finding]:
    """Booked for longer than a processor takes to say so."""
    names = ("vendor_id", "journal_id", "leg", "currency", "amount_minor", "event_key", "about", "effective_at")
    for cells in driver().execute(_OPEN_ENTRIES, {"before": now() - AROUND}).fetchall():
        row = dict(zip(names, cells, strict=True))
        key = f"{row['vendor_id']}:{row['journal_id']}:{row['leg']}"
        ours = _ours(row) | {"currency": row["currency"], "amount_minor": row["amount_minor"]}
        yield Finding(
            "missing_at_processor", key, sides.source, row["currency"], -row["amount_minor"], _day(row["effective_at"]),
            book=row["vendor_id"], about=row["about"], ours=ours,
        )  # fmt: skip


def _matched_all_the_same(sides: Sides) -> Iterator[Finding]:
    values = {"mode": sides.mode, "source": sides.source, "looks": _instant_of(sides.since)}
    ask = driver().execute
    ask("DROP TABLE IF EXISTS recon_seen, recon_told")
    ask("SET LOCAL enable_nestloop = off")  # as in match_source
    ask(_SEEN, values)
    ask("SET LOCAL enable_nestloop = on")
    ask("ANALYZE recon_seen")
    ask(_TOLD, values)
    ask("ANALYZE recon_told")
    for book, key, about, at, currency, minor, external, charge in driver().execute(_TWICE, values).fetchall():
        ours = {"event_key": key, "about": about, "at": at.isoformat(), "amount_minor": minor, "currency": currency}
        theirs = {"external_id": external, "source_id": charge, "gross_minor": minor, "currency": currency}
        yield Finding(
            "duplicate_payment", external, sides.source, currency, minor, _day(at), book=book, about=about, ours=ours, theirs=theirs
        )
    for book, key, about, at, currency, minor, external in driver().execute(_LATE, values).fetchall():
        ended = driver().execute(_ENDED_FIRST, (book, sides.mode, about)).fetchone()
        if ended:
            ours = {"event_key": key, "about": about, "at": at.isoformat(), "state": ended[2], "amount_minor": minor, "currency": currency}
            theirs = {"external_id": external, "gross_minor": minor, "currency": currency}
            yield Finding(
                "late_payment", external, sides.source, currency, minor, _day(at), book=book, about=about, ours=ours, theirs=theirs
            )
    for book, key, about, at, currency, minor, external, there in driver().execute(_OTHER_DAY, values).fetchall():
        last = max(_day(at), _day(there))
        due = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=2)
        if now() >= due - timedelta(days=1):
            continue  # the next day has come: both days hold it, and nothing is missing
        ours = {"event_key": key, "about": about, "at": at.isoformat(), "amount_minor": minor, "currency": currency}
        theirs = {"external_id": external, "occurred_at": there.isoformat(), "gross_minor": minor, "currency": currency}
        yield Finding(
            "cut_off", external, sides.source, currency, minor, last, book=book, about=about, ours=ours, theirs=theirs, due_at=due
        )


def left_over(sides: Sides) -> dict[str, int]:
    """By currency: what our entries without a line come to, less what their lines without an entry come to. It explains a balance that differs."""
    ask = driver().execute
    found: dict[str, int] = {}
    for currency, minor in ask("SELECT currency, sum(amount_minor) FROM recon_side GROUP BY currency").fetchall():
        found[currency] = found.get(currency, 0) + int(minor)
    values = {"mode": sides.mode, "source": sides.source}
    lines = (
        "SELECT currency::text, sum(net_minor) FROM recon_lines WHERE mode = %(mode)s AND source = %(source)s AND state = 'new' GROUP BY 1"
    )
    for currency, minor in ask(lines, values).fetchall():
        found[currency] = found.get(currency, 0) - int(minor)
    return found


def _theirs(row: dict[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in ("external_id", "gross_minor", "fee_minor", "net_minor")}
    return {**told, "occurred_at": row["occurred_at"].isoformat()}


def _ours(row: dict[str, Any]) -> dict[str, Any]:
    return {"event_key": row["event_key"], "about": row["about"], "at": row["effective_at"].isoformat()}


def _rows(text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = driver().execute(text, values)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _instant_of(number: uuid.UUID) -> datetime:
    """When rows with such an id began to be made."""
    return datetime.fromtimestamp((number.int >> 80) / 1000, UTC)
