"""What a refund does to the books and to its payment's sums, when it is asked for, when it has arrived and when it has not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.ids import public_id
from core.kernel.money import Money, round_half_up
from core.ledger import book
from core.ledger.models import Entry, Journal
from core.ledger.post import post
from core.ledger.queries import balance
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.payments.reserve import use_for_debt


def sellers_account(payment: Payment) -> str:
    """Where the seller's money of this payment stands now; what was paid to the platform itself, and is applied to nothing, is unapplied."""
    if payment.vendor_id == book.PLATFORM:
        return "unapplied"
    return "seller_available" if payment.released_at else "seller_pending"


def fee_to_return(payment: Payment, amount: Money) -> Money:
    """Our fee goes back in proportion, worked out on the running total so that ten tenths return exactly the whole."""
    gone = min(payment.refunded_minor + payment.refunding_minor + payment.disputed_minor + amount.minor, payment.captured_minor)
    total = round_half_up(Fraction(payment.fee_minor * gone, payment.captured_minor))
    promised = payment.fee_returned_minor + payment.disputed_fee_minor
    return Money(max(0, min(total - promised, amount.minor)), payment.currency)


def _books_itself(payment: Payment, refund: Refund) -> bool:
    """What a bank sends out and gets back is booked with the line of its statement."""
    return refund.of_sale and (refund.provider or payment.provider) == "bank"


def book_request(payment: Payment, refund: Refund) -> None:
    """Write a new refund down and take its money from where it says. Raises BalanceTooLow when that does not hold it."""
    db.session.add(refund)
    if refund.of_sale:
        payment.refunding_minor += refund.amount_minor
        payment.fee_returned_minor += refund.fee_returned_minor
    db.session.flush()
    wish = book.refund_requested(
        payment,
        refund=refund.public_id,
        amount=refund.amount,
        fee_returned=Money(refund.fee_returned_minor, refund.currency),
        taken_from=refund.taken_from,
        at=now(),  # one that waited in line is booked on the day it goes out
    )
    post([wish])


def book_success(payment: Payment, refund: Refund) -> None:
    """The provider has given the money back."""
    if refund.of_sale:
        payment.refunding_minor -= refund.amount_minor
        payment.refunded_minor += refund.amount_minor
    refund.settled_at = now()
    if _books_itself(payment, refund):
        return
    post([book.refund_confirmed(payment, refund=refund.public_id, amount=refund.amount, at=now(), through=refund.provider)])


