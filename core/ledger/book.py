"""Our whole accounting in one file: for each business event, the journal it makes. Debit positive, minor units.

Accounts by their code in the chart: 1010 what a processor holds for us, 1020 what it pays out to our bank or through a seller's account, while it is on its way (1025: a book's
share in that, where it is below zero), 1030 our bank account, 1035 what left it and is not
explained yet, 1050 what a seller owes, 2010 and 2020 the seller's money before and after release, 2040 money on its way to a
seller's bank, 2050 money on its way back to a payer, 2095 money that matches nothing yet, 1090 what the platform holds of one currency against another, 1060 what a processor took
for a dispute that is not decided, 2030 the seller's money kept aside for it (under `reserve`: kept aside by a rule, for some days), 5020 and 5030 what disputes cost the platform, 4010 the platform's fee,
4015 fees given back, 4040 what comes in of a debt after it was written off, 4030 the difference between a promised and a reference rate, 5010 what processors charge, 5060 what banks charge, 5050 what roundings come to.
Of the plans the platform sells, in its own book: 1040 what a subscriber owes on invoices, 2070 a subscriber's credit, 2080 tax, 2090
what is invoiced and not served yet, 4020 what was earned, 5040 what was written off.

Every line of a bank statement is booked under its own number, in the book of the vendor whose payment it names, or in the
platform's (`PLATFORM`) while nobody knows whose it is. The bank's balance is the sum over all books.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.kernel.money import Money
from core.ledger.post import Journal, Leg

PLATFORM = uuid.UUID(int=0)  # whose book holds what belongs to no vendor
BANK, UNEXPLAINED, SELLER_RECEIVABLE, BANK_CHARGES = 1030, 1035, 1050, 5060
DISPUTE_RECEIVABLE, SELLER_HOLD, DISPUTE_FEE, DISPUTE_LOSS = 1060, 2030, 5020, 5030
CLEARING, SELLER_PENDING, SELLER_AVAILABLE, PAYOUT_IN_TRANSIT, REFUND_IN_FLIGHT = 1010, 2010, 2020, 2040, 2050
UNAPPLIED, PLATFORM_FEE, FEE_REFUNDS, PROCESSOR_FEE = 2095, 4010, 4015, 5010
FX_POSITION, FX_DIFFERENCE = 1090, 4030
BANK_IN_TRANSIT, PAYOUT_SHORTFALL, ROUNDING = 1020, 1025, 5050
INVOICED, CREDIT, TAX, DEFERRED, EARNED, WRITTEN_OFF = 1040, 2070, 2080, 2090, 4020, 5040
RECOVERIES = 4040
GIVEN_UP = (WRITTEN_OFF, RECOVERIES)  # in a seller's book they come to what was written off of a debt and not recovered
FEE_BORNE = "processor fee borne"
RECONCILED, REVERSED = "reconciled", "reversed"
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

    What is paid to the platform itself is nobody's balance: it waits as unapplied until the invoices it was for are told.
    `through` names the processor when the payment has gone to another one since.
    """
    through = through or payment.provider
    if payment.vendor_id == PLATFORM:
        legs = Leg(CLEARING, captured, sub=through), Leg(UNAPPLIED, -captured, ref=payment.public_id)
        return _journal(payment, f"cap:{through}:{charge}:1", "capture", at, *legs)
    fee, tips, owed = Money(payment.fee_minor, captured.currency), (), captured
    if payment.tip_minor:
        tip = Money(payment.tip_minor, captured.currency)
        tips, owed = (Leg(SELLER_PENDING, -tip, ref=TIP),), captured - tip
    legs = Leg(CLEARING, captured, sub=through), Leg(SELLER_PENDING, fee - owed), *tips, Leg(PLATFORM_FEE, -fee)
    return _journal(payment, f"cap:{through}:{charge}:1", "capture", at, *legs)


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


def processor_fee_borne(payment: Booked, *, amount: Money, at: datetime) -> Journal:
    """Where the terms say so, the seller bears what the processor kept: it is no expense of ours, and so much less is released."""
    return _journal(payment, f"feb:{payment.public_id}", FEE_BORNE, at, Leg(SELLER_PENDING, amount), Leg(PROCESSOR_FEE, -amount))


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


