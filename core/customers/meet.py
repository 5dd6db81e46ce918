"""A customer is met whenever somebody sets out to pay: their row is made, or says when they were last here."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, select

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel.ask import Question
from core.kernel.clock import now
from core.kernel.db import answers, db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said

QUIET = timedelta(minutes=1)  # somebody who tries ten cards in a minute need not write their row ten times
_BY_ADDRESS = Question(
    select(Customer.name, Customer.last_seen_at, Customer.blocked_at).where(
        Customer.vendor_id == bindparam("vendor"), Customer.mode == bindparam("mode"), Customer.email == bindparam("email")
    )
)
# Everybody who begins a payment is written down: the statement is always the same, and the session's way made it anew each time.
MEET = """
INSERT INTO customers (vendor_id, mode, id, public_id, email, name, name_key, surname_key, first_seen_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
ON CONFLICT (vendor_id, mode, email) DO UPDATE SET last_seen_at = greatest(customers.last_seen_at, excluded.last_seen_at)
"""
MEET_NAMED = f"{MEET}, name = excluded.name, name_key = excluded.name_key, surname_key = excluded.surname_key"


class CustomerBlocked(Refusal):
    """The vendor takes no payments from this address."""

    code = "customer_blocked"


def meet_customer(vendor: Vendor, mode: str, *, email: str, name: str) -> None:
    """Make or refresh the customer's row. Refuses CustomerBlocked when the vendor has said so; the reason is not the payer's to read."""
    email, name = email.strip().lower(), name.strip()
    known = _BY_ADDRESS.first(vendor=vendor.id, mode=mode, email=email)
    known_name, seen_at, blocked_at = known or ("", None, None)
    if blocked_at is not None:
        raise CustomerBlocked(
            said(
                "%(vendor)s takes no payments from this e-mail address. If you think that is a mistake, please write to %(address)s.",
                vendor=vendor.name,
                address=vendor.support_email,
            ),
            field="email",
        )
    at = now()
    if seen_at is not None and at - seen_at < QUIET and (not name or name == known_name):
        return
    db.session.flush()
    answers(MEET_NAMED if name else MEET, [vendor.id, mode, uuid7(), public_id("cus"), email, *_named(name).values(), at])


def _named(name: str) -> dict[str, str]:
    """The name as written, and the two beginnings it is found by."""
    key = name.lower()[:120]
    return {"name": name, "name_key": key, "surname_key": key.split()[-1] if key.split() else ""}
