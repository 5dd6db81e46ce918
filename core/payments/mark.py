"""Marking a payment by hand: paid elsewhere, or not valid. The vendor's word, with a reason; no money of it is in the books."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.errors import Conflict, Refusal
from core.kernel.sentence import said
from core.payments.attempt import live_attempt, move_attempt
from core.payments.hear import ask_again
from core.payments.history import move
from core.payments.models import Payment
from core.payments.room import has_place
from core.payments.start import lock_payment
from core.providers.bank import stop_expecting

MAY_BE_PAID = frozenset({"created", "requires_method", "requires_action", "canceled", "expired"})
MAY_BE_INVALID = frozenset({"created", "requires_method", "requires_action", "marked_paid"})
LONGEST = 300


class NotToBeMarked(Conflict):
    """What the payment is by now does not depend on anybody's word."""

    code = "not_to_be_marked"


def marks_open_to(payment: Payment) -> tuple[str, ...]:
    """What one of the vendor's people may mark this payment as: paid, invalid, both or neither."""
    if payment.unapplied or payment.link_id is None:  # what a plan charges to a saved card is the plan's to decide
        return ()
    marks = (("paid", MAY_BE_PAID), ("invalid", MAY_BE_INVALID))
    return tuple(mark for mark, states in marks if payment.state in states)


def mark_payment(vendor: Vendor, payment: Payment, mark: str, *, reason: str, by: str) -> Payment:
    """Write down that it was paid elsewhere (`paid`), or that nothing is to come of it (`invalid`). Marking it again as it is changes nothing.

    What is open at a provider is closed by a worker. Money that comes all the same is booked and told like any other: nothing here
    moves money, so a payment marked as paid can be refunded nowhere, and an invalid one is simply over.
    Refuses NotToBeMarked while money is under way or has come, and without a reason at the field `reason`.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal("Say why, so that whoever looks later knows.", field="reason")
    if len(reason) > LONGEST:
        raise Refusal("At most 300 characters.", field="reason")
    payment = lock_payment(payment)
    to = {"paid": "marked_paid", "invalid": "canceled"}[mark]
    if payment.state == to and payment.marked == mark:
        return payment
    if mark not in marks_open_to(payment):
        raise NotToBeMarked(_why_not(payment))
    if mark == "paid" and not payment.holds_place and not has_place(payment):
        raise NotToBeMarked("Its link has no place left for one more payment. Raise the number of payments first.")
    payment.marked, payment.decline_code = mark, None
    payment.holds_place = mark == "paid" and payment.link_id is not None
    move(payment, to, f"payment.marked_{mark}", actor=by, reason_text=reason, amount_minor=payment.amount_minor, currency=payment.currency)
    _close_what_is_open(payment)
    record(vendor.id, actor=by, action=f"payment.marked_{mark}", subject=payment.public_id, reason=reason, mode=payment.mode)
    return payment


def _why_not(payment: Payment) -> str:
    if payment.unapplied:
        return said("A bank transfer has come for this payment. Decide what becomes of it; then its state follows by itself.")
    if payment.link_id is None:
        return said("This payment was made by a plan and not through a link. The plan says what becomes of it.")
    if payment.state == "succeeded":
        return said("The money of this payment has come through the processor. It can be refunded, not marked.")
    if payment.state in ("processing", "unknown"):
        return said("The processor has not said yet how this payment ends. Wait for its word.")
    return said("This payment is that way already, or has ended.")


def _close_what_is_open(payment: Payment) -> None:
    """Nobody is to pay there any more. A bank is told at once, a processor by a worker."""
    attempt = live_attempt(payment)
    if attempt is None:
        return
    if attempt.provider == "bank":
        move_attempt(attempt, "abandoned")
        if attempt.provider_reference:
            stop_expecting(payment.mode, attempt.provider_reference)
    else:
        ask_again(payment.vendor_id, payment.mode, attempt)
