"""The money jobs: what follows a payment, asking about unknown outcomes, ending unpaid payments, sending refunds."""

from __future__ import annotations

import uuid
from datetime import timedelta

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import enqueue, task_row
from core.notifications.notices import notice_row, notices_lot
from core.notifications.notify import message_rows, notify_many
from core.notifications.payer_letters import unsent_in
from core.notifications.team import readers_in_many
from core.payments import hold, review
from core.payments import refund as refunds
from core.payments import settle as settling
from core.payments.attempt import close_at_provider, drop_unopened, live_attempt, paid_attempt
from core.payments.charge_news import tell_paid
from core.payments.claim import end_practised, list_waiting
from core.payments.close import record_close
from core.payments.large import find_large, tell_of_large
from core.payments.lockout import BY_CARD, is_held, locked_until
from core.payments.match import lock_payments, payments_by_key
from core.payments.models import Attempt, Payment
from core.payments.poll import inquire
from core.payments.refund_models import Refund
from core.payments.review import decide_alike, list_others
from core.payments.review_models import Screening
from core.payments.states import LIVE_ATTEMPT, PAID_OR_OVER
from core.payments.weigh import NOT_ACCEPTED
from core.providers.contract import Outcome, ProviderUnreachable
from core.subscriptions.standing import invoiced
from workers.saved import send_charge
from workers.task import Task

NEVER_OPENED = timedelta(minutes=2)  # an attempt without an address for this long was never given to a payer


def payment_settled(tasks: list[Task]) -> None:
    """A payment is paid: tell both sides, make the receipt, and ask what the provider has not said yet."""
    keys = [(task.vendor_id, task.args["mode"], uuid.UUID(task.args["payment"])) for task in tasks]
    found = payments_by_key(keys)
    books = {(vendor.id, payment.mode): vendor for vendor, payment in found.values()}
    readers = readers_in_many([(vendor, mode) for (_, mode), vendor in books.items()], "payment_received")
    no_receipts = unsent_in(books, "receipt")
    letters, jobs, notices = [], [], []
    with_invoice = invoiced([payment for _, payment in found.values()])
    for _, _, payment_id in keys:
        vendor, payment = found[payment_id]
        named = {"mode": payment.mode, "payment": payment.public_id}
        book = (vendor.id, payment.mode)
        letters += [message_rows(vendor, "payment_received", to=address, locale=language, **named) for address, language in readers[book]]
        if book not in no_receipts and payment.email and payment.id not in with_invoice:
            letters.append(message_rows(vendor, "receipt", to=payment.email, locale=payment.locale, **named))
        notices.append(notice_row(vendor, "payment_received", mode=payment.mode, about=payment.public_id))
        jobs.append(task_row("make_receipt", vendor.id, queue="papers", mode=payment.mode, payment=str(payment.id)))
        if payment.processor_fee_minor is None:
            jobs.append(task_row("complete_payment", vendor.id, due_in=2, mode=payment.mode, payment=str(payment.id)))
    large, expected = find_large(list(found.values())), review.find_expected(keys)
    touched = [one.payment for one in large] + [found[row.payment_id][1] for row in expected]
    # All of them before the first is written: everybody locks in one order.
    lock_payments({(payment.vendor_id, payment.mode, payment.public_id) for payment in touched})
    tell_of_large(large)
    tell_paid([payment for _, payment in found.values()])
    review.begin_reviews_of_paid(expected)
    notify_many(letters, jobs, notices_lot(notices))


