"""Making a payout: all that a seller has available, less what refunds wait for, on its way to their bank account. Booked at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import select, true, tuple_
from sqlalchemy.orm import aliased

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendors
from core.admission.stops import held_payouts, payout_hold
from core.kernel.audit import entry_rows, record_all
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import said
from core.ledger import book
from core.ledger.post import post
from core.ledger.queries import balances_of
from core.payments.refund_queue import queued_of
from core.payouts.accounts import currencies, find_accounts
from core.payouts.history import begin
from core.payouts.models import Payout, PayoutAccount
from core.payouts.names import is_in_another_name
from core.payouts.receivers import find_receiver
from core.payouts.send import hand_over_all
from core.payouts.statement import StatementDoesNotAddUp, prove_all, take_lines
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
    return payable_of([vendor.id], mode, currency)[vendor.id]


def payable_of(vendor_ids: Collection[UUID], mode: str, currency: str) -> dict[UUID, Payable]:
    """The same of several."""
    here, queued = balances_of(vendor_ids, mode, "seller_available", currency), queued_of(vendor_ids, mode, currency)
    return {vendor_id: Payable(here[vendor_id], queued[vendor_id]) for vendor_id in vendor_ids}


@dataclass(frozen=True, slots=True)
class Wish:
    """What one seller asks for: all that can be paid out now. By the clock, `form_token` names the day."""

    vendor: Vendor
    form_token: str


def request_payout(vendor: Vendor, mode: str, currency: str, *, by: str, form_token: str) -> Payout:
    """Pay out what can be, now. The same form sent twice is one payout; by the clock, `form_token` names the day.

    The vendor is held, so neither a refund nor another payout takes the same money. Refuses with NotPayable; raises
    StatementDoesNotAddUp, and pays nothing, when the lines are not what the balance holds.
    """
    (answer,) = request_payouts([Wish(vendor, form_token)], mode, currency, by=by)
    if isinstance(answer, NotPayable):
        raise answer
    return answer


def request_payouts(wishes: Sequence[Wish], mode: str, currency: str, *, by: str) -> list[Payout | NotPayable]:
    """The same for several sellers, each once, in one unit of work: each has a payout, or the refusal that concerns nobody else, in the order of
    the wishes. What raises anything else throws the payouts of all away: whoever asks then asks for each alone."""
    ids = [wish.vendor.id for wish in wishes]
    hold_vendors(ids)
    known = _asked_before(wishes, mode)
    accounts, payables, last = find_accounts(ids, mode, currency), payable_of(ids, mode, currency), _last_of(ids, mode, currency)
    held = {vendor_id for vendor_id, about in held_payouts(ids, mode) if not about}
    refused: dict[UUID, NotPayable] = {}
    drafts = []
    for wish in wishes:
        vendor = wish.vendor
        if vendor.id in known:
            continue
        try:
            if vendor.id in held:
                check_not_held(vendor, mode)
            account, found = _usable_account(vendor, mode, currency, accounts.get(vendor.id)), payables[vendor.id]
            _check_amount(found, terms_of(vendor, mode, currency).minimum)
        except NotPayable as reason:
            refused[vendor.id] = reason
            continue
        drafts.append(Draft(vendor, account, found, last.get(vendor.id), wish.form_token, held=_why_held(vendor, account, found.amount)))
    made = {draft.vendor.id: payout for draft, payout in zip(drafts, _make(drafts, by=by), strict=True)} if drafts else {}
    answers: list[Payout | NotPayable] = []
    for vendor_id in ids:
        answers.append(known.get(vendor_id) or made.get(vendor_id) or refused[vendor_id])
    return answers


def _asked_before(wishes: Sequence[Wish], mode: str) -> dict[UUID, Payout]:
    theirs = tuple_(Payout.vendor_id, Payout.form_token).in_([(wish.vendor.id, wish.form_token) for wish in wishes])
    return {payout.vendor_id: payout for payout in db.session.scalars(select(Payout).where(theirs, Payout.mode == mode))}


def _make(drafts: Sequence[Draft], *, by: str) -> list[Payout]:
    """Written, proved, booked and logged; those that nobody has to look at are on their way."""
    payouts = write_payouts(drafts, by=by)
    for payout in payouts:
        begin(payout, actor=by, amount_minor=payout.amount_minor, currency=payout.currency, held=payout.why_held)
    post([book.payout_begun(payout, at=payout.created_at) for payout in payouts])
    record_all(
        entry_rows(
            payout.vendor_id, actor=by, action="payout.requested", subject=payout.public_id, mode=payout.mode, amount=str(payout.amount),
            held=payout.why_held,
        )
        for payout in payouts
    )  # fmt: skip
    hand_over_all(
        [(draft.vendor, payout, draft.account) for draft, payout in zip(drafts, payouts, strict=True) if payout.state == "approved"]
    )
    return payouts


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


def _usable_account(vendor: Vendor, mode: str, currency: str, account: PayoutAccount | None) -> PayoutAccount:
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
    return _last_of([vendor.id], mode, currency).get(vendor.id)


def _last_of(vendor_ids: Collection[UUID], mode: str, currency: str) -> dict[UUID, Payout]:
    """By a look at each seller's newest: of their others there may be thousands."""
    whose = select(Vendor.id).where(Vendor.id.in_(vendor_ids)).subquery()
    mine = select(Payout).where(Payout.vendor_id == whose.c.id, Payout.mode == mode, Payout.currency == currency)
    newest = aliased(Payout, mine.order_by(Payout.seq.desc()).limit(1).lateral())
    return {payout.vendor_id: payout for payout in db.session.scalars(select(newest).select_from(whose).join(newest, true()))}