def refund_confirmed(payment: Booked, *, refund: str, amount: Money, at: datetime, through: str | None = None) -> Journal:
    """The processor confirmed the refund: it holds that much less for us."""
    return _journal(
        payment,
        f"rf:{refund}:ok",
        "refund confirmed",
        at,
        Leg(REFUND_IN_FLIGHT, amount, ref=refund),
        Leg(CLEARING, -amount, sub=through or payment.provider),
    )


def refund_failed(
    payment: Booked,
    *,
    refund: str,
    amount: Money,
    fee_returned: Money,
    back_to: str,
    owed: Money,
    lost: Money,
    at: datetime,
    reverses: uuid.UUID | None,
) -> Journal:
    """The refund did not reach the payer: the seller has the money again (`back_to` says on which account), and we our fee.

    `owed`: how much of it the seller still owes, which is struck off first; `lost`: how much of that debt we had given up, and have again.
    """
    return _journal(
        payment,
        f"rf:{refund}:fail",
        "refund failed",
        at,
        Leg(REFUND_IN_FLIGHT, amount, ref=refund),
        Leg(SELLER_RECEIVABLE, -owed),
        Leg(WRITTEN_OFF, -lost),
        _source(payment, back_to, -(amount - fee_returned - owed - lost)),
        Leg(FEE_REFUNDS, -fee_returned),
        reverses=reverses,
    )


def debt_recovered(owner: uuid.UUID, mode: str, *, about: str, amount: Money, key: str, at: datetime) -> Journal:
    """What a seller owes is made up out of what has become available. `about`: what brought that up; `key` is this once."""
    legs = Leg(SELLER_AVAILABLE, amount), Leg(SELLER_RECEIVABLE, -amount)
    return Journal(owner, mode, f"net:{key}", "debt recovered", about, at, legs)


def refund_returned(
    payment: Booked, *, refund: str, amount: Money, at: datetime, reverses: uuid.UUID | None, through: str | None = None
) -> Journal:
    """A refund that had been confirmed came back: the processor holds the money again, and it is on its way once more."""
    return _journal(
        payment,
        f"rf:{refund}:back",
        "refund returned",
        at,
        Leg(CLEARING, amount, sub=through or payment.provider),
        Leg(REFUND_IN_FLIGHT, -amount, ref=refund),
        reverses=reverses,
    )


# --- bank transfers ------------------------------------------------------------------------------------------------------


class Line(Protocol):
    """What the books need to know of a line of a bank statement."""

    mode: str
    public_id: str
    account: str

    @property
    def amount(self) -> Money: ...


def bank_key(line: str, what: str) -> str:
    """The name of what a bank's line did: it came `in`, went `out`, or something else that happens to it once."""
    return f"bank:{line}:{what}"


def transfer_received(payment: Booked, line: Line, *, at: datetime) -> Journal:
    """A transfer came in for a payment. It is the payer's until it pays for something: held as unapplied."""
    return _journal(
        payment,
        bank_key(line.public_id, "in"),
        "transfer received",
        at,
        Leg(BANK, line.amount, sub=line.account),
        Leg(UNAPPLIED, -line.amount, ref=payment.public_id),
    )


def transfer_applied(payment: Booked, *, amount: Money, at: datetime) -> Journal:
    """What came is enough, or was accepted: it pays for the sale, and our fee is taken. Once for each payment."""
    fee, tip = Money(payment.fee_minor, amount.currency), Money(min(payment.tip_minor, amount.minor), amount.currency)
    return _journal(
        payment,
        f"cap:bank:{payment.public_id}:1",
        "capture",
        at,
        Leg(UNAPPLIED, amount, ref=payment.public_id),
        Leg(SELLER_PENDING, -(amount - fee - tip)),
        Leg(SELLER_PENDING, -tip, ref=TIP),
        Leg(PLATFORM_FEE, -fee),
    )


def return_requested(payment: Booked, *, return_id: str, amount: Money, at: datetime) -> Journal:
    """Unapplied money is to go back to its sender."""
    return _journal(
        payment,
        f"ret:{return_id}:req",
        "return requested",
        at,
        Leg(UNAPPLIED, amount, ref=payment.public_id),
        Leg(REFUND_IN_FLIGHT, -amount, ref=return_id),
    )


