"""A payment's history in words: each line of it gets a title, a sentence and a tone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.api_keys import OWN_SOFTWARE
from core.kernel.currency import is_currency
from core.kernel.money import Money
from core.payments.large import TIMES
from core.payments.models import PaymentEvent
from core.payments.weigh import NOT_ACCEPTED
from core.web.filters import money
from core.web.languages import written
from core.web.three_d_secure import UNCONFIRMED, secured_by
from portal.code_words import code_sentence, code_words
from portal.guard_words import limit_words
from portal.method_words import method_title


@dataclass(frozen=True)
class Moment:
    """One line of the timeline as the vendor reads it."""

    title: str
    text: str
    tone: str
    at: datetime
    who: str
    code: str | None
    cause: str = ""  # how we came to know: an event of the provider's, or the way we asked


# kind -> (title, tone)
WORDS: dict[str, tuple[str, str]] = {
    "payment.created": (_l("Payment started"), "quiet"),
    "attempt.started": (_l("Try number %(number)s"), "quiet"),
    "attempt.opened": (_l("Payment page opened"), "quiet"),
    "attempt.instructed": (_l("The payer was told how to transfer"), "quiet"),
    "attempt.declined": (_l("Declined"), "bad"),
    "attempt.error": (_l("The try did not go through"), "bad"),
    "attempt.abandoned": (_l("The try was left unfinished"), "quiet"),
    "payer.country": (_l("The payer said where they are"), "quiet"),
    "payment.requires_action": (_l("Waiting for the payer"), "info"),
    "payment.requires_method": (_l("The payer may try again"), "warn"),
    "payment.processing": (_l("The processor is working on it"), "info"),
    "payment.unknown": (_l("The outcome is not known yet; we keep asking"), "warn"),
    "payment.succeeded": (_l("Paid"), "good"),
    "payment.canceled": (_l("Cancelled by the payer"), "quiet"),
    "payment.expired": (_l("Ran out of time"), "quiet"),
    "payment.unexpected_money": (_l("Money arrived that was not expected"), "bad"),
    "payment.large": (_l("Larger than usual"), "warn"),
    "unexpected.return_requested": (_l("Sending back the money that was not expected"), "info"),
    "payment.held": (_l("Held for half an hour: it looked like card testing"), "bad"),
    "payment.under_review": (_l("Being checked by the platform"), "info"),
    "payment.review_approved": (_l("Checked: the payment is good"), "good"),
    "payment.review_declined": (_l("Checked: the payment is not accepted"), "bad"),
    "payment.review_lapsed": (_l("The check took too long: no money was taken"), "warn"),
    "payment.marked_paid": (_l("Marked as paid by hand"), "good"),
    "payment.marked_invalid": (_l("Marked as not valid by hand"), "warn"),
    "payment.archived": (_l("Put away from the list"), "quiet"),
    "payment.unarchived": (_l("Back in the list"), "quiet"),
    "discount.beyond_limit": (_l("The card has used the code more often than it may"), "warn"),
    "payer.details_changed": (_l("The payer changed what the receipt says of them"), "info"),
    "invoice.issued": (_l("Invoice %(document)s issued"), "quiet"),
    "credit_note.issued": (_l("Credit note %(document)s issued"), "quiet"),
    "receipt.opened": (_l("The receipt was opened"), "quiet"),
    "payer.problem_reported": (_l("The payer reports a problem"), "warn"),
    "payment.labelled": (_l("Label added"), "quiet"),
    "payment.unlabelled": (_l("Label taken off"), "quiet"),
    "payment.released": (_l("Released to your available balance"), "good"),
    "payment.reserved": (_l("A part of it is kept in reserve"), "quiet"),
    "transfer.received": (_l("Bank transfer received"), "good"),
    "transfer.partial": (_l("Part of it has come; the rest is waited for"), "info"),
    "transfer.over": (_l("More came than was asked"), "warn"),
    "transfer.late": (_l("It came after the payment had ended"), "warn"),
    "transfer.taken_back": (_l("The bank took a transfer back"), "bad"),
    "return.requested": (_l("To be sent back"), "info"),
    "return.settled": (_l("Sent back"), "good"),
    "return.failed": (_l("It could not be sent back"), "bad"),
    "fee.recorded": (_l("The processor’s charge was recorded"), "quiet"),
    "fee.other_currency": (_l("The processor’s charge is in another currency and is not in the books"), "warn"),
    "refund.requested": (_l("Refund asked for"), "info"),
    "refund.queued": (_l("Refund asked for; it waits for your balance"), "warn"),
    "refund.funded": (_l("Your balance holds the refund now, and it goes out"), "info"),
    "refund.submitted": (_l("Refund sent to the processor"), "info"),
    "refund.pending": (_l("Refund on its way"), "info"),
    "refund.succeeded": (_l("Refunded"), "good"),
    "refund.failed": (_l("Refund failed"), "bad"),
    "refund.canceled": (_l("Refund cancelled"), "bad"),
    "refund.outside": (_l("Refunded at the processor, not from here"), "warn"),
    "refund.cannot_be_booked": (_l("The processor tells of a refund that does not fit"), "bad"),
    "claim.opened": (_l("The payer was asked for an account for the refund"), "info"),
    "claim.answered": (_l("The payer named an account for the refund"), "warn"),
    "claim.approved": (_l("The refund to the named account was approved"), "info"),
    "claim.refused": (_l("The named account was not approved"), "bad"),
    "claim.expired": (_l("The refund link ran out"), "quiet"),
    "claim.revoked": (_l("The refund link was taken back"), "quiet"),
    "dispute.inquiry": (_l("The payer’s bank asks about it"), "warn"),
    "dispute.opened": (_l("Disputed: the payer’s bank took the money back"), "bad"),
    "dispute.under_review": (_l("The payer’s bank has your answer to the dispute"), "info"),
    "dispute.won": (_l("Dispute won: the money is yours again"), "good"),
    "dispute.lost": (_l("Dispute lost: the payer keeps the money"), "bad"),
    "dispute.reversed": (_l("The bank gave it back after it was lost: the money is yours again"), "good"),
    "dispute.accepted": (_l("Dispute given in: the payer keeps the money"), "quiet"),
    "dispute.closed": (_l("The payer’s bank asks no more"), "good"),
    "refund.unknown": (_l("The refund's outcome is not known yet; we keep asking"), "warn"),
}
REASONS = {
    "requested_by_customer": _l("Customer request"),
    "duplicate": _l("Paid twice"),
    "fraudulent": _l("Suspected fraud"),
    "not_delivered": _l("Not delivered"),
    "other": _l("Other reason"),
    "lost_dispute": _l("Lost in a dispute"),
    "reversed_by_bank": _l("Taken back by the bank"),
}
WHY = {
    "second_charge": _l("Charged a second time"),
    "mismatch": _l("Not the amount or currency that was asked for"),
    "disputed": _l("The payment is disputed: a refund would pay twice"),
    "gone_back_otherwise": _l("The money has gone back in another way"),
    "excess": _l("More than is left of the payment. It is not in your books yet"),
}
# Who acts without an account of their own.
WHO: dict[str, Any] = {
    "payer": _l("The payer"),
    "provider": _l("The processor"),
    "system": _l("Automatic"),
    "bank": _l("The bank"),
    "reader": _l("Whoever has its address"),
    OWN_SOFTWARE: _l("Software with an API key"),
}


def tell(events: list[PaymentEvent], *, names: dict[str, str]) -> list[Moment]:
    """The whole history, newest first. `names` maps a person's public id to what the reader calls them."""
    return [_moment(event, names) for event in reversed(events)]


