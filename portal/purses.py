"""What a vendor could be paid out in one currency, when that happens next, and why nothing is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from core.kernel import clock
from core.kernel.money import Money
from core.ledger.book import RESERVE
from core.ledger.queries import balance
from core.payments.reserve import Day, list_days
from core.payouts.accounts import currencies, find_account
from core.payouts.models import PayoutAccount
from core.payouts.names import is_in_another_name
from core.payouts.request import NotPayable, Payable, check_paid_out, payable
from core.payouts.terms import Terms, terms_of
from core.web.filters import day, money, when
from core.web.guard import current


def saved(account: PayoutAccount) -> str:
    """What whoever gave a new account is told: where payouts go, and from when on."""
    if account.usable_from > clock.now():
        return _(
            "Saved. From %(at)s on payouts go to the account that ends in %(digits)s.", at=when(account.usable_from), digits=account.ends_in
        )
    return _("Saved. Payouts go to the account that ends in %(digits)s.", digits=account.ends_in)


@dataclass(frozen=True)
class Purse:
    """What a vendor reads of one currency."""

    currency: str
    now: Payable
    terms: Terms
    account: PayoutAccount | None
    reserved: Money  # which is given back by the clock, and is not paid out before
    next_back: Day | None  # what of it is given back first
    blocked: bool  # it goes through the processor, which does not take it now
    by_bank: bool  # our bank could pay it out
    other_name: bool  # a person looks whose account it is before money goes there

    @property
    def cools_until(self) -> datetime | None:
        """When the account can be used; None when it can."""
        return self.account.usable_from if self.account and self.account.usable_from > clock.now() else None

    @property
    def is_enough(self) -> bool:
        """Whether there is as much as the vendor wants a payout to be."""
        return bool(self.now.amount) and not self.now.amount < self.terms.minimum

    @property
    def is_ready(self) -> bool:
        """Whether a payout can be asked for at this moment."""
        return bool(self.account and not self.cools_until and not self.blocked and self.is_enough)


def purse_of(currency: str) -> Purse:
    me = current()
    days = list_days(me.vendor, me.mode, currency, zone=me.vendor.time_zone, limit=1)
    account = find_account(me.vendor, me.mode, currency)
    return Purse(
        currency, payable(me.vendor, me.mode, currency), terms_of(me.vendor, me.mode, currency), account,
        balance(me.vendor, me.mode, "seller_hold", currency, RESERVE), days[0] if days else None,
        account is not None and _is_blocked(account), currency in currencies(me.mode),
        account is not None and is_in_another_name(me.vendor, account),
    )  # fmt: skip


def _is_blocked(account: PayoutAccount) -> bool:
    try:
        check_paid_out(current().vendor, account)
    except NotPayable:
        return True
    return False


def own_purse() -> Purse | None:
    """In the vendor's own currency; None where nothing is paid out in it."""
    me = current()
    return purse_of(me.vendor.currency) if me.vendor.currency in currencies(me.mode) else None


def next_payout(purse: Purse) -> str:
    """When the next payout is, or why there is none, as a sentence."""
    minimum = money(purse.terms.minimum)
    if purse.account is None:
        return _("None before a bank account is entered.")
    if purse.cools_until and (purse.terms.next_on is None or purse.terms.next_on <= purse.cools_until.date()):
        return _("None before %(time)s: the bank account is new.", time=when(purse.cools_until))
    if purse.terms.next_on is None:
        return _("When you ask for it.") if purse.is_enough else _("When you ask for it, from %(minimum)s on.", minimum=minimum)
    if purse.is_enough:
        return _("On %(day)s, with what becomes available until then.", day=day(purse.terms.next_on))
    return _(
        "On %(day)s, with what becomes available until then, if that makes at least %(minimum)s.",
        day=day(purse.terms.next_on),
        minimum=minimum,
    )
