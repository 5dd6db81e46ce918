"""Where a vendor is paid out to, their bank account or their account at the processor: named by somebody who has just proved who they are, and
not used before it has cooled off."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import Select, select
from stdnum import bic as bics
from stdnum.exceptions import ValidationError

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.accounts.roles import list_holders
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said
from core.notifications.notices import post_notice
from core.notifications.notify import notify
from core.payouts.models import PayoutAccount
from core.providers.bank_accounts import accounts, check_iban
from core.providers.pain import CURRENCY as EURO
from core.providers.pain import LONGEST_NAME, SEPA, can_be_written

COOLING_OFF = timedelta(hours=48)


class Paying(Protocol):
    """What has to be known of an account at a processor."""

    provider: str
    provider_reference: str | None
    banks: dict[str, dict[str, str]]

    def pays_out(self, currency: str) -> bool: ...


class BadPayoutAccount(Refusal):
    """Not an account to which anybody could transfer."""

    code = "bad_payout_account"


def currencies(mode: str) -> list[str]:
    """In which currencies the platform pays out by its bank: those in which it has an account of its own."""
    return sorted(accounts(settings().bank_accounts.get(mode, "")))


def paid_out_in(vendor: Vendor, mode: str, receiver: Paying | None = None) -> list[str]:
    """In which currencies this vendor can be paid out: by the platform's bank, and through their account at the processor, used already or not."""
    used = {account.currency for account in list_accounts(vendor, mode)}
    return sorted({*currencies(mode), *used, *(receiver.banks if receiver else ())})


def find_account(vendor: Vendor, mode: str, currency: str) -> PayoutAccount | None:
    """The account in use for this currency, cooled off or not."""
    return db.session.scalar(_all(vendor, mode).where(PayoutAccount.currency == currency, PayoutAccount.replaced_at.is_(None)))


def find_accounts(vendor_ids: Collection[UUID], mode: str, currency: str) -> dict[UUID, PayoutAccount]:
    """The same of several vendors."""
    theirs = PayoutAccount.vendor_id.in_(vendor_ids), PayoutAccount.mode == mode, PayoutAccount.currency == currency
    in_use = select(PayoutAccount).where(*theirs, PayoutAccount.replaced_at.is_(None))
    return {account.vendor_id: account for account in db.session.scalars(in_use)}


def list_accounts(vendor: Vendor, mode: str) -> list[PayoutAccount]:
    """Those in use, by currency."""
    return list(db.session.scalars(_all(vendor, mode).where(PayoutAccount.replaced_at.is_(None)).order_by(PayoutAccount.currency)))


def get_account(vendor: Vendor, mode: str, number: str) -> PayoutAccount:
    """One by its number, in use or not. For letters, whose account exists."""
    return db.session.scalars(_all(vendor, mode).where(PayoutAccount.public_id == number)).one()


def paid_out_to(mode: str, iban: str) -> set[UUID]:
    """The ids of vendors whose payouts have gone, or may go, to this bank account."""
    mine = select(PayoutAccount.vendor_id).where(PayoutAccount.mode == mode, PayoutAccount.iban == iban, PayoutAccount.iban != "")
    return set(db.session.scalars(mine))


def add_account(vendor: Vendor, mode: str, *, currency: str, holder: str, iban: str, bic: str = "", by: str) -> PayoutAccount:
    """From now on the balance in this currency goes there. The account that was in use is replaced; payouts under way keep theirs.

    It is used after COOLING_OFF, so that owners who did not mean it have time to stop it. Only the first account in test mode, where
    there is nothing to steal, is used at once. Refuses with BadPayoutAccount at the field.
    """
    holder, number, code = " ".join(holder.split()), check_iban(iban), _check_bic(bic)
    if currency not in currencies(mode):
        raise BadPayoutAccount(said("Nothing is paid out in %(currency)s.", currency=currency), field="currency")
    if not 1 <= len(holder) <= LONGEST_NAME:
        raise BadPayoutAccount(said("Enter the name on the account, %(most)s characters at most.", most=LONGEST_NAME), field="holder")
    if not can_be_written(holder):
        raise BadPayoutAccount("Enter the name as the bank writes it.", field="holder")
    if not number:
        raise BadPayoutAccount("This is not an IBAN. Compare it with your bank's papers, sign by sign.", field="iban")
    if currency == EURO and number[:2] not in SEPA:
        raise BadPayoutAccount("A transfer in euros does not reach this country. Name an account in the SEPA area.", field="iban")
    if number in {account.iban for account in accounts(settings().bank_accounts[mode]).values()}:
        raise BadPayoutAccount("This is the platform's own account.", field="iban")
    hold_vendor(vendor.id)
    before = find_account(vendor, mode, currency)
    if before is not None and (before.iban, before.holder, before.bic) == (number, holder, code):
        return before
    return _put_in_place(vendor, mode, currency, before, by=by, holder=holder, iban=number, bic=code)


