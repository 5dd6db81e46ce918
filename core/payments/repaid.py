"""A seller pays back what they owe by a bank transfer: staff say so of money that nobody knew, and the debt is struck off.

What is owed comes first, then what was written off of it, which is the platform's to recover; what is beyond both is the seller's, free to be
paid out. Should the bank take that transfer back, all but the recovery is owed again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.ledger import book
from core.ledger.models import Balance, Entry, Journal
from core.ledger.post import post
from core.notifications.team import tell_team
from core.payments.refund_books import debt_of, settle_debt
from core.payments.transfer_receive import booked_at
from core.payments.unknown import lock_unknown, resolve
from core.providers.bank_models import BankLine

MOST_DEBTORS = 200


@dataclass(frozen=True, slots=True)
class Debtor:
    """A seller whom a credit might come from: what they owe, what was written off of it and not recovered, and what speaks for it."""

    vendor: Vendor
    owed: Money
    given_up: Money
    reasons: tuple[str, ...]  # of: account, name, amount


@dataclass(frozen=True, slots=True)
class Repayment:
    """What became of such a transfer. The three come to its amount."""

    owed: Money
    recovered: Money
    available: Money

    @property
    def total(self) -> Money:
        """All of it."""
        return self.owed + self.recovered + self.available


def list_debtors(line: BankLine, *, theirs: Collection[UUID] = (), limit: int = MOST_DEBTORS) -> list[Debtor]:
    """Sellers with a debt in the line's currency and mode, open or written off: the likeliest first, and then the largest debts.

    `theirs`: the ids of vendors who are paid out to the account that the money came from; they are among them however little they owe.
    """
    owed = func.coalesce(func.sum(Balance.amount_minor).filter(Balance.code == book.SELLER_RECEIVABLE), 0)
    given_up = func.coalesce(func.sum(Balance.amount_minor).filter(Balance.code.in_(book.GIVEN_UP)), 0)
    asked = (
        select(Vendor, owed, given_up)
        .join(Vendor, Vendor.id == Balance.vendor_id)
        .where(Balance.vendor_id != book.PLATFORM, Balance.mode == line.mode, Balance.currency == line.currency)
        .where(Balance.code.in_((book.SELLER_RECEIVABLE, *book.GIVEN_UP)))
        .group_by(Vendor.id)
        .having((owed > 0) | (given_up > 0))
        .order_by(Vendor.id.in_(theirs).desc(), owed.desc(), given_up.desc())
        .limit(limit)
    )
    found = [_debtor(line, theirs, vendor, int(owes), int(lost)) for vendor, owes, lost in db.session.execute(asked)]
    return sorted(found, key=lambda one: [reason in one.reasons for reason in ("account", "name", "amount")], reverse=True)


def _debtor(line: BankLine, theirs: Collection[UUID], vendor: Vendor, owed: int, given_up: int) -> Debtor:
    reasons = []
    if vendor.id in theirs:
        reasons.append("account")
    if set(vendor.name.casefold().split()) <= set(f"{line.name} {line.text}".casefold().replace(",", " ").split()):
        reasons.append("name")
    if line.amount_minor in (owed, given_up, owed + given_up):
        reasons.append("amount")
    return Debtor(vendor, Money(owed, line.currency), Money(given_up, line.currency), tuple(reasons))


def share_out(line: BankLine, vendor: Vendor) -> Repayment:
    """What the line's money would become if this seller had sent it. Refuses, at the field `seller`, one who owes nothing."""
    if vendor.id == book.PLATFORM:
        raise _owes_nothing(line, vendor)  # what it has written off are invoices of its plans
    owed = min(debt_of(vendor.id, line.mode, line.currency), line.amount)
    recovered = min(_given_up(vendor.id, line.mode, line.currency), line.amount - owed)
    if not owed + recovered:
        raise _owes_nothing(line, vendor)
    return Repayment(owed, recovered, line.amount - owed - recovered)


