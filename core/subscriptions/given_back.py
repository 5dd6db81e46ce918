"""A payment for a vendor's own plan that went back by another way: what of it is on the member's balance does not pay what comes as well.

A month may be paid twice: by the saved card, and by the payer on the page of an earlier demand. The second payment is balance. When the
vendor gives one of the two back by hand, or a bank takes it back, that balance is what went back; and when the first goes back while the
second is on its way, the second is the one that pays the month.

And a month that was paid once and went back, in whole or in part, is as good as unpaid: what a credit note gives for its unused days is no
balance, as far as its money is not here any more (P-03). So a month is given back once, whether it is refunded first or credited first.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from core.accounts.house import HOUSE
from core.billing import store
from core.billing.codec import decode, decode_one_of
from core.billing.effects import BalanceMoved, Drafted, Effect
from core.billing.lines import Document, sum_of
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.queries import read
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.models import Payment


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


def note_credited(row: KeptSubscription, effects: Sequence[Effect]) -> None:
    """Credit notes have put something on the balance of a locked subscription. As far as the money for it had gone back already, it is not."""
    for payment, more in off_credit(row, effects):
        note_given_back(row, payment)  # should its own news be late
        left = _gone(payment) - _taken(_told(row, payment), row.currency)
        if left.minor > 0:
            store.given_back(row, min(more, left), payment_id=payment.public_id, gone=_gone(payment))


def off_credit(row: KeptSubscription, effects: Sequence[Effect]) -> list[tuple[Payment, Money]]:
    """What of a credit comes off again, by the payment that has gone back: of what happened, or of what a preview says would."""
    moved = [effect for effect in effects if isinstance(effect, BalanceMoved)]
    given = [effect for effect in moved if effect.why == "credit_note"]
    if row.vendor_id == HOUSE or not given:
        return []
    over = min(sum_of((effect.amount for effect in given), row.currency), sum_of((effect.amount for effect in moved), row.currency))
    named = {effect.document for effect in given}
    notes = [effect.document for effect in effects if isinstance(effect, Drafted) and effect.document.number in named]
    found = []
    for payment in _payments_for(row, _corrected(row, notes)):
        more = min(_gone(payment) - _taken(_told(row, payment), row.currency), over)
        if more.minor > 0:
            found.append((payment, more))
            over = over - more
    return found


def _corrected(row: KeptSubscription, notes: Sequence[Document]) -> list[int]:
    """The invoices whose lines some credit notes correct. What a credit note charged anew was paid with the invoice that it lowered."""
    wanted = {line.corrects for note in notes for line in note.lines if line.corrects is not None}
    mine = (BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode, BillingDocument.subscription_id == row.id)
    kept = select(BillingDocument.ordinal, BillingDocument.kind, BillingDocument.body).where(*mine, BillingDocument.state != "dropped")
    found: dict[int, str] = {}
    while wanted:
        carries = [BillingDocument.body["lines"].contains([{"number": number}]) for number in sorted(wanted)]
        wanted = set()
        for ordinal, kind, body in db.session.execute(kept.where(or_(*carries), BillingDocument.ordinal.not_in(list(found)))).all():
            found[ordinal] = kind
            if kind == "credit_note":
                wanted |= {line["corrects"] for line in body["lines"] if line["corrects"] is not None}
    return sorted(ordinal for ordinal, kind in found.items() if kind == "invoice")


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
