"""Charging a saved card with nobody there: written down first, sent by a worker, and settled like every other payment."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.customers.meet import meet_customer
from core.kernel.ask import Question
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.kernel.ids import named_id, public_id, spoken_reference, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.kernel.sentence import said
from core.payments.attempt import lock_both, move_attempt
from core.payments.charge_news import hear_charge, tell_caller
from core.payments.history import move, note
from core.payments.link_terms import limits
from core.payments.models import Attempt, Payment, PaymentEvent
from core.payments.saved import lock_card
from core.payments.saved_models import SavedCard, SavedCharge
from core.payments.start import AmountNotOffered
from core.payments.states import LIVE_ATTEMPT, PAID_OR_OVER
from core.payments.weigh import NOT_ACCEPTED, Weighed, keep_weighed, refuse_charge, screening_of
from core.providers.contract import NoSuchProvider, Outcome, ProviderRefused, ProviderUnreachable
from core.providers.registry import provider_named
from core.providers.saved import ChargeSaved
from core.risk.rules import AUTHENTICATE

SENT_WITHIN = timedelta(days=3)  # a charge that no worker could send for so long is given up
KEY_LIFE = timedelta(hours=23)  # the provider keeps a key for 24; after that a lost answer is looked up, never asked for again
RESTORED = "restored"  # begins the form token of a payment that was taken up from the processor after a restore
NOT_CHARGED = "no_answer"  # our own word for a charge the provider never heard of
_BY_REFERENCE = Question(
    select(Payment).where(
        Payment.vendor_id == bindparam("vendor"), Payment.mode == bindparam("mode"), Payment.form_token == bindparam("token")
    )
)


class ReferenceUsed(Conflict):
    """The same reference was charged before, with another card or another sum."""

    code = "reference_used"


@dataclass(frozen=True, slots=True)
class Share:
    """What of a charge is the platform's, and when the rest is the seller's to have: for an order, whose terms are its own."""

    fee: Money
    seller_bears: bool = False  # what the provider keeps
    release_days: int | None = None  # from the day it is paid; None: the vendor's own


def charge_saved(
    vendor: Vendor, card: SavedCard, *, amount: Money, description: str, reference: str, on_settled: str | None = None, locale: str = "",
    share: Share | None = None, asked: bool = False, weighed: Weighed | None = None,
) -> Payment:  # fmt: skip
    """Write down a payment to be charged to a saved card. **No money has moved**: a worker sends it once this is committed.

    `reference` is the caller's and unique within the vendor's book: the same one again answers the payment it made the first time, and
    refuses ReferenceUsed when anything else differs. `on_settled` names a job that is asked for, with `mode`, `payment` and `result`,
    whenever there is news: succeeded, declined, requires_action (the payer has been sent a letter), expired or canceled (they did not
    answer it), unreachable (the provider has not answered for hours; another one follows). `share` is given where the vendor's usual
    terms do not count. `asked`: the caller has asked the rules about payments already, for all that belongs together, and `weighed` is what they
    said; else they are asked when it is sent. Refuses CardGone, AmountNotOffered, and CustomerBlocked when the vendor takes nothing from this address.
    """
    smallest, largest = limits(amount.currency)
    if not smallest <= amount.minor <= largest:
        low, high = Money(smallest, amount.currency), Money(largest, amount.currency)
        raise AmountNotOffered(said("Between %(least)s and %(most)s can be charged.", least=low, most=high), field="amount")
    token = f"charge:{reference}"
    again = find_by_token(vendor, card.mode, token)
    if again is None:
        meet_customer(vendor, card.mode, email=card.email, name=card.name)  # first the payer, then the card: everybody locks in this order
        card = lock_card(card)
        again, made = _write(vendor, card, amount, description, token, locale, share or Share(amount.share(vendor.fee_bps)), on_settled)
        if made:
            _write_beside(again, card, on_settled, asked, weighed)
            return again
    charge = find_charge_of(again)
    if charge is None or charge.card_id != card.id or again.amount != amount:
        raise ReferenceUsed("This reference was charged before, with another card or another sum.")
    return again


def find_by_token(vendor: Vendor, mode: str, token: str) -> Payment | None:
    """The payment a reference has made already."""
    found = _BY_REFERENCE.first(vendor=vendor.id, mode=mode, token=token)
    return found[0] if found else None


def _number(prefix: str, vendor: Vendor, mode: str, token: str) -> str:
    """From what it is charged for: when the database was restored and the same is charged anew, the processor knows it by this number already."""
    return named_id(prefix, f"{vendor.id}:{mode}:{token}")


def _taken_up(vendor: Vendor, card: SavedCard, token: str, on_settled: str | None) -> Payment | None:
    """The payment that was charged before the database was restored, and taken up from the processor's word (core/payments/found_again.py):
    it is what the caller wishes for, who is told that it is paid."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == card.mode, Payment.form_token.like(f"{RESTORED}:%"))
    payment = db.session.scalar(mine.where(Payment.public_id == _number("pay", vendor, card.mode, token)).with_for_update())
    if payment is None:
        return None
    payment.form_token, payment.email, payment.payer_name = token, card.email, card.name
    db.session.add(
        SavedCharge(vendor_id=vendor.id, mode=card.mode, payment_id=payment.id, card_id=card.id, on_settled=on_settled, weighed=True)
    )
    db.session.flush()
    tell_caller(payment, "succeeded")
    return payment


