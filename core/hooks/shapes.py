"""What an object looks like to the vendors' own software: the one place that writes it, for events and whoever else shows it.

A shape is only added to. What has to change otherwise becomes a new version beside this one, and an endpoint keeps the one it began with.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from core.accounts.house import HOUSE, house
from core.accounts.models import Vendor
from core.billing.models import BillingDocument, KeptSubscription
from core.disputes.models import Dispute
from core.kernel.db import db
from core.kernel.ids import is_public_id
from core.kernel.money import Money
from core.memberships.models import Member
from core.memberships.plans import find_plan_by_code
from core.orders.models import Checkout, Order
from core.orders.pay import payment_of
from core.orders.queries import checkout_of, parts_of
from core.payments.claim_list import refunds_behind
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment, PaymentLink
from core.payments.queries import find_link_of
from core.payments.refund_models import Refund
from core.payouts.models import Payout

VERSION = "2026-11"
VERSIONS = (VERSION,)
Shape = dict[str, Any]


def money(amount: Money) -> Shape:
    """An amount in minor units."""
    return {"amount": amount.minor, "currency": amount.currency}


def at(moment: datetime | date | None) -> str | None:
    """An instant in UTC, or a day."""
    if moment is None:
        return None
    return moment.isoformat(timespec="seconds") if isinstance(moment, datetime) else moment.isoformat()


def payment_shape(vendor: Vendor, payment: Payment) -> Shape:
    """`metadata` is `key_values` under the name that the API has for it; both stay."""
    link = find_link_of(vendor, payment)
    card = {"brand": payment.card_brand, "last4": payment.card_last4} if payment.card_brand or payment.card_last4 else None
    return {
        "id": payment.public_id, "object": "payment", "mode": payment.mode, "status": payment.state, "reference": payment.reference,
        "description": payment.description, "amount": money(payment.amount), "captured": money(payment.captured),
        "refunded": money(payment.refunded), "refunding": money(payment.refunding), "fee": money(payment.fee), "net": money(payment.net),
        "disputed": money(payment.disputed), "method": payment.method, "card": card,
        "decline_code": payment.decline_code, "link": link.public_id if link else None,
        "payer": {"email": payment.email, "name": payment.payer_name}, "payer_reference": payment.payer_reference,
        "key_values": payment.key_values, "metadata": payment.key_values, "created_at": at(payment.created_at), "captured_at": at(payment.captured_at),
        "available_at": at(payment.available_at), "released_at": at(payment.released_at),
    }  # fmt: skip


def refund_shape(vendor: Vendor, refund: Refund) -> Shape:
    payment = db.session.get_one(Payment, (vendor.id, refund.mode, refund.payment_id))
    return {
        "id": refund.public_id, "object": "refund", "mode": refund.mode, "status": refund.state, "payment": payment.public_id,
        "amount": money(refund.amount), "reason": refund.reason, "failure_reason": refund.failure_reason,
        "created_at": at(refund.created_at), "sent_at": at(refund.sent_at), "settled_at": at(refund.settled_at),
    }  # fmt: skip


def refund_link_shape(vendor: Vendor, claim: RefundClaim) -> Shape:
    """Without the account and its name: whoever has to see them asks, and what was told is with strangers for ever."""
    payment = db.session.get_one(Payment, (vendor.id, claim.mode, claim.payment_id))
    numbers = refunds_behind(vendor, claim.mode, [claim])
    return {
        "id": claim.public_id, "object": "refund_link", "mode": claim.mode, "status": claim.state, "payment": payment.public_id,
        "refund": numbers.get(claim.refund_id), "amount": money(claim.amount), "paid_by": numbers.get(claim.paid_by),
        "created_at": at(claim.created_at), "expires_at": at(claim.expires_at), "named_at": at(claim.claimed_at),
        "decided_at": at(claim.decided_at), "settled_at": at(claim.settled_at),
    }  # fmt: skip


def dispute_shape(vendor: Vendor, dispute: Dispute) -> Shape:
    payment = db.session.get_one(Payment, (vendor.id, dispute.mode, dispute.payment_id))
    return {
        "id": dispute.public_id, "object": "dispute", "mode": dispute.mode, "status": dispute.state, "payment": payment.public_id,
        "amount": money(dispute.amount), "reason": dispute.reason, "network_code": dispute.network_code or None, "cycle": dispute.cycle,
        "due_at": at(dispute.due_at), "opened_at": at(dispute.opened_at), "answered_at": at(dispute.answered_at), "decided_at": at(dispute.decided_at),
    }  # fmt: skip


def payout_shape(vendor: Vendor, payout: Payout) -> Shape:
    return {
        "id": payout.public_id, "object": "payout", "mode": payout.mode, "status": payout.state, "amount": money(payout.amount),
        "opening": money(Money(payout.opening_minor, payout.currency)), "lines": money(Money(payout.lines_minor, payout.currency)),
        "carried": money(Money(payout.carried_minor, payout.currency)), "failure_reason": payout.failure_reason or None,
        "bank_reference": payout.trace or None, "created_at": at(payout.created_at), "arrived_at": at(payout.arrived_at),
    }  # fmt: skip


def order_shape(vendor: Vendor, order: Order) -> Shape:
    payment = payment_of(order)
    return {
        "id": order.public_id, "object": "order", "mode": order.mode, "event": checkout_of(order).public_id, "seller": vendor.public_id,
        "reference": order.reference, "status": order.state, "amount": money(order.amount), "fee": money(order.fee),
        "payment": payment.public_id if payment else None,
        "refunded": money(payment.refunded if payment else Money(0, order.currency)), "why_not_paid": order.why_over or None,
        "delivered_at": at(order.delivered_at), "available_at": at(payment.available_at) if payment else None,
        "released_at": at(payment.released_at) if payment else None,
    }  # fmt: skip


def checkout_shape(vendor: Vendor, checkout: Checkout) -> Shape:
    parts = parts_of(checkout)
    return {
        "id": checkout.public_id, "object": "payment_event", "mode": checkout.mode, "checkout_id": checkout.checkout_id,
        "status": checkout.state, "rule": checkout.rule, "amount": money(checkout.total),
        "payer": {"email": checkout.email, "name": checkout.payer_name},
        "is_payment_done": all(part.order.state == "paid" for part in parts),
        "is_ledger_updated": all(part.in_ledger for part in parts), "is_wallet_updated": all(part.in_wallet for part in parts),
        "orders": [{"id": part.order.public_id, "seller": part.seller.public_id, "reference": part.order.reference, "status": part.order.state} for part in parts],
        "created_at": at(checkout.created_at), "expires_at": at(checkout.expires_at), "ended_at": at(checkout.ended_at),
    }  # fmt: skip


def link_shape(vendor: Vendor, link: PaymentLink) -> Shape:
    return {
        "id": link.public_id, "object": "link", "mode": link.mode, "status": link.state, "kind": link.kind, "title": link.title,
        "currency": link.currency, "amount": money(link.amount) if link.amount else None, "total": money(link.total) if link.total else None,
        "key_values": link.key_values, "metadata": link.key_values, "expires_at": at(link.expires_at), "archived_at": at(link.archived_at),
        "created_at": at(link.created_at), "updated_at": at(link.updated_at),
    }  # fmt: skip


def membership_shape(vendor: Vendor, row: KeptSubscription) -> Shape:
    """A subscription to one of the vendor's own plans."""
    mine = select(Member).where(Member.vendor_id == vendor.id, Member.mode == row.mode, Member.subscription_id == row.id)
    member, plan = db.session.scalar(mine), find_plan_by_code(vendor, row.mode, row.tier)
    return {
        "id": member.public_id if member else row.public_id, "object": "membership", "mode": row.mode, "status": row.status,
        "plan": plan.public_id if plan else None, "plan_name": plan.name if plan else row.tier, "subscription": row.public_id,
        "payer": {"email": member.email, "name": member.name} if member else {"email": row.payer_email, "name": ""},
        "period_start": at(row.period_start), "period_end": at(row.period_end), "began_at": at(row.began_at),
    }  # fmt: skip


