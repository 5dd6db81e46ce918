"""A customer is met whenever somebody sets out to pay: their row is made, or says when they were last here."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel.ask import Question
from core.kernel.clock import now
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said
from core.kernel.write import Lot, add_rows

QUIET = timedelta(minutes=1)  # somebody who tries ten cards in a minute need not write their row ten times
# What of somebody's row decides: the name, when they were last here, since when they are blocked.
KNOWN = (Customer.name, Customer.last_seen_at, Customer.blocked_at)
Known = tuple[str | None, datetime | None, datetime | None]
_BY_ADDRESS = Question(
    select(*KNOWN).where(
        Customer.vendor_id == bindparam("vendor"), Customer.mode == bindparam("mode"), Customer.email == bindparam("email")
    )
)
# What becomes of somebody's row that is there already; the name is another one only where there is one.
MET = "ON CONFLICT (vendor_id, mode, email) DO UPDATE SET last_seen_at = greatest(customers.last_seen_at, excluded.last_seen_at)"
MET_NAMED = f"{MET}, name = excluded.name, name_key = excluded.name_key, surname_key = excluded.surname_key"


class CustomerBlocked(Refusal):
    """The vendor takes no payments from this address."""

    code = "customer_blocked"


def meet_customer(vendor: Vendor, mode: str, *, email: str, name: str) -> None:
    """Make or refresh the customer's row. Refuses CustomerBlocked when the vendor has said so; the reason is not the payer's to read."""
    known = _BY_ADDRESS.first(vendor=vendor.id, mode=mode, email=as_kept(email))
    add_rows(*rows_to_meet(vendor, mode, known, email=email, name=name))


def rows_to_meet(vendor: Vendor, mode: str, known: Known | None, *, email: str, name: str) -> list[Lot]:
    """The same as rows, for an act that has asked for what is `known` of them (KNOWN) with other things, and writes in one journey what it makes."""
    email, name = as_kept(email), name.strip()
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
        return []
    row = {
        "vendor_id": vendor.id, "mode": mode, "id": uuid7(), "public_id": public_id("cus"), "email": email, **_named(name),
        "first_seen_at": at, "last_seen_at": at,
    }  # fmt: skip
    return [(Customer, [row], MET_NAMED if name else MET)]


def as_kept(email: str) -> str:
    """An address as a customer is known by it."""
    return email.strip().lower()


def _named(name: str) -> dict[str, str]:
    """The name as written, and the two beginnings it is found by."""
    key = name.lower()[:120]
    return {"name": name, "name_key": key, "surname_key": key.split()[-1] if key.split() else ""}
