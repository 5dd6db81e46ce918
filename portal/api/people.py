"""Customers and disputes for the vendor's own software."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.customers.block import allow_customer, block_customer
from core.customers.feed import feed_customers
from core.customers.queries import get_customer
from core.disputes.feed import feed_disputes
from core.disputes.queries import get_dispute, payment_behind
from core.disputes.states import DISPUTE
from core.payments.queries import get_payment
from portal.api.endpoint import endpoint
from portal.api.guard import acting
from portal.api.kinds import Text
from portal.api.objects import CUSTOMER, DISPUTE_OBJECT
from portal.api.paging import Asked, list_of


@endpoint("GET", "/customers", gives=CUSTOMER, many=True, query={"email": Text(about="The one with this address.", usual="", most=254)})
def all_customers(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List customers

    By when they first came, the newest first.
    """
    return list_of(CUSTOMER, feed_customers(vendor, mode, asked.span, email=asked.filters["email"]))


@endpoint("GET", "/customers/<number>", gives=CUSTOMER)
def show_customer(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a customer"""
    return CUSTOMER.encode(get_customer(vendor, mode, number))


@endpoint(
    "POST", "/customers/<number>/block", gives=CUSTOMER,
    takes={"because": Text(about="Why; your team reads it, the payer does not.", least=1, most=300)}, called={"reason": "because"},
)  # fmt: skip
def block(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Take nothing from a customer any more

    Payments under way end as they will.
    """
    return CUSTOMER.encode(block_customer(vendor, get_customer(vendor, mode, number), by=acting(), because=sent["because"]))


@endpoint("POST", "/customers/<number>/allow", gives=CUSTOMER)
def allow(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Let a customer pay again"""
    return CUSTOMER.encode(allow_customer(vendor, get_customer(vendor, mode, number), by=acting()))


@endpoint(
    "GET", "/disputes", gives=DISPUTE_OBJECT, many=True,
    query={
        "status": Text(about="How they stand.", usual="", one_of=tuple(sorted(DISPUTE))),
        "payment": Text(about="Of one payment.", usual="", most=60),
    },
)  # fmt: skip
def all_disputes(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List disputes"""
    payment = get_payment(vendor, mode, asked.filters["payment"]) if asked.filters["payment"] else None
    return list_of(DISPUTE_OBJECT, feed_disputes(vendor, mode, asked.span, status=asked.filters["status"], payment=payment))


@endpoint("GET", "/disputes/<number>", gives=DISPUTE_OBJECT)
def show_dispute(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a dispute

    It is answered in the portal, where the files and the time left are.
    """
    dispute = get_dispute(vendor, mode, number)
    return DISPUTE_OBJECT.encode((dispute, payment_behind(vendor, dispute)))