def return_failed(payment: Booked, *, return_id: str, amount: Money, at: datetime) -> Journal:
    """It did not reach its sender, or was never sent: unapplied again."""
    return _journal(
        payment,
        f"ret:{return_id}:fail",
        "return failed",
        at,
        Leg(REFUND_IN_FLIGHT, amount, ref=return_id),
        Leg(UNAPPLIED, -amount, ref=payment.public_id),
    )


def order_left(book: uuid.UUID, about: str, line: Line, *, reference: str, at: datetime, waited_on: int = REFUND_IN_FLIGHT) -> Journal:
    """A statement shows that a refund, a return or a payout has left our bank. `reference`: which; `waited_on`: where it stood."""
    legs = Leg(waited_on, line.amount, ref=reference), Leg(BANK, -line.amount, sub=line.account)
    return Journal(book, line.mode, bank_key(line.public_id, "out"), "left the bank", about, at, legs)


def order_came_back(book: uuid.UUID, about: str, line: Line, *, reference: str, at: datetime, waits_on: int = REFUND_IN_FLIGHT) -> Journal:
    """It could not be delivered and stands on our account again, still on its way (`waits_on`: on which account)."""
    legs = Leg(BANK, line.amount, sub=line.account), Leg(waits_on, -line.amount, ref=reference)
    return Journal(book, line.mode, bank_key(line.public_id, "in"), "came back to the bank", about, at, legs)


def transfer_taken_back(
    payment: Booked, line: Line, *, unapplied: Money, fee_returned: Money, sold: Money, taken_from: str, at: datetime
) -> Journal:
    """The bank takes back a credit: first what nobody had used yet, then from the seller what had paid for the sale and is still there."""
    return _journal(
        payment,
        bank_key(line.public_id, "out"),
        "transfer taken back",
        at,
        Leg(UNAPPLIED, unapplied, ref=payment.public_id),
        Leg(SOURCES[taken_from], sold - fee_returned),
        Leg(FEE_REFUNDS, fee_returned),
        Leg(BANK, -(unapplied + sold), sub=line.account),
    )


def transfer_taken_beyond(payment: Booked, line: Line, *, amount: Money, at: datetime) -> Journal:
    """The same of money that has gone back to its payer already, or is on its way: it stands nowhere any more, so the seller owes it."""
    return _journal(
        payment,
        bank_key(line.public_id, "beyond"),
        "transfer taken back beyond the sale",
        at,
        Leg(SELLER_RECEIVABLE, amount),
        Leg(BANK, -amount, sub=line.account),
    )


def transfer_not_beyond(payment: Booked, line: Line, *, owed: Money, lost: Money, available: Money, at: datetime) -> Journal:
    """What was to reach its payer did not, so it is what the bank has taken: the seller owes it no more, and has again what made it up, as we
    have what we had given up of it (`lost`). Where it is taken from instead, the next journal says."""
    return _journal(
        payment,
        bank_key(line.public_id, "met"),
        "transfer taken back beyond the sale",
        at,
        Leg(BANK, owed + lost + available, sub=line.account),
        Leg(SELLER_RECEIVABLE, -owed),
        Leg(WRITTEN_OFF, -lost),
        Leg(SELLER_AVAILABLE, -available),
    )


def unknown_received(line: Line, *, at: datetime) -> Journal:
    """Money came and nobody knows for what: the platform's book holds it as unapplied."""
    return _of_platform(
        line, "in", "unknown transfer", at, Leg(BANK, line.amount, sub=line.account), Leg(UNAPPLIED, -line.amount, ref=line.public_id)
    )


def unknown_leaves(line: Line, *, kind: str, at: datetime) -> Journal:
    """It is no longer unknown, or the bank took it back: it leaves the platform's book. What it becomes is booked in the vendor's."""
    return _of_platform(line, "moved", kind, at, Leg(UNAPPLIED, line.amount, ref=line.public_id), Leg(BANK, -line.amount, sub=line.account))


