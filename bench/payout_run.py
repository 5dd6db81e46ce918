"""F17: the day on which every seller is paid out. The clock plans it, one worker process that is killed on the way makes the payouts, staff make the
files for the bank of it; against the same rows written again, with the memory of each process, and what was written counted, so that nothing is twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import psycopg
from flask import Flask

from bench.again import write_again
from bench.capture import pgbench
from bench.figures import Figure, alone, compared, say
from bench.processes import cpu_seconds, memory_mb
from bench.sellers import NET, SALES, fill_sellers
from bench.stack import Services
from core.kernel.db import unit_of_work
from core.ledger.book import PAYOUT_IN_TRANSIT, SELLER_AVAILABLE
from core.ledger.queries import find_breaks

OURS = json.dumps([{"currency": "EUR", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "holder": "Portal Operations"}])
DONE = "SELECT count(*) FROM payouts WHERE mode = 'test'"
# What the run must have written, once for each seller: how many there are, and of how many sellers.
WRITTEN = {
    "payouts": "SELECT count(*), count(DISTINCT vendor_id) FROM payouts WHERE state IN ('submitted', 'in_transit')",
    "orders for the bank": "SELECT count(*), count(DISTINCT vendor) FROM bank_orders WHERE purpose = 'payout'",
    "orders in files": "SELECT count(*), count(DISTINCT reference) FROM bank_orders WHERE file_id IS NOT NULL",
    "journals of a payout": "SELECT count(*), count(DISTINCT about) FROM journals WHERE kind = 'payout'",
    "entries in the log": "SELECT count(*), count(DISTINCT subject) FROM audit_entries WHERE action = 'payout.requested'",
}
SUMS = {
    "paid out": ("SELECT sum(amount_minor) FROM payouts", 1),
    "on its way": (f"SELECT sum(amount_minor) FROM balances WHERE code = {PAYOUT_IN_TRANSIT}", -1),
    "ordered from the bank": ("SELECT sum(amount_minor) FROM bank_orders", 1),
    "in the files": ("SELECT sum(total_minor) FROM bank_order_files", 1),
    "on the statements": ("SELECT -sum(amount_minor) FROM payout_lines JOIN entries USING (vendor_id, mode, journal_id, leg)", 1),
}
LEFT = f"SELECT -coalesce(sum(amount_minor), 0) FROM balances WHERE code = {SELLER_AVAILABLE}"
# Those whose turn it is: after a kill, what the killed worker had in hand.
DUE = "SELECT vendor_id FROM payout_terms WHERE next_on <= now()::date ORDER BY next_on, vendor_id LIMIT %s"
IN_HAND = 50  # sellers at the most
AGAIN_WITHIN = 60  # seconds
EACH_LIMIT = 2_000  # payouts whose rows are written again for each leg's limit


@dataclass
class Said:
    """What a process said of one turn: its memory, its processor time and the clock's in seconds, and how much it found to do."""

    rss_mb: float
    cpu: float
    took: float
    found: int