def _moment(event: PaymentEvent, names: dict[str, str]) -> Moment:
    title, tone = WORDS.get(event.kind, (event.kind.replace(".", " ").replace("_", " ").capitalize(), "quiet"))
    detail = event.detail
    return Moment(
        title=str(title) % {"number": detail.get("number", ""), "document": detail.get("document", "")},
        text=" · ".join(_sentences(event.kind, detail)),
        tone=tone,
        at=event.at,
        who=WHO.get(event.actor) or names.get(event.actor) or _somebody(event.actor),
        code=detail.get("dispute") or detail.get("claim") or detail.get("refund") or detail.get("attempt") or detail.get("charge"),
        cause=event.cause,
    )


def _somebody(actor: str) -> str:
    """Somebody who is not on the reader's list of people: of the house, or of the team in former days."""
    return _("The platform's staff") if actor.startswith("stf_") or actor == "operator" else _("A member of your team")


def _sentences(kind: str, detail: dict[str, Any]) -> list[str]:
    amount = _amount(detail)
    said = [amount] if amount else []
    said += _reasons(detail) + _waits(kind, detail)
    if detail.get("code"):
        said.append(_("Discount code %(code)s", code=detail["code"]))
    if detail.get("label"):
        said.append(str(detail["label"]))
    said += [str(detail[name]) for name in ("reason_text", "problem") if detail.get(name)]
    if kind == "discount.beyond_limit":
        said.append(_("Used %(used)s times; %(most)s are allowed", used=detail.get("used"), most=detail.get("most")))
    if detail.get("terms"):
        said.append(_("Agreed to the terms, version %(version)s", version=detail["terms"]))
    if detail.get("method"):
        said.append(method_title(detail["method"]))
    said += _of_the_payer(detail)
    if detail.get("surface") == "fields" and kind == "attempt.started":
        said.append(_("On our page, with the processor’s own card fields"))
    if kind == "payment.held" and detail.get("counted"):
        said.append(limit_words(detail["counted"], detail.get("of", "")))
    if detail.get("surface") == "saved":
        said.append(_("With a saved card, the payer not being there"))
    if detail.get("why") == "authentication_required":
        said.append(_("The bank wants its customer to confirm it. The payer was sent a letter."))
    if detail.get("surface") == "instructions":
        said.append(_("By bank transfer"))
    return said


