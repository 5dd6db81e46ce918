"""A person of the staff looks at a payout that is held: lets it go, or gives the money back to the seller's balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.admission.models import Stop
from core.admission.stops import stop
from core.kernel.audit import record
from core.kernel.db import db, lock_again, locked
from core.kernel.errors import Conflict, NeedsASecondPerson, Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.refund_books import debt_of
from core.payouts.carry import call_off_unasked, has_not_begun
from core.payouts.history import move
from core.payouts.models import Payout, PayoutAccount
from core.payouts.rail_models import Carriage
from core.payouts.request import check_not_held, check_paid_out
from core.payouts.send import hand_over
from core.payouts.settle import give_back, set_aside
from core.payouts.statement import StatementDoesNotAddUp, prove
from core.providers.bank_models import BankOrder
from core.providers.bank_orders import call_off_untold, find_order, in_an_open_file

log = structlog.get_logger("payouts")


class AccountReplaced(Refusal):
    """The seller has named another bank account since this payout was asked for."""

    code = "account_replaced"


class SellerOwes(Refusal):
    """A dispute or a bank has taken money since this payout was asked for, and the seller does not have it any more."""

    code = "seller_owes"


class TooLate(Conflict):
    """It is on its way, or over."""

    code = "too_late"


class DoesNotAddUp(Conflict):
    """Its statement is not what the journals say. Nothing leaves, and it is an alarm."""

    code = "statement_does_not_add_up"


class NotSetAside(Conflict):
    """The books took another amount for it than it names: what would be given back is not what was taken."""

    code = "not_set_aside"


@dataclass(frozen=True, slots=True)
class Left:
    """A payout that was not let go, and why."""

    vendor: Vendor
    payout: Payout
    why: str


def approve_payout(vendor: Vendor, payout: Payout, *, by: str) -> None:
    """Let it go: proved once more, and handed to the bank or to the processor. Refuses whoever asked for it, one that is not held any more,
    one whose account the seller has replaced meanwhile, one whose seller owes something since: called off, it makes that up first; and one
    whose statement does not add up, which is an alarm."""
    hold_vendor(vendor.id)
    payout = lock_again(payout)
    if payout.requested_by == by:
        raise NeedsASecondPerson("Somebody else has to approve a payout that you asked for.")
    check_not_held(vendor, payout.mode, payout.public_id)
    account = db.session.get_one(PayoutAccount, (vendor.id, payout.mode, payout.account_id))
    check_paid_out(vendor, account)
    if payout.state == "requested" and account.replaced_at is not None:  # perhaps because an owner stops a thief
        raise AccountReplaced("The seller has replaced this bank account since. Call the payout off: they can ask anew.")
    owed = debt_of(vendor.id, payout.mode, payout.currency)
    if payout.state == "requested" and owed:
        raise SellerOwes(
            said("The seller has come to owe %(owed)s since. Call the payout off: that is made up first, and they can ask anew.", owed=owed)
        )
    _prove_in_words(payout)
    if not move(payout, "approved", actor=by):
        return
    payout.approved_by = by
    record(vendor.id, actor=by, action="payout.approved", subject=payout.public_id, mode=payout.mode, amount=str(payout.amount))
    hand_over(vendor, payout, account)


def _prove_in_words(payout: Payout) -> None:
    try:
        prove(payout)
    except StatementDoesNotAddUp as broken:
        raise DoesNotAddUp(
            "Its statement does not add up, so nothing was paid out on it. Look at the proofs of the books before you try again."
        ) from broken


def approve_many(found: Sequence[tuple[Vendor, Payout]], *, by: str) -> list[Left]:
    """Let several go, each by itself: what is refused for one of them holds no other back. Answers what stays, and why."""
    left = []
    for vendor, payout in sorted(found, key=lambda one: (one[0].id, one[1].id)):  # the one order in which everybody holds vendors
        try:
            with db.session.begin_nested():
                approve_payout(vendor, payout, by=by)
        except Refusal as why:
            left.append(Left(vendor, payout, why.message))
    return left


def hold_payout(vendor: Vendor, payout: Payout, *, reason: str, days: int | None, by: str) -> Stop:
    """Keep one back that has not left. Refuses TooLate when the bank has it, or it is over."""
    hold_vendor(vendor.id)
    payout = lock_again(payout)
    locked(Carriage, vendor.id, payout.mode, payout.id)  # whoever is about to ask the processor has it, and looks for a hold
    if not may_be_held(payout) or not _lock_order(payout):
        raise TooLate("This payout has left, or was called off: there is nothing to hold any more.")
    return stop(vendor, payout.mode, "payouts", reason=reason, days=days, by=by, about=payout.public_id)


def waits_untold(payout: Payout) -> bool:
    """Whether its order is written and nobody can have told the bank yet, a file may carry it; or the processor has been asked for nothing."""
    if payout.state != "submitted":
        return False
    row = db.session.get(Carriage, (payout.vendor_id, payout.mode, payout.id))
    if row is not None:
        return has_not_begun(row)
    order = find_order(payout.mode, payout.public_id)
    return order is not None and order.state == "requested" and (order.sent_at is None or in_an_open_file(order))


def may_be_held(payout: Payout) -> bool:
    """Whether a hold keeps it back yet: it waits for a person, or for its order or carriage to go on."""
    if payout.state == "requested" or waits_untold(payout):
        return True
    row = db.session.get(Carriage, (payout.vendor_id, payout.mode, payout.id)) if payout.state == "submitted" else None
    return row is not None and row.step == "pay" and row.asked_at is None


def owed_since(payout: Payout) -> Money:
    """What keeps one back that has not left: its seller has come to owe it."""
    waits = payout.state == "requested" or waits_untold(payout)
    return debt_of(payout.vendor_id, payout.mode, payout.currency) if waits else Money(0, payout.currency)


def _lock_order(payout: Payout) -> bool:
    """Hold its order, if one is written; False when somebody has it in hand at this moment, perhaps to tell the bank. It is not waited for:
    they may wait for the payout."""
    written = select(BankOrder).where(BankOrder.mode == payout.mode, BankOrder.reference == payout.public_id)
    order = find_order(payout.mode, payout.public_id)
    return order is None or db.session.scalar(written.with_for_update(skip_locked=True)) is not None


def _call_off(vendor: Vendor, payout: Payout) -> bool:
    """Stop its order or its carriage; False when somebody may have begun to carry it out."""
    return call_off_unasked(vendor, payout) or call_off_untold(payout.mode, payout.public_id, why="called_off") is not None


def cancel_payout(vendor: Vendor, payout: Payout, *, by: str, reason: str) -> None:
    """Call off one that has not left: the money is available again. Refuses TooLate when the bank may have been told, or a file carries it.
    Refuses NotSetAside when the books took another amount for it than would be given back."""
    hold_vendor(vendor.id)
    payout = lock_again(payout)
    _check_set_aside(payout)
    if payout.state == "submitted" and not _call_off(vendor, payout):
        raise TooLate("It may have left by now, or a file for the bank carries it: take that file back first.")
    if not move(payout, "canceled", actor=by, reason=reason[:200]):
        return
    give_back(payout, why="cancel")
    record(vendor.id, actor=by, action="payout.canceled", subject=payout.public_id, mode=payout.mode, reason=reason[:200])


def _check_set_aside(payout: Payout) -> None:
    """A statement that does not add up keeps nobody from giving the money back; an amount that the books did not take does."""
    aside = set_aside(payout)
    if aside != payout.amount:
        log.error("payout_not_set_aside", payout=payout.public_id, amount=str(payout.amount), set_aside=str(aside))
        raise NotSetAside(
            said(
                "The books have %(aside)s set aside for it, and it says %(amount)s. It cannot be called off before the books are put right.",
                aside=aside,
                amount=payout.amount,
            )
        )
