"""Questions about bank transfers: what came for a payment, what a vendor has to decide, what the payer still has to enter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select

from core.accounts.models import Vendor
from core.kernel.ask import Question
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.payments.models import Attempt, Payment
from core.payments.states import PAID_OR_OVER
from core.payments.transfer_models import Transfer, TransferCase, TransferReturn
from core.providers.bank import instructions_for
from core.providers.contract import Instructions, ProviderRefused

MOST_CASES = 100
_RETURNS = Question(  # every page of a paid payment asks it
    select(TransferReturn)
    .where(
        TransferReturn.vendor_id == bindparam("vendor"), TransferReturn.mode == bindparam("mode"), TransferReturn.payment_id == bindparam("payment")
    )
    .order_by(TransferReturn.id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case with the payment it is about, and when the last of its money came."""

    case: TransferCase
    payment: Payment
    came_at: datetime


def list_transfers(vendor: Vendor, payment: Payment) -> list[Transfer]:
    """What came for a payment, oldest first."""
    mine = select(Transfer).where(Transfer.vendor_id == vendor.id, Transfer.mode == payment.mode, Transfer.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(Transfer.id)))


def list_returns(vendor: Vendor, payment: Payment) -> list[TransferReturn]:
    """What goes or went back unused, oldest first."""
    return [one for (one,) in _RETURNS.all(vendor=vendor.id, mode=payment.mode, payment=payment.id)]


def find_open_case(vendor: Vendor, payment: Payment) -> TransferCase | None:
    """What is to be decided about a payment's transfers."""
    mine = TransferCase.vendor_id == vendor.id, TransferCase.mode == payment.mode, TransferCase.payment_id == payment.id
    return db.session.scalar(select(TransferCase).where(*mine, TransferCase.resolved_at.is_(None)))


def list_open_cases(vendor: Vendor, mode: str) -> list[OpenCase]:
    """The vendor's open cases: those to decide first, then those that wait for the payer, each by age."""
    of_its = (Payment.vendor_id == TransferCase.vendor_id) & (Payment.mode == TransferCase.mode) & (Payment.id == TransferCase.payment_id)
    its = (
        (Transfer.vendor_id == TransferCase.vendor_id)
        & (Transfer.mode == TransferCase.mode)
        & (Transfer.payment_id == TransferCase.payment_id)
    )
    came = select(func.max(Transfer.created_at)).where(its, Transfer.taken_back_at.is_(None)).scalar_subquery()
    rows = db.session.execute(
        select(TransferCase, Payment, func.coalesce(came, TransferCase.opened_at))
        .join(Payment, of_its)
        .where(TransferCase.vendor_id == vendor.id, TransferCase.mode == mode, TransferCase.resolved_at.is_(None))
        .order_by(TransferCase.kind == "partial", TransferCase.id)
        .limit(MOST_CASES)
    )
    return [OpenCase(case, payment, came_at) for case, payment, came_at in rows]


def count_open_cases(vendor: Vendor, mode: str) -> int:
    """How many wait for a decision of the vendor's."""
    mine = (
        TransferCase.vendor_id == vendor.id,
        TransferCase.mode == mode,
        TransferCase.resolved_at.is_(None),
        TransferCase.kind != "partial",
    )
    return int(db.session.scalar(select(func.count()).where(*mine)) or 0)


def get_return(vendor: Vendor, mode: str, number: str) -> TransferReturn:
    """This vendor's return; refuses with 404."""
    found = None
    if is_public_id("ret", number):
        mine = TransferReturn.vendor_id == vendor.id, TransferReturn.mode == mode, TransferReturn.public_id == number
        found = db.session.scalar(select(TransferReturn).where(*mine))
    if found is None:
        raise NotFound("There is no such return.")
    return found


def instructions_of(vendor: Vendor, payment: Payment) -> Instructions | None:
    """What the payer still has to enter at their bank; None when nothing is waited for."""
    if payment.state in PAID_OR_OVER or not payment.missing:
        return None
    mine = Attempt.vendor_id == vendor.id, Attempt.mode == payment.mode, Attempt.payment_id == payment.id
    reference = db.session.scalar(
        select(Attempt.provider_reference)
        .where(*mine, Attempt.provider == "bank", Attempt.provider_reference.is_not(None))
        .order_by(Attempt.number.desc())
        .limit(1)
    )
    try:
        return instructions_for(payment.mode, reference, payment.missing) if reference else None
    except ProviderRefused:
        return None