def subscription_shape(vendor: Vendor, row: KeptSubscription) -> Shape:
    """The vendor's own plan at the house."""
    return {
        "id": row.public_id, "object": "subscription", "mode": row.mode, "status": row.status, "plan": row.tier, "currency": row.currency,
        "period_start": at(row.period_start), "period_end": at(row.period_end), "began_at": at(row.began_at),
    }  # fmt: skip


def document_shape(vendor: Vendor, document: BillingDocument) -> Shape:
    row = db.session.get_one(KeptSubscription, (document.vendor_id, document.mode, document.subscription_id))
    return {
        "id": document.public_id, "object": document.kind, "mode": document.mode, "status": document.state, "number": document.name,
        "issued_by": "house" if document.vendor_id == HOUSE else vendor.public_id, "subscription": row.public_id,
        "net": money(Money(document.net_minor, document.currency)), "tax": money(Money(document.tax_minor, document.currency)),
        "gross": money(document.gross), "issued_on": at(document.issued_on), "tax_point": at(document.on_day),
    }  # fmt: skip


def shape_of(vendor: Vendor, mode: str, type_: str, subject: str) -> Shape | None:
    """The object of an event as it stands now; None when there is no such row any more."""
    family = type_.partition(".")[0]
    model, write = SHAPES[family]
    if model is Refund:
        mine = select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.public_id == subject)
        row: Any = db.session.scalar(mine.execution_options(populate_existing=True)) if is_public_id("ref", subject) else None
        return write(vendor, row) if row is not None else None
    if family in ("subscription", "invoice", "credit_note"):
        row = db.session.get(model, (house().id, mode, uuid.UUID(subject)), populate_existing=True)
        if row is not None:
            return write(vendor, row)
    row = db.session.get(model, (vendor.id, mode, uuid.UUID(subject)), populate_existing=True)
    return write(vendor, row) if row is not None else None


SHAPES: dict[str, tuple[Any, Callable[[Vendor, Any], Shape]]] = {
    "payment": (Payment, payment_shape),
    "refund": (Refund, refund_shape),
    "refund_link": (RefundClaim, refund_link_shape),
    "dispute": (Dispute, dispute_shape),
    "payout": (Payout, payout_shape),
    "checkout": (Checkout, checkout_shape),
    "order": (Order, order_shape),
    "link": (PaymentLink, link_shape),
    "membership": (KeptSubscription, membership_shape),
    "subscription": (KeptSubscription, subscription_shape),
    "invoice": (BillingDocument, document_shape),
    "credit_note": (BillingDocument, document_shape),
}
