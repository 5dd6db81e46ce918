"""What stands in the way of closing a business's account: its money, whatever is under way, what it owes, and what still runs. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.ledger.queries import balances
from core.payments.claim import WAITS
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.payments.transfer_models import TransferCase, TransferReturn
from core.payouts.models import Payout
from core.payouts.states import OVER
from core.subscriptions.pay_back import Payout as PaidBack
from core.subscriptions.pay_back import check_own, payout_of
from core.subscriptions.plan import owed_before

# Accounts of the vendor's book, and the kind of obstacle that money on them is.
MONEY = {
    "seller_available": "available",
    "seller_pending": "pending",
    "seller_hold": "pending",
    "seller_receivable": "debt",
    "unapplied_receipts": "unassigned",
    "customer_wallet": "wallet",
}
BEING_PAID = ("requires_action", "processing", "unknown")  # what nobody has been asked to pay yet simply ends
BEING_REFUNDED = ("queued", "requested", "submitted", "pending", "unknown")
BEING_RETURNED = ("requested", "sent")


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that has to end first: how much of it, or how many."""

    kind: str
    amount: Money | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """What is left on the balance of one plan that has ended: `back` goes back to who paid it, `lapses` was given and goes to nobody."""

    row: KeptSubscription
    payout: PaidBack

    @property
    def back(self) -> Money:
        return self.payout.amount

    @property
    def lapses(self) -> Money:
        return self.payout.stays


def obstacles(vendor: Vendor, mode: str) -> list[Obstacle]:
    """Everything that has to end before the account can close, as it is now; money first."""
    return [*_money(vendor, mode), *_under_way(vendor, mode), *_plans(vendor, mode), *_memberships(vendor, mode)]


def _money(vendor: Vendor, mode: str) -> Iterator[Obstacle]:
    found: dict[tuple[str, str], Money] = {}
    for (account, _sub, currency), amount in sorted(balances(vendor, mode).items()):
        if account in MONEY and amount:
            key = MONEY[account], currency
            found[key] = found.get(key, Money(0, currency)) + amount
    order = list(dict.fromkeys(MONEY.values()))
    for (kind, _currency), amount in sorted(found.items(), key=lambda each: (order.index(each[0][0]), each[0][1])):
        if amount:
            yield Obstacle(kind, amount)


def _under_way(vendor: Vendor, mode: str) -> Iterator[Obstacle]:
    for kind, model, which in (
        ("payments", Payment, Payment.state.in_(BEING_PAID)),
        ("refunds", Refund, Refund.state.in_(BEING_REFUNDED)),
        ("refund_links", RefundClaim, RefundClaim.state.in_(WAITS)),
        ("payouts", Payout, Payout.state.not_in(OVER)),
        ("returns", TransferReturn, TransferReturn.state.in_(BEING_RETURNED)),
        ("cases", TransferCase, TransferCase.resolved_at.is_(None)),
    ):
        if count := _count(model, vendor, mode, which):
            yield Obstacle(kind, count=count)


def _count(model: Any, vendor: Vendor, mode: str, which: Any) -> int:
    mine = select(func.count()).select_from(model).where(model.vendor_id == vendor.id, model.mode == mode, which)
    return int(db.session.scalar(mine) or 0)


def _plans(vendor: Vendor, mode: str) -> Iterator[Obstacle]:
    rows = plans_of(vendor, mode)
    if any(row.status != CANCELLED for row in rows):
        yield Obstacle("plan")
    ended = [row for row in rows if row.status == CANCELLED]
    for owed in (owed_before(row) for row in ended):
        if owed:
            yield Obstacle("plan_debt", owed)
    if any(_needs_a_person(row) for row in ended):
        yield Obstacle("plan_lost")


def _needs_a_person(row: KeptSubscription) -> bool:
    """Whether something could go back, and an invoice of the plan was given up as lost."""
    try:
        check_own(row)
    except Refusal:
        return bool(payout_of(row).parts)
    return False


def _memberships(vendor: Vendor, mode: str) -> Iterator[Obstacle]:
    if count := _count(KeptSubscription, vendor, mode, KeptSubscription.status != CANCELLED):
        yield Obstacle("memberships", count=count)


def plans_of(vendor: Vendor, mode: str) -> list[KeptSubscription]:
    """Every plan of the house's that the vendor ever had, the newest first."""
    mine = select(KeptSubscription).where(KeptSubscription.vendor_id == HOUSE, KeptSubscription.mode == mode)
    return list(db.session.scalars(mine.where(KeptSubscription.subscriber == vendor.public_id).order_by(KeptSubscription.id.desc())))


def left_on_plans(vendor: Vendor, mode: str) -> list[Left]:
    """What is left on the balances of plans that have ended."""
    found = [Left(row, payout_of(row)) for row in plans_of(vendor, mode) if row.status == CANCELLED]
    return [left for left in found if left.payout.parts or left.lapses]
