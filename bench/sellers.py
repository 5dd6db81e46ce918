"""What a payout run begins with: sellers whose money is free, whose bank account is usable and whose day has come, made in bulk and alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import psycopg
from stdnum import iban as ibans

from bench.world import copy_rows, make_vendors
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.ids import public_id, uuid7

SALES, NET = 2, 9_850  # of each seller; what one leaves to them, in cents
STEP = 2_000  # sellers whose books are filled by one transaction
ACCOUNT = [
    "vendor_id", "mode", "id", "public_id", "currency", "holder", "iban", "bic", "rail", "provider", "provider_account", "last4", "mark", "added_by",
    "added_at", "usable_from",
]  # fmt: skip
TERMS = ["vendor_id", "mode", "currency", "schedule", "day", "minimum_minor", "next_on", "updated_at"]


def fill_sellers(connection: psycopg.Connection, count: int) -> None:
    """So many of them in test mode, with what they have sold in the books."""
    vendors = make_vendors(connection, count)
    long_ago = now() - timedelta(days=30)
    where = [
        [vendor.id, "test", uuid7(), public_id("poa"), "EUR", vendor.name, _iban(n), "", "bank", "", "", "", "", "usr_bench", long_ago, long_ago]
        for n, vendor in enumerate(vendors)
    ]  # fmt: skip
    copy_rows(connection, "payout_accounts", ACCOUNT, where)
    due = (now() - timedelta(days=1)).date()  # in every zone
    copy_rows(connection, "payout_terms", TERMS, [[v.id, "test", "EUR", "monthly", due.day, 100, due, long_ago] for v in vendors])
    _fill_books(connection, vendors)
    connection.execute("VACUUM ANALYZE vendors, payout_accounts, payout_terms, journals, entries, balances")


def _fill_books(connection: psycopg.Connection, vendors: Sequence[Vendor]) -> None:
    statements = [part for part in (Path(__file__).parent / "sellers.sql").read_text().split(";\n") if part.strip()]
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS seller (n bigint PRIMARY KEY, id uuid NOT NULL)")
    connection.execute("TRUNCATE seller")
    copy_rows(connection, "seller", ["n", "id"], [[n, vendor.id] for n, vendor in enumerate(vendors, 1)])
    connection.execute("ANALYZE seller")
    for first in range(1, len(vendors) + 1, STEP):
        with connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = off")
            for statement in statements:
                connection.execute(statement, {"first": first, "last": first + STEP - 1, "sales": SALES})


def _iban(number: int) -> str:
    """A German one, of an account of this number."""
    account = f"37040044{number:010}"
    return f"DE{ibans.calc_check_digits('DE00' + account)}{account}"