def decide_hold(vendor_id: uuid.UUID, *, mode: str, attempt: str) -> None:
    """An authorised card is looked at: its money is taken, or let go and the payer told why. Any part of it may be repeated."""
    with unit_of_work():
        vendor, tried = get_vendor(vendor_id), db.session.get_one(Attempt, (vendor_id, mode, uuid.UUID(attempt)))
        payment = db.session.get_one(Payment, (vendor_id, mode, tried.payment_id))
        if tried.state not in LIVE_ATTEMPT or review.is_reviewed(tried):
            return
        over = payment.state in PAID_OR_OVER
    outcome, wanted, code = inquire(payment, tried), "let_go", hold.CODE_USED_UP
    if outcome.held and not over:
        wanted, code = _judged(vendor, payment, tried, outcome)
        if wanted == "wait":
            return
    if outcome.held:
        outcome = hold.take(payment, tried) if wanted == "take" else close_at_provider(payment, tried)
        if outcome.held:
            raise ProviderUnreachable("What was authorised could be neither taken nor let go.", effect_unknown=True)
    with unit_of_work():
        if outcome.state == "canceled" and wanted != "take" and not over:
            hold.record_let_go(vendor, tried, outcome, code=code)
        else:
            settling.settle_at_once(vendor, payment, tried, outcome, cause="poll")


def _judged(vendor: Vendor, payment: Payment, tried: Attempt, outcome: Outcome) -> tuple[str, str]:
    """What becomes of an authorised card (take, let_go or wait), and the code for why not: the house's rules first, then a code's own limit."""
    counts = review.counts_of_card(payment, tried, outcome)  # asks Redis: with no transaction open
    with unit_of_work():
        wanted = review.judge_card(vendor, payment, tried, outcome, counts)
        if wanted == "take" and not hold.may_be_taken(vendor, payment, outcome.card_fingerprint):
            return "let_go", hold.CODE_USED_UP
    return wanted, NOT_ACCEPTED


def end_review(vendor_id: uuid.UUID, *, mode: str, review_id: str) -> None:
    """Nobody has decided about an authorised payment in time, or there is nothing left to decide."""
    with unit_of_work():
        review.end_by_clock(get_vendor(vendor_id), db.session.get_one(Screening, (vendor_id, mode, uuid.UUID(review_id))))


def decide_together(vendor_id: uuid.UUID, *, mode: str, review: str) -> None:
    """A person has decided about one order of a checkout: the others that wait are decided alike, each by itself, and any part may be repeated."""
    with unit_of_work():
        decided = db.session.get_one(Screening, (vendor_id, mode, uuid.UUID(review)))
        others = list_others(decided, "waiting")
    for row in others:
        with unit_of_work():
            decide_alike(get_vendor(row.vendor_id), row, decided)


def settle_attempt(vendor_id: uuid.UUID, *, mode: str, attempt: str) -> None:
    """Ask the provider about an attempt nobody has told us the end of, and bring the payment to the truth.

    An attempt left open on a payment that is paid or ended is closed, so that nobody pays there a second time.
    """
    with unit_of_work():
        vendor, tried = get_vendor(vendor_id), db.session.get_one(Attempt, (vendor_id, mode, uuid.UUID(attempt)))
        payment = db.session.get_one(Payment, (vendor_id, mode, tried.payment_id))
        lost = tried.surface == "saved" and tried.provider_reference is None
        if tried.provider_reference is None and not lost:
            if tried.created_at < now() - NEVER_OPENED:
                drop_unopened(tried)
            return
        # After many declines, or when it was held, its page at the provider must take no more cards.
        resting = locked_until(payment) is not None or (tried.method in BY_CARD and is_held(payment))
    if lost:  # a charge whose answer was lost: it is asked for with the same key, and never given up as if nobody could have paid
        send_charge(vendor_id, mode=mode, attempt=attempt)
        return
    over = tried.state != "succeeded" and (payment.state in PAID_OR_OVER or tried.state not in LIVE_ATTEMPT or resting)
    outcome = close_at_provider(payment, tried) if over else inquire(payment, tried)
    with unit_of_work():
        settling.settle_at_once(vendor, payment, tried, outcome, cause="poll")