@dataclass(frozen=True, slots=True)
class Draft:
    """A payout that may be made: to where, of what, and after which other."""

    vendor: Vendor
    account: PayoutAccount
    found: Payable
    last: Payout | None
    form_token: str
    held: str = ""  # why a person has to look at it
    number: str = ""  # of one that has left already


def write_payouts(drafts: Sequence[Draft], *, by: str) -> list[Payout]:
    """The rows with their lines, in one mode and one currency. What is not paid now is carried into the next one."""
    payouts = [_row(draft, by=by) for draft in drafts]
    db.session.add_all(payouts)
    db.session.flush()
    before = {payout.id: draft.last.created_at if draft.last else None for payout, draft in zip(payouts, drafts, strict=True)}
    taken = take_lines(payouts, last=before)
    for payout, draft in zip(payouts, drafts, strict=True):
        opening, lines = Money(payout.opening_minor, payout.currency), taken[payout.id]
        if opening + lines != draft.found.available:  # an entry reached the books long after its number was made: all of them are looked at
            lines += take_lines([payout], last={payout.id: None})[payout.id]
        if opening + lines != draft.found.available:
            log.error(
                "balance_does_not_add_up", vendor=draft.vendor.public_id, mode=payout.mode, opening=str(opening), lines=str(lines),
                available=str(draft.found.available),
            )  # fmt: skip
            raise StatementDoesNotAddUp(
                f"{draft.vendor.public_id} {payout.mode}: {opening} carried over and lines of {lines} are not {draft.found.available}"
            )
    prove_all(payouts)
    return payouts


def _row(draft: Draft, *, by: str) -> Payout:
    account, found, last = draft.account, draft.found, draft.last
    amount, opening = found.amount, Money(last.carried_minor if last else 0, account.currency)
    return Payout(
        vendor_id=draft.vendor.id, mode=account.mode, id=uuid7(), public_id=draft.number or public_id("po"), form_token=draft.form_token,
        currency=account.currency, seq=last.seq + 1 if last else 1, opening_minor=opening.minor, lines_minor=(found.available - opening).minor,
        amount_minor=amount.minor, carried_minor=(found.available - amount).minor, account_id=account.id,
        state="requested" if draft.held else "approved", why_held=draft.held, requested_by=by, created_at=now(),
    )  # fmt: skip