def unknown_sent_back(line: Line, *, number: str, at: datetime) -> Journal:
    """It is to go back to its sender, by the order of this number."""
    return _of_platform(
        line,
        f"req:{number}",
        "return requested",
        at,
        Leg(UNAPPLIED, line.amount, ref=line.public_id),
        Leg(REFUND_IN_FLIGHT, -line.amount, ref=line.public_id),
    )


def unknown_not_returned(line: Line, *, number: str, at: datetime) -> Journal:
    """Its way back failed: unknown as before. `number` is the order that failed."""
    return _of_platform(
        line,
        f"fail:{number}",
        "return failed",
        at,
        Leg(REFUND_IN_FLIGHT, line.amount, ref=line.public_id),
        Leg(UNAPPLIED, -line.amount, ref=line.public_id),
    )


def unknown_met(line: Line, debit: Line, *, at: datetime) -> Journal:
    """It did not go back by our order, and the bank has taken it back by this debit: the two explain each other."""
    return _of_platform(
        line,
        "met",
        "transfer taken back",
        at,
        Leg(UNAPPLIED, line.amount, ref=line.public_id),
        Leg(UNEXPLAINED, -line.amount, ref=debit.public_id),
    )


def debit_unexplained(line: Line, *, at: datetime) -> Journal:
    """Money left our account and nobody knows why yet."""
    return _of_platform(
        line, "out", "unexplained debit", at, Leg(UNEXPLAINED, line.amount, ref=line.public_id), Leg(BANK, -line.amount, sub=line.account)
    )


def debit_is_a_charge(line: Line, *, at: datetime) -> Journal:
    """It was the bank's own charge."""
    return _of_platform(
        line, "charge", "bank charge", at, Leg(BANK_CHARGES, line.amount), Leg(UNEXPLAINED, -line.amount, ref=line.public_id)
    )


def debit_is_a_settlement(line: Line, *, at: datetime) -> Journal:
    """A processor has taken what its balance was below zero: it leaves the platform's book, and is booked where it belongs."""
    return _of_platform(
        line,
        "moved",
        "processor collected",
        at,
        Leg(BANK, line.amount, sub=line.account),
        Leg(UNEXPLAINED, -line.amount, ref=line.public_id),
    )


def _of_platform(line: Line, what: str, kind: str, at: datetime, *legs: Leg) -> Journal:
    return Journal(PLATFORM, line.mode, bank_key(line.public_id, what), kind, line.public_id, at, legs)


def exchange(vendor_id: uuid.UUID, mode: str, *, quote: str, gives: Money, gets: Money, worth: Money, at: datetime) -> Journal:
    """Money of the seller's went from one currency into another: two halves, each of which comes to zero by itself.

    `worth` is what was given at the reference rate, in the currency that is got; what it is more than `gets` is the platform's.
    """
    return Journal(
        vendor_id,
        mode,
        f"fx:{quote}",
        "exchange",
        quote,
        at,
        (
            Leg(SELLER_AVAILABLE, gives),
            Leg(FX_POSITION, -gives),
            Leg(FX_POSITION, worth),
            Leg(SELLER_AVAILABLE, -gets),
            Leg(FX_DIFFERENCE, gets - worth),
        ),
    )


# --- the plans the platform sells -----------------------------------------------------------------------------------------------


def subscription_event(mode: str, *, subscription: str, seq: int, kind: str, legs: tuple[Leg, ...], at: datetime) -> Journal:
    """What one event of a subscription to the platform's plans did to its account, all of it in one journal."""
    return Journal(PLATFORM, mode, f"sub:{subscription}:{seq}", kind, subscription, at, legs)


def invoiced(subscription: str, *, later: Money, earned: Money, tax: Money) -> tuple[Leg, ...]:
    """A document: what it asks for is owed; of it, what is served later is deferred. All negative for a credit note."""
    owed = Leg(INVOICED, later + earned + tax, sub=subscription)
    return owed, Leg(DEFERRED, -later, sub=subscription), Leg(EARNED, -earned), Leg(TAX, -tax)


def invoice_paid(subscription: str, *, payment: str, amount: Money) -> tuple[Leg, ...]:
    """A payment that waited as unapplied pays what is owed."""
    return Leg(UNAPPLIED, amount, ref=payment), Leg(INVOICED, -amount, sub=subscription)


