"""A sample of an event that has not happened yet, for whoever writes a receiver: its object looks as a real one does (core/hooks/shapes.py)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.accounts.models import Vendor
from core.hooks.shapes import Shape, at
from core.hooks.types import family_of
from core.kernel.clock import now
from core.kernel.ids import public_id
from core.payments.states import PAID

# What an event's object stands at where the type's own word is no state of it.
STANDS = {
    "payment.released": "succeeded", "payment.unexpected_money": "succeeded", "order.created": "waiting", "order.delivered": "paid",
    "link.created": "active", "link.archived": "active", "link.restored": "active", "invoice.issued": "final", "credit_note.issued": "final",
}  # fmt: skip
KINDS = {
    "payment": "pay", "refund": "ref", "refund_link": "rcl", "dispute": "dp", "payout": "po", "checkout": "chk", "order": "ord",
    "link": "lnk", "membership": "mbr", "subscription": "sub", "invoice": "doc", "credit_note": "doc",
}  # fmt: skip


def sample_of(vendor: Vendor, mode: str, type_: str) -> Shape:
    """With an id of its own, which nothing else has: nothing is found under it. What it names besides is made up as well."""
    family = family_of(type_)
    status = STANDS.get(type_, type_.partition(".")[2])
    head = {"id": public_id(KINDS[family]), "object": "payment_event" if family == "checkout" else family, "mode": mode, "status": status}
    return head | _Sample(vendor, status, type_).of(family)


class _Sample:
    """The fields of each family's object, in the vendor's own currency."""

    def __init__(self, vendor: Vendor, status: str, type_: str) -> None:
        self.vendor, self.type, self.paid = vendor, type_, status in (*PAID, "paid", "done", "final")
        self.began, self.now, self.later = at(now() - timedelta(hours=1)), at(now()), at(now() + timedelta(days=7))
        self.today, self.month_on = at(now().date()), at(now().date() + timedelta(days=30))

    def money(self, minor: int = 2_500) -> Shape:
        return {"amount": minor, "currency": self.vendor.currency}

    def if_paid(self, value: Any) -> Any:
        return value if self.paid else None

    def of(self, family: str) -> Shape:
        made: Shape = getattr(self, f"of_{'document' if family in ('invoice', 'credit_note') else family}")()
        return made

    def of_payment(self) -> Shape:
        none = self.money(0)
        return {
            "reference": "SAMPL-00001", "description": "Sample", "amount": self.money(), "captured": self.money() if self.paid else none,
            "refunded": none, "refunding": none, "fee": self.money(25) if self.paid else none, "net": self.money(2_475) if self.paid else none,
            "disputed": none, "method": "card", "card": {"brand": "visa", "last4": "4242"},
            "decline_code": "card_declined" if self.type == "payment.requires_method" else None, "link": None,
            "payer": {"email": "sample@example.com", "name": "Sample Payer"}, "payer_reference": "", "key_values": {}, "metadata": {},
            "created_at": self.began, "captured_at": self.if_paid(self.now), "available_at": self.if_paid(self.later),
            "released_at": self.now if self.type == "payment.released" else None,
        }  # fmt: skip

    def of_refund(self) -> Shape:
        return {
            "payment": public_id("pay"), "amount": self.money(), "reason": "requested_by_customer",
            "failure_reason": "lost_or_stolen_card" if self.type == "refund.failed" else None,
            "created_at": self.began, "sent_at": self.now, "settled_at": self.now if self.type == "refund.succeeded" else None,
        }  # fmt: skip

    def of_refund_link(self) -> Shape:
        return {
            "payment": public_id("pay"), "refund": None, "amount": self.money(), "paid_by": public_id("ref") if self.paid else None,
            "created_at": self.began, "expires_at": self.later, "named_at": None if self.type == "refund_link.open" else self.now,
            "decided_at": self.if_paid(self.now), "settled_at": self.if_paid(self.now),
        }  # fmt: skip

    def of_dispute(self) -> Shape:
        return {
            "payment": public_id("pay"), "amount": self.money(), "reason": "product_not_received", "network_code": None, "cycle": 1,
            "due_at": self.later, "opened_at": self.began, "answered_at": None, "decided_at": None,
        }  # fmt: skip

    def of_payout(self) -> Shape:
        return {
            "amount": self.money(), "opening": self.money(0), "lines": self.money(), "carried": self.money(0),
            "failure_reason": "account_closed" if self.type in ("payout.failed", "payout.returned") else None, "bank_reference": None,
            "created_at": self.began, "arrived_at": self.if_paid(self.now),
        }  # fmt: skip

    def of_order(self) -> Shape:
        return {
            "event": public_id("chk"), "seller": self.vendor.public_id, "reference": "SAMPLE-1", "amount": self.money(), "fee": self.money(25),
            "payment": public_id("pay"), "refunded": self.money(0), "why_not_paid": "declined" if self.type == "order.over" else None,
            "delivered_at": self.now if self.type == "order.delivered" else None, "available_at": None, "released_at": None,
        }  # fmt: skip

    def of_checkout(self) -> Shape:
        order = {
            "id": public_id("ord"),
            "seller": self.vendor.public_id,
            "reference": "SAMPLE-1",
            "status": "paid" if self.paid else "waiting",
        }
        return {
            "checkout_id": "SAMPLE", "rule": "keep", "amount": self.money(), "payer": {"email": "sample@example.com", "name": "Sample Payer"},
            "is_payment_done": self.paid, "is_ledger_updated": self.paid, "is_wallet_updated": self.paid, "orders": [order],
            "created_at": self.began, "expires_at": self.later, "ended_at": self.if_paid(self.now),
        }  # fmt: skip

    def of_link(self) -> Shape:
        return {
            "kind": "reusable", "title": "Sample", "currency": self.vendor.currency, "amount": self.money(), "total": None, "key_values": {}, "metadata": {},
            "expires_at": None, "archived_at": self.now if self.type == "link.archived" else None, "created_at": self.began, "updated_at": self.now,
        }  # fmt: skip

    def of_membership(self) -> Shape:
        return {
            "plan": public_id("mpl"), "plan_name": "Sample", "subscription": public_id("sub"),
            "payer": {"email": "sample@example.com", "name": "Sample Payer"}, "period_start": self.today, "period_end": self.month_on,
            "began_at": self.today,
        }  # fmt: skip

    def of_subscription(self) -> Shape:
        return {
            "plan": "pro", "currency": self.vendor.currency, "period_start": self.today, "period_end": self.month_on, "began_at": self.today,
        }  # fmt: skip

    def of_document(self) -> Shape:
        return {
            "number": "SAMPLE-1", "issued_by": "house", "subscription": public_id("sub"), "net": self.money(2_000), "tax": self.money(500),
            "gross": self.money(), "issued_on": self.today, "tax_point": self.today,
        }  # fmt: skip
