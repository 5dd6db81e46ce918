"""F4: the payer's pages against a bare Flask route under the same server."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from flask import Flask

from bench.figures import Figure, compared, say
from bench.load import Load, load, request
from bench.processes import cpu_seconds
from bench.shop import open_shop
from bench.stack import Services

CONNECTIONS = 8


def measured(port: int, pid: int, text: bytes, seconds: float) -> tuple[Load, float]:
    """A load of one request over and over, and the server's processor time for each, in microseconds."""
    before = cpu_seconds(pid)
    done = load(port, lambda: itertools.repeat(text), connections=CONNECTIONS, seconds=seconds)
    if done.failed:
        raise RuntimeError(f"{done.failed} of {done.done} requests failed")
    return done, (cpu_seconds(pid) - before) / done.done * 1e6


def f4(services: Services, app: Flask, full: bool) -> list[Figure]:
    """A link's page (form, amounts, token against forgery) and the card page of a payment that has been started."""
    shop = open_shop(app)
    rounds, seconds = (7, 5.0) if full else (3, 2.0)
    figures = []
    with services.web() as web, services.server("bare", "bench.bare:app") as (bare, port):
        shown = {"link page": f"/pay/{shop.link_token}", "card page": shop.card_page()}
        for path in shown.values():
            measured(services.port, web.pid, request("GET", services.port, path), 1.0)
        for what, path in shown.items():
            seen: dict[str, list[tuple[float, float]]] = {"rate": [], "cpu": [], "p99": []}
            for number in range(rounds):
                say(f"F4 {what}, round {number + 1} of {rounds}")
                limit, limit_cpu = measured(port, bare.pid, request("GET", port, "/"), seconds)
                ours, cpu = measured(services.port, web.pid, request("GET", services.port, path), seconds)
                seen["rate"].append((ours.rate, limit.rate))
                seen["cpu"].append((cpu, limit_cpu))
                seen["p99"].append((ours.percentile(0.99), limit.percentile(0.99)))
            figures += [
                compared("F4", f"{what}: requests", "/s", seen["rate"], goal=0.3, note="limit: a bare Flask route under the same server"),
                compared("F4", f"{what}: processor time", "us", seen["cpu"], goal=5, at_least=False),
                compared("F4", f"{what}: p99", "ms", seen["p99"], goal=4, at_least=False),
            ]
    return figures


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F4": f4}
