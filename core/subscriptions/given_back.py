"""A payment for a vendor's own plan that went back by another way: what of it is on the member's balance does not pay what comes as well.

A month may be paid twice: by the saved card, and by the payer on the page of an earlier demand. The second payment is balance. When the
vendor gives one of the two back by hand, or a bank takes it back, that balance is what went back; and when the first goes back while the
second is on its way, the second is the one that pays the month.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.billing import store
from core.billing.codec import decode, decode_one_of
from core.billing.effects import BalanceMoved, Effect
from core.billing.lines import sum_of
from core.billing.models import BillingCharge, KeptSubscription, SubscriptionEvent
from core.billing.queries import read
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.models import Payment
from core.subscriptions.follow import follow


def note_given_back(row: KeptSubscription, payment: Payment) -> None:
    """Bring a locked subscription to how much of this payment has gone by now. Late and doubled news find nothing to change."""
    if row.vendor_id == HOUSE or payment.currency != row.currency:
        return
    gone, events = _gone(payment), _told(row, payment)
    before = decode(Money, events[-1].given["gone"]) if events else Money(0, row.currency)
    if gone == before:
        return
    taken = _taken(events, row.currency)
    more = gone - before if before < gone else min(gone - taken, Money(0, row.currency))
    store.given_back(row, more, payment_id=payment.public_id, gone=gone)
    follow(row)


def note_paid_again(row: KeptSubscription, documents: Sequence[int], effects: Sequence[Effect]) -> None:
    """More has come for these documents of a locked subscription than they ask for. As far as an earlier payment for them had gone back
    before that, when there was no balance to take it from, they are paid once and nothing is too much."""
    over = sum_of((effect.amount for effect in effects if isinstance(effect, BalanceMoved) and effect.why == "overpaid"), row.currency)
    if row.vendor_id == HOUSE or not over:
        return
    for payment in _payments_for(row, documents):
        gone = _gone(payment)
        more = min(gone - _taken(_told(row, payment), row.currency), over)
        if more.minor > 0:
            store.given_back(row, more, payment_id=payment.public_id, gone=gone)
            over = over - more
    follow(row)


def comes_off(payments: Sequence[tuple[Payment, Money]]) -> list[Money]:
    """How much of each of these refunds would come off the balance of the membership that the payment was for, one after the other. As things
    stand now: several payments of one membership share what it has."""
    bills = select(BillingCharge.payment_id, KeptSubscription).join(
        KeptSubscription,
        (BillingCharge.vendor_id == KeptSubscription.vendor_id)
        & (BillingCharge.mode == KeptSubscription.mode)
        & (BillingCharge.subscription_id == KeptSubscription.id),
    )
    asked = [payment for payment, _ in payments if payment.link_id is None and payment.vendor_id != HOUSE]
    mine = (
        BillingCharge.vendor_id.in_({payment.vendor_id for payment in asked}),
        BillingCharge.mode.in_({payment.mode for payment in asked}),
        BillingCharge.payment_id.in_([payment.id for payment in asked]),
    )
    whose = {payment: row for payment, row in db.session.execute(bills.where(*mine))} if asked else {}
    left = {row.id: read(row).balance for row in whose.values()}
    found = []
    for payment, amount in payments:
        row, off = whose.get(payment.id), Money(0, payment.currency)
        if row is not None and row.currency == payment.currency:
            off = min(amount, left[row.id])
            left[row.id] = left[row.id] - off
        found.append(off)
    return found


def _gone(payment: Payment) -> Money:
    return payment.captured - payment.refundable


def _told(row: KeptSubscription, payment: Payment) -> list[SubscriptionEvent]:
    """What the subscription knows of it, in order."""
    mine = (SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode, SubscriptionEvent.subscription_id == row.id)
    told = select(SubscriptionEvent).where(*mine, SubscriptionEvent.kind == "given_back")
    about = SubscriptionEvent.given.contains({"payment": payment.public_id})
    return list(db.session.scalars(told.where(about).order_by(SubscriptionEvent.seq)))


def _taken(events: Sequence[SubscriptionEvent], currency: str) -> Money:
    """What the balance has given up for this payment so far."""
    effects = [decode_one_of(Effect, kept) for event in events for kept in event.effects]
    return -sum_of((effect.amount for effect in effects if isinstance(effect, BalanceMoved)), currency)


def _payments_for(row: KeptSubscription, documents: Sequence[int]) -> list[Payment]:
    """What was received for them in the subscription's currency, the oldest first, as each stands now."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    same = select(BillingCharge.payment_id).where(
        *mine, BillingCharge.state == "received", BillingCharge.currency == row.currency, BillingCharge.documents.overlap(list(documents))
    )
    paid = select(Payment).where(Payment.vendor_id == row.vendor_id, Payment.mode == row.mode, Payment.id.in_(same))
    return list(db.session.scalars(paid.order_by(Payment.id).execution_options(populate_existing=True)))