def credit_moved(subscription: str, *, amount: Money) -> tuple[Leg, ...]:
    """The subscriber's credit grew by what is not owed after all; used for what is owed, `amount` is negative."""
    return Leg(INVOICED, amount, sub=subscription), Leg(CREDIT, -amount, sub=subscription)


def credit_converted(subscription: str, *, taken: Money, given: Money) -> tuple[Leg, ...]:
    """A credit goes from one currency into another: two halves, each of which comes to zero by itself."""
    return (
        Leg(CREDIT, taken, sub=subscription),
        Leg(FX_POSITION, -taken),
        Leg(FX_POSITION, given),
        Leg(CREDIT, -given, sub=subscription),
    )


def written_off(subscription: str, *, amount: Money, was_invoiced: bool) -> tuple[Leg, ...]:
    """Given up. What no invoice had asked for yet was earned all the same."""
    return Leg(WRITTEN_OFF, amount), Leg(INVOICED, -amount, sub=subscription) if was_invoiced else Leg(EARNED, -amount)


def service_given(mode: str, *, subscription: str, seq: int, amount: Money, at: datetime) -> Journal:
    """A period is over: all that was deferred of it is earned."""
    legs = Leg(DEFERRED, amount, sub=subscription), Leg(EARNED, -amount)
    return Journal(PLATFORM, mode, f"earn:{subscription}:{seq}", "service given", subscription, at, legs)


# --- money out ----------------------------------------------------------------------------------------------------------------


class PaidOut(Protocol):
    """What the books need to know of a payout."""

    vendor_id: uuid.UUID
    mode: str
    public_id: str

    @property
    def amount(self) -> Money: ...


PAYOUT, PAYOUT_BACK = "payout", "payout came back"  # the kinds of a payout's own journals
PAYOUT_MOVED, PAYOUT_MOVED_BACK = "moved to the seller", "moved back from the seller"  # at a processor


def payout_begun(payout: PaidOut, *, at: datetime) -> Journal:
    """What was available is on its way to the seller's bank."""
    legs = Leg(SELLER_AVAILABLE, payout.amount), Leg(PAYOUT_IN_TRANSIT, -payout.amount, ref=payout.public_id)
    return Journal(payout.vendor_id, payout.mode, f"po:{payout.public_id}:init", PAYOUT, payout.public_id, at, legs)


def payout_given_back(payout: PaidOut, *, why: str, at: datetime, reverses: uuid.UUID | None) -> Journal:
    """It did not arrive, or was called off: the seller has it again. `why`: fail, cancel or return, each of which happens once."""
    legs = Leg(PAYOUT_IN_TRANSIT, payout.amount, ref=payout.public_id), Leg(SELLER_AVAILABLE, -payout.amount)
    return Journal(payout.vendor_id, payout.mode, f"po:{payout.public_id}:{why}", PAYOUT_BACK, payout.public_id, at, legs, reverses)


def payout_moved(payout: PaidOut, *, source: str, at: datetime) -> Journal:
    """The processor has moved it to the seller's account there: it holds that much less for us, and it is under way by this rail."""
    legs = Leg(BANK_IN_TRANSIT, payout.amount, source, payout.public_id), Leg(CLEARING, -payout.amount, source)
    return Journal(payout.vendor_id, payout.mode, f"po:{payout.public_id}:moved", PAYOUT_MOVED, payout.public_id, at, legs)


def payout_arrived(payout: PaidOut, *, source: str, at: datetime) -> Journal:
    """The processor's payout from the seller's account has reached their bank."""
    legs = Leg(PAYOUT_IN_TRANSIT, payout.amount, ref=payout.public_id), Leg(BANK_IN_TRANSIT, -payout.amount, source, payout.public_id)
    return Journal(payout.vendor_id, payout.mode, f"po:{payout.public_id}:paid", "payout arrived", payout.public_id, at, legs)


