"""A payout that has left and our database does not know of: after a back-up was restored it is taken up under its own number, from what the
processor or the bank's statement says, before anything else is paid out of the same balance."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import select

from core.accounts.everywhere import vendors_by_id
from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.ids import is_public_id
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import post
from core.payouts.carry import hand_to_processor
from core.payouts.history import begin, move
from core.payouts.models import Payout, PayoutAccount
from core.payouts.queries import find_payout
from core.payouts.rail_models import Carriage
from core.payouts.request import SCHEDULE, Draft, Payable, last_of, payable, write_payouts
from core.providers.bank_models import BankLine, BankOrder
from core.providers.bank_orders import PAYOUT, lock_order, write_order

_NAMED = re.compile(r"\bpo_[0-9A-Za-z]{22}\b")


class DoesNotFit(Exception):
    """More has left than the books say the seller has, or nobody knows where it went: a person looks at it, and nothing is paid out before."""


def take_up_carried(vendor: Vendor, mode: str, provider: str, number: str, amount: Money, *, at: datetime) -> Payout | None:
    """One that a processor has moved to the seller's account there. None when it is known. Raises DoesNotFit.

    Whoever carries payouts then goes on with it as with any other: its numbers at the processor follow from its own.
    """
    if not is_public_id("po", number) or find_payout(vendor, mode, number) is not None:
        return None
    mine = select(PayoutAccount).where(PayoutAccount.vendor_id == vendor.id, PayoutAccount.mode == mode)
    through = mine.where(PayoutAccount.currency == amount.currency, PayoutAccount.provider == provider)
    account = db.session.scalar(through.order_by(PayoutAccount.added_at.desc()).limit(1))
    if account is None:
        raise DoesNotFit(f"{vendor.public_id} is not known to be paid out through {provider} in {amount.currency}")
    payout = _written(vendor, mode, account, number, amount)
    hand_to_processor(vendor, payout, account)
    db.session.flush()
    row = locked(Carriage, vendor.id, mode, payout.id)
    if row is not None:
        row.created_at = at  # how old its numbers are at the processor
    return payout


def take_up_transfers(mode: str) -> list[tuple[BankLine, Payout | None, str]]:
    """Of the debits on statements that are not booked yet: those that were payouts and of whose orders nothing is known are written down with
    their orders, so that booking finds them. Answers each with its payout, or why it could not be taken up."""
    waiting = select(BankLine).where(BankLine.mode == mode, BankLine.state == "new", BankLine.sign == -1, BankLine.end_to_end != "")
    found: list[tuple[BankLine, Payout | None, str]] = []
    for line in db.session.scalars(waiting.order_by(BankLine.booked_on, BankLine.public_id)).all():
        named = _NAMED.search(f"{line.text} {line.reference}")
        if line.reversal or named is None or lock_order(mode, line.end_to_end) is not None:
            continue
        try:
            with db.session.begin_nested():
                found.append((line, _take_up(line, named.group()), ""))
        except DoesNotFit as problem:
            found.append((line, None, str(problem)))
    return found


def _take_up(line: BankLine, number: str) -> Payout:
    known = select(PayoutAccount).where(PayoutAccount.mode == line.mode, PayoutAccount.iban == line.counter_account)
    accounts = list(db.session.scalars(known.where(PayoutAccount.currency == line.currency).order_by(PayoutAccount.added_at.desc())))
    whose = {account.vendor_id for account in accounts}
    if len(whose) != 1:
        raise DoesNotFit(f"{len(whose)} sellers are known to be paid out to {line.counter_account}")
    account, vendor = accounts[0], vendors_by_id(whose)[whose.pop()]
    if find_payout(vendor, line.mode, number) is not None:
        raise DoesNotFit(f"{number} is known, and has another order")
    payout = _written(vendor, line.mode, account, number, line.amount)
    order = write_order(
        line.mode, reference=number, account=line.account, to=(account.holder, account.iban, account.bic), amount=line.amount,
        text=f"Payout {number}", vendor=vendor.public_id, purpose=PAYOUT,
    )  # fmt: skip
    _known_to_the_bank_as(order, line.end_to_end)
    payout.trace = line.end_to_end
    move(payout, "submitted", actor="system", order=order.public_id, end_to_end=line.end_to_end)
    move(payout, "in_transit", actor="system")
    return payout


def _known_to_the_bank_as(order: BankOrder, end_to_end: str) -> None:
    order.end_to_end, order.state, order.sent_at = end_to_end.strip().lower()[:32], "sent", now()
    db.session.flush()
    if lock_order(order.mode, end_to_end) is None:
        raise DoesNotFit(f"the bank names {end_to_end} for {order.reference}, which is no number of ours")


def _written(vendor: Vendor, mode: str, account: PayoutAccount, number: str, amount: Money) -> Payout:
    """Booked as begun. What the seller had beyond it is carried on, as it would have been."""
    hold_vendor(vendor.id)
    here = payable(vendor, mode, amount.currency).available
    if here < amount:
        raise DoesNotFit(f"{number} of {vendor.public_id} has paid out {amount}, and the books have {here} available")
    found, last = Payable(here, here - amount), last_of(vendor, mode, amount.currency)
    (payout,) = write_payouts([Draft(vendor, account, found, last, f"restored:{number}", number=number)], by=SCHEDULE)
    begin(payout, actor="system", amount_minor=payout.amount_minor, currency=amount.currency, restored=True)
    post([book.payout_begun(payout, at=payout.created_at)])
    return payout
