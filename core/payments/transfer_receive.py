"""A bank transfer reaches its payment: written down, booked, and judged: does it pay, is something missing, is it too much, or late?"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fractions import Fraction

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.ledger import book
from core.ledger.post import post
from core.notifications.team import tell_team
from core.payments.attempt import live_attempt, move_attempt
from core.payments.bank_terms import terms_of
from core.payments.history import move, note
from core.payments.models import Attempt, Payment
from core.payments.room import has_place
from core.payments.start import lock_payment
from core.payments.to_payer import write_to_payer
from core.payments.transfer_models import Transfer, TransferCase
from core.providers.bank import KIND, METHOD, stop_expecting
from core.providers.bank_models import BankLine


def booked_at(line: BankLine) -> datetime:
    """The bank's day of a line, as an instant for the books."""
    return datetime.combine(line.booked_on, time(12), UTC)


def receive_transfer(vendor: Vendor, payment: Payment, line: BankLine, *, matched_by: str) -> Transfer:
    """Write down that this line's money is for this payment, book it, and see what that makes of the payment.

    Safe to repeat: a line is money once. `matched_by` is 'reference', or the public id of the person who said so.
    """
    payment = lock_payment(payment)
    mine = Transfer.vendor_id == vendor.id, Transfer.mode == payment.mode, Transfer.line == line.public_id
    known = db.session.scalar(select(Transfer).where(*mine))
    if known is not None:
        return known
    transfer = Transfer(
        vendor_id=vendor.id,
        mode=payment.mode,
        id=uuid7(),
        public_id=public_id("trf"),
        payment_id=payment.id,
        line=line.public_id,
        currency=line.currency,
        amount_minor=line.amount_minor,
        payer_name=line.name,
        account_end=line.counter_account[-4:],
        text=line.text[:300],
        matched_by=matched_by,
        booked_on=line.booked_on,
        created_at=now(),
    )
    db.session.add(transfer)
    payment.received_minor += line.amount_minor
    db.session.flush()
    post([book.transfer_received(payment, line, at=booked_at(line))])
    note(
        payment,
        "transfer.received",
        actor="bank" if matched_by == "reference" else matched_by,
        cause=line.public_id,
        transfer=transfer.public_id,
        amount_minor=line.amount_minor,
        currency=line.currency,
    )
    judge(vendor, payment, line)
    return transfer


def judge(vendor: Vendor, payment: Payment, line: BankLine | None = None) -> None:
    """Bring a locked payment and its case to what its transfers say. `line` is the one that has just come, if one has."""
    waiting = payment.unapplied
    if waiting and payment.state != "succeeded" and _pays(vendor, payment, waiting, line):
        capture_received(vendor, payment, cause=line.public_id if line else "terms")
    kind = _kind(payment)
    before = open_case(payment)
    if kind is None:
        if before is not None:
            close_case(before, resolution="completed", by="system")
        return
    if before is not None and (before.kind, before.amount) == (kind, payment.unapplied):
        return
    _write_case(payment, before, kind)
    _tell(vendor, payment, kind)


