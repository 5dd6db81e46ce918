"""The whole life of a refund: a person requests it, a worker sends it, the provider's word settles it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue, enqueue_named
from core.kernel.sentence import said
from core.notifications.notices import post_notice
from core.notifications.payer_letters import is_sent
from core.notifications.team import tell_team
from core.payments.charge_news import tell_given_back
from core.payments.claim_follow import claim_paid_by, follow_claim
from core.payments.claim_models import RefundClaim
from core.payments.history import note
from core.payments.models import Payment
from core.payments.refund_alarm import raise_alarm
from core.payments.refund_books import book_failure, book_success, lock_both, sellers_account
from core.payments.refund_models import Refund
from core.payments.refund_queue import book_or_queue
from core.payments.refundable import check_offer, offer_behind
from core.payments.start import lock_payment
from core.payments.states import REFUND, may_move
from core.payments.taken_beyond import meet_beyond
from core.payments.to_payer import write_to_payer
from core.providers.bank_accounts import check_iban
from core.providers.bank_orders import senders
from core.providers.contract import ProviderRefused, ProviderUnreachable, RefundOutcome
from core.providers.registry import our_bank, provider_named
from core.providers.replay import NOBODYS

REASONS = ("requested_by_customer", "duplicate", "fraudulent", "not_delivered", "other")
KEY_LIFE = timedelta(hours=23)  # a provider keeps a key for 24
ASKED = "asked"  # the cause of what a provider says when it is asked how things stand: no old news
ARRIVED_AFTER_ALL = "arrived_after_all"
# Why a refund failed whose money the provider does not hold for the payer any more, whatever the books say: nobody may pay it in another way.
NOT_THERE = ("charge_already_refunded", "amount_too_large", "charge_disputed", ARRIVED_AFTER_ALL)


class RefundExceedsPayment(Refusal):
    """More was asked back than is left."""

    code = "refund_exceeds_payment"


class NothingToRefund(Refusal):
    """The payment has taken no money, or has given all of it back."""

    code = "nothing_to_refund"


class PaymentDisputed(Conflict):
    """The payer's bank has taken the money back for now: a refund beside it would pay twice."""

    code = "payment_disputed"


def request_refund(
    vendor: Vendor,
    payment: Payment,
    *,
    amount: Money,
    reason: str,
    by: str,
    form_token: str,
    note_text: str = "",
    tell_payer: bool = True,
    on_settled: str | None = None,
    through: str | None = None,
) -> Refund:
    """Write the refund down, book it as on its way, and have a worker send it. The same form posted twice is one refund.
    When it has reached the payer they are written to, unless `tell_payer` is off. `on_settled` names a job that is asked for, with
    `mode`, `refund` and `result`, when it has ended: succeeded, failed or canceled; a bank may still send it back after it had succeeded. `through` names the
    provider that pays it where it cannot go back the way it came; to which account, core/payments/claim_follow.py knows.

    The payment is locked, so two refunds at once cannot give back more than was taken. When the seller's balance does not hold
    the money, core/payments/refund_queue.py says what becomes of it. Refuses RefundExceedsPayment, NothingToRefund, NotRefundable,
    PaymentDisputed.
    """
    payment = lock_payment(payment)
    again = db.session.scalar(
        select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == payment.mode, Refund.form_token == form_token)
    )
    if again and again.payment_id != payment.id:
        raise Conflict("This form was sent before, for another payment. Please open the page again.")
    if again:
        return again
    check_refund(payment, amount=amount, reason=reason, way_back=through is None)
    refund = _written(vendor, payment, amount, reason, by, form_token, note_text, tell_payer)
    refund.on_settled, refund.provider = on_settled, through
    book_or_queue(payment, refund)
    kind = "refund.queued" if refund.state == "queued" else "refund.requested"
    note(payment, kind, actor=by, refund=refund.public_id, amount_minor=amount.minor, currency=amount.currency, reason=reason)
    record(
        vendor.id,
        actor=by,
        action="refund.requested",
        subject=refund.public_id,
        payment=payment.public_id,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason=reason,
        queued=refund.state == "queued",
    )
    tell_given_back(payment)
    if refund.state != "queued":
        enqueue("send_refund", vendor.id, mode=payment.mode, refund=str(refund.id))
    return refund


def _written(
    vendor: Vendor, payment: Payment, amount: Money, reason: str, by: str, form_token: str, note_text: str, tell_payer: bool
) -> Refund:
    """The refund as it was wished for, neither stored nor booked yet."""
    return Refund(
        vendor_id=vendor.id,
        mode=payment.mode,
        id=uuid7(),
        public_id=public_id("ref"),
        payment_id=payment.id,
        form_token=form_token,
        state="requested",
        currency=payment.currency,
        amount_minor=amount.minor,
        fee_returned_minor=0,
        taken_from=sellers_account(payment),
        reason=reason,
        note=note_text.strip()[:300],
        tell_payer=tell_payer,
        requested_by=by,
        inquiries=0,
        created_at=now(),
    )


