"""Taking lines in: from a report, all or nothing, or as the processor tells them. The same line told twice must say the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.kernel.clock import now
from core.kernel.db import driver
from core.providers.settlement import SettlementLine
from core.reconciliation.report import Report, Typed, digest_of, read_report

LAID_OUT = """CREATE TEMP TABLE recon_brought (
  external_id text, type text, category text, currency text, gross_minor bigint, fee_minor bigint, net_minor bigint, occurred_at timestamptz,
  value_on date, source_id text, settlement_id text, reference text, counterparty text, description text, digest text, line_no int
)"""
_COPY = "COPY recon_brought FROM STDIN"
# The same number twice in what was brought, or known from before, with other content.
_TWISTED = """
SELECT b.external_id, b.line_no, b.digest, coalesce(l.digest, d.digest) AS before FROM recon_brought b
LEFT JOIN recon_lines l ON l.mode = %(mode)s AND l.source = %(source)s AND l.external_id = b.external_id AND l.digest <> b.digest
LEFT JOIN (SELECT external_id, min(digest) AS digest FROM recon_brought GROUP BY external_id HAVING count(DISTINCT digest) > 1) d
  ON d.external_id = b.external_id AND d.digest <> b.digest
WHERE l.digest IS NOT NULL OR d.digest IS NOT NULL ORDER BY b.line_no LIMIT %(most)s"""
_KEEP = """
INSERT INTO recon_lines (mode, source, external_id, type, category, currency, gross_minor, fee_minor, net_minor, occurred_at, value_on, source_id,
  settlement_id, reference, counterparty, description, digest, file, line_no, state, imported_at)
SELECT %(mode)s, %(source)s, external_id, type, category, currency, gross_minor, fee_minor, net_minor, occurred_at, value_on, source_id,
  settlement_id, reference, counterparty, description, digest, %(file)s, line_no, 'new', %(at)s
FROM (SELECT DISTINCT ON (external_id) * FROM recon_brought ORDER BY external_id, line_no) b
ON CONFLICT (mode, source, external_id) DO UPDATE SET settlement_id = excluded.settlement_id
  WHERE recon_lines.settlement_id = '' AND excluded.settlement_id <> ''
RETURNING (xmax = 0)::int"""
_COUNT = f"WITH kept(fresh) AS ({_KEEP}) SELECT coalesce(sum(fresh), 0) FROM kept"
MOST_TWISTED = 20


@dataclass(frozen=True, slots=True)
class Twisted:
    """A line that says something else than the line of the same number did before."""

    external_id: str
    line_no: int
    brought: dict[str, Any]
    before: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it. Nothing was stored when anything is twisted."""

    lines: int
    fresh: int
    twisted: list[Twisted]


def take_report(mode: str, source: str, raw: Iterable[bytes], report: Report, *, file: str, typed: Typed | None = None) -> Taken:
    """Take a whole report, in the present unit. Raises ReportRefused when anything in it is wrong; the unit must then be thrown away."""
    return take_lines(mode, source, read_report(raw, report, typed=typed), file=file)


def take_lines(mode: str, source: str, lines: Iterable[tuple[int, SettlementLine]], *, file: str = "") -> Taken:
    """Take (number, line) after line. Those known already change nothing, but for the payout they have gone into since."""
    connection = driver()
    connection.execute("DROP TABLE IF EXISTS recon_brought")
    connection.execute(LAID_OUT)
    count = 0
    with connection.cursor().copy(_COPY) as copy:
        for number, line in lines:
            copy.write_row(_cells(line, number))
            count += 1
    connection.execute("ANALYZE recon_brought")
    values = {"mode": mode, "source": source, "file": file, "at": now(), "most": MOST_TWISTED}
    twisted = connection.execute(_TWISTED, values).fetchall()
    if twisted:
        found = [_twist(mode, source, external, number) for external, number, _, _ in twisted]
        connection.execute("DROP TABLE recon_brought")
        return Taken(count, 0, found)
    fresh = int(connection.execute(_COUNT, values).fetchone()[0])
    connection.execute("DROP TABLE recon_brought")
    return Taken(count, fresh, [])


def _cells(line: SettlementLine, number: int) -> tuple[Any, ...]:
    return (
        line.external_id, line.type, line.category, line.currency, line.gross_minor, line.fee_minor, line.net_minor, line.occurred_at, line.value_on,
        line.source_id, line.settlement_id, line.reference, line.counterparty, line.description, digest_of(line), number,
    )  # fmt: skip


_SIDE = "category, currency, gross_minor, fee_minor, net_minor, source_id"


def _twist(mode: str, source: str, external_id: str, number: int) -> Twisted:
    told = f"SELECT {_SIDE} FROM recon_brought WHERE external_id = %s AND line_no = %s"
    before = f"SELECT {_SIDE} FROM recon_lines WHERE mode = %s AND source = %s AND external_id = %s"
    first = f"SELECT {_SIDE} FROM recon_brought WHERE external_id = %s AND line_no <> %s ORDER BY line_no LIMIT 1"
    ask = driver().execute
    theirs = ask(told, (external_id, number)).fetchone()
    ours = ask(before, (mode, source, external_id)).fetchone() or ask(first, (external_id, number)).fetchone()
    return Twisted(external_id, number, _as_facts(theirs), _as_facts(ours))


def _as_facts(row: Any) -> dict[str, Any]:
    return dict(zip(_SIDE.split(", "), row, strict=True)) if row else {}
