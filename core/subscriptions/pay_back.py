"""Paying a balance back: through the payment path, as refunds to the cards that paid it, never more than was received in money.

While a plan runs its balance pays what comes next. Once it has ended the vendor has it back with one press; the staff may pay it back at any time.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from core.accounts.house import HOUSE, house
from core.billing import queries, store
from core.billing.balance import refundable
from core.billing.effects import BalanceMoved, Effect
from core.billing.lines import sum_of
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.states import CANCELLED
from core.kernel import audit
from core.kernel.db import db, lock_again, locked
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.payments.models import Payment
from core.payments.refund import request_refund
from core.payments.refund_models import Refund
from core.payments.saved import card_charged
from core.subscriptions.follow import follow
from core.subscriptions.news import CAME_BACK, PAID_BACK
from core.subscriptions.tell import tell_beside, whose

NOTE = "The balance of a plan is paid back"


class StillServes(Conflict):
    """The plan runs, and its balance pays what comes next."""

    code = "balance_still_serves"


class NothingToPayBack(Conflict):
    """There is no balance, or none of it was paid with a card that could take it back."""

    code = "nothing_to_pay_back"


@dataclass(frozen=True, slots=True)
class Payout:
    """What would go back now: each payment with its part, the newest first; and what of the balance cannot go back by card."""

    parts: tuple[tuple[Payment, Money], ...]
    stays: Money
    events: int

    @property
    def amount(self) -> Money:
        return sum_of((part for _, part in self.parts), self.stays.currency)

    @property
    def expects(self) -> str:
        """All of it in one word: when anything has happened since, it is another one."""
        return f"{self.events}-{self.amount.minor}"


def payout_of(row: KeptSubscription) -> Payout:
    """As things stand now; nothing is kept."""
    balance = queries.read(row).balance
    paid = _payments(row)
    received, gone = (
        sum_of((one.captured for one in paid), row.currency),
        sum_of((one.captured - one.refundable for one in paid), row.currency),
    )
    left, parts = refundable(balance, received, gone), []
    for payment in paid:
        part = min(left, payment.refundable)
        if part:
            parts.append((payment, part))
            left = left - part
    return Payout(tuple(parts), balance - sum_of((part for _, part in parts), row.currency), row.events)


def check_own(row: KeptSubscription) -> None:
    """Refuse a vendor's own wish while the plan runs, or where an invoice of it was given up as lost: then a person has to look."""
    if row.status != CANCELLED:
        raise StillServes("While your plan runs, the balance pays its next invoices. It can be paid back once the plan has ended.")
    if _has_lost(row):
        raise StillServes("An invoice of this plan was never paid. Write to us, and we look at it together.")


def pay_back(row: KeptSubscription, *, expects: str, by: str, why: str = "") -> Money:
    """Send back what can go back, as it was shown (`expects`). **No money moves here**: a worker sends the refunds once this is committed.

    Sent twice it happens once. Refuses NothingToPayBack, what the balance refuses, and when it is another sum by now.
    """
    row = lock_again(row)
    payout = payout_of(row)
    if payout.expects != expects:
        raise Conflict("The balance has changed since you looked. Nothing was done: please look again.")
    if not payout.parts:
        raise NothingToPayBack("There is nothing that could go back to a card.")
    return _send(row, payout.parts, by=by, why=why)


def pay_back_late(row: KeptSubscription, payment: Payment, effects: Sequence[Effect], documents: Sequence[int]) -> None:
    """Money for a change that never came about, after the plan has ended: it is nobody's wish that it stays here, so it goes back by itself."""
    over = sum_of((e.amount for e in effects if isinstance(e, BalanceMoved) and e.why == "overpaid"), row.currency)
    part = min(over, payment.refundable)
    if row.vendor_id == HOUSE and row.status == CANCELLED and part and _never_came_about(row, documents):
        _send(row, ((payment, part),), by="system", why="")


def _send(row: KeptSubscription, parts: Sequence[tuple[Payment, Money]], *, by: str, why: str) -> Money:
    store.pay_back(row, {payment.public_id: part for payment, part in parts}, why=why, by=by)
    follow(row)
    seller = house()
    for payment, part in parts:
        request_refund(
            seller, payment, amount=part, reason="other", by=by, form_token=f"balance:{row.public_id}:{row.events}:{payment.id.hex[-8:]}",
            note_text=NOTE, tell_payer=False, on_settled="hear_payout",
        )  # fmt: skip
    amount = sum_of((part for _, part in parts), row.currency)
    audit.record(
        whose(row).id, actor=by, action="balance.paid_back", subject=row.public_id, amount_minor=amount.minor, currency=amount.currency
    )
    tell_beside(row, PAID_BACK, key=f"payback:{row.events}", amount=amount, why=_cards(payment for payment, _ in parts))
    return amount


def hear_payout(vendor_id: uuid.UUID, mode: str, refund_id: uuid.UUID, result: str) -> None:
    """One of its refunds has ended. What did not arrive is on the balance again, once, and the vendor is told."""
    refund = db.session.get_one(Refund, (vendor_id, mode, refund_id))
    charge = db.session.scalar(
        select(BillingCharge).where(
            BillingCharge.vendor_id == vendor_id, BillingCharge.mode == mode, BillingCharge.payment_id == refund.payment_id
        )
    )
    if charge is None or result == "succeeded":
        return
    row = locked(KeptSubscription, vendor_id, mode, charge.subscription_id)
    if row is None or refund.state not in ("failed", "canceled") or _came_back(row, refund):
        return
    payment = db.session.get_one(Payment, (vendor_id, mode, refund.payment_id))
    store.payout_came_back(row, refund.amount, payment_id=payment.public_id, refund_id=refund.public_id)
    follow(row)
    tell_beside(row, CAME_BACK, key=f"cameback:{refund.public_id}", amount=refund.amount, why=_cards([payment]))


def _cards(payments: Iterable[Payment]) -> str:
    """The last digits of the cards, as their owner knows them."""
    cards = (card_charged(house(), payment) for payment in payments)
    return ", ".join(dict.fromkeys(card.last4 for card in cards if card is not None))


def _payments(row: KeptSubscription) -> list[Payment]:
    """What was received for it in its present currency, the newest first: that card is the likeliest to take it back."""
    mine = (BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    ids = select(BillingCharge.payment_id).where(*mine, BillingCharge.state == "received", BillingCharge.currency == row.currency)
    paid = select(Payment).where(Payment.vendor_id == row.vendor_id, Payment.mode == row.mode, Payment.state == "succeeded")
    return list(db.session.scalars(paid.where(Payment.id.in_(ids)).order_by(Payment.id.desc())))


def _events(row: KeptSubscription, which: ColumnElement[bool]) -> bool:
    mine = select(SubscriptionEvent.seq).where(SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode)
    return db.session.scalar(mine.where(SubscriptionEvent.subscription_id == row.id, which).limit(1)) is not None


def _has_lost(row: KeptSubscription) -> bool:
    return _events(row, SubscriptionEvent.effects.contains([{"is": "Written", "kind": "bad_debt"}]))


def _came_back(row: KeptSubscription, refund: Refund) -> bool:
    return _events(row, (SubscriptionEvent.kind == "came_back") & SubscriptionEvent.given.contains({"refund": refund.public_id}))


def _never_came_about(row: KeptSubscription, documents: Sequence[int]) -> bool:
    """Whether all that a payment was for are drafts that were dropped."""
    mine = select(BillingDocument.state).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    mine = mine.where(BillingDocument.subscription_id == row.id, BillingDocument.ordinal.in_(documents))
    return set(db.session.scalars(mine)) == {"dropped"}