def book_failure(payment: Payment, refund: Refund, *, came_back: bool) -> None:
    """Whoever gave the money has it again: a seller where it now belongs, released money with what may be paid out.

    What the seller owes is struck off first, when the refund had been given on credit, and then what we had given up of that.
    """
    hold_vendor(payment.vendor_id)
    at, amount = now(), refund.amount
    if came_back and not _books_itself(payment, refund):
        post(
            [
                book.refund_returned(
                    payment,
                    refund=refund.public_id,
                    amount=amount,
                    at=at,
                    reverses=_journal_of(payment, f"rf:{refund.public_id}:ok"),
                    through=refund.provider,
                )
            ]
        )
    if refund.of_sale:
        if came_back:
            payment.refunded_minor -= refund.amount_minor
        else:
            payment.refunding_minor -= refund.amount_minor
        payment.fee_returned_minor -= refund.fee_returned_minor
    refund.settled_at = at
    owed, never = _on_credit(refund)
    post(
        [
            book.refund_failed(
                payment,
                refund=refund.public_id,
                amount=amount,
                fee_returned=Money(refund.fee_returned_minor, refund.currency),
                back_to=sellers_account(payment) if refund.of_sale else refund.taken_from,
                owed=owed,
                lost=never.lost,
                at=at,
                reverses=_journal_of(payment, f"rf:{refund.public_id}:req"),
            )
        ]
    )
    give_recovery_back(payment.vendor_id, payment.mode, never, key=f"never:{refund.public_id}:failed", about=refund.public_id)
    if refund.of_sale:
        settle_debt(payment.vendor_id, payment.mode, payment.currency, about=payment.public_id)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Of a debt that was written off and turns out never to have been: what the platform has borne and has again, and what the seller had paid
    of it after all, which is theirs again."""

    lost: Money
    recovered: Money


def _on_credit(refund: Refund) -> tuple[Money, GivenUp]:
    """How much of a refund given on credit the seller owes yet, and how much of that debt was given up: the rest has been made up since."""
    zero = Money(0, refund.currency)
    if refund.taken_from != "seller_receivable":
        return zero, GivenUp(zero, zero)
    share = refund.amount - Money(refund.fee_returned_minor, refund.currency)
    owed = min(share, debt_of(refund.vendor_id, refund.mode, refund.currency))
    return owed, given_up_since(refund.vendor_id, refund.mode, share - owed, refund.created_at)


def given_up_since(vendor_id: UUID, mode: str, most: Money, at: datetime) -> GivenUp:
    """Of `most`, what the platform has written off of a seller's debt from then on. What the debt was for may turn out not to be gone: then it
    is the platform's first, as far as it has not got it back. What a seller paid after all was for the oldest."""
    same = (Journal.vendor_id == Entry.vendor_id) & (Journal.mode == Entry.mode) & (Journal.id == Entry.journal_id)
    mine = (
        Entry.vendor_id == vendor_id,
        Entry.mode == mode,
        Entry.code.in_(book.GIVEN_UP),
        Entry.sub == "",
        Entry.currency == most.currency,
    )
    total = func.sum(Entry.amount_minor)
    since, paid = total.filter(Entry.code == book.WRITTEN_OFF, Journal.effective_at >= at), total.filter(Entry.code == book.RECOVERIES)
    found = db.session.execute(select(since, paid, total).select_from(Entry).join(Journal, same).where(*mine)).one()
    written_off, recovered, standing = (int(minor or 0) for minor in found)
    lost = max(min(written_off, standing, most.minor), 0)
    return GivenUp(Money(lost, most.currency), Money(max(min(written_off - lost, -recovered, most.minor - lost), 0), most.currency))


def give_recovery_back(vendor_id: UUID, mode: str, never: GivenUp, *, key: str, about: str) -> None:
    """Book that what a seller had paid of such a debt is theirs. `about`: what has not arrived; `key` is this once."""
    if never.recovered:
        post([book.recovery_given_back(vendor_id, mode, key=key, about=about, amount=never.recovered, at=now())])


def debt_of(vendor_id: UUID, mode: str, currency: str) -> Money:
    """What a seller owes."""
    return balance(Whose(vendor_id), mode, "seller_receivable", currency)


def settle_debt(vendor_id: UUID, mode: str, currency: str, *, about: str) -> None:
    """Make up what the seller owes in this currency out of what is available, and then out of the reserve. The vendor is held, so it happens once.

    Whatever makes money available calls it: nobody sees money and a debt side by side for longer than one unit of work.
    """
    debt = debt_of(vendor_id, mode, currency)
    if not debt:
        return
    amount = min(debt, balance(Whose(vendor_id), mode, "seller_available", currency))
    if amount.minor > 0:
        post([book.debt_recovered(vendor_id, mode, about=about, amount=amount, key=public_id("net"), at=now())])
    if amount < debt:
        use_for_debt(vendor_id, mode, debt - max(amount, Money(0, currency)))


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose book is read."""

    id: UUID


def lock_both(refund: Refund) -> tuple[Payment, Refund]:
    """The payment and then the refund, locked in the one order everybody uses."""
    payment = locked(Payment, refund.vendor_id, refund.mode, refund.payment_id)
    fresh = locked(Refund, refund.vendor_id, refund.mode, refund.id)
    if payment is None or fresh is None:
        raise RuntimeError("a refund is never deleted")
    return payment, fresh


def _journal_of(payment: Payment, event_key: str) -> Any:
    return db.session.scalar(
        select(Journal.id).where(Journal.vendor_id == payment.vendor_id, Journal.mode == payment.mode, Journal.event_key == event_key)
    )
