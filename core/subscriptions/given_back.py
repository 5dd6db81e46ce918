"""A payment for a vendor's own plan that went back by another way: what of it is on the member's balance does not pay what comes as well.

A month may be paid twice: by the saved card, and by the payer on the page of an earlier demand. The second payment is balance. When the
vendor gives one of the two back by hand, or a bank takes it back, that balance is what went back.
"""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.billing import store
from core.billing.codec import decode, decode_one_of
from core.billing.effects import BalanceMoved, Effect
from core.billing.lines import sum_of
from core.billing.models import KeptSubscription, SubscriptionEvent
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.models import Payment
from core.subscriptions.follow import follow


def note_given_back(row: KeptSubscription, payment: Payment) -> None:
    """Bring a locked subscription to how much of this payment has gone by now. Late and doubled news find nothing to change."""
    if row.vendor_id == HOUSE or payment.currency != row.currency:
        return
    gone = payment.captured - payment.refundable
    mine = (SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode, SubscriptionEvent.subscription_id == row.id)
    told = select(SubscriptionEvent).where(*mine, SubscriptionEvent.kind == "given_back")
    events = list(
        db.session.scalars(told.where(SubscriptionEvent.given.contains({"payment": payment.public_id})).order_by(SubscriptionEvent.seq))
    )
    before = decode(Money, events[-1].given["gone"]) if events else Money(0, row.currency)
    if gone == before:
        return
    taken = _taken(events, row.currency)
    more = gone - before if before < gone else min(gone - taken, Money(0, row.currency))
    store.given_back(row, more, payment_id=payment.public_id, gone=gone)
    follow(row)


def _taken(events: list[SubscriptionEvent], currency: str) -> Money:
    """What the balance has given up for this payment so far."""
    effects = [decode_one_of(Effect, kept) for event in events for kept in event.effects]
    return -sum_of((effect.amount for effect in effects if isinstance(effect, BalanceMoved)), currency)
