"""F1 and F2: money booked by our act against the same rows written by one server-side function, and one busy vendor against many."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.processes import Run, cpu_seconds, run_clients
from bench.stack import Services
from bench.world import Waiting, make_reference, make_vendors, make_waiting, stock_reference
from core.kernel.db import unit_of_work
from core.ledger.queries import find_breaks
from core.payments.hear import Told
from core.payments.match import find_attempts, lock_payments
from core.payments.settle import settle_at_once, settle_many
from ops.postgres import OWNER

CLIENTS, THREADS, BATCH, WARM = 8, 4, 50, 8
WORKERS = 2  # as the portal starts them: who settles in batches are workers, and nobody else
GOOD = {"settled", "already"}


def pgbench(services: Services, script: str, clients: int, each: int) -> float:
    """Calls per second, connecting not counted."""
    file = services.folder.path / "pgbench.sql"
    file.write_text(script)
    programs, password = services.postgres.on.programs, services.postgres.passwords[OWNER]
    where = ["-h", "127.0.0.1", "-p", str(services.postgres.port), "-U", OWNER, "portal"]
    done = subprocess.run(
        [str(programs / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-t", str(each), "-f", str(file), *where],
        env={"PGPASSWORD": password, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+) \(without", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench failed: {done.stderr[-500:]}")
    return float(found[1])


def settled(results: list[str]) -> None:
    if not set(results) <= GOOD:
        raise RuntimeError(f"not settled: {results}")


def look_up_and_settle(one: Waiting) -> None:
    """The same with payment and attempt first read from the database by the ids an event names."""
    with unit_of_work():
        payment = lock_payments({(one.vendor.id, "test", one.payment.public_id)})[one.payment.public_id]
        attempt = find_attempts({(one.vendor.id, "test", one.attempt.public_id)})[one.attempt.public_id]
        told = one.told()
        settle_many([Told(told.vendor, payment, attempt, told.outcome, told.cause)])


def one_by_one(one: Waiting) -> None:
    """The act as whoever has just asked the provider calls it: a unit of work of its own, the payment and the attempt in hand.

    What is in hand never learns of the success, so that a second call has to find out from PostgreSQL.
    """
    told = one.told()
    with unit_of_work():
        settled([settle_at_once(told.vendor, told.payment, told.attempt, told.outcome, cause=told.cause)])


def batch(some: Sequence[Waiting]) -> None:
    """The act as a worker calls it for the events of a batch."""
    with unit_of_work():
        settled(settle_many([one.told() for one in some]))


def dealt(items: Sequence[Any], clients: int) -> list[list[Any]]:
    return [list(items[number::clients]) for number in range(clients)]


def _costed(services: Services, run: Callable[[], Run]) -> tuple[Run, float]:
    """A run, and the processor time PostgreSQL spent on it; connecting is part of it."""
    before = cpu_seconds(services.postgres_pid)
    return run(), cpu_seconds(services.postgres_pid) - before


def f1(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Interleaved rounds: the reference, one by one, the same again (a replay), in batches, each client in a process of its own, and with
    the look-up. Clients that go one by one are the threads of two processes, as in the portal's web server; batches are settled by as many
    workers as the portal starts, and once more by eight clients. The reference captures as many as ours do, so that both write into tables of one size.

    A replay's goal is about the processor time of PostgreSQL, which everybody shares; the client has no way to know beforehand.
    """
    rounds, each = (7, 1000) if full else (3, 300)
    with services.connect() as connection:
        make_reference(connection)
        vendors = make_vendors(connection, 200)
        seen: dict[str, list[Any]] = {name: [] for name in ("single", "replay", "apart", "batch", "crowd", "looked", "cpu", "again")}
        for number in range(rounds):
            say(f"F1 round {number + 1} of {rounds}")
            count = CLIENTS * (each + WARM)
            first, apart = make_waiting(connection, vendors, count), make_waiting(connection, vendors, count)
            looked = make_waiting(connection, vendors, count // 2)
            many, more = (make_waiting(connection, vendors, CLIENTS * BATCH * (each // 25 + 2)) for _ in range(2))
            ours = len(first) + len(apart) + len(looked) + len(many) + len(more)
            stock_reference(connection, vendors, ours)
            connection.execute("VACUUM ANALYZE payments, attempts, ref.payments, ref.attempts")
            connection.execute("CHECKPOINT")
            limit = pgbench(services, "SELECT ref.capture();", CLIENTS, ours // CLIENTS)
            single, cost = _costed(services, lambda: run_clients(app, dealt(first, CLIENTS), one_by_one, WARM, THREADS))  # noqa: B023  (run at once)
            replay, cost_again = _costed(services, lambda: run_clients(app, dealt(first, CLIENTS), one_by_one, WARM, THREADS))  # noqa: B023
            seen["cpu"].append((cost / len(first) * 1e6, single.client_cpu / single.done * 1e6))
            seen["again"].append((cost_again / len(first) * 1e6, cost / len(first) * 1e6))
            batches, crowd = (
                run_clients(app, dealt([some[n : n + BATCH] for n in range(0, len(some), BATCH)], clients), batch, 2)
                for some, clients in ((many, WORKERS), (more, CLIENTS))
            )
            alone_each = run_clients(app, dealt(apart, CLIENTS), one_by_one, WARM)
            slow = run_clients(app, dealt(looked, CLIENTS), look_up_and_settle, WARM)
            seen["single"].append((single.rate, limit))
            seen["apart"].append((alone_each.rate, limit))
            seen["batch"].append((batches.rate * BATCH, limit))
            seen["crowd"].append((crowd.rate * BATCH, limit))
            seen["looked"].append((slow.rate, limit))
            seen["replay"].append((1e6 / replay.rate, 1e6 / single.rate))
    server, client = sorted(seen["cpu"])[len(seen["cpu"]) // 2]
    return [
        compared(
            "F1",
            "capture by our act, 8 clients, one by one",
            "/s",
            seen["single"],
            goal=0.55,
            note="two processes of four threads; limit: pgbench on the reference function",
        ),
        compared("F1", "… each client a process of its own", "/s", seen["apart"], goal=0.55),
        compared("F1", "capture by our act, two workers, batches of 50", "/s", seen["batch"], goal=2.0),
        compared("F1", "… eight clients, batches of 50", "/s", seen["crowd"], goal=2.0),
        compared("F1", "a replayed capture against a first one: PostgreSQL's part", "us", seen["again"], goal=0.25, at_least=False),
        compared("F1", "… and by the clock", "us", seen["replay"]),
        compared("F1", "one by one, payment and attempt looked up first", "/s", seen["looked"]),
        alone("F1", "processor time of a capture: PostgreSQL's part", "us", server),
        alone("F1", "processor time of a capture: ours, in Python", "us", client),
    ]


def f2(services: Services, app: Flask, full: bool) -> list[Figure]:
    """All clients on one vendor against all clients on two hundred."""
    figures = []
    for clients in (16, 32):
        figures.append(_hot(services, app, full, clients, "", None))
    with services.connect() as connection:
        connection.execute("ALTER SYSTEM SET commit_delay = 1000")
        connection.execute("ALTER SYSTEM SET commit_siblings = 0")
        connection.execute("SELECT pg_reload_conf()")
    try:
        figures.append(_hot(services, app, full, 32, ", each flush 1 ms longer", 0.9))
    finally:
        with services.connect() as connection:
            connection.execute("ALTER SYSTEM RESET ALL")
            connection.execute("SELECT pg_reload_conf()")
    with app.app_context(), unit_of_work():
        breaks = find_breaks()
    return [*figures, alone("F2", "breaks in the books afterwards", "", len(breaks), goal=0, note="; ".join(breaks[:3]))]


def _hot(services: Services, app: Flask, full: bool, clients: int, words: str, goal: float | None) -> Figure:
    rounds, each = (7, 250) if full else (3, 100)
    seen = []
    with services.connect() as connection:
        spread = make_vendors(connection, 200)
        busy = make_vendors(connection, 1)
        for number in range(rounds):
            say(f"F2 {clients} clients{words}, round {number + 1} of {rounds}")
            runs: dict[bool, Run] = {}
            for hot in (number % 2 == 0, number % 2 != 0):
                items = make_waiting(connection, busy if hot else spread, clients * (each + 4))
                connection.execute("VACUUM ANALYZE payments, attempts")
                runs[hot] = run_clients(app, dealt(items, clients), one_by_one, 4)
            seen.append((runs[True].rate, runs[False].rate))
    return compared(
        "F2", f"one busy vendor, {clients} clients{words}", "/s", seen, goal=goal or 0.9, note="limit: the same load over 200 vendors"
    )


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F1": f1, "F2": f2}
