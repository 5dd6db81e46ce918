"""The cards with which a person can pay for their business's plan, for an app: which are kept, and which of them pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.accounts.house import HOUSE, house
from core.accounts.models import User, Vendor
from core.billing.states import CANCELLED
from core.kernel.currency import OFFERED
from core.kernel.errors import Conflict, Refusal
from core.payments.saved import forget, list_saved, make_default
from core.payments.saved_models import SavedCard
from core.providers.contract import NoSuchProvider
from core.providers.registry import provider_named
from core.subscriptions.charges import use_new_card
from core.subscriptions.plan import find_plan


class CardNeeded(Conflict):
    """It is the only card of a plan that runs."""

    code = "card_needed"


class AddressNotProved(Conflict):
    """Cards are kept for an e-mail address, and this person has not shown that theirs is."""

    code = "address_not_confirmed"


@dataclass(frozen=True)
class KeptCard:
    """A card that stays, and whether it is the one that pays."""

    number: str  # crd_...
    pays: bool


def list_own(user: User, mode: str) -> list[SavedCard]:
    """What this person has saved with the house, the one that pays first. None while the address is not theirs for certain."""
    return list_saved(house(), mode, user.email) if user.email_verified_at is not None else []


def keep_own(vendor: Vendor, user: User, mode: str, kept: Sequence[KeptCard]) -> list[SavedCard]:
    """These stay, the others are removed, here and at the processor; the one that pays may become another. Safe to repeat.

    Refuses a card that is not theirs, two that pay, AddressNotProved, CardNeeded, and CardInUse while a payment is being charged to one.
    """
    if user.email_verified_at is None:
        raise AddressNotProved("Confirm your e-mail address first: cards are kept for that address.")
    mine = {card.public_id: card for card in list_own(user, mode)}
    for place, one in enumerate(kept):
        if one.number not in mine:
            raise Refusal("You have no such card. One is added on its page.", field=f"payment_methods.{place}.id")
    pays = {one.number for one in kept if one.pays}
    if len(pays) > 1:
        raise Refusal("One card pays.", field="payment_methods")
    if mine and not kept and _pays_a_plan(vendor, user, mode):
        raise CardNeeded("This card pays the plan that runs. Add another one first, or cancel the plan.")
    for number in pays:
        if not mine[number].is_default:
            card = make_default(mine[number])
            use_new_card(HOUSE, mode, email=card.email, subscriber=vendor.public_id)
    for number in mine.keys() - {one.number for one in kept}:
        forget(mine[number])
    return list_own(user, mode)


def currencies_of(card: SavedCard) -> list[str]:
    """In which its processor charges cards."""
    try:
        offers = [offer for offer in provider_named(card.provider, card.mode).methods() if offer.method == "card"]
    except NoSuchProvider:
        return []
    return sorted(
        OFFERED if any(offer.currencies is None for offer in offers) else frozenset().union(*(offer.currencies or () for offer in offers))
    )


def _pays_a_plan(vendor: Vendor, user: User, mode: str) -> bool:
    plan = find_plan(vendor, mode)
    return plan is not None and plan.status != CANCELLED and plan.payer_email.lower() == user.email.lower()
