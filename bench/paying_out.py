"""F17: the day on which every seller is paid out, by one worker process, against the very same rows written again; its memory; and every sum."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
from flask import Flask

from bench.again import write_again
from bench.capture import pgbench
from bench.figures import Figure, alone, compared, say
from bench.stack import Services
from bench.world import make_vendors
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import unit_of_work
from core.kernel.ids import public_id, uuid7
from core.ledger.queries import find_breaks

EACH, LINES = 1_000, 3  # minor units of a line, and how many lines a seller's statement has
IBAN = "GB33BUKB20201555555555"
STEP = 5_000
# What a seller has available: so many releases, through every guard of the books.
JOURNALS = """INSERT INTO journals (vendor_id, mode, id, event_key, kind, n_legs, digest, about, effective_at, recorded_at)
SELECT v.id, 'test', uuidv7(), 'rel:pay_' || v.number || '_' || k, 'release', 2, repeat('0', 32), 'pay_' || v.number || '_' || k, %(at)s, now()
FROM unnest(%(ids)s::uuid[], %(numbers)s::int[]) AS v(id, number), generate_series(1, %(lines)s) k RETURNING vendor_id, id"""
LEGS = """INSERT INTO entries (vendor_id, mode, journal_id, leg, code, sub, currency, amount_minor, ref)
SELECT j.vendor_id, 'test', j.id, l.leg, l.code, l.sub, 'GBP', l.minor, '' FROM unnest(%(owners)s::uuid[], %(ids)s::uuid[]) AS j(vendor_id, id)
JOIN LATERAL (VALUES (1, 1010, 'sandbox', %(each)s::bigint), (2, 2020, '', -%(each)s::bigint)) AS l(leg, code, sub, minor) ON true"""
ACCOUNT = (
    "vendor_id",
    "mode",
    "id",
    "public_id",
    "currency",
    "holder",
    "iban",
    "bic",
    "added_by",
    "added_at",
    "usable_from",
    "replaced_at",
)
TERMS = ("vendor_id", "mode", "currency", "schedule", "day", "minimum_minor", "next_on", "updated_at")
MINE = "FROM payouts p JOIN {0} x ON x.vendor_id = p.vendor_id AND x.mode = p.mode AND x.{1} = p.{2}"
# Everything that a payout writes, numbered by the payout.
WRITTEN = {
    "payouts": "SELECT row_number() OVER (ORDER BY id), x FROM payouts x",
    "payout_events": MINE.format("payout_events", "payout_id", "id"),
    "payout_lines": MINE.format("payout_lines", "payout_id", "id"),
    "journals": MINE.format("journals", "about", "public_id"),
    "entries": "FROM payouts p JOIN journals j ON j.vendor_id = p.vendor_id AND j.mode = p.mode AND j.about = p.public_id "
    "JOIN entries x ON x.vendor_id = j.vendor_id AND x.mode = j.mode AND x.journal_id = j.id",
    "bank_orders": "FROM payouts p JOIN bank_orders x ON x.mode = p.mode AND x.reference = p.public_id",
    "audit_entries": "FROM payouts p JOIN audit_entries x ON x.vendor_id = p.vendor_id AND x.subject = p.public_id",
    "outbox": "FROM payouts p JOIN outbox x ON x.vendor_id = p.vendor_id AND x.job = 'send_bank_orders'",
}  # fmt: skip


def f17(services: Services, app: Flask, full: bool) -> list[Figure]:
    """The run is taken in legs; after all of it the same rows are written once more, as fast as PostgreSQL can."""
    count, legs = (100_000, 10) if full else (600, 2)
    with services.connect() as connection, app.app_context():
        began = time.monotonic()
        fill(connection, count)
        say(f"F17 {count:,} sellers wait to be paid out, made in {time.monotonic() - began:.0f} s")
        rates, memory = [], []
        worker = Worker(services)
        try:
            for leg in range(legs):
                done, took, rss = worker.turn(count // legs if leg < legs - 1 else count)
                rates.append(done / took)
                memory.append(rss)
                say(f"F17 leg {leg + 1} of {legs}: {rates[-1]:.1f} payouts a second, worker {rss:.1f} MB")
        finally:
            worker.close()
        wrong = amiss(connection, count) + ([worker.said] if worker.said else [])
        acts = write_again(connection, numbered())
        limits = [pgbench(services, "SELECT ref.again();", 1, acts // legs) for _ in range(legs)]
        with unit_of_work():
            wrong += find_breaks()
    return [
        compared("F17", f"{count:,} sellers paid out by one worker process", "/s", list(zip(rates, limits, strict=True)), goal=0.30, note="limit: pgbench, one client, the same rows again"),
        compared("F17", "… memory of the worker: at most against after the first leg", "MB", [(max(memory), memory[0])], goal=1.10, at_least=False),
        alone("F17", "… missing, double or not adding up afterwards", "", len(wrong), goal=0, note="; ".join(wrong[:3])),
    ]  # fmt: skip


def numbered() -> dict[str, str]:
    """Each table's rows with the number of the payout they belong to."""
    numbers = "(SELECT row_number() OVER (ORDER BY id) AS n, * FROM payouts) p"
    return {
        table: rows if rows.startswith("SELECT") else f"SELECT p.n, x {rows.replace('FROM payouts p', f'FROM {numbers}')}"
        for table, rows in WRITTEN.items()
    }


