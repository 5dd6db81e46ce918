"""Taking lines in: from a report, all or nothing, or as the processor tells them. The same line told twice must say the same."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from core.kernel.clock import now
from core.kernel.db import driver
from core.providers.settlement import SettlementLine
from core.reconciliation.report import Report, Typed, check_report, read_report
from core.reconciliation.stage import lay_out, put_away, stage_report

# What may never change. When a line is paid out, and when it may be used, is told later; so are words.
LASTING = ("category", "currency", "gross_minor", "fee_minor", "net_minor", "source_id")
_COPY = "COPY recon_brought FROM STDIN"
_ONE_AT_A_TIME = 0x7265636C  # imports of one processor wait for each other: what one has found to be new is new when it is kept
_SIDE = ", ".join(LASTING)


def _unlike(one: str, other: str) -> str:
    return f"({', '.join(f'{one}.{name}' for name in LASTING)}) IS DISTINCT FROM ({', '.join(f'{other}.{name}' for name in LASTING)})"


_KNOWN = f"""CREATE TEMP TABLE recon_known AS SELECT b.external_id, b.line_no, b.settlement_id, {_unlike("b", "l")} AS twisted,
  l.settlement_id = '' AND b.settlement_id <> '' AS paid_out
FROM recon_brought b JOIN recon_lines l ON l.mode = %(mode)s AND l.source = %(source)s AND l.external_id = b.external_id"""
_TWICE = """CREATE TEMP TABLE recon_twice AS SELECT external_id, min(line_no) AS line_no FROM recon_brought GROUP BY external_id HAVING count(*) > 1"""
# The same number twice in what was brought, or known from before, with other content.
_TWISTED = f"""SELECT external_id, line_no FROM recon_known WHERE twisted UNION
SELECT b.external_id, b.line_no FROM recon_twice t JOIN recon_brought f ON f.external_id = t.external_id AND f.line_no = t.line_no
JOIN recon_brought b ON b.external_id = t.external_id WHERE {_unlike("b", "f")} ORDER BY line_no LIMIT %(most)s"""
_ONCE = "DELETE FROM {0} b USING recon_twice t WHERE b.external_id = t.external_id AND b.line_no > t.line_no"
_PAID_OUT = """UPDATE recon_lines l SET settlement_id = k.settlement_id FROM recon_known k
WHERE k.paid_out AND l.mode = %(mode)s AND l.source = %(source)s AND l.external_id = k.external_id"""
_KEEP = """INSERT INTO recon_lines (mode, source, external_id, type, category, currency, gross_minor, fee_minor, net_minor, occurred_at, value_on,
  source_id, settlement_id, reference, counterparty, description, file, line_no, state, imported_at)
SELECT %(mode)s, %(source)s, external_id, type, category, currency, gross_minor, fee_minor, net_minor, occurred_at, value_on, source_id,
  settlement_id, reference, counterparty, description, %(file)s, line_no, 'new', %(at)s
FROM recon_brought b WHERE NOT EXISTS (SELECT FROM recon_known k WHERE k.external_id = b.external_id)"""
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


def take_report(mode: str, source: str, raw: BinaryIO, report: Report, *, file: str, typed: Typed | None = None) -> Taken:
    """Take a whole report, in the present unit. Raises ReportRefused when anything in it is wrong; the unit must then be thrown away."""
    if stage_report(raw, report, typed=typed):
        return _take(mode, source, report.lines, file)
    return take_lines(mode, source, read_report(raw, report, typed=typed), file=file)


def weigh_report(raw: BinaryIO, *, typed: Typed | None = None) -> Report:
    """Read it all and keep nothing but what it comes to and what is wrong with it, in the present unit."""
    report = Report()
    if stage_report(raw, report, typed=typed):
        put_away()
        return report
    return check_report(raw, typed=typed)


def take_lines(mode: str, source: str, lines: Iterable[tuple[int, SettlementLine]], *, file: str = "") -> Taken:
    """Take (number, line) after line. Those known already change nothing, but for the payout they have gone into since."""
    lay_out()
    count = 0
    with driver().cursor().copy(_COPY) as copy:
        for number, line in lines:
            copy.write_row(_cells(line, number))
            count += 1
    return _take(mode, source, count, file)


def _take(mode: str, source: str, count: int, file: str) -> Taken:
    """What is laid out in `recon_brought`."""
    ask = driver().execute
    values = {"mode": mode, "source": source, "file": file, "at": now(), "most": MOST_TWISTED}
    ask("SELECT pg_advisory_xact_lock(%s, %s)", (_ONE_AT_A_TIME, zlib.crc32(f"{mode}:{source}".encode()) - (1 << 31)))
    ask(_KNOWN, values)
    ask(_TWICE)
    twisted = ask(_TWISTED, values).fetchall()
    fresh, found = 0, [_twist(mode, source, external, number) for external, number in twisted]
    if not found:
        for table in ("recon_brought", "recon_known"):
            ask(_ONCE.format(table))
        ask(_PAID_OUT, values)
        fresh = ask(_KEEP, values).rowcount
    put_away()
    return Taken(count, fresh, found)


def _cells(line: SettlementLine, number: int) -> tuple[Any, ...]:
    return (
        line.external_id, line.type, line.category, line.currency, line.gross_minor, line.fee_minor, line.net_minor, line.occurred_at, line.value_on,
        line.source_id, line.settlement_id, line.reference, line.counterparty, line.description, number,
    )  # fmt: skip


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