def find_charge_of(payment: Payment) -> SavedCharge | None:
    """What is written beside a payment that is charged to a saved card; None for any other payment."""
    return db.session.get(SavedCharge, (payment.vendor_id, payment.mode, payment.id))


def _write(
    vendor: Vendor, card: SavedCard, amount: Money, description: str, token: str, locale: str, share: Share, on_settled: str | None
) -> tuple[Payment, bool]:  # fmt: skip
    at = now()
    row: dict[str, Any] = {
        "vendor_id": vendor.id,
        "mode": card.mode,
        "id": uuid7(),
        "public_id": _number("pay", vendor, card.mode, token),
        "reference": spoken_reference(),
        "token_id": public_id("tok"),
        "form_token": token,
        "description": description[:120],
        "provider": card.provider,
        "state": "created",
        "holds_place": False,
        "currency": amount.currency,
        "amount_minor": amount.minor,
        "captured_minor": 0,
        "refunding_minor": 0,
        "refunded_minor": 0,
        "fee_minor": share.fee.minor,
        "seller_bears": share.seller_bears,
        "release_days": share.release_days,
        "fee_returned_minor": 0,
        "email": card.email,
        "payer_name": card.name,
        "locale": locale,
        "method": "card",
        "card_brand": card.brand,
        "card_last4": card.last4,
        "card_funding": card.funding,
        "expires_at": at + SENT_WITHIN,
        "created_at": at,
        "updated_at": at,
        "version": 1,
    }
    writing = insert(Payment).values(**row).on_conflict_do_nothing()
    made = db.session.execute(writing.returning(Payment.id)).scalar()
    payment = find_by_token(vendor, card.mode, token) or _taken_up(vendor, card, token, on_settled)
    if payment is None:
        raise RuntimeError("a payment that was written can be read")
    return payment, made is not None


def _write_beside(payment: Payment, card: SavedCard, on_settled: str | None, asked: bool, weighed: Weighed | None) -> None:
    """The history's first line, the one attempt, whose id is the key at the provider, and the worker's task."""
    key = {"vendor_id": payment.vendor_id, "mode": payment.mode}
    detail = {"amount_minor": payment.amount_minor, "currency": payment.currency, "card": card.public_id}
    first = {"kind": "payment.created", "to_state": "created", "actor": "system", "cause": "", "detail": detail, "at": payment.created_at}
    db.session.add(PaymentEvent(**key, payment_id=payment.id, seq=1, **first))
    attempt = Attempt(
        **key,
        id=uuid7(),
        public_id=named_id("att", payment.public_id),
        payment_id=payment.id,
        number=1,
        state="started",
        surface="saved",
        method="card",
        provider=card.provider,
        delayed_days=0,
        next_inquiry_at=None,
        inquiries=0,
        created_at=payment.created_at,
        updated_at=payment.created_at,
    )
    db.session.add(attempt)
    db.session.add(SavedCharge(**key, payment_id=payment.id, card_id=card.id, on_settled=on_settled, weighed=asked))
    note(payment, "attempt.started", actor="system", attempt=attempt.public_id, number=1, surface="saved", method="card")
    db.session.flush()
    keep_weighed(payment, attempt, weighed)
    enqueue("send_charge", payment.vendor_id, mode=payment.mode, attempt=str(attempt.id))


@dataclass(frozen=True, slots=True)
class Sending:
    """A charge in a worker's hands. `first_sent_at` says how old its key is; `look_only`: it may be looked up and never sent."""

    payment: Payment
    attempt: Attempt
    card: SavedCard
    first_sent_at: datetime
    look_only: bool
    look_first: bool = False  # it waited for longer than a key is kept: a database that was restored since may have sent it
    hold: bool = False
    secure: bool = False


