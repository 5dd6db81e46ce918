"""F10: the midnight at which everybody renews, by one worker process that is killed on the way, against the same rows written by one
server-side function; its memory from the first renewal to the last; and what was written, counted, so that nothing is there twice."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

import psycopg
from flask import Flask

from bench.capture import pgbench
from bench.figures import Figure, alone, compared, say
from bench.processes import cpu_seconds, memory_mb
from bench.stack import Services
from bench.subscribers import PRICE, RENEW_AT, fill, statements
from core.accounts.house import HOUSE
from core.kernel.clock import frozen
from core.kernel.db import unit_of_work
from core.ledger import book
from core.ledger.queries import find_breaks

LEFT = "SELECT exists (SELECT 1 FROM subscriptions WHERE due_at <= %s)"
DONE = "SELECT count(*) FROM subscription_events WHERE kind = 'midnight' AND on_day = '2026-12-01'"
# What the night must have written, once for each subscription: how many there are, and of how many subscriptions.
WRITTEN = {
    "midnights": "SELECT count(*), count(DISTINCT subscription_id) FROM subscription_events WHERE kind = 'midnight' AND on_day = '2026-12-01'",
    "invoices": "SELECT count(*), count(DISTINCT subscription_id) FROM billing_documents WHERE on_day = '2026-12-01'",
    "charges": "SELECT count(*), count(DISTINCT subscription_id) FROM billing_charges WHERE made_at > '2026-12-01'",
    "tasks to charge": "SELECT count(*), count(DISTINCT args->>'subscription') FROM outbox WHERE job = 'send_charges'",
    "journals of a month served": "SELECT count(*), count(DISTINCT about) FROM journals WHERE event_key LIKE 'earn:%'",
    "journals of an invoice": "SELECT count(*), count(DISTINCT about) FROM journals WHERE kind = 'invoice' AND effective_at > '2026-12-01'",
}
SUMS = {
    "charged": ("SELECT sum(amount_minor) FROM billing_charges WHERE made_at > '2026-12-01'", 1),
    "owed to us": (f"SELECT sum(amount_minor) FROM balances WHERE code = {book.INVOICED}", 1),
    "to be served": (f"SELECT sum(amount_minor) FROM balances WHERE code = {book.DEFERRED}", -1),
    "earned": (f"SELECT sum(amount_minor) FROM balances WHERE code = {book.EARNED}", -1),
}


@dataclass
class Turn:
    """What a worker said of one turn of the job: its memory, its processor time in seconds, and whether more is due."""

    rss_mb: float
    cpu: float
    more: bool


@dataclass
class Worker:
    """A process of the portal that runs the job when told to, as a queue would bring it."""

    services: Services
    turns: list[Turn] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from bench.renewals import answer; answer()"],
            env=self.services.environment("portal"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("turn\n")
        self.process.stdin.flush()

    def hear(self) -> Turn:
        assert self.process.stdout
        self.turns.append(Turn(**json.loads(self.process.stdout.readline())))
        return self.turns[-1]

    def has_answered(self) -> bool:
        return bool(select.select([self.process.stdout], [], [], 0.02)[0])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin
            self.process.stdin.close()
            self.process.wait(60)


def answer() -> None:
    """The other end: the clock stands at the day that has begun, and each turn is one call of the job."""
    from sqlalchemy import text

    from core.kernel.db import db
    from workers.subscriptions import run_midnights
    from wsgi import create_app

    with create_app().app_context(), frozen(RENEW_AT):
        for _line in sys.stdin:
            before = time.process_time()
            run_midnights(HOUSE)
            spent = time.process_time() - before
            with unit_of_work():
                more = db.session.scalar(text(LEFT.replace("%s", ":at")), {"at": RENEW_AT})
            print(json.dumps({"rss_mb": memory_mb(os.getpid(), "Rss"), "cpu": spent, "more": more}), flush=True)


class Night:
    """One midnight in legs of some turns each; the limit is measured after each leg."""

    def __init__(self, services: Services, connection: psycopg.Connection, *, count: int, turns: int, kill_in: int) -> None:
        self.services, self.connection, self.count, self.turns, self.kill_in = services, connection, count, turns, kill_in
        self.workers = [Worker(services)]
        self.seen: list[tuple[float, float]] = []
        self.own: list[float] = []  # processor time of ours for each renewal of a turn, in microseconds
        self.theirs: list[float] = []  # PostgreSQL's for each of a leg

    def run(self) -> None:
        """Until nobody is left."""
        while True:
            before, began, spent = self.done(), time.monotonic(), cpu_seconds(self.services.postgres_pid)
            more = self._leg(len(self.seen) + 1)
            took, made = time.monotonic() - began, self.done() - before
            self.theirs.append((cpu_seconds(self.services.postgres_pid) - spent) / made * 1e6)
            few = min(made, 3_000)
            self.connection.execute("SELECT ref.stock(%s)", (few,))
            self.seen.append((made / took, pgbench(self.services, "SELECT ref.renewal();", 1, few)))
            say(
                f"F10 {before + made:,} of {self.count:,} renewed; this leg {made / took:.1f}/s, limit {self.seen[-1][1]:.1f}/s, "
                f"ours {self.own[-1]:.0f} us, PostgreSQL {self.theirs[-1]:.0f} us, worker {self.workers[-1].turns[-1].rss_mb:.1f} MB, load {os.getloadavg()[0]:.1f}"
            )
            if not more:
                return

    def _leg(self, number: int) -> bool:
        for turn in range(self.turns):
            if (number, turn) == (self.kill_in, self.turns // 2):
                self._kill()
            before = self.done()
            self.workers[-1].ask()
            said = self.workers[-1].hear()
            self.own.append(said.cpu / max(1, self.done() - before) * 1e6)
            if not said.more:
                return False
        return True

    def _kill(self) -> None:
        """With -9, in the middle of a turn; another process goes on where it was."""
        worker, begun = self.workers[-1], self.done()
        worker.ask()
        while self.done() < begun + 100:
            if worker.has_answered():
                raise RuntimeError("the turn was over before the worker could be killed")
        worker.kill()
        self.workers.append(Worker(self.services))
        say(f"F10 the worker was killed after {self.done():,} renewals; another one goes on")

    def done(self) -> int:
        (count,) = self.connection.execute(DONE).fetchall()[0]
        return int(count)

    def wrong(self) -> list[str]:
        """What is there twice, is missing, or does not add up."""
        found = []
        for what, query in WRITTEN.items():
            rows, subscriptions = self.connection.execute(query).fetchone() or (0, 0)
            say(f"F10 {what}: {rows:,} for {subscriptions:,} subscriptions")
            if (rows, subscriptions) != (self.count, self.count):
                found.append(f"{what}: {rows} for {subscriptions} subscriptions")
        for what, (query, sign) in SUMS.items():
            total = int((self.connection.execute(query).fetchone() or (0,))[0] or 0) * sign
            say(f"F10 {what}: {total:,}")
            if total != self.count * PRICE:
                found.append(f"{what}: {total} in place of {self.count * PRICE}")
        return found

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


def f10(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Ours writes the event, the invoice, the charge, the journals and the new value of each, from the arithmetic to the books."""
    count, turns, kill_in = (100_000, 5, 4) if full else (6_000, 1, 2)
    with services.connect() as connection, app.app_context():
        began = time.monotonic()
        fill(connection, count)
        connection.execute("DROP SCHEMA IF EXISTS ref CASCADE")
        connection.execute(statements()[1])
        say(f"F10 {count:,} subscriptions wait for their midnight, made in {time.monotonic() - began:.0f} s")
        night = Night(services, connection, count=count, turns=turns, kill_in=kill_in)
        try:
            night.run()
        finally:
            night.close()
        wrong = night.wrong()
        with unit_of_work():
            wrong += find_breaks()
    memory = [(max(turn.rss_mb for turn in worker.turns), worker.turns[0].rss_mb) for worker in night.workers if worker.turns]
    return [
        compared(
            "F10",
            f"{count:,} renewals at one midnight by one worker process",
            "/s",
            night.seen,
            goal=0.30,
            note="limit: pgbench, one client",
        ),
        compared("F10", "… memory of the worker: at most against after its first turn", "MB", memory, goal=1.10, at_least=False),
        alone("F10", "… processor time of ours for each", "us", median(night.own)),
        compared(
            "F10", "… processor time of PostgreSQL's for each: the last leg against the first", "us", [(night.theirs[-1], night.theirs[0])]
        ),
        alone("F10", "… killed once: missing, double or unbalanced afterwards", "", len(wrong), goal=0, note="; ".join(wrong[:3])),
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F10": f10}
