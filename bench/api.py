"""F11: a payment asked for over the API by a business's own software, against a bare Flask route under the same server."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable, Iterator

import psycopg
from flask import Flask

from bench.figures import Figure, alone, compared, say
from bench.load import Load, load, request
from bench.pages import CONNECTIONS, measured
from bench.processes import cpu_seconds
from bench.stack import Services
from bench.world import make_vendors
from core.accounts.api_keys import MOST_KEYS, make_key
from core.kernel.db import unit_of_work

BUSINESSES = 20  # with as many keys as each may have: one key alone is refused after so many calls in a minute
PAID = "SELECT count(*) FROM payments"


def make_keys(connection: psycopg.Connection, app: Flask) -> list[str]:
    """Secret test keys, those of one business next to each other no more often than they have to be."""
    made: list[str] = []
    vendors = make_vendors(connection, BUSINESSES)
    with app.app_context():
        for number, vendor in itertools.product(range(MOST_KEYS), vendors):
            with unit_of_work():
                made.append(make_key(vendor, "test", name=f"Shop {number}", by="usr_bench")[1])
    return made


def wishes(port: int, keys: list[str]) -> Iterator[bytes]:
    """Requests that each ask for a payment of their own, each with the next key, from a payer who was never seen before."""
    for key in itertools.cycle(keys):
        name = secrets.token_hex(8)
        body = json.dumps({
            "amount": 1999, "currency": "GBP", "payer": {"email": f"{name}@example.com", "name": "Ada Payer"}, "description": "Order 4711",
            "metadata": {"order": name},
        }).encode()  # fmt: skip
        yield request(
            "POST", port, "/api/v1/payments", body, Authorization=f"Bearer {key}", Idempotency_Key=name, Content_Type="application/json"
        )


def _asked(services: Services, pid: int, keys: list[str], seconds: float) -> tuple[Load, float]:
    """A load of such requests, and the web server's processor time for each, in microseconds."""
    before = cpu_seconds(pid)
    done = load(services.port, lambda: wishes(services.port, keys), connections=CONNECTIONS, seconds=seconds, status=b"201")
    if done.failed:
        raise RuntimeError(f"{done.failed} of {done.done} payments were not answered with 201")
    return done, (cpu_seconds(pid) - before) / done.done * 1e6


def f11(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Eight connections, in turns with the bare route; afterwards every answer has its row."""
    rounds, seconds = (7, 5.0) if full else (3, 2.0)
    seen: dict[str, list[tuple[float, float]]] = {"rate": [], "p50": [], "p99": [], "cpu": []}
    with services.connect() as connection:
        keys = make_keys(connection, app)
        before, answered = int(connection.execute(PAID).fetchone()[0]), 0
        with services.web() as web, services.server("bare", "bench.bare:app") as (bare, port):
            answered += _asked(services, web.pid, keys, 1.0)[0].done
            measured(port, bare.pid, request("GET", port, "/"), 1.0)
            for number in range(rounds):
                say(f"F11 round {number + 1} of {rounds}")
                limit, limit_cpu = measured(port, bare.pid, request("GET", port, "/"), seconds)
                ours, cpu = _asked(services, web.pid, keys, seconds)
                answered += ours.done
                seen["rate"].append((ours.rate, limit.rate))
                seen["p50"].append((ours.percentile(0.5), limit.percentile(0.5)))
                seen["p99"].append((ours.percentile(0.99), limit.percentile(0.99)))
                seen["cpu"].append((cpu, limit_cpu))
        made = int(connection.execute(PAID).fetchone()[0]) - before
    return [
        compared("F11", "a payment asked for over the API: per second", "/s", seen["rate"], note="limit: a bare Flask route under the same server"),
        compared("F11", "… p50", "ms", seen["p50"], goal=12, at_least=False),
        compared("F11", "… p99", "ms", seen["p99"], goal=12, at_least=False),
        compared("F11", "… processor time of the web server", "us", seen["cpu"]),
        alone("F11", "… answers without a payment, payments without an answer", "", abs(made - answered), goal=0),
    ]  # fmt: skip


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F11": f11}
