"""`./run bench [quick|full] [F1 F2 ...]`: measures, prints the table, and keeps the same as JSON."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

from bench.figures import Figure, keep, machine, say, table
from bench.processes import flush_microseconds
from bench.stack import services
from ops.local import Interrupted, interrupt, on_signals

# In which file each one lives; the order is the order of the table.
HOMES = {
    "F1": "capture",
    "F1-HTTP": "payment",
    "F2": "capture",
    "F3": "payment",
    "F4": "pages",
    "F5": "reading",
    "F6": "export",
    "F8": "papers",
    "F8-INVOICES": "invoices",
    "F9": "draining",
    "F10": "renewals",
    "F11": "api",
    "F12": "memory",
    "F14": "phone",
    "F15": "reconciling",
    "F16": "several",
    "F17": "payout_run",
    "D1": "directory",
    "DELIVERIES": "deliveries",
}
USAGE = f"usage: ./run bench [quick|full] [{' '.join(HOMES)}]\nquick (the default) takes some minutes, full the better part of an hour"


def main(words: list[str]) -> int:
    """Measure what was asked for. One that fails says so and does not take the others with it."""
    size = [word for word in words if word in ("quick", "full")]
    chosen = [word.upper() for word in words if word.upper() in HOMES]
    if len(size) > 1 or len(size) + len(chosen) != len(words):
        print(USAGE, file=sys.stderr)
        return os.EX_USAGE
    on_signals(interrupt)
    try:
        return measure(chosen or list(HOMES), full=size == ["full"])
    except Interrupted:
        say("stopped")
        return 130


def measure(chosen: list[str], *, full: bool) -> int:
    facts: dict[str, Any] = machine() | {"size": "full" if full else "quick"}
    figures: list[Figure] = []
    failed = []
    with services() as running:
        from wsgi import create_app

        facts |= {"flush_us": round(flush_microseconds(running.folder.path)), "postgresql": running.postgres.version}
        say(f"PostgreSQL {running.postgres.version}; the disk keeps 8 kB in {facts['flush_us']} us")
        app = create_app()
        for id in chosen:
            say(f"{id} begins")
            try:
                figures += import_module(f"bench.{HOMES[id]}").BENCHES[id](running, app, full)
            except Exception as problem:
                failed.append(id)
                say(f"{id} failed: {problem!r}")
    print("\n" + "  ".join(f"{name}: {value}" for name, value in facts.items()) + "\n")
    print(table(figures))
    print(f"\nkept in {keep(figures, facts)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