def check_refund(payment: Payment, *, amount: Money, reason: str, way_back: bool = True) -> None:
    """Refuse a refund that cannot be: more than is left, an unknown reason, or one that the provider cannot make. `way_back`: it goes the way
    it came, and has to be able to."""
    if payment.disputed_minor:
        raise PaymentDisputed(
            "This payment is disputed: the payer’s bank holds the money until that is decided. A refund would pay twice.", field="amount"
        )
    if payment.state != "succeeded" or not payment.refundable:
        raise NothingToRefund("There is nothing left to refund on this payment.", field="amount")
    if amount.currency != payment.currency or amount.minor <= 0:
        raise RefundExceedsPayment(said("Enter an amount in %(currency)s above zero.", currency=payment.currency), field="amount")
    if payment.refundable < amount:
        raise RefundExceedsPayment(said("At most %(refundable)s can still be refunded.", refundable=payment.refundable), field="amount")
    if reason not in REASONS:
        raise Refusal("Choose a reason from the list.", field="reason")
    if not way_back:
        return
    if payment.provider == "bank":
        _check_senders(payment, amount)
    check_offer(offer_behind(payment), amount, payment.refundable)


def _check_senders(payment: Payment, amount: Money) -> None:
    """A transfer goes back to an account it came from, and no account gets back more than it sent."""
    most = max((s.left for s in senders(payment.mode, payment.public_id) if check_iban(s.account)), default=None)
    if most is None:
        raise NothingToRefund("The bank did not say from which account this money came, so it cannot be sent back there.", field="amount")
    if most < amount:
        raise RefundExceedsPayment(
            said("The money came from several accounts: at most %(most)s can go back at once.", most=most), field="amount"
        )


@dataclass(frozen=True, slots=True)
class Sending:
    """A refund that is about to be sent. `again`: it may have been sent before, by somebody who did not live to write the answer down."""

    payment: Payment
    refund: Refund
    again: bool
    to: RefundClaim | None = None  # whose account it goes to, where that is not the way it came


def begin_sending(refund: Refund) -> Sending | None:
    """First unit of the sender: mark it submitted. None when there is nothing left to send."""
    payment, refund = lock_both(refund)
    if refund.state not in ("requested", "submitted", "unknown"):
        return None
    fresh = refund.state == "requested"
    if fresh:
        refund.state = "submitted"
        refund.sent_at = now()
        note(payment, "refund.submitted", actor="system", refund=refund.public_id)
    refund.next_inquiry_at = now() + timedelta(seconds=30)
    # One that waited for longer than a key is kept may have been sent by a database that has been restored to a moment before since.
    again = not fresh or refund.created_at < now() - KEY_LIFE
    return Sending(payment, refund, again, claim_paid_by(refund))


def send_refund(vendor: Vendor, sending: Sending) -> RefundOutcome:
    """Ask the provider to give the money back. Outside any transaction; the refund's public id is the key, so twice is once.

    But the provider forgets its keys after a day: what may have been sent before is looked up first, however long ago that was.
    """
    payment, refund = sending.payment, sending.refund
    known = ask_about(payment, refund) if sending.again else None
    if known is not None:
        return known
    provider = provider_named(refund.provider or payment.provider, payment.mode)
    try:
        if sending.to is not None:
            return _transfer(vendor, payment, refund, sending.to)
        return provider.refund(
            refund.public_id,
            refund.charge or payment.charge or "",
            refund.amount,
            refund.reason,
            {"vendor": vendor.public_id, "mode": payment.mode, "payment": payment.public_id, "refund": refund.public_id},
        )
    except ProviderUnreachable:
        return RefundOutcome(state="unknown", provider_reference="", amount=refund.amount)
    except ProviderRefused as error:
        return RefundOutcome(state="failed", provider_reference="", amount=refund.amount, failure_reason=error.code)


def _transfer(vendor: Vendor, payment: Payment, refund: Refund, to: RefundClaim) -> RefundOutcome:
    """By our own bank, to the account its payer named."""
    return our_bank(payment.mode).refund_to(
        refund.public_id,
        payment.public_id,
        refund.amount,
        holder=to.holder,
        iban=to.iban,
        of_transfers=payment.provider == "bank",
        vendor=vendor.public_id,
        text=f"{vendor.name}: refund of {payment.reference}",
        may_leave=lambda: not lock_payment(payment).disputed_minor,
    )


def ask_about(payment: Payment, refund: Refund) -> RefundOutcome | None:
    """What the provider says of a refund that is under way; None when it has never heard of it and may be sent again.

    Outside any transaction. A refund whose answer was lost has no reference yet and is looked up by our own id.
    """
    provider = provider_named(refund.provider or payment.provider, payment.mode)
    try:
        if refund.provider_reference:
            return provider.inquire_refund(refund.provider_reference)
        return provider.find_refund(refund.public_id, refund.charge or payment.charge)
    except ProviderUnreachable:
        return RefundOutcome(state="unknown", provider_reference="", amount=refund.amount)


