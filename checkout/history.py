"""What happened to a payment, for the payer: the same events that the vendor and the staff read, at the same instants, in the payer's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from checkout.blueprint import door
from checkout.declines import explain
from checkout.till import open_till
from core.accounts.models import Vendor
from core.kernel.money import Money
from core.kernel.signing import TokenRefused
from core.payments.claim_follow import by_transfer
from core.payments.models import Payment, PaymentEvent
from core.payments.queries import list_refunds, shown_state, timeline
from core.payments.start import open_payment_token, receipt_token
from core.providers.bank_days import bank_days_after
from core.web.face import face_of
from core.web.filters import day, day_of, money
from core.web.guard import public
from core.web.page import page

# kind -> (title, sentence, tone). Every kind stands here or among HIDDEN: a test holds it against the vendor's list.
WORDS: dict[str, tuple[Any, Any, str]] = {
    "payment.created": (later("You began this payment"), "", "quiet"),
    "attempt.instructed": (later("You were told how to transfer the money"), "", "quiet"),
    "attempt.declined": (later("Declined"), later("No money was taken."), "bad"),
    "attempt.error": (later("The try did not go through"), "", "bad"),
    "payment.processing": (later("Your bank is working on it"), "", "info"),
    "payment.unknown": (later("The outcome is not known yet"), later("We keep asking. Please do not pay again."), "warn"),
    "payment.succeeded": (later("Paid"), "", "good"),
    "payment.held": (later("Card payments were paused for a while"), later("No money was taken."), "warn"),
    "payment.under_review": (later("Being checked"), later("There is nothing for you to do."), "info"),
    "payment.review_approved": (later("The check is done: all is well"), "", "good"),
    "payment.review_declined": (later("The payment was not accepted"), "", "bad"),
    "payment.review_lapsed": (later("The check could not be finished in time"), later("No money was taken."), "warn"),
    "payment.canceled": (later("Cancelled"), "", "quiet"),
    "payment.expired": (later("Ran out of time"), "", "quiet"),
    "payment.marked_paid": (later("Noted by the seller as paid in another way"), "", "good"),
    "payment.marked_invalid": (later("Ended by the seller"), later("No money was taken."), "quiet"),
    "payer.details_changed": (later("You changed what the receipt says of you"), "", "quiet"),
    "invoice.issued": (later("An invoice was issued"), later("It stands beside the receipt."), "quiet"),
    "credit_note.issued": (later("A credit note was issued"), later("It stands beside the receipt."), "quiet"),
    "receipt.opened": (later("The receipt was opened"), later("The seller sees this too, but not by whom or from where."), "quiet"),
    "payer.problem_reported": (later("You reported a problem to the seller"), "", "quiet"),
    "payment.unexpected_money": (
        later("Money arrived that was not asked for"), later("It is held apart and is still yours, until it is sent back."), "warn",
    ),
    "unexpected.return_requested": (later("What was not asked for is to be sent back"), "", "info"),
    "transfer.received": (later("Your transfer has arrived"), "", "good"),
    "transfer.partial": (later("Part of it has come; the rest is waited for"), "", "info"),
    "transfer.over": (later("You sent more than was asked"), later("It is safe and still yours, until it is sent back."), "warn"),
    "transfer.late": (later("Your transfer came after the payment had ended"), later("It is safe and still yours."), "warn"),
    "transfer.taken_back": (later("Your bank took the transfer back"), "", "bad"),
    "return.requested": (later("To be sent back to you"), "", "info"),
    "return.settled": (later("Sent back to you"), "", "good"),
    "return.failed": (later("It could not be sent back"), later("The money is still held for you."), "bad"),
    "refund.requested": (later("A refund was asked for"), "", "info"),
    "refund.queued": (later("A refund was asked for"), later("It is sent as soon as the seller has the money for it."), "info"),
    "refund.pending": (later("The refund is on its way"), "", "info"),
    "refund.succeeded": (later("Refunded"), "", "good"),
    "refund.failed": (later("The refund did not go through"), later("Ask the seller how the money can reach you."), "bad"),
    "refund.canceled": (later("The refund was cancelled"), "", "bad"),
    "refund.outside": (later("Refunded"), "", "good"),
    "claim.opened": (later("You were asked to which account the refund goes"), later("The link is in a letter to you."), "info"),
    "claim.answered": (later("You named an account for the refund"), later("The seller looks at it before money moves."), "info"),
    "claim.approved": (later("The seller approved the refund to your account"), "", "good"),
    "claim.refused": (later("The seller did not approve the account"), later("A letter to you says why."), "warn"),
    "claim.expired": (later("The link for your refund ran out"), later("Ask the seller for a new one."), "quiet"),
    "claim.revoked": (later("The seller took the link for your refund back"), "", "quiet"),
    "dispute.inquiry": (later("Your bank asked the seller about this payment"), "", "quiet"),
    "dispute.opened": (later("Disputed"), later("Your bank has the money for now, and decides who is right."), "info"),
    "dispute.under_review": (later("The seller has answered your bank"), "", "quiet"),
    "dispute.won": (later("Your bank decided for the seller"), later("The payment stands."), "quiet"),
    "dispute.lost": (later("Your bank decided for you"), later("You keep the money."), "good"),
    "dispute.reversed": (later("Your bank gave it back to the seller after all"), later("The payment stands."), "quiet"),
    "dispute.accepted": (later("The seller agreed with you"), later("You keep the money."), "good"),
    "dispute.closed": (later("Your bank asks no more about it"), "", "quiet"),
    "refund.unknown": (later("The refund's outcome is not known yet"), later("We keep asking."), "warn"),
}  # fmt: skip
# How we asked and what we booked: nothing of it changes what the payer has paid or gets back.
HIDDEN = frozenset({
    "attempt.started", "attempt.opened", "attempt.abandoned", "payer.country", "payment.requires_action", "payment.requires_method",
    "payment.labelled", "payment.unlabelled", "payment.released", "payment.reserved", "payment.archived", "payment.unarchived", "payment.large", "discount.beyond_limit", "fee.recorded", "fee.other_currency", "refund.submitted", "refund.funded", "refund.cannot_be_booked",
})  # fmt: skip

ARRIVES = frozenset({"refund.pending", "refund.succeeded", "refund.outside"})
CARDS_TAKE = 10  # working days at the most, until a refund is seen on a statement
TRANSFERS_TAKE = 3  # working days at the most, from when it has left our bank


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the history as the payer reads it."""

    title: str
    text: str
    tone: str
    at: datetime