def payout_bounced(payout: PaidOut, *, source: str, at: datetime, reverses: uuid.UUID | None) -> Journal:
    """Their bank sent it back after all: it stands on the seller's account at the processor, and is on its way once more."""
    legs = Leg(BANK_IN_TRANSIT, payout.amount, source, payout.public_id), Leg(PAYOUT_IN_TRANSIT, -payout.amount, ref=payout.public_id)
    return Journal(payout.vendor_id, payout.mode, f"po:{payout.public_id}:bounced", "payout bounced", payout.public_id, at, legs, reverses)


def payout_taken_back(payout: PaidOut, *, source: str, at: datetime, reverses: uuid.UUID | None) -> Journal:
    """From the seller's account at the processor to ours: it holds the money for us again."""
    legs = Leg(CLEARING, payout.amount, source), Leg(BANK_IN_TRANSIT, -payout.amount, source, payout.public_id)
    return Journal(payout.vendor_id, payout.mode, f"po:{payout.public_id}:back", PAYOUT_MOVED_BACK, payout.public_id, at, legs, reverses)


# --- disputes -------------------------------------------------------------------------------------------------------------------

DISPUTE_OPENED, DISPUTE_WON, DISPUTE_LOST, DISPUTE_CHARGED = "dispute opened", "dispute won", "dispute lost", "dispute fee"
DISPUTE_REVERSED = "dispute reversed"
WRITE_OFF = "debt written off"


def dispute_opened(
    payment: Booked, *, dispute: str, cycle: int, amount: Money, pending: Money, available: Money, owed: Money, at: datetime, through: str
) -> Journal:
    """A payer's bank took the money back for now, and the seller's share is kept aside: what waits and what is available, the rest is owed."""
    return _journal(
        payment,
        f"dp:{dispute}:open:{cycle}",
        DISPUTE_OPENED,
        at,
        Leg(DISPUTE_RECEIVABLE, amount, ref=dispute),
        Leg(CLEARING, -amount, sub=through),
        Leg(SELLER_PENDING, pending),
        Leg(SELLER_AVAILABLE, available),
        Leg(SELLER_RECEIVABLE, owed),
        Leg(SELLER_HOLD, -(pending + available + owed), ref=dispute),
    )


def dispute_won(
    payment: Booked, *, dispute: str, cycle: int, amount: Money, pending: Money, available: Money, at: datetime, through: str
) -> Journal:
    """The bank gave it back: what was kept aside is the seller's again, where it would stand by now."""
    return _journal(
        payment,
        f"dp:{dispute}:won:{cycle}",
        DISPUTE_WON,
        at,
        Leg(CLEARING, amount, sub=through),
        Leg(DISPUTE_RECEIVABLE, -amount, ref=dispute),
        Leg(SELLER_HOLD, pending + available, ref=dispute),
        Leg(SELLER_PENDING, -pending),
        Leg(SELLER_AVAILABLE, -available),
    )


def dispute_lost(
    payment: Booked, *, dispute: str, cycle: int, amount: Money, held: Money, fee_returned: Money, back_to: int, at: datetime
) -> Journal:
    """The payer keeps it: out of what was kept aside and our fee. What was kept aside beyond that goes back; what is missing is our loss."""
    beyond = held + fee_returned - amount
    none = Money(0, amount.currency)
    return _journal(
        payment,
        f"dp:{dispute}:lost:{cycle}",
        DISPUTE_LOST,
        at,
        Leg(SELLER_HOLD, held, ref=dispute),
        Leg(FEE_REFUNDS, fee_returned),
        Leg(DISPUTE_LOSS, max(-beyond, none)),
        Leg(DISPUTE_RECEIVABLE, -amount, ref=dispute),
        Leg(back_to, -max(beyond, none)),
    )


def dispute_reversed(
    payment: Booked, *, dispute: str, cycle: int, share: Money, given_up: Money, fee: Money, loss: Money, back_to: int, at: datetime,
    through: str, reverses: uuid.UUID,
) -> Journal:  # fmt: skip
    """After it was lost the bank gave it back all the same: the seller's share is the seller's but for what we had `given_up` of the debt that it
    had left, which is ours again, as our fee is and what we lost."""
    return _journal(
        payment,
        f"dp:{dispute}:reversed:{cycle}",
        DISPUTE_REVERSED,
        at,
        Leg(CLEARING, share + fee + loss, sub=through),
        Leg(back_to, given_up - share),
        Leg(WRITTEN_OFF, -given_up),
        Leg(FEE_REFUNDS, -fee),
        Leg(DISPUTE_LOSS, -loss),
        reverses=reverses,
    )