def use_processor(vendor: Vendor, mode: str, receiver: Paying, *, currency: str, by: str) -> PayoutAccount:
    """From now on the balance in this currency goes through the vendor's account at the processor, by the same rules as a bank account.

    Refuses with BadPayoutAccount one that is not ready, or has no bank account in this currency.
    """
    bank = receiver.banks.get(currency)
    if not receiver.pays_out(currency) or receiver.provider_reference is None or bank is None:
        raise BadPayoutAccount(
            said("Your account at the processor cannot pay out in %(currency)s yet.", currency=currency), field="currency"
        )
    hold_vendor(vendor.id)
    before, where = find_account(vendor, mode, currency), (receiver.provider, receiver.provider_reference, bank["mark"])
    if before is not None and (before.provider, before.provider_account, before.mark) == where:
        return before
    return _put_in_place(
        vendor, mode, currency, before, by=by, holder=vendor.name[:LONGEST_NAME], rail="processor", provider=receiver.provider,
        provider_account=receiver.provider_reference, last4=bank["last4"], mark=bank["mark"],
    )  # fmt: skip


def through_processor(vendor: Vendor, mode: str, reference: str) -> list[PayoutAccount]:
    """Those in use that go through this account at the processor."""
    return list(
        db.session.scalars(_all(vendor, mode).where(PayoutAccount.replaced_at.is_(None), PayoutAccount.provider_account == reference))
    )


def replace_account(vendor: Vendor, mode: str, before: PayoutAccount, *, by: str, last4: str, mark: str) -> PayoutAccount:
    """The bank account behind it is another one, says the processor. The vendor is held."""
    same = {"holder": before.holder, "rail": before.rail, "provider": before.provider, "provider_account": before.provider_account}
    return _put_in_place(vendor, mode, before.currency, before, by=by, last4=last4, mark=mark, **same)


def _put_in_place(vendor: Vendor, mode: str, currency: str, before: PayoutAccount | None, *, by: str, **where: str) -> PayoutAccount:
    """A new account in the place of the one before; every owner is written to. The vendor is held."""
    at = now()
    if before is not None:
        before.replaced_at = at
        db.session.flush()
    made = PayoutAccount(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("acct"), currency=currency, added_by=by, added_at=at,
        usable_from=_usable_from(mode, before, at), **{"iban": "", "bic": "", "rail": "bank", "provider": "", "provider_account": "", **where},
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    post_notice(vendor, "payout_account", mode=mode, about=made.public_id)
    for owner in list_holders(vendor, "payouts.account"):
        notify(vendor, "payout_account", mode=mode, to=owner.email, locale=owner.language or "en", account=made.public_id)
    detail = {"currency": currency, "ends_in": made.ends_in, "rail": made.rail}
    record(vendor.id, actor=by, action="payout_account.added", subject=made.public_id, mode=mode, **detail)
    return made


def _usable_from(mode: str, before: PayoutAccount | None, at: datetime) -> datetime:
    return at if mode == "test" and before is None else at + COOLING_OFF


def _check_bic(text: str) -> str:
    """Without it SEPA finds the bank by the IBAN."""
    try:
        return str(bics.validate(text)) if text.strip() else ""
    except ValidationError:
        raise BadPayoutAccount("This is not a BIC: it has 8 or 11 signs, such as COBADEFFXXX.", field="bic") from None


def _all(vendor: Vendor, mode: str) -> Select[tuple[PayoutAccount]]:
    return select(PayoutAccount).where(PayoutAccount.vendor_id == vendor.id, PayoutAccount.mode == mode)
