"""Customers and disputes for the vendor's own software: written down, blocked; answered or given in to."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.customers.block import allow_customer, block_customer
from core.customers.feed import feed_customers
from core.customers.meet import meet_customer
from core.customers.queries import find_customer, get_customer
from core.disputes.answer import request_acceptance, request_answer
from core.disputes.evidence import LONG, QUESTIONS, WORDS_LAST, answers_of, questions_of, save_draft
from core.disputes.feed import feed_disputes
from core.disputes.queries import get_dispute, payment_behind
from core.disputes.states import DISPUTE
from core.kernel.errors import NotFound
from core.kernel.sentence import said
from core.payments.queries import get_payment
from portal.api.endpoint import endpoint
from portal.api.guard import acting, check_signed_in_now
from portal.api.kinds import Email, Text, Within
from portal.api.objects import CUSTOMER, DISPUTE_OBJECT
from portal.api.paging import Asked, list_of
from portal.api.reading import BodyRefused


@endpoint("GET", "/customers", gives=CUSTOMER, many=True, query={"email": Text(about="The one with this address.", usual="", most=254)})
def all_customers(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List customers

    By when they first came, the newest first.
    """
    return list_of(CUSTOMER, feed_customers(vendor, mode, asked.span, email=asked.filters["email"]))


@endpoint(
    "POST", "/customers", gives=CUSTOMER, status=201,
    takes={"email": Email(about="Their e-mail address."), "name": Text(about="Their name.", usual="", most=120)},
)  # fmt: skip
def make_customer(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Write a customer down

    There is one for each address: somebody who is known already is answered, under the name that is sent. Whoever is blocked stays so.
    """
    known = find_customer(vendor, mode, sent["email"])
    if known is None or known.blocked_at is None:
        meet_customer(vendor, mode, email=sent["email"], name=sent["name"])
    found = find_customer(vendor, mode, sent["email"])
    if found is None:
        raise NotFound("There is no such customer.")
    return CUSTOMER.encode(found)


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

    With what its bank wants to know. Files are added in the portal.
    """
    return _seen(vendor, mode, number)


def _evidence() -> dict[str, Text]:
    """Every question that any reason asks, each once."""
    names = [name for questions in QUESTIONS.values() for name in questions] + list(WORDS_LAST)
    return {
        name: Text(about=name.replace("_", " ").capitalize() + ".", usual="", most=20_000, lines=name in LONG)
        for name in dict.fromkeys(names)
    }


EVIDENCE = _evidence()


@endpoint(
    "POST", "/disputes/<number>/answer", gives=DISPUTE_OBJECT, called={name: f"evidence.{name}" for name in EVIDENCE},
    takes={"evidence": Within(about="Your answers, by the names of `questions`. What is not named stays as it was drafted.", fields=EVIDENCE)},
)  # fmt: skip
def answer_dispute(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Answer a dispute, once and for good

    With what was drafted in the portal, and the files that were added there. It is sent by a worker; `answered_at` says when the bank has it.
    """
    check_signed_in_now()
    dispute = get_dispute(vendor, mode, number)
    asked = questions_of(dispute)
    given = {name: text for name, text in sent["evidence"].items() if text}
    if other := next((name for name in given if name not in asked), None):
        raise BodyRefused(said("Nobody asks this here. What is asked: %(words)s.", words=", ".join(asked)), field=f"evidence.{other}")
    if dispute.wish is None:
        dispute = save_draft(dispute, answers_of(dispute) | given, by=acting())
    request_answer(vendor, dispute, by=acting())
    return _seen(vendor, mode, number)


@endpoint("POST", "/disputes/<number>/accept", gives=DISPUTE_OBJECT)
def give_in(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Give in to a dispute

    The payer keeps the money. To repeat it changes nothing.
    """
    check_signed_in_now()
    request_acceptance(vendor, get_dispute(vendor, mode, number), by=acting())
    return _seen(vendor, mode, number)


def _seen(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    dispute = get_dispute(vendor, mode, number)
    return DISPUTE_OBJECT.encode((dispute, payment_behind(vendor, dispute)))