def dispute_fee(payment: Booked, *, reference: str, fee: Money, available: Money, owed: Money, at: datetime, through: str) -> Journal:
    """The processor charged for a dispute (or gave a charge back: then all is negative). What the seller does not bear is our expense."""
    return _journal(
        payment,
        f"fee:{through}:{reference}",
        DISPUTE_CHARGED,
        at,
        Leg(SELLER_AVAILABLE, available),
        Leg(SELLER_RECEIVABLE, owed),
        Leg(DISPUTE_FEE, fee - available - owed),
        Leg(CLEARING, -fee, sub=through),
    )


def debt_written_off(owner: uuid.UUID, mode: str, *, number: str, amount: Money, at: datetime) -> Journal:
    """What a seller owes and will not pay: the platform's loss."""
    legs = Leg(WRITTEN_OFF, amount), Leg(SELLER_RECEIVABLE, -amount)
    return Journal(owner, mode, f"wo:{number}", WRITE_OFF, number, at, legs)


DEBT_REPAID, REPAYMENT_TAKEN_BACK = "debt repaid", "debt repayment taken back"


def debt_repaid(owner: uuid.UUID, line: Line, *, owed: Money, recovered: Money, available: Money, at: datetime) -> Journal:
    """A seller's transfer pays back what they owe, then what was written off of it; what is beyond both is theirs."""
    legs = (
        Leg(BANK, line.amount, sub=line.account),
        Leg(SELLER_RECEIVABLE, -owed),
        Leg(RECOVERIES, -recovered),
        Leg(SELLER_AVAILABLE, -available),
    )
    return Journal(owner, line.mode, bank_key(line.public_id, "in"), DEBT_REPAID, line.public_id, at, legs)


def debt_repayment_taken_back(owner: uuid.UUID, line: Line, *, recovered: Money, at: datetime) -> Journal:
    """The bank takes it back: what it had recovered is lost again, and all else is owed."""
    legs = Leg(RECOVERIES, recovered), Leg(SELLER_RECEIVABLE, line.amount - recovered), Leg(BANK, -line.amount, sub=line.account)
    return Journal(owner, line.mode, bank_key(line.public_id, "out"), REPAYMENT_TAKEN_BACK, line.public_id, at, legs)


def recovery_given_back(owner: uuid.UUID, mode: str, *, key: str, about: str, amount: Money, at: datetime) -> Journal:
    """A debt that was written off never was (`about`: which refund or return has not arrived), and what the seller had paid of it after all
    has become theirs: it is no recovery any more. Should the bank take their transfer back, it is owed. `key` is this once."""
    return Journal(owner, mode, key, "recovery given back", about, at, (Leg(WRITTEN_OFF, -amount), Leg(RECOVERIES, amount)))


# --- reserves -------------------------------------------------------------------------------------------------------------------

RESERVE = "reserve"  # its own part of what is held: what disputes hold stands beside it
RESERVE_HELD, RESERVE_BACK, RESERVE_USED = "reserve held", "reserve given back", "reserve used"


class Held(Protocol):
    """What the books need to know of what is kept aside of a payment."""

    vendor_id: uuid.UUID
    mode: str
    payment: str


def _reserve(hold: Held, what: str, kind: str, at: datetime, *legs: Leg) -> Journal:
    return Journal(hold.vendor_id, hold.mode, f"rsv:{hold.payment}:{what}", kind, hold.payment, at, legs)


def reserve_held(hold: Held, *, amount: Money, at: datetime) -> Journal:
    """Of what has just been released a part is kept aside."""
    return _reserve(hold, "held", RESERVE_HELD, at, Leg(SELLER_AVAILABLE, amount), Leg(SELLER_HOLD, -amount, sub=RESERVE))


def reserve_given_back(hold: Held, *, amount: Money, at: datetime) -> Journal:
    """Its days are over: what is left of it may be paid out."""
    return _reserve(hold, "back", RESERVE_BACK, at, Leg(SELLER_HOLD, amount, sub=RESERVE), Leg(SELLER_AVAILABLE, -amount))


