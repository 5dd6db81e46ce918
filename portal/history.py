"""A payment's history in words: each line of it gets a title, a sentence and a tone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from core.kernel.currency import is_currency
from core.kernel.money import Money
from core.payments.models import PaymentEvent
from core.web.filters import money
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
    "payment.created": ("Payment started", "quiet"),
    "attempt.started": ("Try number {number}", "quiet"),
    "attempt.opened": ("Payment page opened", "quiet"),
    "attempt.instructed": ("The payer was told how to transfer", "quiet"),
    "attempt.declined": ("Declined", "bad"),
    "attempt.error": ("The try did not go through", "bad"),
    "attempt.abandoned": ("The try was left unfinished", "quiet"),
    "payer.country": ("The payer said where they are", "quiet"),
    "payment.requires_action": ("Waiting for the payer", "info"),
    "payment.requires_method": ("The payer may try again", "warn"),
    "payment.processing": ("The processor is working on it", "info"),
    "payment.unknown": ("The outcome is not known yet; we keep asking", "warn"),
    "payment.succeeded": ("Paid", "good"),
    "payment.canceled": ("Cancelled by the payer", "quiet"),
    "payment.expired": ("Ran out of time", "quiet"),
    "payment.unexpected_money": ("Money arrived that was not expected", "bad"),
    "unexpected.return_requested": ("Sending back the money that was not expected", "info"),
    "payment.released": ("Released to your available balance", "good"),
    "transfer.received": ("Bank transfer received", "good"),
    "transfer.partial": ("Part of it has come; the rest is waited for", "info"),
    "transfer.over": ("More came than was asked", "warn"),
    "transfer.late": ("It came after the payment had ended", "warn"),
    "transfer.taken_back": ("The bank took a transfer back", "bad"),
    "return.requested": ("To be sent back", "info"),
    "return.settled": ("Sent back", "good"),
    "return.failed": ("It could not be sent back", "bad"),
    "fee.recorded": ("The processor's charge was recorded", "quiet"),
    "fee.other_currency": ("The processor's charge is in another currency and is not in the books", "warn"),
    "refund.requested": ("Refund asked for", "info"),
    "refund.submitted": ("Refund sent to the processor", "info"),
    "refund.pending": ("Refund on its way", "info"),
    "refund.succeeded": ("Refunded", "good"),
    "refund.failed": ("Refund failed", "bad"),
    "refund.canceled": ("Refund cancelled", "bad"),
    "refund.outside": ("Refunded at the processor, not from here", "warn"),
    "refund.cannot_be_booked": ("The processor tells of a refund that does not fit", "bad"),
    "refund.unknown": ("The refund's outcome is not known yet; we keep asking", "warn"),
}
REASONS = {
    "requested_by_customer": "Customer request",
    "duplicate": "Paid twice",
    "fraudulent": "Suspected fraud",
    "not_delivered": "Not delivered",
    "other": "Other reason",
    "reversed_by_bank": "Taken back by the bank",
}
WHY = {
    "second_charge": "Charged a second time",
    "mismatch": "Not the amount or currency that was asked for",
    "excess": "More than is left of the payment. It is not in your books yet",
}
WHO = {"payer": "The payer", "provider": "The processor", "system": "Automatic", "bank": "The bank"}


def tell(events: list[PaymentEvent], *, names: dict[str, str]) -> list[Moment]:
    """The whole history, newest first. `names` maps a person's public id to what the reader calls them."""
    return [_moment(event, names) for event in reversed(events)]


def _moment(event: PaymentEvent, names: dict[str, str]) -> Moment:
    title, tone = WORDS.get(event.kind, (event.kind.replace(".", " ").replace("_", " ").capitalize(), "quiet"))
    detail = event.detail
    return Moment(
        title=title.replace("{number}", str(detail.get("number", ""))),
        text=" · ".join(_sentences(event.kind, detail)),
        tone=tone,
        at=event.at,
        who=WHO.get(event.actor) or names.get(event.actor) or _somebody(event.actor),
        code=detail.get("refund") or detail.get("attempt") or detail.get("charge"),
        cause=event.cause,
    )


def _somebody(actor: str) -> str:
    """Somebody who is not on the reader's list of people: of the house, or of the team in former days."""
    return _("The platform's staff") if actor.startswith("stf_") or actor == "operator" else _("A member of your team")


def _sentences(kind: str, detail: dict[str, Any]) -> list[str]:
    said = []
    amount = _amount(detail)
    if amount:
        said.append(amount)
    if detail.get("decline_code"):
        said.append(f"The bank's reason: {_plain(detail['decline_code'])}")
    if detail.get("reason"):
        said.append(REASONS.get(detail["reason"], _plain(detail["reason"])))
    if detail.get("failure_reason"):
        where = "still held here" if detail.get("source") == "unapplied" else "back in your balance"
        said.append(f"Reason: {_plain(detail['failure_reason'])}. The money is {where}")
    if detail.get("why"):
        said.append(WHY.get(detail["why"]) or _plain(detail["why"]).capitalize())
    if detail.get("code"):
        said.append(f"Discount code {detail['code']}")
    if detail.get("terms"):
        said.append(f"Agreed to the terms, version {detail['terms']}")
    if detail.get("method"):
        said.append(method_title(detail["method"]))
    if detail.get("country"):
        said.append(str(detail["country"]))
    if detail.get("surface") == "fields" and kind == "attempt.started":
        said.append("On our page, with the processor's own card fields")
    if detail.get("surface") == "instructions":
        said.append(_("By bank transfer"))
    return said


def _amount(detail: dict[str, Any]) -> str | None:
    minor, code = detail.get("amount_minor"), detail.get("currency")
    return money(Money(minor, code)) if isinstance(minor, int) and isinstance(code, str) and is_currency(code) else None


def _plain(code: Any) -> str:
    return str(code).replace("_", " ").replace("-", " ")
