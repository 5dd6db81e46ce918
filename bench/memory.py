"""F12: a web process after many requests, and the whole stack at rest.

What a process costs the machine is its proportional memory (PSS): the program is loaded once and forked, and what the processes share is
there once. Its growth is looked at in one that stands alone and is never renewed.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from flask import Flask

from bench.figures import Figure, alone, say
from bench.load import load, request
from bench.processes import memory_mb, tree
from bench.shop import open_shop
from bench.stack import Services

SETTLE_SECONDS = 5


def f12(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Payers' pages, the landing page and wrong addresses: for a process alone and for those that the portal starts; then everything, idle."""
    count = 100_000 if full else 10_000
    shop = open_shop(app)
    paths = [f"/pay/{shop.link_token}", shop.card_page(), "/", "/sign-in", "/pay/nothing"]
    with services.server("web-alone", "wsgi:create_app()", "-w", "1", "--threads", "8") as (server, port):
        process = tree(server.pid)[1]
        _visit(port, paths, 1000)
        early = memory_mb(process, "Rss")
        say(f"F12: {early:.0f} MB after 1,000 requests; {count:,} more")
        _visit(port, paths, count)
        late = memory_mb(process, "Rss")
    with services.web() as web:
        _visit(services.port, paths, count)
        share = max(map(memory_mb, tree(web.pid)[1:]))
        with services.running(services.app.clock_and_workers()):
            parts = _at_rest(services)
    return [
        alone("F12", f"a web process of the portal after {count:,} requests (proportional)", "MB", share, goal=130),
        alone("F12", "… one that stands alone (resident)", "MB", late),
        alone("F12", "… its growth since the first 1,000", "MB", late - early),
        alone("F12", "the whole idle stack (proportional)", "MB", sum(parts.values()), goal=700),
        *(alone("F12", f"… {name}", "MB", size) for name, size in parts.items()),
    ]


def _at_rest(services: Services) -> dict[str, float]:
    """What each of them takes when all have loaded the program, which they are at for some seconds: when nothing grows any more."""
    before = {}
    for _ in range(60):
        time.sleep(SETTLE_SECONDS)
        parts = {child.name: sum(map(memory_mb, tree(child.pid))) for child in services.stack.children}
        if before and all(abs(size - before[name]) < 0.02 * size for name, size in parts.items()):
            return parts
        before = parts
    raise RuntimeError("the memory of the idle stack keeps growing")


def _visit(port: int, paths: list[str], count: int) -> None:
    texts = [request("GET", port, path) for path in paths]
    load(port, lambda: itertools.islice(itertools.cycle(texts), count))


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F12": f12}