def capture_received(vendor: Vendor, payment: Payment, *, cause: str, actor: str = "bank") -> Money:
    """What has come pays for this, up to its amount: the locked payment becomes succeeded, once. Answers how much was taken."""
    at, taken = now(), Money(min(payment.unapplied.minor, payment.amount_minor), payment.currency)
    if taken != payment.amount:  # our fee is a share of what was really paid
        payment.fee_minor = Money(payment.fee_minor, payment.currency).part(Fraction(taken.minor, payment.amount_minor)).minor
    attempts = list(db.session.scalars(select(Attempt).where(*_of(Attempt, payment))))
    for attempt in attempts:
        if attempt.provider == "bank" and attempt.provider_reference:
            stop_expecting(payment.mode, attempt.provider_reference)
    live = live_attempt(payment)
    if live is not None and live.provider == "bank":
        move_attempt(live, "succeeded")
    elif live is not None:
        live.next_inquiry_at = at  # the poller closes it, so that nobody pays there a second time
    payment.applied_minor += taken.minor
    payment.captured_minor = taken.minor
    payment.captured_at, payment.available_at = (
        at,
        at + timedelta(days=vendor.release_days if payment.release_days is None else payment.release_days),
    )
    payment.provider, payment.charge = "bank", _charge(attempts, payment)
    payment.method, payment.method_kind = METHOD, KIND
    payment.processor_fee_minor = 0  # what a bank charges stands on its statements
    payment.decline_code = None
    payment.holds_place = payment.link_id is not None
    move(
        payment,
        "succeeded",
        "payment.succeeded",
        actor=actor,
        cause=cause,
        amount_minor=taken.minor,
        currency=taken.currency,
        charge=payment.charge,
    )
    db.session.flush()
    post([book.transfer_applied(payment, amount=taken, at=at)])
    enqueue("payment_settled", vendor.id, mode=payment.mode, payment=str(payment.id))
    return taken


def _pays(vendor: Vendor, payment: Payment, waiting: Money, line: BankLine | None) -> bool:
    """Whether what waits completes the payment by itself. After its end only what came in time does, and only into a free place."""
    if waiting < payment.amount - terms_of(vendor, payment.mode).shortfall(payment.amount):
        return False
    if payment.state == "expired":
        return line is not None and line.booked_on <= payment.expires_at.date() and has_place(payment)
    return payment.state not in ("canceled", "marked_paid")  # whoever ended it or marked it looks at what came


def _kind(payment: Payment) -> str | None:
    if not payment.unapplied:
        return None
    return {"succeeded": "over", "canceled": "late", "expired": "late", "marked_paid": "late"}.get(payment.state, "partial")


def _charge(attempts: list[Attempt], payment: Payment) -> str:
    """The name of the money at the bank: the reference it came under, or the payment's own number."""
    references = [a.provider_reference for a in attempts if a.provider == "bank" and a.provider_reference]
    return references[-1] if references else payment.public_id


def open_case(payment: Payment) -> TransferCase | None:
    """The payment's open case, locked."""
    mine = select(TransferCase).where(*_of(TransferCase, payment), TransferCase.resolved_at.is_(None))
    return db.session.scalar(mine.with_for_update())


def close_case(case: TransferCase, *, resolution: str, by: str, reason: str = "") -> None:
    """It needs nobody any more."""
    case.resolved_at, case.resolution, case.resolved_by, case.reason = now(), resolution, by, reason[:300]


def _write_case(payment: Payment, before: TransferCase | None, kind: str) -> None:
    at = now()
    if before is not None:
        before.kind, before.amount_minor, before.changed_at = kind, payment.unapplied.minor, at
    else:
        db.session.add(
            TransferCase(
                vendor_id=payment.vendor_id,
                mode=payment.mode,
                id=uuid7(),
                public_id=public_id("cas"),
                payment_id=payment.id,
                kind=kind,
                currency=payment.currency,
                amount_minor=payment.unapplied.minor,
                opened_at=at,
                changed_at=at,
            )
        )
    note(payment, f"transfer.{kind}", actor="system", amount_minor=payment.unapplied.minor, currency=payment.currency)


def _tell(vendor: Vendor, payment: Payment, kind: str) -> None:
    """The payer learns at once what came and what is missing; the vendor learns when something is to be decided."""
    write_to_payer(vendor, "transfer_partial" if kind == "partial" else "transfer_held", payment)
    if kind != "partial":
        tell_team(vendor, "transfer_decision", mode=payment.mode, amount=payment.unapplied, payment=payment.public_id)


def _of(model: type[Attempt] | type[TransferCase], payment: Payment) -> tuple[object, ...]:
    return model.vendor_id == payment.vendor_id, model.mode == payment.mode, model.payment_id == payment.id
