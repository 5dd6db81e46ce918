"""What a midnight begins with: subscriptions of the house that were paid for last month, made in bulk and alike."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

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

MIDNIGHT = date(2026, 12, 1)
LONDON = ZoneInfo("Europe/London")
BEGIN_AT, RENEW_AT = (datetime(2026, month, 1, 12, tzinfo=LONDON) for month in (11, 12))
PRICE = 400
STANDINGS = """INSERT INTO directory_standings (vendor_id, mode, visible, reason, published_products, branches, version, changed_at)
    SELECT v.id, 'test', true, '', 0, 1, 1, now() FROM vendors v JOIN subscriber s ON s.name = v.public_id"""


def statements() -> tuple[str, str]:
    """Of renewals.sql: what copies a subscription, and what sets the limit."""
    copy, limit = (Path(__file__).parent / "renewals.sql").read_text().split(";\n\n", 1)
    return copy, limit


def fill(connection: psycopg.Connection, count: int) -> None:
    """So many subscriptions on the last day of their month, each of a business of its own, with all that their beginning wrote."""
    first, *vendors = make_vendors(connection, count + 1)
    row = _first(first.public_id)
    state = json.dumps(row.state | {"today": (MIDNIGHT - timedelta(days=1)).isoformat()})
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS subscriber (name text) ON COMMIT PRESERVE ROWS")
    connection.execute("TRUNCATE subscriber")
    with connection.cursor().copy("COPY subscriber FROM STDIN") as copy:
        for vendor in vendors:
            copy.write_row([vendor.public_id])
    connection.execute("ANALYZE subscriber")
    connection.execute(STANDINGS)
    connection.execute(statements()[0], {"row": row.id, "house": HOUSE, "state": state})
    fresh = "SELECT s.public_id FROM subscriptions s JOIN subscriber ON subscriber.name = s.subscriber"
    names = [name for (name,) in connection.execute(fresh)]
    for begin in range(0, count, 500):
        with unit_of_work():
            post([_paid_november(name) for name in names[begin : begin + 500]])
    connection.execute("VACUUM ANALYZE subscriptions, vendors, directory_standings, journals, entries, balances")


def _first(vendor_public_id: str) -> store.KeptSubscription:
    """One subscription that began and was paid in the usual way, and is renewed no more; the others are made like it."""
    with frozen(BEGIN_AT), unit_of_work():
        if queries.find_subscription_of(house(), "test", vendor_public_id) is None:
            publish_terms(house(), "test", POLICY, valid_from=date(2020, 1, 1), by="system")
        row = store.begin_subscription(
            house(), "test", subscriber=vendor_public_id, wish=Beginning("pro", "Europe/London", branches=1), by="bench"
        )
        store.receive(row, (1,), queries.read(row).open[0].due)
        row.followed, row.due_at = row.events, None
        return row


def _paid_november(name: str) -> Journal:
    """What is earned at this midnight: a month that was paid for in advance."""
    price, none = Money(PRICE, "GBP"), Money(0, "GBP")
    legs = (*book.invoiced(name, later=price, earned=none, tax=none), *book.invoice_paid(name, payment=name, amount=price))
    waiting = Leg(book.CLEARING, price, sub="sandbox"), Leg(book.UNAPPLIED, -price, ref=name)
    return book.subscription_event("test", subscription=name, seq=2, kind="invoice", legs=(*legs, *waiting), at=BEGIN_AT)
