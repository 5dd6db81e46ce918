"""What a dispute does to the books and to its payment's sums. The payment is locked, and the vendor is held, in every one of these."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from core.disputes.models import Dispute
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.models import Entry, Journal
from core.ledger.post import post
from core.ledger.queries import balance
from core.payments.charge_news import tell_given_back
from core.payments.disputed import undo_lost, write_lost
from core.payments.models import Payment
from core.payments.refund_books import GivenUp, Whose, debt_of, fee_to_return, give_recovery_back, given_up_since, settle_debt
from core.providers.disputes import Withdrawal


def book_opening(payment: Payment, dispute: Dispute) -> None:
    """The money was taken: the seller's share of it is kept aside. What neither waits nor is available is owed."""
    amount, none = dispute.amount, Money(0, dispute.currency)
    pending = available = owed = fee = none
    if not _of_platform(payment):
        fee = fee_to_return(payment, amount)
        share = amount - fee
        pending = min(share, max(payment.releasable, none)) if payment.released_at is None else none
        available = min(share - pending, _available(payment))
        owed = share - pending - available
    dispute.cycle += 1
    dispute.share_fee_minor, dispute.held_minor = fee.minor, (pending + available + owed).minor
    dispute.advanced_minor = (available + owed).minor if payment.released_at is None else 0
    payment.disputed_minor += amount.minor
    payment.disputed_fee_minor += fee.minor
    payment.advanced_minor += dispute.advanced_minor
    tell_given_back(payment)
    post(
        [
            book.dispute_opened(
                payment, dispute=dispute.public_id, cycle=dispute.cycle, amount=amount, pending=pending, available=available, owed=owed, at=now(),
                through=dispute.provider,
            )
        ]
    )  # fmt: skip
    if owed:
        _make_up(payment)  # what is kept aside for such days is there before a debt is


def book_won(payment: Payment, dispute: Dispute) -> None:
    """The bank gave it back. What was taken from a payment that still waits waits again; all else is available, and makes up what is owed."""
    held, none = dispute.held, Money(0, dispute.currency)
    pending = held - Money(dispute.advanced_minor, dispute.currency) if payment.released_at is None else none
    _let_go(payment, dispute)
    payment.advanced_minor -= dispute.advanced_minor
    tell_given_back(payment)
    post(
        [
            book.dispute_won(
                payment, dispute=dispute.public_id, cycle=dispute.cycle, amount=dispute.amount, pending=pending, available=held - pending,
                at=now(), through=dispute.provider,
            )
        ]
    )  # fmt: skip
    _clear(dispute)
    _make_up(payment)


def book_lost(payment: Payment, dispute: Dispute) -> None:
    """The payer keeps it, and we give our fee back in proportion, as for a refund. It stands among the payment's refunds from now on."""
    amount, held, fee = dispute.amount, dispute.held, dispute.share_fee
    _let_go(payment, dispute)
    returned = min(amount, payment.refundable)
    if not _of_platform(payment):
        # Worked out anew: a refund that was under way when it began may have failed since, and its fee is ours again.
        fee = min(max(fee_to_return(payment, amount), fee), Money(payment.fee_minor - payment.fee_returned_minor, payment.currency))
        beyond_payment = (amount - returned).minor  # a bank may take more than was left: then it is no refund of this payment
        payment.advanced_minor -= beyond_payment
        payment.dispute_cost_minor += beyond_payment
    post(
        [
            book.dispute_lost(
                payment, dispute=dispute.public_id, cycle=dispute.cycle, amount=amount, held=held, fee_returned=fee,
                back_to=book.SELLER_AVAILABLE if payment.released_at else book.SELLER_PENDING, at=now(),
            )
        ]
    )  # fmt: skip
    write_lost(payment, returned, fee, form_token=f"{dispute.public_id}:{dispute.cycle}", reference=dispute.provider_reference)
    _clear(dispute)
    _make_up(payment)


