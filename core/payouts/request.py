"""Making a payout: all that a seller has available, less what refunds wait for, on its way to their bank account. Booked at once."""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.admission.stops import payout_hold
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import said
from core.ledger import book
from core.ledger.post import post
from core.ledger.queries import balance
from core.payments.refund_queue import lines_of_refunds
from core.payouts.accounts import currencies, find_account
from core.payouts.history import begin
from core.payouts.models import Payout, PayoutAccount
from core.payouts.names import is_in_another_name
from core.payouts.receivers import find_receiver
from core.payouts.send import hand_over
from core.payouts.statement import StatementDoesNotAddUp, prove, take_lines
from core.payouts.terms import terms_of

log = structlog.get_logger("payouts")
SCHEDULE = "system"  # who asks when the day has come
ABOVE_LIMIT, OTHER_NAME = "above_limit", "other_name"  # why a person has to look


class NotPayable(Refusal):
    """Nothing can be paid out now; the message says why and when it can."""

    code = "not_payable"


@dataclass(frozen=True, slots=True)
class Payable:
    """What a payout would pay now: all that is available, less what refunds in line wait for."""

    available: Money
    waiting: Money

    @property
    def amount(self) -> Money:
        """What would leave; what stays is carried over."""
        return max(self.available - self.waiting, Money(0, self.available.currency))


def payable(vendor: Vendor, mode: str, currency: str) -> Payable:
    """As it is at this moment."""
    queued = lines_of_refunds(vendor, mode).get(currency)
    return Payable(balance(vendor, mode, "seller_available", currency), queued.amount if queued else Money(0, currency))


def request_payout(vendor: Vendor, mode: str, currency: str, *, by: str, form_token: str) -> Payout:
    """Pay out what can be, now. The same form sent twice is one payout; by the clock, `form_token` names the day.

    The vendor is held, so neither a refund nor another payout takes the same money. Refuses with NotPayable; raises
    StatementDoesNotAddUp, and pays nothing, when the lines are not what the balance holds.
    """
    hold_vendor(vendor.id)
    mine = select(Payout).where(Payout.vendor_id == vendor.id, Payout.mode == mode)
    again = db.session.scalar(mine.where(Payout.form_token == form_token))
    if again is not None:
        return again
    check_not_held(vendor, mode)
    account, now_payable = _usable_account(vendor, mode, currency), payable(vendor, mode, currency)
    _check_amount(now_payable, terms_of(vendor, mode, currency).minimum)
    last, held = last_of(vendor, mode, currency), _why_held(vendor, account, now_payable.amount)
    payout = write_payout(vendor, mode, account, now_payable, last, by=by, form_token=form_token, held=held)
    begin(payout, actor=by, amount_minor=payout.amount_minor, currency=currency, held=payout.why_held)
    post([book.payout_begun(payout, at=payout.created_at)])
    detail = {"amount": str(payout.amount), "held": payout.why_held}
    record(vendor.id, actor=by, action="payout.requested", subject=payout.public_id, mode=mode, **detail)
    if payout.state == "approved":
        hand_over(vendor, payout, account)
    return payout


def check_not_held(vendor: Vendor, mode: str, number: str = "") -> None:
    """Refuses with NotPayable while the staff hold the payouts, or this one."""
    if hold := payout_hold(vendor, mode, number):
        raise NotPayable(said("Held by the platform until %(at)s: %(reason)s", at=hold.ends_at, reason=hold.reason))


def check_paid_out(vendor: Vendor, account: PayoutAccount) -> None:
    """Refuses with NotPayable a currency in which the platform has no account any more, and an account at the processor that is not ready."""
    if account.rail == "bank" and account.currency not in currencies(account.mode):
        raise NotPayable(said("Nothing is paid out in %(currency)s.", currency=account.currency))
    if account.rail == "processor":
        receiver = find_receiver(vendor, account.mode)
        if receiver is None or receiver.provider_reference != account.provider_account or not receiver.pays_out(account.currency):
            raise NotPayable("Your account at the processor is not ready: look at what is missing there, or name a bank account.")


def _usable_account(vendor: Vendor, mode: str, currency: str) -> PayoutAccount:
    account = find_account(vendor, mode, currency)
    if account is None and currency not in currencies(mode):
        raise NotPayable(said("Nothing is paid out in %(currency)s.", currency=currency))
    if account is None:
        raise NotPayable(said("Add the bank account to which your %(currency)s balance should go.", currency=currency))
    check_paid_out(vendor, account)
    if account.usable_from > now():
        raise NotPayable(said("The new bank account can be used from %(at)s.", at=account.usable_from))
    return account


def _check_amount(found: Payable, minimum: Money) -> None:
    if not found.amount:
        raise NotPayable("Nothing is available to pay out yet.")
    if found.amount < minimum:
        raise NotPayable(said("%(amount)s is below your minimum of %(minimum)s.", amount=found.amount, minimum=minimum))


def _why_held(vendor: Vendor, account: PayoutAccount, amount: Money) -> str:
    if is_in_another_name(vendor, account):
        return OTHER_NAME
    return ABOVE_LIMIT if amount.minor > settings().payout_limits.get(account.currency, 0) else ""


def last_of(vendor: Vendor, mode: str, currency: str) -> Payout | None:
    """The one before the next."""
    mine = select(Payout).where(Payout.vendor_id == vendor.id, Payout.mode == mode, Payout.currency == currency)
    return db.session.scalar(mine.order_by(Payout.seq.desc()).limit(1))


def write_payout(
    vendor: Vendor, mode: str, account: PayoutAccount, found: Payable, last: Payout | None, *, by: str, form_token: str, held: str = "", number: str = ""
) -> Payout:  # fmt: skip
    """The row with its lines. What is not paid now is carried into the next one. `number`: of one that has left already."""
    amount, opening = found.amount, Money(last.carried_minor if last else 0, account.currency)
    payout = Payout(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=number or public_id("po"), form_token=form_token, currency=account.currency,
        seq=last.seq + 1 if last else 1, opening_minor=opening.minor, lines_minor=(found.available - opening).minor,
        amount_minor=amount.minor, carried_minor=(found.available - amount).minor, account_id=account.id,
        state="requested" if held else "approved", why_held=held, requested_by=by, created_at=now(),
    )  # fmt: skip
    db.session.add(payout)
    db.session.flush()
    taken = take_lines(payout, last=last.created_at if last else None)
    if opening + taken != found.available:  # an entry reached the books long after its number was made: all of them are looked at
        taken += take_lines(payout, last=None)
    if opening + taken != found.available:
        log.error(
            "balance_does_not_add_up",
            vendor=vendor.public_id,
            mode=mode,
            opening=str(opening),
            lines=str(taken),
            available=str(found.available),
        )
        raise StatementDoesNotAddUp(f"{vendor.public_id} {mode}: {opening} carried over and lines of {taken} are not {found.available}")
    prove(payout)
    return payout
