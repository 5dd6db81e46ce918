"""F10: the midnight at which everybody renews, by one worker process, against the same rows written by one server-side function."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

import psycopg
from flask import Flask

from bench.capture import pgbench
from bench.figures import Figure, alone, compared, say
from bench.stack import Services
from bench.world import make_vendors
from core.accounts.house import HOUSE, house
from core.billing import queries, store
from core.billing.price_list import publish_terms
from core.billing.store import Beginning
from core.billing.terms import POLICY
from core.kernel.clock import frozen
from core.kernel.db import unit_of_work
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import Journal, Leg, post
from workers import subscriptions

BEGAN = date(2026, 11, 1)
LONDON = ZoneInfo("Europe/London")
BEGIN_AT, RENEW_AT = (datetime(2026, month, 1, 12, tzinfo=LONDON) for month in (11, 12))


def _first(vendor_public_id: str) -> store.KeptSubscription:
    """One subscription that began and was paid in the usual way; the others are made like it."""
    with frozen(BEGIN_AT), unit_of_work():
        if queries.find_subscription_of(house(), "test", vendor_public_id) is None:
            publish_terms(house(), "test", POLICY, valid_from=date(2020, 1, 1), by="system")
        row = store.begin_subscription(
            house(), "test", subscriber=vendor_public_id, wish=Beginning("pro", "Europe/London", branches=1), by="bench"
        )
        store.receive(row, (1,), queries.read(row).open[0].due)
        row.followed = row.events
        return row


def _copies(connection: psycopg.Connection, row: store.KeptSubscription, count: int) -> None:
    """So many more like it, each of a vendor of its own, on the last day of its period: this midnight renews it."""
    vendors = make_vendors(connection, count)
    state = json.dumps(row.state | {"today": (date(2026, 12, 1) - timedelta(days=1)).isoformat()})
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS subscriber (name text) ON COMMIT PRESERVE ROWS")
    connection.execute("TRUNCATE subscriber")
    with connection.cursor().copy("COPY subscriber FROM STDIN") as copy:
        for vendor in vendors:
            copy.write_row([vendor.public_id])
    connection.execute(
        (Path(__file__).parent / "renewals.sql").read_text().split(";\n\n")[0], {"row": row.id, "house": HOUSE, "state": state}
    )
    with unit_of_work():
        names = [name for (name,) in connection.execute("SELECT public_id FROM subscriptions WHERE today = '2026-11-30' AND mode = 'test'")]
        for begin in range(0, len(names), 500):
            post([_paid_november(name) for name in names[begin : begin + 500]])
    connection.execute("VACUUM ANALYZE subscriptions, vendors, journals, entries, balances")


def _paid_november(name: str) -> Journal:
    """What is earned at this midnight: a month that was paid for in advance."""
    price, none = Money(400, "GBP"), Money(0, "GBP")
    legs = (*book.invoiced(name, later=price, earned=none, tax=none), *book.invoice_paid(name, payment=name, amount=price))
    waiting = Leg(book.CLEARING, price, sub="sandbox"), Leg(book.UNAPPLIED, -price, ref=name)
    return book.subscription_event("test", subscription=name, seq=2, kind="invoice", legs=(*legs, *waiting), at=BEGIN_AT)


def _limit(services: Services, count: int) -> float:
    return pgbench(services, "SELECT ref.renewal();", 1, count)


def _renewed(connection: psycopg.Connection, count: int) -> tuple[float, float]:
    """Renewals per second until every subscription has its next invoice, and the process's own time for each in microseconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    began, spent = time.monotonic(), usage.ru_utime + usage.ru_stime
    with frozen(RENEW_AT):
        subscriptions.run_midnights(HOUSE)
        while connection.execute("SELECT exists (SELECT 1 FROM subscriptions WHERE today < '2026-12-01')").fetchone()[0]:
            subscriptions.run_midnights(HOUSE)
    took = time.monotonic() - began
    usage = resource.getrusage(resource.RUSAGE_SELF)
    made = connection.execute("SELECT count(*) FROM billing_documents WHERE origin = 'renewal' AND on_day = '2026-12-01'").fetchone()[0]
    return count / took, (usage.ru_utime + usage.ru_stime - spent) / max(1, made) * 1e6


def f10(services: Services, app: Flask, full: bool) -> list[Figure]:
    """Ours writes the event, the invoice, the charge, the journal and the new value of each, from the arithmetic to the books."""
    rounds, count = (1, 100_000) if full else (2, 600)
    seen, own = [], []
    with services.connect() as connection, app.app_context():
        connection.execute("DROP SCHEMA IF EXISTS ref CASCADE")
        connection.execute((Path(__file__).parent / "renewals.sql").read_text().split(";\n\n", 1)[1])
        for number in range(rounds):
            say(f"F10 round {number + 1} of {rounds}: {count:,} subscriptions")
            (vendor,) = make_vendors(connection, 1)
            row = _first(vendor.public_id)
            _copies(connection, row, count)
            speed, spent = _renewed(connection, count)
            connection.execute("SELECT ref.stock(%s)", (min(count, 5_000),))
            seen.append((speed, _limit(services, min(count, 5_000))))
            own.append(spent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        compared("F10", "renewals at one midnight by one worker process", "/s", seen, goal=0.30, note="limit: pgbench, one client"),
        alone("F10", "… processor time of ours for each", "us", median(own)),
        alone("F10", "… memory of the process at most", "MB", peak),
    ]


BENCHES: dict[str, Callable[[Services, Flask, bool], list[Figure]]] = {"F10": f10}
