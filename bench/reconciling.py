"""F15: a settlement report taken in and matched with the books, mistakes planted in it, against bare COPY of the very same rows; and its memory."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.stack import Services
from bench.world import make_vendors
from core.kernel.clock import now
from core.kernel.db import driver, unit_of_work
from core.reconciliation.exceptions import note_findings
from core.reconciliation.find import look
from core.reconciliation.match import Sides, let_go, match_source
from core.reconciliation.report import COLUMNS, Report
from core.reconciliation.take import take_report

GROSS, FEE = 2_500, 55
STEP = 20_000
# One in so many lines is unknown to the books, absent from the report, or of another amount.
UNKNOWN, ABSENT, WRONG = 2_000, 1_000, 1_000
# Sales and fees as they stand in the books, made in bulk; every guard of the books is awake.
JOURNALS = """INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
SELECT %(vendor)s, 'test', uuidv7(), CASE k WHEN 0 THEN 'cap:' || %(source)s || ':ch_' || n || ':1' ELSE 'fee:' || %(source)s || ':txn_' || n END,
  CASE k WHEN 0 THEN 'capture' ELSE 'processor fee' END, 2, repeat('0', 32), 'pay_' || n, %(at)s, now()
FROM generate_series(%(first)s::int, %(last)s::int) n, generate_series(0, 1) k RETURNING id, event_key"""
LEGS = """INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
SELECT %(vendor)s, 'test', j.id, l.leg, l.code, l.sub, 'GBP', l.minor, '' FROM unnest(%(ids)s::uuid[], %(fees)s::bool[]) AS j(id, fee)
JOIN LATERAL (VALUES (1, CASE WHEN j.fee THEN 5010 ELSE 1010 END, CASE WHEN j.fee THEN '' ELSE %(source)s END, CASE WHEN j.fee THEN %(cost)s::bigint ELSE %(gross)s::bigint END),
  (2, CASE WHEN j.fee THEN 1010 ELSE 2010 END, CASE WHEN j.fee THEN %(source)s ELSE '' END, CASE WHEN j.fee THEN -%(cost)s::bigint ELSE -%(gross)s::bigint END))
  AS l(leg, code, sub, minor) ON true"""

BOOKED = """CREATE TEMP TABLE booked AS SELECT split_part(j.event_key, ':', 3) AS charge, e.amount_minor AS minor FROM entries e
JOIN journals j ON j.vendor_id = e.vendor_id AND j.mode = e.mode AND j.id = e.journal_id
WHERE e.mode = 'test' AND e.code = 1010 AND e.sub = %(source)s AND j.kind = 'capture'"""
JOINED = """SELECT c10, charge FROM bare FULL JOIN booked ON c10 = charge
WHERE c10 IS NULL OR charge IS NULL OR replace(c6, '.', '')::bigint <> minor"""


def f15(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Rounds with a processor of their own, so that nothing is known from the one before."""
    rounds, size = (3, 1_000_000) if full else (3, 20_000)
    seen, joined, kept, peaks = [], [], [], []
    for number in range(rounds):
        say(f"F15 round {number + 1} of {rounds}: {size:,} sales are booked")
        source, path = f"p{secrets.token_hex(5)}", services.folder.path / f"settlement-{number}.csv"
        with app.app_context():
            fill(services, source, size)
            write_report(path, source, size)
            lines = size + size // UNKNOWN - size // ABSENT
            ours = timed(partial(reconcile, source, path), lines)
            check(source, size)
            bare = timed(partial(copy_bare, path), lines)
            both = join_bare(source, path, lines)
            with services.connect() as connection:
                kept.append((timed(partial(keep_bare, connection, path), lines), both))
                connection.execute("DROP TABLE kept_lines")
        seen.append((ours, bare))
        joined.append((ours, both))
        peaks.append(peak_mb())
    return [
        compared("F15", f"a settlement report of {size:,} lines taken in, matched, mistakes found", "lines/s", seen, note="limit: COPY of the same rows"),
        compared("F15", "… against COPY of the same rows and one FULL JOIN", "lines/s", joined, goal=0.5),
        compared("F15", "… and COPY into a table that stays, each line once under its number: nothing else", "lines/s", kept,
                 note="whoever keeps lines so that none counts twice pays this first"),
        alone("F15", "… growth of the peak memory since the first round", "MB", peaks[-1] - peaks[0], goal=32),
    ]  # fmt: skip