def begin_sending(vendor_id: uuid.UUID, mode: str, attempt_id: uuid.UUID, weighed: Weighed | None = None) -> Sending | None:
    """Mark a charge as with the provider, before it is asked. None when there is nothing to send or to look up any more.

    `weighed` is what the rules say of it now: what they refuse is over here, and nobody is asked for money.
    """
    payment, attempt = lock_both(db.session.get_one(Attempt, (vendor_id, mode, attempt_id)))
    if attempt.provider_reference is not None or not (attempt.state in LIVE_ATTEMPT or attempt.state == "succeeded"):
        return None
    charge = find_charge_of(payment)
    if charge is None or (payment.state in PAID_OR_OVER and attempt.state != "succeeded"):
        return None
    look_first = attempt.state == "started" and attempt.created_at < now() - KEY_LIFE
    if attempt.state == "started":
        if weighed is not None and weighed.refused:
            refuse_charge(payment, attempt, weighed)
            over = Outcome("declined", "", decline_code=NOT_ACCEPTED, closed=True)
            hear_charge(get_vendor(vendor_id), payment, attempt, over, cause="sent", actor="system")
            return None
        keep_weighed(payment, attempt, weighed)
        move_attempt(attempt, "submitted")
        move(payment, "processing", "payment.processing", actor="system", attempt=attempt.public_id)
    card = db.session.get_one(SavedCard, (vendor_id, mode, charge.card_id))
    old = now() - attempt.updated_at >= KEY_LIFE
    look_only, row = old or attempt.state == "succeeded", screening_of(attempt)
    if row is None:
        return Sending(payment, attempt, card, attempt.updated_at, look_only, look_first)
    return Sending(payment, attempt, card, attempt.updated_at, look_only, look_first, hold=row.held, secure=row.action == AUTHENTICATE)


def send_charge(vendor: Vendor, sending: Sending) -> Outcome:
    """**Takes the money**, or finds out that it was taken. Outside any transaction; again with the same key is once.

    An answer that was lost is unknown: the clock has it asked for again. What is looked up and not there was never charged.
    """
    provider = provider_named(sending.attempt.provider, sending.payment.mode)
    reference, customer = sending.attempt.public_id, sending.card.provider_customer
    unknown = Outcome("unknown", "")
    if sending.look_only or sending.look_first:
        try:  # a look that is refused (our key is another account's by now) says nothing of the charge: the job fails, and in the end waits for a person
            known = provider.find_charge(reference, customer)
        except ProviderUnreachable:
            return unknown
        if known is not None or sending.look_only:
            return known or _never_charged(sending)
    try:
        return provider.charge_saved(_wish(vendor, sending))
    except NoSuchProvider:
        raise  # its key is missing: that is ours to mend, and the job comes back
    except ProviderRefused as refusal:
        if refusal.code == "idempotency_error":
            raise
        return Outcome("declined", "", decline_code=refusal.code[:60], decline_message=refusal.message, closed=True, hard=True)
    except ProviderUnreachable as problem:
        if not problem.kept:
            return unknown
    try:  # the provider gives this key no other answer than its own failure: what it did all the same can be looked up
        return provider.find_charge(reference, customer) or unknown
    except ProviderUnreachable:
        return unknown


def _never_charged(sending: Sending) -> Outcome:
    if sending.attempt.state == "succeeded":
        return Outcome("unknown", "")
    return Outcome("declined", "", decline_code=NOT_CHARGED, closed=True)


def _wish(vendor: Vendor, sending: Sending) -> ChargeSaved:
    payment, attempt, card = sending.payment, sending.attempt, sending.card
    return ChargeSaved(
        reference=attempt.public_id,
        mode=payment.mode,
        amount=payment.amount,
        description=payment.description,
        email=payment.email or None,
        customer=card.provider_customer,
        method=card.provider_method,
        metadata={"vendor": vendor.public_id, "mode": payment.mode, "payment": payment.public_id, "attempt": attempt.public_id},
        hold=sending.hold,
        three_d_secure=sending.secure,
    )


def note_reference(attempt: Attempt, outcome: Outcome) -> Attempt:
    """Write down the name the provider knows the charge by, as soon as it has said one."""
    _, attempt = lock_both(attempt)
    if attempt.provider_reference is None and outcome.provider_reference:
        attempt.provider_reference = outcome.provider_reference
    return attempt
