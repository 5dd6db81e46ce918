"""Whether a button on somebody's website still counts: it promises a price, and one that is no longer the link's is not charged."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.payments.basket import Choices, offer_of, price
from core.payments.models import PaymentLink
from core.payments.sharing_models import LinkPrefill


def price_now(vendor: Vendor, link: PaymentLink, amount: Money | None, quantities: dict[str, int] | None) -> Money | None:
    """What these answers come to at the link's prices of this moment, before tips and codes; None where the payer says how much."""
    offer = offer_of(link)
    if not offer.items and link.amount is None and amount is None:
        return None
    if not offer.sells:
        return link.amount or amount
    return price(vendor, link, Choices(amount=link.amount or amount, quantities=quantities or {})).cart.total


def button_state(vendor: Vendor, link: PaymentLink, prefill: LinkPrefill) -> str:
    """open, button_paused, expired or price_changed. An address that is no button's is always open: its link decides."""
    if prefill.look is None:
        return "open"
    if prefill.paused_at is not None:
        return "button_paused"
    if prefill.expires_at is not None and now() >= prefill.expires_at:
        return "expired"
    if prefill.price_minor is None:
        return "open"
    try:
        present = price_now(vendor, link, _fixed(link, prefill), prefill.quantities)
    except Refusal:  # what it was for is not sold any more, or not so many of it
        return "price_changed"
    return "open" if present == Money(prefill.price_minor, link.currency) else "price_changed"


def _fixed(link: PaymentLink, prefill: LinkPrefill) -> Money | None:
    return Money(prefill.amount_minor, link.currency) if prefill.amount_minor else None
