"""What the benchmarks begin with: vendors, payments waiting for their money, and large tables, made in bulk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.ids import public_id, spoken_reference, uuid7
from core.kernel.money import Money
from core.payments.hear import Told
from core.payments.models import Attempt, Payment
from core.providers.contract import Outcome

AMOUNT, FEE = 10_000, 150
LARGEST_STEP = 25_000  # payments filled in by one transaction
PAYMENT = [
    "vendor_id",
    "mode",
    "id",
    "public_id",
    "reference",
    "token_id",
    "form_token",
    "description",
    "provider",
    "state",
    "holds_place",
    "currency",
    "amount_minor",
    "captured_minor",
    "refunding_minor",
    "refunded_minor",
    "fee_minor",
    "fee_returned_minor",
    "email",
    "payer_name",
    "expires_at",
    "created_at",
    "updated_at",
    "version",
]
ATTEMPT = [
    "vendor_id",
    "mode",
    "id",
    "public_id",
    "payment_id",
    "number",
    "state",
    "surface",
    "provider",
    "provider_reference",
    "next_inquiry_at",
    "inquiries",
    "created_at",
    "updated_at",
]


def make_vendors(connection: psycopg.Connection, count: int) -> list[Vendor]:
    """Businesses that take pounds."""
    at, made = now(), []
    for number in range(count):
        vendor = Vendor(
            id=uuid7(), public_id=public_id("vnd"), name=f"Market stall {number}", country="GB", currency="GBP", time_zone="Europe/London",
            support_email=f"stall-{number}@example.com", fee_bps=150, release_days=7, live_enabled=False, created_at=at,
        )  # fmt: skip
        made.append(vendor)
    names = [
        "id",
        "public_id",
        "name",
        "country",
        "currency",
        "time_zone",
        "support_email",
        "fee_bps",
        "release_days",
        "live_enabled",
        "created_at",
    ]
    copy_rows(connection, "vendors", names, [[getattr(vendor, name) for name in names] for vendor in made])
    return made


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment whose payer is at the provider's page."""

    vendor: Vendor
    payment: Payment
    attempt: Attempt

    def told(self) -> Told:
        """The provider's word that this one is paid, as a worker reads it out of an event."""
        outcome = Outcome(
            "succeeded", self.attempt.provider_reference or "", charge=self.charge, captured=Money(AMOUNT, "GBP"), card_brand="visa",
            card_last4="4242", occurred_at=self.payment.created_at,
        )  # fmt: skip
        return Told(self.vendor, self.payment, self.attempt, outcome, f"evt_{self.charge[3:]}")

    @property
    def charge(self) -> str:
        return "ch_" + self.payment.public_id[4:]


def make_waiting(connection: psycopg.Connection, vendors: list[Vendor], count: int, schema: str = "public") -> list[Waiting]:
    """Payments opened at the provider, dealt out over the vendors in turn."""
    at = now()
    made = [_waiting(vendors[number % len(vendors)], at) for number in range(count)]
    copy_rows(connection, f"{schema}.payments", PAYMENT, [[getattr(one.payment, name) for name in PAYMENT] for one in made])
    copy_rows(connection, f"{schema}.attempts", ATTEMPT, [[getattr(one.attempt, name) for name in ATTEMPT] for one in made])
    return made


def _waiting(vendor: Vendor, at: datetime) -> Waiting:
    payment = Payment(
        vendor_id=vendor.id, mode="test", id=uuid7(), public_id=public_id("pay"), reference=spoken_reference(), token_id=public_id("tok"),
        form_token=public_id("f"), description="A benchmark's payment", provider="sandbox", state="requires_action", holds_place=False,
        currency="GBP", amount_minor=AMOUNT, tip_minor=0, itemised=False, captured_minor=0, refunding_minor=0, refunded_minor=0, fee_minor=FEE, fee_returned_minor=0, release_days=None,
        email="payer@example.com", payer_name="Ada Payer", expires_at=at + timedelta(hours=8), created_at=at, updated_at=at, version=1,
    )  # fmt: skip
    attempt = Attempt(
        vendor_id=vendor.id, mode="test", id=uuid7(), public_id=public_id("att"), payment_id=payment.id, number=1, state="action_required",
        surface="hosted", method="card", provider="sandbox", provider_reference="cs_test_" + public_id("x"), next_inquiry_at=at + timedelta(hours=8), inquiries=0,
        created_at=at, updated_at=at,
    )  # fmt: skip
    return Waiting(vendor, payment, attempt)


def make_reference(connection: psycopg.Connection) -> None:
    """The tables and the function that set the limit."""
    connection.execute((Path(__file__).parent / "reference.sql").read_text())


def stock_reference(connection: psycopg.Connection, vendors: list[Vendor], count: int) -> None:
    """More payments for the reference to capture, after those it has left."""
    begin = int(connection.execute("SELECT coalesce(max(n), 0) FROM ref.waiting").fetchone()[0])
    connection.execute("SELECT setval('ref.next', greatest(%s, 1), %s)", (begin, begin > 0))
    made = make_waiting(connection, vendors, count, "ref")
    rows = [[begin + number, one.vendor.id, one.payment.id, one.attempt.id] for number, one in enumerate(made, 1)]
    copy_rows(connection, "ref.waiting", ["n", "vendor_id", "payment_id", "attempt_id"], rows)


def copy_rows(connection: psycopg.Connection, table: str, names: list[str], rows: list[list[object]]) -> None:
    with connection.cursor().copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def fill(connection: psycopg.Connection, vendor: Vendor, count: int) -> None:
    """So many paid payments of one vendor over the last year, with attempt, history, journal, entries and balances.

    Whole sets at a time, through every trigger and constraint.
    """
    statements = [part for part in (Path(__file__).parent / "fill.sql").read_text().split(";\n") if part.strip()]
    begin, step = 0, 200
    while begin < count:
        step = min(step, count - begin)
        with connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = off")
            for statement in statements:
                connection.execute(statement, {"vendor": vendor.id, "begin": begin, "step": step, "count": count})
        begin += step
        if step < LARGEST_STEP:
            # A planner that takes the tables for empty joins them row by row: it is told as they grow.
            connection.execute("ANALYZE payments, attempts, payment_events, journals, entries, balances")
            step = min(5 * step, LARGEST_STEP)
    connection.execute("VACUUM ANALYZE")
