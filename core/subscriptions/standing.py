"""How documents stand at this moment, with the card that paid or will be asked: for their pages, their letters and, once, for their paper."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select

from core.accounts.queries import get_vendor
from core.billing.calendar import local_date
from core.billing.dunning import schedule
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.queries import list_events, read
from core.billing.states import CANCELLED, SUSPENDED
from core.billing.subscription import Subscription
from core.kernel.db import db, driver
from core.kernel.money import Money
from core.payments.models import Payment
from core.payments.saved import find_default
from core.payments.saved_models import SavedCard, SavedCharge
from core.subscriptions.settled import Settled, settle

COMING = ("wanted", "sent")
_CHARGED = """SELECT c.payment_id FROM unnest(%s::uuid[], %s::text[], %s::uuid[]) AS k(vendor_id, mode, payment_id)
              JOIN billing_charges c ON c.vendor_id = k.vendor_id AND c.mode = k.mode AND c.payment_id = k.payment_id"""


@dataclass(frozen=True, slots=True)
class Card:
    """What a payer knows a card by."""

    brand: str
    last4: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a document so far, and what comes next: the day of the next charge, and the card, where it is known."""

    settled: Settled
    paid_with: Card | None = None
    charged_on: date | None = None
    charged_to: Card | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose subscription it is, for the questions of billing."""

    id: uuid.UUID


def standing_of(document: BillingDocument) -> Standing:
    """All of it, worked out from the subscription's events."""
    row = db.session.get_one(KeptSubscription, (document.vendor_id, document.mode, document.subscription_id))
    state = read(row)
    settled = settle(list_events(Owner(row.vendor_id), row))[document.ordinal]
    settled = replace(settled, standing=_word(state, settled, document.ordinal))
    if document.kind == "credit_note":
        return Standing(settled)
    charges = _charges(document)
    paid = next((card for charge, card in charges if charge.state == "received" and card), None) if settled.paid else None
    coming = next(((charge, card) for charge, card in charges if charge.state in COMING), None) if settled.due else None
    if coming is not None:
        charge, card = coming
        return Standing(settled, paid, local_date(charge.due_at, state.zone), card or _default_card(row))
    again_on = _tried_again_on(state) if settled.standing == "open" else None
    return Standing(settled, paid, again_on, _default_card(row) if again_on else None)


def _default_card(row: KeptSubscription) -> Card | None:
    """What whoever pays for it would be charged with now."""
    card = find_default(get_vendor(row.vendor_id), row.mode, row.payer_email) if row.payer_email else None
    return Card(card.brand, card.last4) if card is not None else None


def _word(state: Subscription, settled: Settled, ordinal: int) -> str:
    carried = any(owed.document == ordinal and owed.standing == "carried" for owed in state.open)
    return "carried" if carried and settled.due else settled.standing


def _tried_again_on(state: Subscription) -> date | None:
    """The next day of the schedule; none when only a new card can help, or nothing is tried any more."""
    dunning = state.dunning
    if dunning is None or dunning.hard or dunning.stopped or state.status in (SUSPENDED, CANCELLED):
        return None
    return next((day for day in schedule(dunning.since, state.terms).retries if day > state.today), None)


def _charges(document: BillingDocument) -> list[tuple[BillingCharge, Card | None]]:
    """The charges for it, the newest first, each with the card it was sent to."""
    whose = (SavedCharge.vendor_id == BillingCharge.vendor_id) & (SavedCharge.mode == BillingCharge.mode)
    card = (SavedCard.vendor_id == SavedCharge.vendor_id) & (SavedCard.mode == SavedCharge.mode) & (SavedCard.id == SavedCharge.card_id)
    asked = select(BillingCharge, SavedCard.brand, SavedCard.last4)
    asked = asked.outerjoin(SavedCharge, whose & (SavedCharge.payment_id == BillingCharge.payment_id)).outerjoin(SavedCard, card)
    mine = asked.where(BillingCharge.vendor_id == document.vendor_id, BillingCharge.mode == document.mode)
    mine = mine.where(BillingCharge.subscription_id == document.subscription_id, BillingCharge.documents.contains([document.ordinal]))
    found = db.session.execute(mine.order_by(BillingCharge.id.desc()))
    return [(charge, Card(brand or "", last4) if last4 else None) for charge, brand, last4 in found]


def standings(documents: Sequence[BillingDocument]) -> dict[uuid.UUID, tuple[str, Money]]:
    """For a list: the word for each of them and what is still owed on it, in two questions however many they are."""
    if not documents:
        return {}
    vendor_id, mode, theirs = documents[0].vendor_id, documents[0].mode, {document.subscription_id for document in documents}
    rows = select(KeptSubscription).where(KeptSubscription.vendor_id == vendor_id, KeptSubscription.mode == mode)
    states = {row.id: read(row) for row in db.session.scalars(rows.where(KeptSubscription.id.in_(theirs)))}
    lost = _written_off(vendor_id, mode, theirs)
    return {one.id: _briefly(one, states[one.subscription_id], (one.subscription_id, one.ordinal) in lost) for one in documents}


def _briefly(document: BillingDocument, state: Subscription, lost: bool) -> tuple[str, Money]:
    owed = next((each for each in state.open if each.document == document.ordinal), None)
    due = owed.due if owed is not None and document.state == "final" else Money(0, document.currency)
    if document.state != "final":
        return document.state, due
    if document.kind == "credit_note":
        return "credited", due
    if owed is not None:
        return "carried" if owed.standing == "carried" else "open", due
    return "written_off" if lost else "settled", due


def _written_off(vendor_id: uuid.UUID, mode: str, theirs: Iterable[uuid.UUID]) -> set[tuple[uuid.UUID, int]]:
    events = select(SubscriptionEvent.subscription_id, SubscriptionEvent.effects).where(
        SubscriptionEvent.vendor_id == vendor_id, SubscriptionEvent.mode == mode, SubscriptionEvent.subscription_id.in_(theirs)
    )
    found = db.session.execute(events.where(SubscriptionEvent.effects.contains([{"is": "Written"}])))
    return {
        (whose, number) for whose, effects in found for effect in effects if effect["is"] == "Written" for number in effect["documents"]
    }


def invoiced(payments: Iterable[Payment]) -> set[uuid.UUID]:
    """Those that were charged for documents: their payer gets the invoice, and no receipt beside it. Payments by a link are none.

    One question however many they are, and none when all of them came by links.
    """
    keys = [(payment.vendor_id, payment.mode, payment.id) for payment in payments if payment.link_id is None]
    if not keys:
        return set()
    db.session.flush()  # the driver must see what this unit has already said
    return {one for (one,) in driver().execute(_CHARGED, [list(part) for part in zip(*keys, strict=True)])}
