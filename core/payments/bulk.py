"""One thing done to many payments: put away or brought back, their receipts sent again, refunded. Which ones, and to how many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.history import note
from core.payments.lists import PaymentFilter, narrowed
from core.payments.models import Payment
from core.payments.refund import check_refund, request_refund
from core.payments.start import lock_payment
from core.payments.to_payer import write_to_payer

MOST = 200  # at once: as many as are done while somebody waits, and as one look at a list of totals can answer for


class TooMany(Refusal):
    """More payments fit than are done at once."""

    code = "too_many"


@dataclass(frozen=True, slots=True)
class Left:
    """A payment to which it was not done, and why."""

    payment: Payment
    why: str


@dataclass(frozen=True, slots=True)
class Refundable:
    """What of some payments can be refunded whole: which, how much in each currency, and which cannot."""

    payments: list[Payment]
    totals: list[Money]
    left: list[Left]


def gather(vendor: Vendor, mode: str, narrow: PaymentFilter) -> list[Payment]:
    """The payments under these filters, oldest first: the one order in which everybody locks them. Refuses TooMany beyond MOST."""
    rows = list(db.session.scalars(narrowed(select(Payment), vendor, mode, narrow).order_by(Payment.id).limit(MOST + 1)))
    if len(rows) > MOST:
        raise TooMany(said("More than %(most)s payments fit. Narrow the filters, and do it in several goes.", most=MOST))
    return rows


def archive_payments(vendor: Vendor, payments: Sequence[Payment], *, by: str) -> int:
    """Out of the list, and nothing else: it is found, exported and refunded as before. Answers how many were not away yet."""
    return _each(vendor, payments, by, "archived", lambda row: row.archived_at is None)


def unarchive_payments(vendor: Vendor, payments: Sequence[Payment], *, by: str) -> int:
    """Back into the list. Answers how many were away."""
    return _each(vendor, payments, by, "unarchived", lambda row: row.archived_at is not None)


def _each(vendor: Vendor, payments: Sequence[Payment], by: str, what: str, fits: Callable[[Payment], bool]) -> int:
    changed = 0
    for payment in payments:
        row = lock_payment(payment)
        if not fits(row):
            continue
        row.archived_at = now() if what == "archived" else None
        note(row, f"payment.{what}", actor=by)
        changed += 1
    if changed:
        record(vendor.id, actor=by, action=f"payments.{what}", subject=payments[0].public_id, count=changed, mode=payments[0].mode)
    return changed


def resend_receipts(vendor: Vendor, payments: Sequence[Payment], *, by: str) -> tuple[int, list[Left]]:
    """Write the receipt of each paid one to its payer once more. Answers how many letters, and to whom none was written."""
    sent, left = 0, []
    for payment in payments:
        if payment.captured_at is None:
            left.append(Left(payment, said("Not paid, so there is no receipt.")))
            continue
        letter = write_to_payer(vendor, "receipt", payment)
        if letter is None:
            left.append(Left(payment, said("The payer left no e-mail address.")))
            continue
        record(vendor.id, actor=by, action="message.sent_again", subject=letter.public_id, payment=payment.public_id)
        sent += 1
    return sent, left


def look_at_refunds(payments: Sequence[Payment]) -> Refundable:
    """What refunding all that is left of each would come to. Nothing is written."""
    fit, totals, left = [], {}, []
    for payment in payments:
        try:
            check_refund(payment, amount=payment.refundable, reason="other")
        except Refusal as no:
            left.append(Left(payment, no.message))
            continue
        fit.append(payment)
        totals[payment.currency] = totals.get(payment.currency, Money(0, payment.currency)) + payment.refundable
    return Refundable(fit, [totals[code] for code in sorted(totals)], left)


def refund_all_of(
    vendor: Vendor, payments: Sequence[Payment], *, reason: str, by: str, form_token: str, tell_payer: bool
) -> tuple[int, int, list[Left]]:
    """Ask for a refund of all that is left of each. The same form again asks for nothing a second time.

    Answers how many were asked for, how many of them wait for the balance, and what was left out.
    """
    asked, queued, left = 0, 0, []
    for payment in payments:
        row = lock_payment(payment)
        try:
            made = request_refund(
                vendor, row, amount=row.refundable, reason=reason, by=by, form_token=f"{form_token[:48]}.{row.reference}", tell_payer=tell_payer,
            )  # fmt: skip
        except Refusal as no:
            left.append(Left(payment, no.message))
            continue
        asked += 1
        queued += made.state == "queued"
    return asked, queued, left
