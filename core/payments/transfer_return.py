"""The whole life of a return: unapplied transfer money is to go back, an order for the bank is written, a statement settles it."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.outbox import enqueue
from core.ledger import book
from core.ledger.post import post
from core.payments.history import note
from core.payments.models import Payment
from core.payments.states import RETURN, may_move
from core.payments.taken_beyond import meet_beyond
from core.payments.to_payer import write_to_payer
from core.payments.transfer_models import TransferReturn
from core.payments.transfer_receive import judge
from core.providers.bank_accounts import check_iban
from core.providers.bank_orders import call_off_untold, order_return, senders
from core.providers.contract import RefundOutcome


class NoWayBack(Refusal):
    """Nobody knows where the money should go."""

    code = "no_way_back"


def request_returns(vendor: Vendor, payment: Payment, *, by: str, reason: str, iban: str = "") -> list[TransferReturn]:
    """Send all unapplied money of a locked payment back: to the accounts it came from, or all of it to `iban`.

    Each sender's part is a return of its own. Nothing has left yet: the bank has to make the transfers, and its statement to show them.
    """
    if iban and not check_iban(iban):
        raise NoWayBack("This is not an IBAN. Check it against what the payer wrote.", field="iban")
    parts = _parts(payment, bool(iban))
    made = [_write(vendor, payment, amount, by=by, reason=reason, iban=check_iban(iban) if iban else "") for amount in parts]
    enqueue("send_bank_orders", vendor.id, mode=payment.mode)
    return made


def _parts(payment: Payment, to_one_iban: bool) -> list[Money]:
    """How much goes to whom, the last sender first."""
    wanted, parts = payment.unapplied, []
    for sender in senders(payment.mode, payment.public_id):
        part = min(wanted, sender.left)
        if not part:
            break
        if not to_one_iban and not check_iban(sender.account):
            raise NoWayBack(
                "The bank did not say from which account this money came. Ask the payer for an IBAN, and enter it.", field="iban"
            )
        parts.append(part)
        wanted = wanted - part
    if wanted or not parts:
        raise NoWayBack("There is nothing to send back.", field="iban")
    return parts


def _write(vendor: Vendor, payment: Payment, amount: Money, *, by: str, reason: str, iban: str) -> TransferReturn:
    row = TransferReturn(
        vendor_id=vendor.id,
        mode=payment.mode,
        id=uuid7(),
        public_id=public_id("ret"),
        payment_id=payment.id,
        state="requested",
        currency=amount.currency,
        amount_minor=amount.minor,
        reason=reason.strip()[:300],
        requested_by=by,
        created_at=now(),
    )
    db.session.add(row)
    payment.given_back_minor += amount.minor
    db.session.flush()
    order_return(
        payment.mode,
        payment.public_id,
        row.public_id,
        amount,
        vendor=vendor.public_id,
        text=f"{vendor.name}: transfer {payment.reference} returned",
        iban=iban,
    )
    post([book.return_requested(payment, return_id=row.public_id, amount=amount, at=now())])
    note(payment, "return.requested", actor=by, transfer_return=row.public_id, amount_minor=amount.minor, currency=amount.currency)
    return row


def find_return(vendor: Vendor, mode: str, number: str) -> TransferReturn | None:
    """This vendor's return by its public id."""
    mine = TransferReturn.vendor_id == vendor.id, TransferReturn.mode == mode, TransferReturn.public_id == number
    return db.session.scalar(select(TransferReturn).where(*mine))


def note_handed_over(vendor: Vendor, row: TransferReturn) -> None:
    """The bank has been told to make it."""
    _, row = _lock(row)
    if row.state == "requested":
        row.state, row.sent_at = "sent", now()


def settle_return(vendor: Vendor, row: TransferReturn, outcome: RefundOutcome, *, cause: str) -> None:
    """Bring a return to what the statements say. What its line moved is booked with the line; here follow the payment and the people.

    A return that fails, before it left or after, is unapplied money again, and its case is open again; unless the bank has taken that money
    back meanwhile.
    """
    payment, row = _lock(row)
    to = {"succeeded": "settled", "failed": "failed"}.get(outcome.state, row.state)
    if row.state == to or not may_move(RETURN, row.state, to):
        return
    row.state, row.settled_at = to, now()
    detail = {"transfer_return": row.public_id, "amount_minor": row.amount_minor, "currency": row.currency}
    if to == "settled":
        note(payment, "return.settled", actor="bank", cause=cause, **detail)
        write_to_payer(vendor, "transfer_returned", payment, transfer_return=row.public_id)
        return
    _fail(payment, row, outcome.failure_reason or "returned", cause=cause)
    meet_beyond(payment, row.amount, reference=row.public_id)
    judge(vendor, payment)


def call_off_returns(payment: Payment, wanted: Money, *, why: str, cause: str) -> None:
    """The bank takes back what was to go back: returns of a locked payment that it has not been told of are called off, the newest first,
    until so much is unapplied. Whoever calls judges the payment."""
    mine = TransferReturn.vendor_id == payment.vendor_id, TransferReturn.mode == payment.mode, TransferReturn.payment_id == payment.id
    waiting = select(TransferReturn).where(*mine, TransferReturn.state == "requested").order_by(TransferReturn.id.desc())
    for row in db.session.scalars(waiting.with_for_update().execution_options(populate_existing=True)):
        if payment.unapplied < wanted and call_off_untold(row.mode, row.public_id, why=why) is not None:
            row.state, row.settled_at = "failed", now()
            _fail(payment, row, why, cause=cause)


def _fail(payment: Payment, row: TransferReturn, why: str, *, cause: str) -> None:
    row.failure_reason = why
    payment.given_back_minor -= row.amount_minor
    db.session.flush()
    post([book.return_failed(payment, return_id=row.public_id, amount=row.amount, at=now())])
    detail = {"transfer_return": row.public_id, "amount_minor": row.amount_minor, "currency": row.currency}
    note(payment, "return.failed", actor="bank", cause=cause, failure_reason=why, **detail)


def _lock(row: TransferReturn) -> tuple[Payment, TransferReturn]:
    payment = locked(Payment, row.vendor_id, row.mode, row.payment_id)
    fresh = locked(TransferReturn, row.vendor_id, row.mode, row.id)
    if payment is None or fresh is None:
        raise RuntimeError("a return is never deleted")
    return payment, fresh