def fill(services: Services, source: str, size: int) -> None:
    """The books of one seller with so many sales."""
    with services.connect() as connection:
        (vendor,) = make_vendors(connection, 1)
        for first in range(0, size, STEP):
            last = min(first + STEP, size) - 1
            with connection.transaction():
                connection.execute("SET LOCAL synchronous_commit = off")
                values = {"vendor": vendor.id, "source": source, "first": first, "last": last, "at": now() - timedelta(days=3)}
                made = connection.execute(JOURNALS, values).fetchall()
                ids, fees = [row[0] for row in made], [row[1].startswith("fee:") for row in made]
                legs = {"vendor": vendor.id, "source": source, "ids": ids, "fees": fees, "gross": GROSS, "cost": FEE}
                connection.execute(LEGS, legs)
        connection.execute("ANALYZE journals, entries")


def rows_of(source: str, size: int) -> Iterator[str]:
    """The lines as the processor writes them; every so many one is absent or wrong, and some are strangers."""
    moment = f"{now() - timedelta(days=3):%Y-%m-%d %H:%M:%S}"
    for n in range(size):
        if n % ABSENT == 7:
            continue
        gross = GROSS + 300 if n % WRONG == 11 else GROSS
        yield f",,txn_{n},{moment},{moment},gbp,{gross / 100:.2f},{FEE / 100:.2f},{(gross - FEE) / 100:.2f},charge,ch_{n},A pot,,"
    for n in range(size // UNKNOWN):
        yield f",,txn_x{n},{moment},{moment},gbp,25.00,0.55,24.45,charge,ch_x{n},A pot,,"


def write_report(path: Path, source: str, size: int) -> None:
    count = gross = 0
    with path.open("w", newline="") as out:
        out.write(",".join(COLUMNS) + "\r\n")
        for row in rows_of(source, size):
            out.write(row + "\r\n")
            count, gross = count + 1, gross + int(row.split(",")[6].replace(".", ""))
        fee = count * FEE
        out.write(f",,TOTAL,,,gbp,{gross / 100:.2f},{fee / 100:.2f},{(gross - fee) / 100:.2f},total,,{count} rows,,\r\n")


def reconcile(source: str, path: Path) -> None:
    """What a worker does with it, in two units of work."""
    with path.open("rb") as raw, unit_of_work():
        take_report("test", source, raw, Report(), file="")
    with unit_of_work():
        sides: Sides = match_source("test", source)
        note_findings("test", look(sides))
        let_go()


def check(source: str, size: int) -> None:
    """Every planted mistake was found, and nothing else."""
    with unit_of_work():
        found = dict(driver().execute("SELECT kind, count(*) FROM recon_exceptions WHERE source = %s GROUP BY 1", (source,)).fetchall())
    wanted = {"missing_in_ledger": size // UNKNOWN, "missing_at_processor": 2 * (size // ABSENT), "amount_mismatch": size // WRONG}
    if found != wanted:
        raise RuntimeError(f"{found} were found, {wanted} were planted")


def copy_bare(path: Path) -> None:
    """The same bytes as PostgreSQL takes them in by itself, into a table that keeps them as they are."""
    with unit_of_work():
        _copy(path)
        driver().execute("DROP TABLE bare")


def keep_bare(connection: psycopg.Connection, path: Path) -> None:
    """The same bytes into a table that stays, under the key by which a line that comes again is known. No types, no checks, no matches."""
    columns = ", ".join(f"c{n} text" for n, _ in enumerate(COLUMNS))
    connection.execute(f"CREATE TABLE kept_lines ({columns}, PRIMARY KEY (c2))")
    with path.open("rb") as raw, connection.cursor().copy("COPY kept_lines FROM STDIN (FORMAT csv, HEADER)") as copy:
        while piece := raw.read(1 << 18):
            copy.write(piece)


def join_bare(source: str, path: Path, lines: int) -> float:
    """Lines a second of the same, joined with the sales by their names and sums. What was booked lies ready before the clock starts."""
    with unit_of_work():
        driver().execute(BOOKED, {"source": source})
        driver().execute("ANALYZE booked")
        speed = timed(partial(_copy_and_join, path), lines)
        driver().execute("DROP TABLE bare, booked")
    return speed


def _copy_and_join(path: Path) -> None:
    _copy(path)
    driver().execute(JOINED).fetchall()


def _copy(path: Path) -> None:
    columns = ", ".join(f"c{n} text" for n, _ in enumerate(COLUMNS))
    driver().execute(f"CREATE TEMP TABLE bare ({columns})")
    with path.open("rb") as raw, driver().cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER)") as copy:
        while piece := raw.read(1 << 18):
            copy.write(piece)


def timed(act: Callable[[], None], lines: int) -> float:
    """Lines a second."""
    began = time.perf_counter()
    act()
    return lines / (time.perf_counter() - began)


def peak_mb() -> float:
    """The most memory this process has held."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F15": f15}