@dataclass
class Worker:
    """A process of the portal that plans, works or makes a file when told to. It reaches no bank by itself: the orders wait for a file."""

    services: Services
    said: list[Said] = field(default_factory=list)

    def __post_init__(self) -> None:
        env = self.services.environment("portal") | {"BANK_TEST_ACCOUNTS": OURS}
        del env["SANDBOX_URL"]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from bench.payout_run import answer; answer()"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip

    def ask(self, what: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()

    def hear(self) -> Said:
        assert self.process.stdout
        self.said.append(Said(**json.loads(self.process.stdout.readline())))
        return self.said[-1]

    def turn(self, what: str) -> Said:
        self.ask(what)
        return self.hear()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin
            self.process.stdin.close()
            self.process.wait(60)


def answer() -> None:
    """The other end: each line is a turn of the clock's part, of a worker on its queue, of staff who look, or of staff who make a file."""
    from wsgi import create_app

    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is logged goes where everybody reads it
    with create_app().app_context():
        for line in sys.stdin:
            began, cpu = time.monotonic(), time.process_time()
            found = TURNS[line.strip()]()
            took, spent = time.monotonic() - began, time.process_time() - cpu
            print(json.dumps({"rss_mb": memory_mb(os.getpid(), "Rss"), "cpu": spent, "took": took, "found": found}), file=told, flush=True)


def _plan() -> int:
    from workers.schedule import _plan_payouts

    _plan_payouts()
    return 0


def _work() -> int:
    from workers.runner import drain

    return drain("money")


def _look() -> int:
    """What the pages of the staff ask while the orders wait, and what the line to the bank would be given."""
    from core.payouts.everywhere import list_held, list_newest
    from core.payouts.held import waiting_to_leave

    with unit_of_work():
        list_held()
        list_newest()
        return waiting_to_leave("test")[0]


def _hand_over() -> int:
    """Another one of the staff says that the bank has the oldest file."""
    from core.payments.order_files import list_order_files
    from core.payouts.hand_over import hand_file_over

    with unit_of_work():
        file = next(one for one in reversed(list_order_files()) if one.state == "made")
        hand_file_over(file, by="stf_other")
        return file.orders


def _make_file() -> int:
    from core.payments.order_files import NothingToTransfer
    from core.payouts.held import make_file

    try:
        with unit_of_work():
            return make_file("test", by="stf_bench").orders
    except NothingToTransfer:
        return 0


TURNS: dict[str, Callable[[], int]] = {"plan": _plan, "work": _work, "look": _look, "file": _make_file, "hand over": _hand_over}


class Day:
    """One payout run: planned, worked off in turns of some seconds with the limit measured after each, and put into files."""

    def __init__(self, services: Services, connection: psycopg.Connection, *, count: int, turns: int, kill_in: int) -> None:
        self.services, self.connection, self.count, self.turns, self.kill_in = services, connection, count, turns, kill_in
        self.clock, self.staff, self.workers = Worker(services), Worker(services), [Worker(services)]
        self.seen: list[tuple[float, float]] = []
        self.own: list[float] = []  # processor time of ours for each payout of a leg, in microseconds
        self.theirs: list[float] = []  # PostgreSQL's
        self.killed_at = 0.0

    def work(self) -> None:
        """Until every seller has a payout: the clock looks, and the worker works off what it finds. To each payout belongs its part of both."""
        while (before := self.done()) < self.count:
            if len(self.seen) + 1 == self.kill_in:
                self._kill()
            spent, begun = cpu_seconds(self.services.postgres_pid), self.done()
            cpu = took = 0.0
            for _ in range(self.turns):
                planned, said = self.clock.turn("plan"), self.workers[-1].turn("work")
                cpu, took = cpu + planned.cpu + said.cpu, took + planned.took + said.took
            made = self.done() - begun
            if not made:  # what is left is lent to the worker that was killed
                if time.time() > self.killed_at + 2 * AGAIN_WITHIN:
                    raise RuntimeError(f"{self.count - begun} sellers were not paid out")
                time.sleep(1)
                continue
            self.own.append(cpu / made * 1e6)
            self.theirs.append((cpu_seconds(self.services.postgres_pid) - spent) / made * 1e6)
            self.seen.append((made / took, self._limit(begun)))
            say(
                f"F17 {before + made:,} of {self.count:,} paid out; this leg {self.seen[-1][0]:.1f}/s, limit {self.seen[-1][1]:.1f}/s, ours {self.own[-1]:.0f} us, "
                f"PostgreSQL {self.theirs[-1]:.0f} us, worker {said.rss_mb:.1f} MB, the clock's look {planned.took * 1000:.0f} ms, load {os.getloadavg()[0]:.1f}"
            )

    def _kill(self) -> None:
        """With -9, in the middle of its work; another process goes on where it was."""
        worker, begun = self.workers[-1], self.done()
        self.clock.turn("plan")
        worker.ask("work")
        while self.done() < begun + 100:
            time.sleep(0.01)
        worker.kill()
        self.killed_at = time.time()
        self.in_hand = [vendor for (vendor,) in self.connection.execute(DUE, (IN_HAND,))]
        self.workers.append(Worker(self.services))
        say(f"F17 the worker was killed after {self.done():,} payouts; another one goes on")

    def taken_up_after(self) -> float:
        """Seconds from the kill until all that the killed worker had in hand was paid out."""
        made = self.connection.execute("SELECT extract(epoch FROM max(created_at)) FROM payouts WHERE vendor_id = ANY(%s)", (self.in_hand,)).fetchone()  # fmt: skip
        return float(made[0]) - self.killed_at if made and made[0] else float("inf")

    def files(self) -> list[Said]:
        """Files for the bank until nothing waits; and what a look at those that wait takes before the first."""
        looked = self.staff.turn("look")
        say(
            f"F17 a look at {looked.found:,} waiting orders: {looked.took * 1000:.0f} ms, {looked.cpu * 1000:.0f} ms ours, {looked.rss_mb:.1f} MB"
        )
        made = []
        while (said := self.staff.turn("file")).found:
            made.append(said)
            say(f"F17 a file of {said.found:,} transfers: {said.took:.1f} s, {said.cpu:.1f} s ours, {said.rss_mb:.1f} MB")
        handed = self.staff.turn("hand over")
        say(
            f"F17 a file of {handed.found:,} transfers is handed over: {handed.took:.1f} s, {handed.cpu:.1f} s ours, {handed.rss_mb:.1f} MB"
        )
        return [looked, handed, *made]

    def _limit(self, begun: int) -> float:
        """The rows of this leg's payouts, written again by one client."""
        acts = write_again(self.connection, _rows(begun, EACH_LIMIT))
        return pgbench(self.services, "SELECT ref.again();", 1, acts)

    def done(self) -> int:
        return self._one(DONE)

    def _one(self, query: str) -> int:
        return int((self.connection.execute(query).fetchone() or (0,))[0] or 0)

    def wrong(self) -> list[str]:
        """What is there twice, is missing, or does not add up."""
        found = []
        for what, query in WRITTEN.items():
            rows, sellers = self.connection.execute(query).fetchone() or (0, 0)
            say(f"F17 {what}: {rows:,} for {sellers:,} sellers")
            if (rows, sellers) != (self.count, self.count):
                found.append(f"{what}: {rows} for {sellers} sellers")
        for what, (query, sign) in SUMS.items():
            total = self._one(query) * sign
            say(f"F17 {what}: {total:,}")
            if total != self.count * SALES * NET:
                found.append(f"{what}: {total} in place of {self.count * SALES * NET}")
        left = self._one(LEFT), self._one("SELECT count(*) FROM outbox WHERE job = 'make_payout'")
        return found if left == (0, 0) else [*found, f"left: {left[0]} not paid out, {left[1]} tasks"]

    def close(self) -> None:
        for worker in (self.clock, self.staff, *self.workers):
            worker.close()


def _rows(begun: int, most: int) -> dict[str, str]:
    """Of the payouts after the first so many: the row of each as it became, and all that is new with it."""
    of = f"(SELECT row_number() OVER (ORDER BY id) AS n, * FROM (SELECT * FROM payouts ORDER BY id OFFSET {begun} LIMIT {most}) o) p"
    mine = f"FROM {of} JOIN {{0}} x ON x.vendor_id = p.vendor_id AND x.mode = p.mode AND {{1}}"
    rows: dict[str, str] = {
        "payouts": mine.format("payouts", "x.id = p.id"),
        "payout_lines": mine.format("payout_lines", "x.payout_id = p.id"),
        "payout_events": mine.format("payout_events", "x.payout_id = p.id"),
        "payout_terms": mine.format("payout_terms", "x.currency = p.currency"),
        "notices": mine.format("notices", "x.about = p.public_id"),
        "journals": mine.format("journals", "x.about = p.public_id"),
        "entries": f"FROM {of} JOIN journals j ON j.vendor_id = p.vendor_id AND j.mode = p.mode AND j.about = p.public_id "
                   "JOIN entries x ON x.vendor_id = j.vendor_id AND x.mode = j.mode AND x.journal_id = j.id",
        "audit_entries": f"FROM {of} JOIN audit_entries x ON x.vendor_id = p.vendor_id AND x.subject = p.public_id",
        "bank_orders": f"FROM {of} JOIN bank_orders x ON x.mode = p.mode AND x.reference = p.public_id",
    }  # fmt: skip
    return {table: f"SELECT p.n, x {source}" for table, source in rows.items()}


def _memory(said: list[Said]) -> tuple[float, float]:
    """The most of a process after its first turns against what it had then: it has loaded what it works with by then."""
    settled = min(1, len(said) - 1)
    return max(one.rss_mb for one in said[settled:]), said[settled].rss_mb


def f17(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Ours writes the payout, its statement, its history, its journal, what the log says and the order, and proves the statement before that."""
    count, turns, kill_in = (100_000, 10, 4) if full else (5_000, 1, 2)
    with services.connect() as connection, app.app_context():
        began = time.monotonic()
        fill_sellers(connection, count)
        say(f"F17 {count:,} sellers whose day has come, made in {time.monotonic() - began:.0f} s")
        day = Day(services, connection, count=count, turns=turns, kill_in=kill_in)
        try:
            day.work()
            again_after = day.taken_up_after()
            looked, handed, *made = day.files()
        finally:
            day.close()
        wrong = day.wrong()
        with unit_of_work():
            wrong += find_breaks()
    worker, clock, staff = [_memory(one.said) for one in day.workers if one.said], _memory(day.clock.said), _memory(made)
    return [
        compared("F17", f"{count:,} sellers paid out by one worker process, planning counted in", "/s", day.seen, goal=0.30, note="limit: pgbench, the same rows again, one client"),
        compared("F17", "… memory of the worker: at most against after its first turns", "MB", worker, goal=1.10, at_least=False),
        compared("F17", "… memory of the clock that plans them", "MB", [clock], goal=1.10, at_least=False),
        compared("F17", "… memory of whoever makes the files for the bank: at most against after the second", "MB", [staff], goal=1.10, at_least=False),
        alone("F17", "… processor time of ours for each", "us", median(day.own)),
        compared("F17", "… processor time of PostgreSQL's for each: the last leg against the first", "us", [(day.theirs[-1], day.theirs[0])]),
        alone("F17", f"… a look of the staff at {looked.found:,} orders that wait", "ms", looked.took * 1000),
        compared("F17", "… a file for the bank, for each transfer: the last against the first", "us", [(made[-1].took / made[-1].found * 1e6, made[0].took / made[0].found * 1e6)]),
        alone("F17", f"… {handed.found:,} of them are said to have been given to the bank", "s", handed.took),
        alone("F17", "… what the killed worker had in hand was paid out after", "s", again_after, goal=AGAIN_WITHIN),
        alone("F17", "… killed once: missing, double or unbalanced afterwards", "", len(wrong), goal=0, note="; ".join(wrong[:3])),
    ]  # fmt: skip


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F17": f17}
