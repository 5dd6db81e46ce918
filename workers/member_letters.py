"""What letters to members are made of, where billing does not tell the news itself: the welcome, and the address of their page."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.billing.tax import with_tax
from core.memberships.lists import get_member
from core.memberships.page import page_address
from core.memberships.standing import standing_of
from core.notifications.models import Message
from core.payments.saved import get_saved
from core.web.reader import Reader
from workers.letter import Facts


def page(vendor: Vendor, message: Message) -> Facts:
    """Which plan it is, and the address as it is now: one that was replaced meanwhile is not sent."""
    member = get_member(vendor, message.mode, message.params["member"])
    found = standing_of(vendor, member)
    plan = found.plan.name if found.plan else found.state.plan.title
    return {"practice": message.mode == "test", "plan": plan, "action_url": page_address(vendor, member)}


def welcome(vendor: Vendor, message: Message) -> Facts:
    """What is charged when, as it stands while the letter is written."""
    member = get_member(vendor, message.mode, message.params["member"])
    found = standing_of(vendor, member)
    card = get_saved(vendor, message.mode, found.card) if found.card else None
    return page(vendor, message) | {
        "monthly": with_tax(found.state.plan.price, found.state.tax_bps),
        "upcoming": found.next,
        "card": Reader(message.locale).card_ending(card.brand, card.last4) if card else None,
    }