def fill(connection: psycopg.Connection, count: int) -> None:
    """So many sellers with money, an account at a bank, and a schedule whose day has come."""
    made = 0
    while made < count:
        vendors = make_vendors(connection, min(STEP, count - made))
        _pay_in(connection, vendors, made)
        at = now()
        accounts = [
            [one.id, "test", uuid7(), public_id("pac"), "GBP", one.name, IBAN, "", "usr_bench", at - timedelta(days=30), at - timedelta(days=20), None]
            for one in vendors
        ]  # fmt: skip
        _copy(connection, "payout_accounts", ACCOUNT, accounts)
        terms = [[one.id, "test", "GBP", "daily", 1, 100, (at - timedelta(days=1)).date(), at - timedelta(days=2)] for one in vendors]
        _copy(connection, "payout_terms", TERMS, terms)
        made += len(vendors)
    connection.execute("VACUUM ANALYZE journals, entries, balances, payout_terms, payout_accounts")


def _pay_in(connection: psycopg.Connection, vendors: list[Vendor], first: int) -> None:
    with connection.transaction():
        connection.execute("SET LOCAL synchronous_commit = off")
        values = {
            "ids": [one.id for one in vendors],
            "numbers": list(range(first, first + len(vendors))),
            "lines": LINES,
            "at": now() - timedelta(days=3),
        }
        rows = connection.execute(JOURNALS, values).fetchall()
        connection.execute(LEGS, {"owners": [row[0] for row in rows], "ids": [row[1] for row in rows], "each": EACH})


def _copy(connection: psycopg.Connection, table: str, names: tuple[str, ...], rows: list[list[object]]) -> None:
    with connection.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def amiss(connection: psycopg.Connection, count: int) -> list[str]:
    """Each seller has one payout of everything, with every line on its statement and one order for the bank."""
    found = []
    wanted = {
        "payouts": ("SELECT count(*), count(DISTINCT vendor_id), coalesce(sum(amount_minor), 0) FROM payouts", (count, count, count * EACH * LINES)),
        "lines": ("SELECT count(*), count(DISTINCT payout_id), 0 FROM payout_lines", (count * LINES, count, 0)),
        "orders": ("SELECT count(*), count(DISTINCT reference), coalesce(sum(amount_minor), 0) FROM bank_orders", (count, count, count * EACH * LINES)),
        "left": ("SELECT count(*), 0, 0 FROM balances WHERE code = 2020 AND amount_minor <> 0", (0, 0, 0)),
    }  # fmt: skip
    for what, (asked, right) in wanted.items():
        row = connection.execute(asked).fetchone()
        if row is None or tuple(int(one) for one in row) != right:
            found.append(f"{what}: {row} in place of {right}")
    return found


class Worker:
    """A process of the portal that plans and makes payouts as the clock and a queue would bring them."""

    def __init__(self, services: Services) -> None:
        self.said = ""  # the first thing it complained of
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from bench.paying_out import answer; answer()"],
            env=services.environment("portal"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def turn(self, most: int) -> tuple[int, float, float]:
        """So many payouts, or as many as are due: how many, in which time, and the memory afterwards."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the worker has no line")
        self.process.stdin.write(f"{most}\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        while "done" not in told:  # its log comes the same way
            self.said = self.said or str(told)
            told = json.loads(self.process.stdout.readline())
        return told["done"], told["took"], told["rss_mb"]

    def close(self) -> None:
        if self.process.poll() is None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.wait(60)


def answer() -> None:
    """The other end: the clock's plan, and each task of it under its lease, one after the other."""
    from core.kernel.outbox import is_waiting  # noqa: F401  (the jobs load it: it is part of what a worker holds)
    from workers.payouts import plan_payouts
    from workers.runner import _outside_one
    from wsgi import create_app

    with create_app().app_context():
        for line in sys.stdin:
            began, done = time.monotonic(), 0
            while done < int(line):
                if not (made := _outside_one("money")):
                    with unit_of_work():
                        plan_payouts()
                    if not (made := _outside_one("money")):
                        break
                done += made
            rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps({"done": done, "took": time.monotonic() - began, "rss_mb": rss}), flush=True)


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F17": f17}
