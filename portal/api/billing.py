"""Memberships, invoices and the own plan for the vendor's software: whether somebody is to be served, and what was billed."""

from __future__ import annotations

from typing import Any

from core.accounts.house import house
from core.accounts.models import Vendor
from core.billing.models import BillingDocument, KeptSubscription
from core.billing.queries import as_of_now
from core.kernel.errors import NotFound
from core.memberships.feed import feed_members
from core.memberships.join import find_subscription
from core.memberships.lists import STATUSES, MemberFilter, documents_of, get_member
from core.memberships.member import cancel, keep
from core.memberships.models import Member
from core.memberships.page import page_address
from core.memberships.plans import get_plan, list_plans, plan_token
from core.subscriptions.documents import get_document
from core.subscriptions.feed import feed_documents
from core.subscriptions.plan import counts, find_plan
from core.subscriptions.standing import standings
from core.web import addresses
from portal.api.endpoint import endpoint
from portal.api.guard import acting
from portal.api.kinds import Flag, Text
from portal.api.objects_money import (
    INVOICE,
    MEMBERSHIP,
    MEMBERSHIP_PLAN,
    SUBSCRIPTION,
    SeenInvoice,
    SeenMember,
    SeenPlan,
    SeenSubscription,
)
from portal.api.paging import Asked, list_of
from portal.plan_facts import owed_by


@endpoint("GET", "/membership-plans", gives=MEMBERSHIP_PLAN, many=True)
def all_membership_plans(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List the plans you sell

    All of them in your order, on one page.
    """
    rows = [MEMBERSHIP_PLAN.encode(_plan(vendor, plan)) for plan in list_plans(vendor, mode)]
    return {"object": "list", "data": rows, "has_more": False}


@endpoint("GET", "/membership-plans/<number>", gives=MEMBERSHIP_PLAN)
def show_membership_plan(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a plan you sell"""
    return MEMBERSHIP_PLAN.encode(_plan(vendor, get_plan(vendor, mode, number)))


def _plan(vendor: Vendor, plan: Any) -> SeenPlan:
    return SeenPlan(plan, addresses.joining(plan_token(vendor, plan), vendor))


@endpoint(
    "GET", "/memberships", gives=MEMBERSHIP, many=True,
    query={
        "status": Text(about="How they stand.", usual="", one_of=STATUSES),
        "plan": Text(about="The code of the plan they have now.", usual="", most=40),
        "email": Text(about="Whoever has this address.", usual="", most=254),
    },
)  # fmt: skip
def all_memberships(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List memberships

    Who has joined. With `email` it answers whether somebody is a member: look at `active`.
    """
    wanted = asked.filters
    narrow = MemberFilter(plan=wanted["plan"] or None, status=wanted["status"] or None)
    found = feed_members(vendor, mode, asked.span, narrow, email=wanted["email"])
    return list_of(MEMBERSHIP, found, lambda pair: _member(vendor, *pair))


@endpoint("GET", "/memberships/<number>", gives=MEMBERSHIP)
def show_membership(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a membership"""
    return _membership(vendor, get_member(vendor, mode, number))


@endpoint(
    "POST", "/memberships/<number>/cancel", gives=MEMBERSHIP,
    takes={"at_once": Flag(about="Tonight, and unused days become balance; otherwise at the end of what is paid for.", usual=False)},
)  # fmt: skip
def cancel_membership(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """End a membership"""
    member = get_member(vendor, mode, number)
    cancel(vendor, member, at_once=sent["at_once"], by=acting())
    return _membership(vendor, member)


@endpoint("POST", "/memberships/<number>/keep", gives=MEMBERSHIP)
def keep_membership(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Take back what was planned for a membership

    A cancellation or a change that has not happened yet.
    """
    member = get_member(vendor, mode, number)
    keep(vendor, member, by=acting())
    return _membership(vendor, member)


@endpoint("GET", "/memberships/<number>/invoices", gives=INVOICE, many=True)
def membership_invoices(vendor: Vendor, mode: str, asked: Asked, number: str) -> dict[str, Any]:
    """List the invoices of a membership

    The newest hundred, on one page.
    """
    row = find_subscription(get_member(vendor, mode, number))
    documents = documents_of(vendor, row) if row else []
    rows = [INVOICE.encode(one) for one in _stand(documents)]
    return {"object": "list", "data": rows, "has_more": False}


def _membership(vendor: Vendor, member: Member) -> dict[str, Any]:
    row = find_subscription(member)
    if row is None:
        raise NotFound("There is no such member.")
    return MEMBERSHIP.encode(_member(vendor, member, row))


def _member(vendor: Vendor, member: Member, row: KeptSubscription) -> SeenMember:
    return SeenMember(member, row, page_address(vendor, member), begun=member.began_at is not None or row.status == "trialing")


# --- what the vendor itself subscribes to -------------------------------------------------------------------------------------


@endpoint("GET", "/subscription", gives=SUBSCRIPTION)
def show_subscription(vendor: Vendor, mode: str) -> dict[str, Any]:
    """Read your own plan here"""
    row = find_plan(vendor, mode)
    if row is None:
        raise NotFound("There is no plan yet. One is chosen in the portal.")
    state, (products, branches) = as_of_now(row)[0], counts(vendor, mode)
    return SUBSCRIPTION.encode(SeenSubscription(row, owed_by(state), state.balance, products, branches))


@endpoint(
    "GET", "/invoices", gives=INVOICE, many=True,
    query={"kind": Text(about="Which of the two.", usual="", one_of=("invoice", "credit_note"))},
)  # fmt: skip
def all_invoices(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List the invoices of your own plan

    With its credit notes.
    """
    found = feed_documents(house(), vendor, mode, asked.span, kind=asked.filters["kind"])
    seen = {one.document.id: one for one in _stand(found.rows)}
    return list_of(INVOICE, found, lambda document: seen[document.id])


@endpoint("GET", "/invoices/<number>", gives=INVOICE)
def show_invoice(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read an invoice of your own plan"""
    return INVOICE.encode(_stand([get_document(house(), mode, number, buyer=vendor)])[0])


def _stand(documents: list[BillingDocument]) -> list[SeenInvoice]:
    known = standings(documents) if documents else {}
    return [SeenInvoice(one, *known[one.id]) for one in documents]