def close_payment(vendor_id: uuid.UUID, *, mode: str, payment: str) -> None:
    """The payer's time is up: close what is open at the provider; unless it was paid after all, the payment expires."""
    with unit_of_work():
        vendor, unpaid = get_vendor(vendor_id), db.session.get_one(Payment, (vendor_id, mode, uuid.UUID(payment)))
        attempt = live_attempt(unpaid)
    outcome = close_at_provider(unpaid, attempt) if attempt else None
    with unit_of_work():
        record_close(vendor, unpaid, attempt, outcome, to="expired", actor="system")


def complete_payment(vendor_id: uuid.UUID, *, mode: str, payment: str) -> None:
    """Ask the provider for what its news left out: what it kept, and the card. Not known yet is an error: the job comes back."""
    with unit_of_work():
        vendor, paid = get_vendor(vendor_id), db.session.get_one(Payment, (vendor_id, mode, uuid.UUID(payment)))
        attempt = paid_attempt(paid)
    if paid.processor_fee_minor is not None or attempt is None:
        return
    if attempt.surface == "saved" and attempt.provider_reference is None:  # its answer was lost and the news came first: looked up once
        send_charge(vendor_id, mode=mode, attempt=str(attempt.id))
        with unit_of_work():
            db.session.expire_all()
            paid, attempt = (
                db.session.get_one(Payment, (vendor_id, mode, paid.id)),
                db.session.get_one(Attempt, (vendor_id, mode, attempt.id)),
            )
        if paid.processor_fee_minor is not None:
            return
        if attempt.provider_reference is None:
            raise FeeNotKnown(f"the processor has not found the charge of {paid.public_id} yet")
    if attempt.provider_reference is None:
        return
    outcome = inquire(paid, attempt)
    if outcome.fee is None:
        raise FeeNotKnown(f"the provider has not said yet what it keeps of {paid.public_id}")
    with unit_of_work():
        settling.settle(vendor, paid, attempt, outcome, cause="poll")


class FeeNotKnown(Exception):
    """The provider's own line for a payment is not there yet."""


def send_refund(vendor_id: uuid.UUID, *, mode: str, refund: str) -> None:
    """Send a refund that was asked for: mark it, ask the provider with its own key, write down the answer."""
    with unit_of_work():
        vendor, wanted = _refund(vendor_id, mode, refund)
        sending = refunds.begin_sending(wanted)
    if sending is None:
        return
    outcome = refunds.send_refund(vendor, sending)
    with unit_of_work():
        if (sending.refund.provider or sending.payment.provider) == "bank":
            enqueue("send_bank_orders", vendor_id, mode=mode)
        refunds.settle_refund(vendor, wanted, outcome, cause="sent")
        refunds.look_for_the_rest(sending, outcome)


def take_refund_links_back(vendor_id: uuid.UUID, *, mode: str, by: str) -> None:
    """The business has closed, and in this world only practised: links that wait end, each in a unit of its own."""
    with unit_of_work():
        waiting = list_waiting(get_vendor(vendor_id), mode)
    for claim in waiting:
        with unit_of_work():
            if (vendor := get_vendor(vendor_id)).stopped_at is None:
                return  # it was taken back meanwhile
            end_practised(vendor, claim, by=by)


def poll_refund(vendor_id: uuid.UUID, *, mode: str, refund: str) -> None:
    """Ask about a refund that is not confirmed yet. One the provider has never heard of is sent again under the same key."""
    with unit_of_work():
        vendor, sent = _refund(vendor_id, mode, refund)
        payment = db.session.get_one(Payment, (vendor_id, mode, sent.payment_id))
    outcome = refunds.ask_about(payment, sent)
    if outcome is None:
        send_refund(vendor_id, mode=mode, refund=refund)
        return
    with unit_of_work():
        refunds.settle_refund(vendor, sent, outcome, cause="poll")


def _refund(vendor_id: uuid.UUID, mode: str, refund: str) -> tuple[Vendor, Refund]:
    return get_vendor(vendor_id), db.session.get_one(Refund, (vendor_id, mode, uuid.UUID(refund)))
