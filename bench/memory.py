"""F12: a web process after many requests, and the whole stack at rest."""

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
    """One web process that is never renewed, given payers' pages, the landing page and wrong addresses; then everything, idle."""
    count = 100_000 if full else 10_000
    shop = open_shop(app)
    with services.server("web-alone", "wsgi:create_app()", "-w", "1", "--threads", "8") as (server, port):
        paths = [f"/pay/{shop.link_token}", shop.card_page(), "/", "/sign-in", "/pay/nothing"]
        texts = [request("GET", port, path) for path in paths]
        process = tree(server.pid)[1]
        load(port, lambda: itertools.islice(itertools.cycle(texts), 1000))
        early = memory_mb(process, "Rss")
        say(f"F12: {early:.0f} MB after 1,000 requests; {count:,} more")
        load(port, lambda: itertools.islice(itertools.cycle(texts), count))
        late = memory_mb(process, "Rss")
    with services.web():
        workers = services.app.clock_and_workers()
        try:
            for child in workers:
                child.start()
                services.stack.children.append(child)
            time.sleep(SETTLE_SECONDS)
            parts = {child.name: sum(map(memory_mb, tree(child.pid))) for child in services.stack.children}
        finally:
            for child in workers:
                child.kill()
                services.stack.children.remove(child)
    return [
        alone("F12", f"a web process after {count:,} requests (resident)", "MB", late, goal=130),
        alone("F12", "… its growth since the first 1,000", "MB", late - early),
        alone("F12", "the whole idle stack (proportional)", "MB", sum(parts.values()), goal=700),
        *(alone("F12", f"… {name}", "MB", size) for name, size in parts.items()),
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F12": f12}
