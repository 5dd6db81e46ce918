"""The evidence pack of a dispute as a sheet to print: receipt, what was agreed, timeline, delivery and letters, all from our own records.

It is read by a payer's bank. What a vendor writes beside it stands in it word for word; what nobody recorded is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.accounts.models import Vendor
from core.accounts.receipts import ReceiptWish
from core.disputes.models import Dispute, DisputeFile
from core.disputes.records import OnRecord
from core.kernel.currency import is_currency
from core.kernel.money import Money
from core.payments.hold import CODE_USED_UP
from core.payments.models import Payment, PaymentEvent
from core.payments.weigh import NOT_ACCEPTED
from core.web.brand import carried, logo_of, logo_path
from core.web.mail import stationery_for
from core.web.reader import Reader
from core.web.three_d_secure import UNCONFIRMED, secured_by

MOST_LINES = 200
# The events a bank can use, in the words of templates/papers/evidence.html. All others are our own housekeeping, or say less than they seem to:
# that a payment waits for its payer does not mean that their bank asked them.
SHOWN = frozenset({
    "payment.created", "attempt.started", "attempt.opened", "attempt.declined", "payment.processing", "payment.succeeded", "refund.requested",
    "refund.succeeded", "refund.failed", "refund.canceled", "payer.details_changed", "payer.problem_reported", "transfer.received", "dispute.inquiry",
    "dispute.opened", "dispute.under_review", "dispute.won",
})  # fmt: skip
# What a payer is written about: letters to the vendor's own team are nobody's evidence.
LETTERS = frozenset({
    "receipt", "instruction_received", "payment_failed", "confirm_payment", "checkout_left", "refund_sent", "refund_claim", "refund_claim_refused", "transfer_instructions",
    "transfer_partial", "transfer_held", "transfer_returned", "money_returned", "link_sent", "link_reminder",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline: what, how much of it, and whose doing."""

    kind: str
    at: datetime
    actor: str
    amount: Money | None
    detail: Mapping[str, Any]
    reason: str  # the card issuer's


def pack_html(
    vendor: Vendor,
    payment: Payment,
    dispute: Dispute,
    records: OnRecord,
    *,
    answers: Mapping[str, str],
    files: Iterable[DisputeFile],
    as_of: datetime,
    extra: ReceiptWish | None = None,
    logo: bytes | None = None,
) -> str:
    """The whole sheet, in English and in the vendor's time zone. The same records give the same text, whenever and wherever it is written."""
    reader = Reader("en", vendor.time_zone)
    said = records.said
    return (
        stationery_for(reader)
        .get_template("papers/evidence.html")
        .render(
            vendor=vendor,
            country=reader.country(vendor.country),
            payment=payment,
            dispute=dispute,
            practice=payment.mode == "test",
            moments=_moments(records.events),
            secured=next((found for event in records.events if (found := secured_by(event.detail))), None),
            letters=[letter for letter in records.letters if letter.kind in LETTERS and letter.state != "overtaken"][:MOST_LINES],
            refunds=[refund for refund in records.refunds if refund.state == "succeeded" and refund.reason != "lost_dispute"],
            cart=records.cart,
            buyer=None,
            said=said,
            billing=_lines(said.billing, reader) if said else [],
            shipping=_lines(said.shipping, reader) if said else [],
            terms=records.terms,
            entry=records.entry,
            terms_text=records.terms.text.splitlines() if records.terms else [],
            answers={name: text.splitlines() for name, text in answers.items()},
            files=[file for file in files if file.kind != "evidence_pack"],
            as_of=as_of,
            zone=vendor.time_zone.replace("_", " "),
            extra=extra or ReceiptWish(),
            logo=logo_of(vendor),
            logo_src=carried(logo) if logo else logo_path(vendor),
        )
    )


def _moments(events: Iterable[PaymentEvent]) -> list[Moment]:
    return [_moment(event) for event in events if event.kind in SHOWN][:MOST_LINES]


def _moment(event: PaymentEvent) -> Moment:
    """A try that the payer did not confirm with their bank was declined by nobody, and one that was stopped on our side by no bank."""
    code = event.detail.get("decline_code") or ""
    kind, reason = event.kind, code.replace("_", " ")
    if code in UNCONFIRMED:
        kind, reason = "attempt.unconfirmed", ""
    elif code in (NOT_ACCEPTED, CODE_USED_UP):
        kind, reason = "attempt.stopped", ""
    return Moment(kind, event.at, event.actor, _amount(event.detail), event.detail, reason)


def _amount(detail: Mapping[str, Any]) -> Money | None:
    minor, code = detail.get("amount_minor"), detail.get("currency")
    return Money(minor, code) if isinstance(minor, int) and isinstance(code, str) and is_currency(code) else None


def _lines(place: Mapping[str, str] | None, reader: Reader) -> list[str]:
    """An address as a letter has it."""
    if not place:
        return []
    town = f"{place.get('postcode', '')} {place.get('city', '')}".strip()
    parts = [place.get("name"), place.get("line1"), place.get("line2"), town, reader.country(place.get("country", ""))]
    return [part for part in parts if part]
