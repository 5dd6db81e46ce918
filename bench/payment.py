"""F3: our processor time for a whole hosted payment, and F1 over HTTP: signed webhooks that end settled."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from statistics import median
from typing import Any

import psycopg
from flask import Flask

from bench.capture import pgbench
from bench.figures import Figure, alone, compared, say
from bench.load import load, request
from bench.pages import CONNECTIONS, measured
from bench.processes import cpu_seconds
from bench.shop import Payer, open_shop, wait_for
from bench.stack import Services
from bench.world import AMOUNT, Waiting, fill, make_reference, make_vendors, make_waiting, stock_reference
from core.web.wire.signature import sign
from workers.wake import wake

LATER = "UPDATE outbox SET due_at = now() + interval '1 hour' WHERE job = 'complete_payment' AND due_at < now() + interval '1 minute'"
LOOKS = 8  # a quarter of a second
WARM_PAYMENTS = 30  # of each payer, before the clock starts: each thread's line to PostgreSQL has its statements prepared by then
BARE_TIMES = 40  # of each payer, and as many requests each time as a payment takes of it
WARM = 50  # events before the clock starts: the first of a process bring its mappers and its prepared statements
UNDONE = "SELECT -count(*) FROM outbox WHERE queue = 'money' AND state = 'waiting' AND due_at <= now()"


def f3(services: Services, app: Flask, full: bool) -> list[Figure]:
    """In an almost empty database, and in one with many payments of the same vendor."""
    size = 1_000_000 if full else 100_000
    figures = _whole(services, "portal", "a whole hosted payment: our processor time", full)
    filled(services, size)
    return figures + _whole(services, "portal_large", f"the same with {size:,} payments in the tables", full)


def filled(services: Services, size: int) -> None:
    """The large database, filled once in a run; the shop with the stock is named `Large stall`."""
    with services.connect("portal_large") as connection:
        if connection.execute("SELECT count(*) FROM (SELECT 1 FROM payments LIMIT 1000) AS part").fetchone()[0] < 1000:
            say(f"filling in {size:,} payments")
            fill(connection, make_vendors(connection, 1)[0], size)


def _whole(services: Services, database: str, what: str, full: bool) -> list[Figure]:
    """The bare route is asked before and after each round, and what it took is the mean of both: how fast a shared machine is changes within
    seconds. It is asked by the same payers in the same way, and for comparison as fast as one can over lines that stay open."""
    rounds, each = (7, 25) if full else (5, 10)
    shop = _shop_in(services, database)
    seen: list[tuple[float, float]] = []
    at_best: list[tuple[float, float]] = []
    parts: dict[str, list[float]] = {"web": [], "worker": [], "PostgreSQL": []}
    payers = [Payer(services.port) for _ in range(CONNECTIONS)]
    money = services.worker(database, "money")
    bare_server = services.server("bare", "bench.bare:app")
    with services.web(database) as web, money as worker, bare_server as (bare, port), services.connect(database) as connection:
        passers = [Passer(port) for _ in range(CONNECTIONS)]

        def limit() -> tuple[float, float]:
            began = cpu_seconds(bare.pid)
            _all_at_once(passers, "/", BARE_TIMES)
            same_way = (cpu_seconds(bare.pid) - began) / (len(passers) * BARE_TIMES * Passer.STEPS) * 1e6
            return same_way, measured(port, bare.pid, request("GET", port, "/"), 1.0)[1]

        _pay(payers, shop, WARM_PAYMENTS, connection)
        _all_at_once(passers, "/", BARE_TIMES)
        last = limit()
        for number in range(rounds):
            say(f"F3 {database}, round {number + 1} of {rounds}")
            pids = {"web": web.pid, "worker": worker.pid, "PostgreSQL": services.postgres_pid}
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            _pay(payers, shop, each, connection)
            for name, pid in pids.items():
                parts[name].append((cpu_seconds(pid) - before[name]) / (each * len(payers)) * 1e6)
            ours, bares = parts["web"][-1] + parts["worker"][-1], (last, last := limit())
            seen.append((ours, (bares[0][0] + bares[1][0]) / 2))
            at_best.append((ours, (bares[0][1] + bares[1][1]) / 2))
    for payer in (*payers, *passers):
        payer.close()
    return [
        compared("F3", what, "us", seen, goal=60, at_least=False, note="web and worker; limit: a bare Flask route, asked by the same payers"),
        compared("F3", "… against the route asked over open lines, again and again", "us", at_best, goal=60, at_least=False),
        *[alone("F3", f"… of it {name}" if name != "PostgreSQL" else "… and PostgreSQL beside it", "us", median(some)) for name, some in parts.items()],
    ]  # fmt: skip


class Passer(Payer):
    """Asks one address as often as a payer asks us, each time over a new line."""

    STEPS = 6  # a payer's own requests; the seventh is the processor's webhook

    def pay(self, shop_path: str) -> str:
        self.number = next(self.people)
        self.close()
        for _ in range(self.STEPS):
            self.ask("GET", shop_path)
        return shop_path


def _shop_in(services: Services, database: str) -> str:
    """The path of a link in this database. In the large one the link belongs to the vendor with the stock."""
    import subprocess
    import sys

    code = "import sys; from bench.payment import print_link; print_link()"
    done = subprocess.run([sys.executable, "-c", code], env=services.environment(database), capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(done.stderr[-800:])
    return done.stdout.strip()


def print_link() -> None:
    """In a process of its own, for its own database: make a link of the vendor with the most payments and print its path."""
    from sqlalchemy import select

    from core.accounts.models import Vendor
    from core.kernel.db import db, unit_of_work
    from core.payments.link import create_link, link_token
    from core.payments.link_terms import LinkTerms
    from wsgi import create_app

    app = create_app()
    shop = open_shop(app)
    with app.app_context(), unit_of_work():
        vendor = db.session.scalar(select(Vendor).where(Vendor.name == "Market stall 0").order_by(Vendor.created_at.desc()).limit(1))
        if vendor is None:
            print(f"/pay/{shop.link_token}")
            return
        link = create_link(vendor, mode="test", by="usr_bench", terms=LinkTerms(title="Stock", currency="GBP", amount_minor=2500))
        print(f"/pay/{link_token(vendor, link)}")


def _pay(payers: list[Payer], path: str, times: int, connection: psycopg.Connection) -> None:
    """So many payments of each payer, all of them at once as the bare route is asked; until the money queue is empty. Asking for the
    processor's fee is put off.

    No clock runs beside: now and then it is done here what the clock does, which wakes a queue that has work.
    """
    _all_at_once(payers, path, times, meanwhile=lambda: connection.execute(LATER))
    for look in range(1, 1000):
        connection.execute(LATER)
        if connection.execute(UNDONE).fetchone()[0] == 0:
            return
        if look % LOOKS == 0:
            wake({"money"})
        time.sleep(0.03)
    raise RuntimeError("the money queue did not become empty")


def _all_at_once(payers: Sequence[Payer], path: str, times: int, meanwhile: Callable[[], object] = lambda: None) -> None:
    def again(payer: Payer) -> None:
        for _ in range(times):
            payer.pay(path)

    with ThreadPoolExecutor(len(payers)) as crowd:
        jobs = [crowd.submit(again, payer) for payer in payers]
        while wait(jobs, timeout=0.5).not_done:
            meanwhile()
        for job in jobs:
            job.result()


# --- F1 over HTTP ----------------------------------------------------------------------------------------------------


def event_body(one: Waiting, template: dict[str, Any]) -> bytes:
    """The event the sandbox sent for a real payment, retold of this one."""
    body = json.loads(json.dumps(template))
    charge = body["data"]["object"]
    body["id"] = "evt_" + one.charge[3:]
    charge["id"], charge["payment_intent"] = one.charge, "pi_" + one.charge[3:]
    charge["amount"] = charge["amount_captured"] = AMOUNT
    charge["metadata"] = {
        "vendor": one.vendor.public_id,
        "mode": "test",
        "payment": one.payment.public_id,
        "attempt": one.attempt.public_id,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def learn_event(services: Services) -> dict[str, Any]:
    """Pay once for real and keep the event that tells of it."""
    path = _shop_in(services, "portal")
    with services.connect() as connection:
        connection.execute("DELETE FROM outbox")  # what other benchmarks have left to do would come first
    with services.web(), services.worker("portal", "money"), services.connect() as connection:
        payer = Payer(services.port)
        payer.pay(path)
        payer.close()
        wait_for(connection, "SELECT count(*) FROM provider_events WHERE type = 'charge.succeeded' AND handled_at IS NOT NULL", 1)
        raw = connection.execute("SELECT raw FROM provider_events WHERE type = 'charge.succeeded' LIMIT 1").fetchone()[0]
    event: dict[str, Any] = json.loads(raw)
    return event


def f1_http(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Eight connections post signed events to the web server; the clock stops when the last payment is settled by the worker."""
    rounds, count = (5, 4000) if full else (3, 1200)
    template = learn_event(services)
    seen: dict[str, list[tuple[float, float]]] = {"settled": [], "stored": [], "again": []}
    with services.connect() as connection:
        if not connection.execute("SELECT to_regnamespace('ref')").fetchone()[0]:
            make_reference(connection)
        vendors = make_vendors(connection, 200)
        for number in range(rounds):
            say(f"F1 over HTTP, round {number + 1} of {rounds}")
            connection.execute("DELETE FROM outbox")
            stock_reference(connection, vendors, count)
            posts = [_post(services, event_body(one, template)) for one in make_waiting(connection, vendors, WARM + count)]
            warm, posts = posts[:WARM], posts[WARM:]
            connection.execute("VACUUM ANALYZE payments, attempts, ref.payments, ref.attempts")
            limit = pgbench(services, "SELECT ref.capture();", 8, count // 8)
            done = int(connection.execute("SELECT count(*) FROM journals").fetchone()[0])
            with services.web(), services.worker("portal", "money"):
                load(services.port, lambda: itertools.repeat(request("GET", services.port, "/healthz")), seconds=1.0)
                load(services.port, _all(warm))
                wait_for(connection, "SELECT count(*) FROM journals", done + WARM)
                began = time.monotonic()
                stored = load(services.port, _all(posts))
                ended = wait_for(connection, "SELECT count(*) FROM journals", done + WARM + count)
                connection.execute("UPDATE outbox SET due_at = now() + interval '1 hour'")
                again = load(services.port, _all(posts))
            if stored.failed or again.failed:
                raise RuntimeError(f"{stored.failed + again.failed} webhooks were not answered with 200")
            seen["settled"].append((count / (ended - began), limit))
            seen["stored"].append((stored.rate, limit))
            seen["again"].append((1e6 / again.rate, 1e6 * (ended - began) / count))
    return [
        compared(
            "F1",
            "over HTTP: signed webhook posted, stored, opened, settled",
            "/s",
            seen["settled"],
            goal=0.2,
            note="two web processes, one worker",
        ),
        compared("F1", "over HTTP: webhooks stored and answered 200", "/s", seen["stored"]),
        compared(
            "F1", "over HTTP: the same webhook again, against a first one until settled", "us", seen["again"], goal=0.25, at_least=False
        ),
    ]


def _post(services: Services, body: bytes) -> bytes:
    signature = sign(services.env["SANDBOX_WEBHOOK_SECRET"], body, int(time.time()))
    return request("POST", services.port, "/hooks/sandbox/test", body, Content_Type="application/json", Stripe_Signature=signature)


def _all(posts: list[bytes]) -> Callable[[], Iterator[bytes]]:
    return lambda: iter(posts)


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F1-HTTP": f1_http, "F3": f3}
