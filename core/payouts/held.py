"""Payouts whose order is written and that nobody has told the bank of yet: what would have kept them from being let go keeps them here too."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select

from core.accounts.models import Vendor
from core.accounts.queries import find_vendors
from core.admission.models import Stop
from core.admission.stops import held_payouts, payouts_held
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.book import SELLER_RECEIVABLE
from core.ledger.models import Balance
from core.payments.order_files import make_order_file, waiting_for_a_file
from core.payouts.models import Payout
from core.providers.bank_models import BankOrder, BankOrderFile
from core.providers.bank_orders import PAYOUT

HELD, OWES = "held", "owes"


def kept_back() -> tuple[ColumnElement[bool], ...]:
    """Of an order that the bank has not been told of, in a question about many: each of these keeps it from being made now. The staff hold the
    payout, or its seller has come to owe something. Called off or let go on by people."""
    waits = Vendor.public_id == BankOrder.vendor, BankOrder.purpose == PAYOUT, BankOrder.state == "requested"
    held = select(Stop.id).where(*waits, Stop.vendor_id == Vendor.id, Stop.mode == BankOrder.mode, *payouts_held(BankOrder.reference))
    owing = select(Balance.code).where(
        *waits, Balance.vendor_id == Vendor.id, Balance.mode == BankOrder.mode, Balance.code == SELLER_RECEIVABLE,
        Balance.currency == BankOrder.currency, Balance.amount_minor > 0,
    )  # fmt: skip
    return held.correlate(BankOrder).exists(), owing.correlate(BankOrder).exists()


def why_kept_back(mode: str, orders: Sequence[BankOrder]) -> dict[str, str]:
    """Which of these are, by their number, and why."""
    return _why_kept(mode, [order for order in orders if order.purpose == PAYOUT and order.state == "requested"])


def is_kept_back(order: BankOrder) -> bool:
    """Whether this one is not to be made now."""
    return bool(why_kept_back(order.mode, [order]))


def _why_kept(mode: str, orders: Sequence[BankOrder]) -> dict[str, str]:
    if not orders:
        return {}
    owners = find_vendors({order.vendor for order in orders if order.vendor})
    ids = {owner.id for owner in owners.values()}
    stopped = held_payouts(ids, mode)
    owing = select(Balance.vendor_id, Balance.currency).where(
        Balance.vendor_id.in_(ids), Balance.mode == mode, Balance.code == SELLER_RECEIVABLE, Balance.amount_minor > 0
    )
    debts = {(vendor_id, currency) for vendor_id, currency in db.session.execute(owing)}
    found = {}
    for order in orders:
        owner = owners.get(order.vendor or "")
        if owner is None:
            continue
        if {(owner.id, ""), (owner.id, order.reference)} & stopped:
            found[order.end_to_end] = HELD
        elif (owner.id, order.currency) in debts:
            found[order.end_to_end] = OWES
    return found


def on_hold(found: Sequence[tuple[Vendor, Payout]]) -> set[str]:
    """The numbers of those of these payouts that the staff hold now, each by itself or with all of its seller's."""
    stopped = {
        (mode, *one)
        for mode in {payout.mode for _, payout in found}
        for one in held_payouts({v.id for v, p in found if p.mode == mode}, mode)
    }
    return {p.public_id for v, p in found if {(p.mode, v.id, ""), (p.mode, v.id, p.public_id)} & stopped}


def make_file(mode: str, *, by: str) -> BankOrderFile:
    """A file for the bank of all that waits and may leave. Raises what core/payments/order_files.py raises."""
    return make_order_file(mode, by=by, without=kept_back())


def waiting_to_leave(mode: str) -> tuple[int, Money, int]:
    """How many orders a file made now would carry, what they come to, and how many more it would if they were not kept back."""
    count, total = waiting_for_a_file(mode, without=kept_back())
    return count, total, waiting_for_a_file(mode)[0] - count