def _owes_nothing(line: BankLine, vendor: Vendor) -> Refusal:
    words = said("%(seller)s owes nothing in %(currency)s, and nothing was written off.", seller=vendor.name, currency=line.currency)
    return Refusal(words, field="seller")


def _given_up(vendor_id: UUID, mode: str, currency: str) -> Money:
    return Money(max(_stands(vendor_id, mode, currency, book.GIVEN_UP), 0), currency)


def _recovered(vendor_id: UUID, mode: str, currency: str) -> Money:
    return Money(max(-_stands(vendor_id, mode, currency, (book.RECOVERIES,)), 0), currency)


def _stands(vendor_id: UUID, mode: str, currency: str, codes: Collection[int]) -> int:
    mine = (Balance.vendor_id == vendor_id, Balance.mode == mode, Balance.currency == currency, Balance.code.in_(codes))
    return int(db.session.scalar(select(func.coalesce(func.sum(Balance.amount_minor), 0)).where(*mine)) or 0)


def pay_back(line: BankLine, vendor: Vendor, *, by: str, reason: str) -> Repayment:
    """A person says: this money is from that seller, for what they owe. It leaves the platform's book, and strikes the debt off.

    Refuses a line that is not unknown any more, a debit, and a seller who owes nothing by now.
    """
    line = lock_unknown(line, sign=1, by=by)
    hold_vendor(vendor.id)
    made, at = share_out(line, vendor), now()
    line.vendor = vendor.public_id
    resolve(line, "repaid", by, reason)
    post([book.unknown_leaves(line, kind=book.DEBT_REPAID, at=at)])
    post([book.debt_repaid(vendor.id, line, owed=made.owed, recovered=made.recovered, available=made.available, at=at)])
    record(book.PLATFORM, actor=by, action="line.repaid", subject=line.public_id, vendor=vendor.public_id, reason=reason)
    record(vendor.id, actor=by, action="debt.repaid", subject=line.public_id, mode=line.mode, amount=str(line.amount), reason=reason)
    tell_team(vendor, "debt_repaid", mode=line.mode, line=line.public_id)
    return made


def take_repayment_back(vendor: Vendor, original: BankLine, line: BankLine) -> None:
    """The bank takes such a transfer back by this debit: what it had recovered is given up again, and the rest is owed, whatever it paid for;
    so is a recovery that has become the seller's since, because the debt never was."""
    hold_vendor(vendor.id)
    recovered = min(get_repayment(vendor, original.mode, original.public_id).recovered, _recovered(vendor.id, line.mode, line.currency))
    post([book.debt_repayment_taken_back(vendor.id, line, recovered=recovered, at=booked_at(line))])
    settle_debt(vendor.id, line.mode, line.currency, about=line.public_id)
    line.vendor = vendor.public_id
    record(vendor.id, actor="bank", action="debt.repayment_taken_back", subject=original.public_id, mode=line.mode, amount=str(line.amount))
    tell_team(vendor, "debt_repayment_taken_back", mode=line.mode, line=original.public_id)


def get_repayment(vendor: Vendor, mode: str, number: str) -> Repayment:
    """What became of the transfer on the line of this number, as the books have it. For lines that paid a debt back."""
    mine = Journal.vendor_id == vendor.id, Journal.mode == mode, Journal.event_key == book.bank_key(number, "in")
    same = (Entry.vendor_id == Journal.vendor_id) & (Entry.mode == Journal.mode) & (Entry.journal_id == Journal.id)
    rows = db.session.execute(select(Entry.code, Entry.currency, Entry.amount_minor).join(Journal, same).where(*mine)).all()
    legs = {code: Money(-minor, currency) for code, currency, minor in rows}
    none = Money(0, rows[0].currency)
    return Repayment(*(legs.get(code, none) for code in (book.SELLER_RECEIVABLE, book.RECOVERIES, book.SELLER_AVAILABLE)))