def settle_refund(vendor: Vendor, refund: Refund, outcome: RefundOutcome, *, cause: str) -> str:
    """Bring a refund to the truth: settled, told or stale. Safe to repeat; a late failure after success is booked and told. A success after a
    failure is old news, mostly: whether the money has left all the same is asked, and if so that is an alarm.

    News of another sum, or under another number at the provider, is not about this refund: mismatch, and nothing changes. A second number
    is a second refund all the same: what went back under it is looked for.
    """
    payment, refund = lock_both(refund)
    if outcome.amount != refund.amount or _is_another(payment, refund, outcome, cause):
        return "mismatch"
    if outcome.provider_reference and not refund.provider_reference:
        refund.provider_reference = outcome.provider_reference
    to = outcome.state
    if refund.state == to or not may_move(REFUND, refund.state, to):
        if to == "succeeded" and refund.state in ("failed", "canceled"):
            _hear_that_it_arrived(vendor, payment, refund, outcome, cause)
        return "stale"
    old = refund.state
    refund.state = to
    detail: dict[str, Any] = {"refund": refund.public_id, "amount_minor": refund.amount_minor, "currency": refund.currency}
    if not refund.of_sale:
        detail["source"] = refund.taken_from
    if to == "succeeded":
        book_success(payment, refund)
        refund.next_inquiry_at = None
        if refund.tell_payer and (not refund.of_sale or is_sent(vendor, payment.mode, "refund_sent")):
            write_to_payer(vendor, "refund_sent" if refund.of_sale else "money_returned", payment, refund=refund.public_id)
        post_notice(vendor, "refund_sent", mode=payment.mode, about=payment.public_id, amount=refund.amount)
    elif to in ("failed", "canceled"):
        detail["failure_reason"] = refund.failure_reason = outcome.failure_reason or to
        _fail(payment, refund, came_back=old == "succeeded")
        tell_team(vendor, "refund_failed", mode=payment.mode, amount=refund.amount, payment=payment.public_id, refund=refund.public_id)
    note(payment, f"refund.{to}", actor="provider", cause=cause, **detail)
    if to in ("succeeded", "failed", "canceled"):
        follow_claim(refund)
        if refund.on_settled:
            enqueue_named(refund.on_settled, vendor.id, mode=payment.mode, refund=str(refund.id), result=to)
        if not refund.of_sale:
            return "settled"  # the receipt is about the sale
        enqueue("make_receipt", vendor.id, queue="papers", mode=payment.mode, payment=str(payment.id))
        return "settled"
    return "told"


def _fail(payment: Payment, refund: Refund, *, came_back: bool) -> None:
    """Whoever gave the money has it again, unless a bank has taken it back meanwhile."""
    refund.next_inquiry_at = None
    book_failure(payment, refund, came_back=came_back)
    if refund.of_sale:
        meet_beyond(payment, refund.amount, reference=refund.public_id)
    tell_given_back(payment)


def _is_another(payment: Payment, refund: Refund, outcome: RefundOutcome, cause: str) -> bool:
    """Whether it has another number there than ours: the provider has made twice what was asked for once. Whoever asked for all refunds of
    the charge (`ASKED`) sees both; else they are asked for."""
    if len({refund.provider_reference, outcome.provider_reference} - {None, ""}) < 2:
        return False
    provider, charge = refund.provider or payment.provider, refund.charge or payment.charge
    if cause != ASKED and provider != "bank" and charge:
        enqueue("find_outside_refunds", NOBODYS, provider=provider, mode=payment.mode, charge=charge)
    return True


def _hear_that_it_arrived(vendor: Vendor, payment: Payment, refund: Refund, outcome: RefundOutcome, cause: str) -> None:
    """Of a refund that had failed, and whose money the seller has again."""
    provider = refund.provider or payment.provider
    if provider == "bank" or refund.failure_reason == ARRIVED_AFTER_ALL:
        return
    if cause == ASKED:
        refund.failure_reason = ARRIVED_AFTER_ALL
        raise_alarm(vendor, payment, refund.amount, number=outcome.provider_reference or refund.public_id, why=ARRIVED_AFTER_ALL)
    elif charge := refund.charge or payment.charge:
        enqueue("find_outside_refunds", NOBODYS, provider=provider, mode=payment.mode, charge=charge)


def look_for_the_rest(sending: Sending, outcome: RefundOutcome) -> None:
    """The provider refused because less is left there than here: what went back without us is looked for."""
    payment, refund = sending.payment, sending.refund
    provider, charge = refund.provider or payment.provider, refund.charge or payment.charge
    if (
        outcome.state == "failed"
        and outcome.failure_reason in ("charge_already_refunded", "amount_too_large")
        and provider != "bank"
        and charge
    ):
        enqueue("find_outside_refunds", NOBODYS, provider=provider, mode=payment.mode, charge=charge)
