"""Deciding about transfers that do not simply pay: what came is accepted as it is, or it goes back. Each in one act."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.errors import Conflict
from core.payments.attempt import live_attempt, move_attempt
from core.payments.models import Payment
from core.payments.start import give_up, lock_payment
from core.payments.transfer_models import TransferCase, TransferReturn
from core.payments.transfer_receive import capture_received, close_case, judge, open_case
from core.payments.transfer_return import request_returns
from core.providers.bank import stop_expecting


class NothingWaits(Conflict):
    """The money this was about has found its way meanwhile."""

    code = "nothing_waits"


def accept_transfer(vendor: Vendor, payment: Payment, *, by: str, reason: str = "") -> Payment:
    """Take what came as it is: less than was asked, or too late. The payment is paid with it; what is beyond its amount stays open.

    Refuses NothingWaits when no unapplied money is there, or when the payment is paid already.
    """
    payment, case = _lock(payment)
    if payment.state == "succeeded":
        raise NothingWaits("This payment is paid. What came beyond it can be sent back.")
    taken = capture_received(vendor, payment, cause=case.public_id, actor=by)
    close_case(case, resolution="accepted", by=by, reason=reason)
    record(
        vendor.id,
        actor=by,
        action="transfer.accepted",
        subject=payment.public_id,
        amount_minor=taken.minor,
        currency=taken.currency,
        case=case.public_id,
        reason=reason,
    )
    judge(vendor, payment)
    return payment


def give_back_transfer(vendor: Vendor, payment: Payment, *, by: str, reason: str = "", iban: str = "") -> list[TransferReturn]:
    """Send back all that does not pay for anything: the excess, what came late, or what came of an unfinished payment, which ends.

    Refuses NothingWaits, and NoWayBack at the field `iban` when the bank did not say where the money came from.
    """
    payment, case = _lock(payment)
    live = live_attempt(payment)
    if live is not None and live.provider != "bank":
        raise Conflict("The payer is paying by card at this moment. Look again when that has ended.")
    made = request_returns(vendor, payment, by=by, reason=reason, iban=iban)
    if payment.state != "succeeded" and live is not None:
        move_attempt(live, "abandoned")
        if live.provider_reference:
            stop_expecting(payment.mode, live.provider_reference)
    give_up(payment, to="canceled", actor=by, cause=case.public_id)
    close_case(case, resolution="given_back", by=by, reason=reason)
    total = {"amount_minor": sum(one.amount_minor for one in made), "currency": payment.currency}
    record(vendor.id, actor=by, action="transfer.given_back", subject=payment.public_id, **total, case=case.public_id, reason=reason)
    return made


def _lock(payment: Payment) -> tuple[Payment, TransferCase]:
    payment = lock_payment(payment)
    case = open_case(payment)
    if case is None or not payment.unapplied:
        raise NothingWaits("This has been decided already.")
    return payment, case