def _of_the_payer(detail: dict[str, Any]) -> list[str]:
    """Where they are, and what their bank said of them."""
    said = [str(detail["country"])] if detail.get("country") else []
    if secured := secured_by(detail):
        said.append(_("3-D Secure %(version)s: %(what)s", version=secured.version, what=written(secured.words)).replace(" :", ":"))
    return said


def _large(detail: dict[str, Any]) -> list[str]:
    """Why a payment was told as a large one: the business's own sum, what came in before it, or both."""
    said, code = [], detail["currency"]
    if detail.get("least_minor"):
        said.append(_("The business is told from %(amount)s on", amount=money(Money(detail["least_minor"], code))))
    if detail.get("largest_minor"):
        largest = money(Money(detail["largest_minor"], code))
        said.append(
            _(
                "More than %(times)s times the largest of the last %(count)s payments, which was %(largest)s",
                times=TIMES, count=detail["compared"], largest=largest,
            )
        )  # fmt: skip
    return said


def _waits(kind: str, detail: dict[str, Any]) -> list[str]:
    """Where the money is while somebody looks at the payment; that a processor's charge is not the vendor's; and by what one is large."""
    if kind == "payment.large":
        return _large(detail)
    if kind == "fee.recorded":
        return [_("On the platform's own accounts")]
    if kind != "payment.under_review":
        return []
    if detail.get("held"):
        return [_("The payer’s bank has put the money aside; it is not taken yet.")]
    return [_("It is paid; the money waits with the payment until then.")]


def _reasons(detail: dict[str, Any]) -> list[str]:
    """Why it came so: the bank's word, the vendor's, the processor's."""
    said = []
    if detail.get("decline_code") == NOT_ACCEPTED:
        said.append(_("It was not accepted by the platform’s checks. No money was taken."))
    elif detail.get("decline_code") in UNCONFIRMED:
        said.append(_("The payer did not confirm it with their bank, or could not."))
    elif detail.get("decline_code"):
        said.append(_("The bank's reason: %(reason)s", reason=code_words(detail["decline_code"])))
    if detail.get("reason"):
        said.append(str(REASONS.get(detail["reason"], code_words(detail["reason"]))))
    if detail.get("failure_reason"):
        reason = code_words(detail["failure_reason"])
        if detail.get("source") == "unapplied":
            said.append(_("Reason: %(reason)s. The money is still held here", reason=reason))
        else:
            said.append(_("Reason: %(reason)s. The money is back in your balance", reason=reason))
    if detail.get("why"):
        said.append(str(WHY.get(detail["why"]) or code_sentence(detail["why"])))
    return said


def _amount(detail: dict[str, Any]) -> str | None:
    minor, code = detail.get("amount_minor"), detail.get("currency")
    return money(Money(minor, code)) if isinstance(minor, int) and isinstance(code, str) and is_currency(code) else None
