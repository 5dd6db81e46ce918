"""Every type of event in one list, with words for it; and which kind of object each is about."""

from __future__ import annotations

from core.kernel.sentence import Sentence, said

ENDPOINT_TEST = "endpoint.test"

TYPES: dict[str, Sentence] = {
    "payment.created": said("A payment was begun"),
    "payment.requires_action": said("The payer’s bank wants to hear from them"),
    "payment.requires_method": said("A try was declined, and the payer may try again"),
    "payment.processing": said("The payment is being worked on"),
    "payment.unknown": said("The processor has not said what became of the payment"),
    "payment.succeeded": said("A payment has succeeded"),
    "payment.marked_paid": said("A payment was marked as paid elsewhere"),
    "payment.canceled": said("A payment was given up"),
    "payment.expired": said("A payment has run out of time"),
    "payment.released": said("The money of a payment has become available"),
    "payment.unexpected_money": said("Money came in that nobody asked for"),
    "refund.requested": said("A refund was asked for"),
    "refund.queued": said("A refund waits for the balance"),
    "refund.submitted": said("A refund was sent to the processor"),
    "refund.pending": said("A refund is on its way"),
    "refund.unknown": said("The processor has not said what became of the refund"),
    "refund.succeeded": said("A refund has reached the payer"),
    "refund.failed": said("A refund did not arrive"),
    "refund.canceled": said("A refund was called off"),
    "refund_link.open": said("A payer was asked for an account for a refund"),
    "refund_link.claimed": said("A payer named an account for a refund"),
    "refund_link.approved": said("A refund to an account its payer named was approved"),
    "refund_link.paid": said("A refund to an account its payer named has left the bank"),
    "refund_link.failed": said("A refund to an account its payer named did not arrive"),
    "refund_link.refused": said("An account that a payer named was not approved"),
    "refund_link.expired": said("A refund link has run out of time"),
    "refund_link.revoked": said("A refund link was taken back"),
    "dispute.inquiry": said("A payer’s bank asks about a payment"),
    "dispute.needs_response": said("A payer’s bank has taken money back and waits for an answer"),
    "dispute.under_review": said("The payer’s bank is looking at the answer"),
    "dispute.won": said("A dispute was won"),
    "dispute.lost": said("A dispute was lost"),
    "dispute.reversed": said("Money of a lost dispute came back"),
    "dispute.accepted": said("A dispute was accepted"),
    "dispute.closed": said("A bank’s question was closed"),
    "payout.requested": said("A payout was asked for"),
    "payout.approved": said("A payout may leave"),
    "payout.submitted": said("A payout was given to the bank"),
    "payout.in_transit": said("A payout is on its way"),
    "payout.paid": said("A payout has arrived"),
    "payout.failed": said("A payout could not be paid"),
    "payout.returned": said("A payout came back"),
    "payout.canceled": said("A payout was called off"),
    "checkout.opened": said("A payment event was opened"),
    "checkout.paying": said("A payment event’s card is being charged"),
    "checkout.waiting": said("A payment event waits for its payer or a bank"),
    "checkout.done": said("All orders of a payment event are paid"),
    "checkout.partly": said("Some orders of a payment event are paid"),
    "checkout.unpaid": said("No order of a payment event was paid"),
    "checkout.unwinding": said("What was paid of a payment event goes back"),
    "checkout.undone": said("What was paid of a payment event has gone back"),
    "checkout.expired": said("A payment event has run out of time"),
    "order.created": said("An order came in"),
    "order.paying": said("An order is being paid"),
    "order.action": said("The payer’s bank wants to hear from them about an order"),
    "order.declined": said("The card for an order was declined"),
    "order.paid": said("An order is paid"),
    "order.over": said("An order ended without money"),
    "order.delivered": said("An order was delivered"),
    "link.created": said("A payment link was made"),
    "link.active": said("A payment link is open again"),
    "link.paused": said("A payment link was paused"),
    "link.expired": said("A payment link was closed"),
    "link.archived": said("A payment link was archived"),
    "link.restored": said("A payment link was brought back"),
    "membership.trialing": said("A membership has begun with days to try it"),
    "membership.active": said("A membership runs and is paid"),
    "membership.past_due": said("A membership’s charge failed and is tried again"),
    "membership.suspended": said("A membership rests until it is paid"),
    "membership.hibernating": said("A membership sleeps"),
    "membership.cancelled": said("A membership has ended"),
    "subscription.trialing": said("Your plan has begun with days to try it"),
    "subscription.active": said("Your plan runs and is paid"),
    "subscription.past_due": said("A charge for your plan failed and is tried again"),
    "subscription.suspended": said("Your plan rests until it is paid"),
    "subscription.hibernating": said("Your plan sleeps"),
    "subscription.cancelled": said("Your plan has ended"),
    "invoice.issued": said("An invoice was issued"),
    "credit_note.issued": said("A credit note was issued"),
}
# Sent when somebody presses for it, and to no endpoint by itself.
ON_DEMAND: dict[str, Sentence] = {ENDPOINT_TEST: said("A test event")}

# What the objects are called, in the order in which people choose among them.
FAMILIES: dict[str, Sentence] = {
    "payment": said("Payments"),
    "refund": said("Refunds"),
    "refund_link": said("Refund links"),
    "dispute": said("Disputes"),
    "payout": said("Payouts"),
    "checkout": said("Payment events with several sellers"),
    "order": said("Orders"),
    "link": said("Payment links"),
    "membership": said("Memberships"),
    "subscription": said("Your plan"),
    "invoice": said("Invoices"),
    "credit_note": said("Credit notes"),
}


def family_of(type_: str) -> str:
    """`payment` of `payment.succeeded`."""
    return type_.partition(".")[0]


def words_for(type_: str) -> Sentence:
    """What happened, for people. KeyError for a type there is not."""
    return TYPES[type_] if type_ in TYPES else ON_DEMAND[type_]


def wants(chosen: list[str], type_: str) -> bool:
    """Whether an endpoint that chose these (none: all of them) is told of this type."""
    return type_ in TYPES if not chosen else type_ in chosen or f"{family_of(type_)}.*" in chosen


def is_choice(text: str) -> bool:
    """A type, or all of one family: `payment.*`."""
    return text in TYPES or (text.endswith(".*") and text[:-2] in FAMILIES)
