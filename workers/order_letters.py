"""What the letter about a checkout with several sellers is written from."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.notifications.models import Message
from core.orders.open import payer_token
from core.orders.queries import get_checkout, parts_of
from core.web import addresses
from workers.letter import Facts, NoLongerTrue


def not_paid(vendor: Vendor, message: Message) -> Facts:
    """Which orders were not paid, and what the payer can do; not written when all are paid by now."""
    checkout = get_checkout(vendor, message.mode, message.params["checkout"])
    parts = parts_of(checkout)
    undone = checkout.state in ("unwinding", "undone")
    # An order whose payer the bank wants to hear from has a letter of its own.
    open_ = [part for part in parts if part.order.state in ("declined", "over") or (undone and part.order.state != "paid")]
    if not open_:
        raise NoLongerTrue("nothing of it is declined any more")
    return {
        "checkout": checkout,
        "not_paid": open_,
        "paid": [part for part in parts if part.order.state == "paid"],
        "undone": undone,
        "can_try": not undone and now() < checkout.expires_at and any(part.order.state == "declined" for part in open_),
        "practice": checkout.mode == "test",
        "action_url": addresses.several(payer_token(vendor, checkout)),
    }
