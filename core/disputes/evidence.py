"""What an answer may say: the questions that belong to each reason, and the draft that is kept until it is sent, finally."""

from __future__ import annotations

import hashlib
import json

from core.accounts.models import Vendor
from core.disputes.models import Dispute
from core.disputes.planned import call_off
from core.disputes.states import ANSWERABLE
from core.kernel.clock import now
from core.kernel.db import lock_again
from core.kernel.errors import Conflict, Refusal
from core.kernel.sentence import said
from core.payments.models import Payment
from core.providers.disputes import LONGEST_TEXT, MOST_TEXT

WORDS_LAST = ("uncategorized_text",)
# For each reason: which questions help most, in the order they are asked, and which files.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "fraudulent": ("product_description", "access_activity_log", "shipping_address"),
    "unrecognized": ("product_description", "service_date", "access_activity_log"),
    "product_not_received": (
        "product_description", "service_date", "shipping_date", "shipping_carrier", "shipping_tracking_number", "shipping_address",
    ),
    "product_unacceptable": ("product_description", "refund_policy_disclosure", "refund_refusal_explanation"),
    "duplicate": ("duplicate_charge_explanation", "duplicate_charge_id"),
    "subscription_canceled": ("product_description", "cancellation_policy_disclosure", "cancellation_rebuttal"),
    "credit_not_processed": ("product_description", "refund_policy_disclosure", "refund_refusal_explanation"),
    "general": ("product_description", "service_date"),
}  # fmt: skip
USUAL_FILES = ("customer_communication", "receipt")
FILES: dict[str, tuple[str, ...]] = {
    "fraudulent": ("customer_signature", "shipping_documentation", "service_documentation"),
    "unrecognized": ("service_documentation",),
    "product_not_received": ("shipping_documentation", "service_documentation", "customer_signature"),
    "product_unacceptable": ("refund_policy", "service_documentation"),
    "duplicate": ("duplicate_charge_documentation",),
    "subscription_canceled": ("cancellation_policy", "service_documentation"),
    "credit_not_processed": ("refund_policy",),
    "general": ("service_documentation",),
}
LONG = frozenset({
    "product_description", "access_activity_log", "refund_policy_disclosure", "refund_refusal_explanation", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "duplicate_charge_explanation", "shipping_address", "uncategorized_text",
})  # fmt: skip
LONGEST_LINE = 200


class DraftHasChanged(Conflict):
    """Somebody else has written in the draft since the page was opened: what they wrote is not written over."""

    code = "draft_has_changed"


class NotAnswerable(Conflict):
    """It is decided, answered, or the day is over: nothing can be said any more."""

    code = "not_answerable"


def questions_of(dispute: Dispute) -> tuple[str, ...]:
    """The texts that are asked for, the open one last."""
    return QUESTIONS[dispute.reason] + WORDS_LAST


def file_kinds_of(dispute: Dispute) -> tuple[str, ...]:
    """The files that may go along."""
    return FILES[dispute.reason] + USUAL_FILES


def why_not_answerable(dispute: Dispute) -> str | None:
    """None when an answer would be taken."""
    if dispute.wish is not None:
        return said("Your answer is on its way to the bank and cannot be changed.")
    if dispute.state not in ANSWERABLE:
        return said("This dispute is with the bank, or decided: nothing more can be said.")
    if dispute.answered_at is not None:
        return said("This was answered, and cannot be changed.")
    if dispute.due_at is not None and dispute.due_at <= now():
        return said("The day until which it could be answered is over.")
    return None


def lock_to_answer(dispute: Dispute) -> Dispute:
    """The dispute, locked. Refuses with NotAnswerable."""
    dispute = lock_again(dispute)
    if (why := why_not_answerable(dispute)) is not None:
        raise NotAnswerable(why)
    return dispute


def draft_mark(dispute: Dispute) -> str:
    """A name for the draft as it stands: another draft has another one."""
    return hashlib.sha256(json.dumps(dispute.draft, sort_keys=True).encode()).hexdigest()[:20]


def save_draft(dispute: Dispute, texts: dict[str, str], *, by: str = "", seen: str | None = None) -> Dispute:
    """Keep what was typed, for whoever of the team goes on with it. What was to be given in by itself no longer is.

    `seen` is the draft_mark that the page was made with. Refuses at the field what is too long, and DraftHasChanged.
    """
    dispute = lock_to_answer(dispute)
    if seen is not None and seen != draft_mark(dispute):
        raise DraftHasChanged("Somebody has changed the draft since you opened it. Open the page again in another tab and compare.")
    dispute.draft = _checked(dispute, texts)
    call_off(dispute, by=by)
    return dispute


def _checked(dispute: Dispute, texts: dict[str, str]) -> dict[str, str]:
    kept = {}
    for name in questions_of(dispute):
        text = texts.get(name, "").replace("\0", "").replace("\r\n", "\n").strip()
        most = LONGEST_TEXT if name in LONG else LONGEST_LINE
        if len(text) > most:
            raise Refusal(said("Use %(most)s characters at most.", most=most), field=name)
        if text:
            kept[name] = text
    if sum(map(len, kept.values())) > MOST_TEXT:
        raise Refusal(said("All answers together may have %(most)s characters.", most=MOST_TEXT), field="uncategorized_text")
    return kept


def answers_of(dispute: Dispute) -> dict[str, str]:
    """The draft, in the order in which it is asked for."""
    return {name: dispute.draft[name] for name in questions_of(dispute) if name in dispute.draft}


def texts_to_send(vendor: Vendor, payment: Payment, dispute: Dispute) -> dict[str, str]:
    """The draft with what we know ourselves. When something was delivered is not among that: a wrong day would lose the case."""
    known = {"customer_name": payment.payer_name, "customer_email_address": payment.email, "product_description": payment.description}
    return {name: text for name, text in {**known, **answers_of(dispute)}.items() if text}
