"""The jobs of memberships: a card was saved, a subscription has news."""

from __future__ import annotations

import uuid

from core.accounts.queries import get_vendor
from core.kernel.db import unit_of_work
from core.memberships.follow import follow_membership as look
from core.memberships.join import card_saved, saving_member
from core.memberships.screen import count_declined


def member_card_saved(vendor_id: uuid.UUID, *, mode: str, saving: str, card: str) -> None:
    """A membership begins, or goes on, with the card that was saved."""
    with unit_of_work():
        found = saving_member(vendor_id, mode, uuid.UUID(saving))
        if found is not None:
            card_saved(get_vendor(vendor_id), *found)


def follow_membership(vendor_id: uuid.UUID, *, mode: str, subscription: str) -> None:
    """Welcome whoever has begun; count whoever was declined."""
    with unit_of_work():
        declined = look(vendor_id, mode, uuid.UUID(subscription))
    if declined is not None:
        count_declined(declined[1])