def reserve_used(hold: Held, *, amount: Money, times: int, at: datetime) -> Journal:
    """The seller owed more than was available: so much of the reserve makes it up. `times`: how often that happened to this part of it."""
    return _reserve(hold, f"used:{times}", RESERVE_USED, at, Leg(SELLER_HOLD, amount, sub=RESERVE), Leg(SELLER_RECEIVABLE, -amount))


# --- the processor pays out to our bank, and what reconciliation corrects --------------------------------------------------------


def settlement_left(owner: uuid.UUID, mode: str, *, source: str, payout: str, share: Money, at: datetime) -> Journal:
    """A processor's payout to our bank has begun: this book's share of it is on its way. Below zero, refunds took more than sales brought."""
    under_way = Leg(BANK_IN_TRANSIT, share, source, payout) if share.minor > 0 else Leg(PAYOUT_SHORTFALL, share, source, payout)
    return Journal(
        owner, mode, f"st:{source}:{payout}:created", "processor pays out", payout[:60], at, (under_way, Leg(CLEARING, -share, source))
    )


def settlement_arrived(owner: uuid.UUID, mode: str, *, source: str, payout: str, share: Money, account: str, at: datetime) -> Journal:
    """It stands on our bank's statement."""
    under_way = Leg(BANK_IN_TRANSIT, -share, source, payout) if share.minor > 0 else Leg(PAYOUT_SHORTFALL, -share, source, payout)
    return Journal(
        owner, mode, f"st:{source}:{payout}:bank", "processor payout arrived", payout[:60], at, (Leg(BANK, share, account), under_way)
    )


def settlement_lost(owner: uuid.UUID, mode: str, *, source: str, payout: str, share: Money, key: str, at: datetime) -> Journal:
    """It will not arrive: the processor holds the money again. `key` names the exception that says so, and which step of it."""
    under_way = Leg(BANK_IN_TRANSIT, -share, source, payout) if share.minor > 0 else Leg(PAYOUT_SHORTFALL, -share, source, payout)
    return Journal(owner, mode, f"rec:{key}", "payout did not arrive", payout[:60], at, (Leg(CLEARING, share, source), under_way))


def corrected(
    owner: uuid.UUID, mode: str, *, key: str, about: str, source: str, legs: tuple[tuple[int, Money], ...], at: datetime
) -> Journal:
    """What a processor's account holds more or less than we booked, against the account that says why. `key` as above; whatever has to be
    cleared later carries the exception's number."""
    number = key.partition(":")[0]
    on = {CLEARING: (source, ""), UNEXPLAINED: ("", number), UNAPPLIED: ("", number)}
    return Journal(
        owner, mode, f"rec:{key}", RECONCILED, about[:60], at, tuple(Leg(code, amount, *on.get(code, ("", ""))) for code, amount in legs)
    )


def arrival_differs(mode: str, *, key: str, about: str, account: str, difference: Money, at: datetime) -> Journal:
    """A payout arrived with another sum: less is what a bank charged for it, more is nobody's yet."""
    number = key.partition(":")[0]
    against = Leg(BANK_CHARGES, -difference) if difference.minor < 0 else Leg(UNAPPLIED, -difference, ref=number)
    return Journal(PLATFORM, mode, f"rec:{key}", RECONCILED, about, at, (Leg(BANK, difference, account), against))


# --- what people had decided, and was wrong -------------------------------------------------------------------------------------


class Posted(Protocol):
    """What the books need to know of a journal that stands in them."""

    vendor_id: uuid.UUID
    mode: str
    id: uuid.UUID
    about: str


def taken_back(journal: Posted, *, legs: Sequence[tuple[int, Money, str, str]], at: datetime) -> Journal:
    """A journal is taken back, whole: the same legs with the other sign. Its name is made from the journal's own, so it happens once."""
    back = tuple(Leg(code, -amount, sub, ref) for code, amount, sub, ref in legs)
    return Journal(journal.vendor_id, journal.mode, f"rev:{journal.id}", REVERSED, journal.about, at, back, reverses=journal.id)