@door.get("/checkout/<token>/history")
@public
def history(token: str) -> Response:
    """For whoever pays: what happened so far, the newest first."""
    till = open_till(token)
    return _page(till.vendor, till.payment, back=till.page_url)


@door.get("/receipt/<token>/history")
@public
def receipt_history(token: str) -> Response:
    """The same, for whoever has the receipt."""
    vendor, payment = open_payment_token(token, purpose="receipt")
    if payment.captured_at is None:
        raise TokenRefused("unpaid")
    return _page(vendor, payment, back=url_for("checkout.receipt", token=token))


@door.get("/status/<token>")
@public
def status(token: str) -> Response:
    """The one address to hand out: before anybody has paid and long after, with the token of the payment or of its receipt."""
    try:
        vendor, payment = open_payment_token(token, purpose="receipt")
    except TokenRefused:
        till = open_till(token)
        return _page(till.vendor, till.payment, back=till.page_url)
    if payment.captured_at is None:
        raise TokenRefused("unpaid")
    return _page(vendor, payment, back=url_for("checkout.receipt", token=receipt_token(vendor, payment)))


def _page(vendor: Vendor, payment: Payment, *, back: str) -> Response:
    return page(
        "checkout/history.html",
        face=face_of(vendor, payment.mode, payment.reference),
        payment=payment,
        by_bank=payment.method == "bank_transfer",
        status_word=shown_state(payment),
        steps=steps(vendor, payment),
        back=back,
    )


def steps(vendor: Vendor, payment: Payment) -> list[Step]:
    """The payer's lines, newest first."""
    events = [event for event in reversed(timeline(vendor, payment)) if event.kind in WORDS]
    refunds = list_refunds(vendor, payment) if any(event.kind in ARRIVES for event in events) else []
    transfers = {refund.public_id for refund in refunds if by_transfer(payment, refund)}
    return [_step(event, payment, transfers) for event in events]


def _step(event: PaymentEvent, payment: Payment, transfers: set[str]) -> Step:
    title, sentence, tone = WORDS[event.kind]
    detail = event.detail
    minor, code = detail.get("amount_minor"), detail.get("currency")
    said = [money(Money(minor, code))] if isinstance(minor, int) and isinstance(code, str) else []
    if event.kind == "attempt.declined":
        said.append(str(explain(detail.get("decline_code"), detail.get("method") or payment.method).reason))
    if detail.get("why") == "second_charge":
        said.append(_("You were charged a second time."))
    if sentence:
        said.append(str(sentence))
    if event.kind in ARRIVES:
        said.append(_arrives(event, detail.get("refund") in transfers))
    return Step(str(title), " · ".join(said), tone, event.at)


def _arrives(event: PaymentEvent, by_transfer: bool) -> str:
    """How long a refund takes from here on, and the day that this comes to: counted from the day it was where its reader lives."""
    if not by_transfer:
        last = bank_days_after(day_of(event.at), CARDS_TAKE)
        return _("Banks usually show it within 5 to 10 working days, that is by %(day)s.", day=day(last))
    if event.kind == "refund.pending":  # the bank has it to carry out; nothing has left yet
        return _("A transfer takes up to three working days.")
    last = bank_days_after(day_of(event.at), TRANSFERS_TAKE)
    return _("It has left our bank and arrives within three working days, that is by %(day)s.", day=day(last))
