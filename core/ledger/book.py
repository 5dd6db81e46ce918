"""Our whole accounting in one file: for each business event, the journal it makes. Debit positive, minor units.

Accounts by their code in the chart: 1010 what a processor holds for us, 2010 and 2020 the seller's money before and
after release, 1050 what a seller owes us, 2050 money on its way back to a payer, 2095 money that matches nothing yet,
4010 the platform's fee, 4015 fees given back, 5010 what processors charge.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Protocol

from core.kernel.money import Money
from core.ledger.post import Journal, Leg

CLEARING, SELLER_PENDING, SELLER_AVAILABLE, REFUND_IN_FLIGHT = 1010, 2010, 2020, 2050
UNAPPLIED, PLATFORM_FEE, FEE_REFUNDS, PROCESSOR_FEE, SELLER_RECEIVABLE = 2095, 4010, 4015, 5010, 1050
TIP = "tip"  # what the reference of a leg says when it is one
# Where a refund's money comes from, and goes again when it did not arrive.
SOURCES = {
    "seller_pending": SELLER_PENDING,
    "seller_available": SELLER_AVAILABLE,
    "seller_receivable": SELLER_RECEIVABLE,
    "unapplied": UNAPPLIED,
}


class Booked(Protocol):
    """What the books need to know of a payment."""

    vendor_id: uuid.UUID
    mode: str
    public_id: str
    provider: str
    fee_minor: int
    tip_minor: int


def _journal(payment: Booked, event_key: str, kind: str, at: datetime, *legs: Leg, reverses: uuid.UUID | None = None) -> Journal:
    return Journal(payment.vendor_id, payment.mode, event_key, kind, payment.public_id, at, legs, reverses)


def capture(payment: Booked, *, charge: str, captured: Money, at: datetime, through: str = "") -> Journal:
    """A payer's money reached the processor: it owes us all of it, we owe the seller all but our fee. A tip has its own line.

    `through` is the processor, when it is another than the payment has now.
    """
    through = through or payment.provider
    fee, tip = Money(payment.fee_minor, captured.currency), Money(payment.tip_minor, captured.currency)
    return _journal(
        payment,
        f"cap:{through}:{charge}:1",
        "capture",
        at,
        Leg(CLEARING, captured, sub=through),
        Leg(SELLER_PENDING, -(captured - fee - tip)),
        Leg(SELLER_PENDING, -tip, ref=TIP),
        Leg(PLATFORM_FEE, -fee),
    )


def unexpected_capture(payment: Booked, *, charge: str, captured: Money, at: datetime, through: str = "") -> Journal:
    """Money came that this payment did not ask for (a second charge, another amount): held as unapplied, never ignored."""
    through = through or payment.provider
    return _journal(
        payment,
        f"cap:{through}:{charge}:1",
        "unexpected capture",
        at,
        Leg(CLEARING, captured, sub=through),
        Leg(UNAPPLIED, -captured, ref=payment.public_id),
    )


def processor_fee(payment: Booked, *, fee: Money, reference: str, at: datetime, through: str = "") -> Journal:
    """The processor kept its charge: an expense of the platform, less money held for us. `reference` is its own line's id."""
    through = through or payment.provider
    return _journal(
        payment,
        f"fee:{through}:{reference}",
        "processor fee",
        at,
        Leg(PROCESSOR_FEE, fee),
        Leg(CLEARING, -fee, sub=through),
    )


def release(payment: Booked, *, amount: Money, at: datetime) -> Journal:
    """The waiting time is over: the seller's money may be paid out."""
    return _journal(payment, f"rel:{payment.public_id}", "release", at, Leg(SELLER_PENDING, amount), Leg(SELLER_AVAILABLE, -amount))


def _source(payment: Booked, account: str, amount: Money) -> Leg:
    return Leg(SOURCES[account], amount, ref=payment.public_id if account == "unapplied" else "")


def refund_requested(payment: Booked, *, refund: str, amount: Money, fee_returned: Money, taken_from: str, at: datetime) -> Journal:
    """A refund was asked for: the seller gives the amount less the fee we return, we give the fee, and it is on its way.

    `taken_from` unapplied: money that nobody asked for goes back from where it was held, and no seller gives anything.
    """
    return _journal(
        payment,
        f"rf:{refund}:req",
        "refund requested",
        at,
        _source(payment, taken_from, amount - fee_returned),
        Leg(FEE_REFUNDS, fee_returned),
        Leg(REFUND_IN_FLIGHT, -amount, ref=refund),
    )


def refund_confirmed(payment: Booked, *, refund: str, amount: Money, at: datetime) -> Journal:
    """The processor confirmed the refund: it holds that much less for us."""
    return _journal(
        payment,
        f"rf:{refund}:ok",
        "refund confirmed",
        at,
        Leg(REFUND_IN_FLIGHT, amount, ref=refund),
        Leg(CLEARING, -amount, sub=payment.provider),
    )


def refund_failed(
    payment: Booked, *, refund: str, amount: Money, fee_returned: Money, back_to: str, at: datetime, reverses: uuid.UUID | None
) -> Journal:
    """The refund did not reach the payer: the seller has the money again (`back_to` says on which account), and we our fee."""
    return _journal(
        payment,
        f"rf:{refund}:fail",
        "refund failed",
        at,
        Leg(REFUND_IN_FLIGHT, amount, ref=refund),
        _source(payment, back_to, -(amount - fee_returned)),
        Leg(FEE_REFUNDS, -fee_returned),
        reverses=reverses,
    )


def refund_returned(payment: Booked, *, refund: str, amount: Money, at: datetime, reverses: uuid.UUID | None) -> Journal:
    """A refund that had been confirmed came back: the processor holds the money again, and it is on its way once more."""
    return _journal(
        payment,
        f"rf:{refund}:back",
        "refund returned",
        at,
        Leg(CLEARING, amount, sub=payment.provider),
        Leg(REFUND_IN_FLIGHT, -amount, ref=refund),
        reverses=reverses,
    )