def book_reversed(payment: Payment, dispute: Dispute) -> None:
    """What was lost came back after all: each has again what it gave then, read from the journal of that loss, and it is no refund any more."""
    lost = _journal(payment, f"dp:{dispute.public_id}:lost:{dispute.cycle}")
    if lost is None:
        raise RuntimeError(f"{dispute.public_id}: what was lost is in the books")
    amount, fee, loss = (Money(_sum_of(payment, lost, code) * sign, dispute.currency) for code, sign in _GIVEN)
    share = amount - fee - loss
    never = _never_owed(payment, dispute, share)
    post(
        [
            book.dispute_reversed(
                payment, dispute=dispute.public_id, cycle=dispute.cycle, share=share, given_up=never.lost, fee=fee, loss=loss,
                back_to=book.SELLER_AVAILABLE if payment.released_at else book.SELLER_PENDING, at=now(), through=dispute.provider, reverses=lost,
            )
        ]
    )  # fmt: skip
    key = f"never:{dispute.public_id}:{dispute.cycle}"
    give_recovery_back(payment.vendor_id, payment.mode, never, key=key, about=dispute.public_id)
    returned = undo_lost(payment, fee, form_token=f"{dispute.public_id}:{dispute.cycle}")
    tell_given_back(payment)
    if not _of_platform(payment):
        beyond_payment = (amount - returned).minor
        payment.advanced_minor += beyond_payment
        payment.dispute_cost_minor -= beyond_payment
    _make_up(payment)


def _never_owed(payment: Payment, dispute: Dispute, share: Money) -> GivenUp:
    """What was written off of the debt that its opening had left, which never was: the platform has it again before the seller has."""
    opened = _journal(payment, f"dp:{dispute.public_id}:open:{dispute.cycle}")
    if opened is None or payment.released_at is None or _of_platform(payment):
        return GivenUp(Money(0, share.currency), Money(0, share.currency))
    owed = Money(_sum_of(payment, opened, book.SELLER_RECEIVABLE), share.currency)
    left = share - min(share, debt_of(payment.vendor_id, payment.mode, payment.currency))
    return given_up_since(payment.vendor_id, payment.mode, min(owed, left), dispute.created_at)


_GIVEN = ((book.DISPUTE_RECEIVABLE, -1), (book.FEE_REFUNDS, 1), (book.DISPUTE_LOSS, 1))  # of the journal of a loss, and on which side


def _sum_of(payment: Payment, journal: UUID, code: int) -> int:
    mine = (Entry.vendor_id == payment.vendor_id, Entry.mode == payment.mode, Entry.journal_id == journal, Entry.code == code)
    return int(db.session.scalar(select(func.coalesce(func.sum(Entry.amount_minor), 0)).where(*mine)) or 0)


def book_fee(payment: Payment, dispute: Dispute, line: Withdrawal) -> None:
    """What the processor charged for it, once for each of its own lines: ours, or the seller's where the platform's settings say so."""
    if _is_booked(payment, f"fee:{dispute.provider}:{line.reference}"):
        return
    available = owed = Money(0, line.fee.currency)
    if settings().dispute_fee_from == "seller" and line.fee.currency == payment.currency and not _of_platform(payment):
        available = min(line.fee, _available(payment)) if line.fee.minor > 0 else line.fee
        owed = line.fee - available
    made = book.dispute_fee(
        payment, reference=line.reference, fee=line.fee, available=available, owed=owed, at=now(), through=dispute.provider
    )
    post([made])
    if borne := available + owed:
        payment.dispute_cost_minor += borne.minor
        _make_up(payment)


def _of_platform(payment: Payment) -> bool:
    """What was paid to the platform itself is no seller's: it bears the whole of it."""
    return payment.vendor_id == book.PLATFORM


def _available(payment: Payment) -> Money:
    return balance(Whose(payment.vendor_id), payment.mode, "seller_available", payment.currency)


def _is_booked(payment: Payment, event_key: str) -> bool:
    return _journal(payment, event_key) is not None


def _journal(payment: Payment, event_key: str) -> UUID | None:
    same = (Journal.vendor_id == payment.vendor_id, Journal.mode == payment.mode, Journal.event_key == event_key)
    return db.session.scalar(select(Journal.id).where(*same))


def _let_go(payment: Payment, dispute: Dispute) -> None:
    payment.disputed_minor -= dispute.amount_minor
    payment.disputed_fee_minor -= dispute.share_fee_minor


def _clear(dispute: Dispute) -> None:
    dispute.share_fee_minor = dispute.held_minor = dispute.advanced_minor = 0


def _make_up(payment: Payment) -> None:
    settle_debt(payment.vendor_id, payment.mode, payment.currency, about=payment.public_id)
