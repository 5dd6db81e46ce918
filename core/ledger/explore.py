"""A whole book to look into, for whoever audits it: what stands on every account, and every journal with its legs. Nothing is changed here."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select, text

from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.keyset import Slice, Span, slice_of
from core.kernel.money import Money
from core.ledger.models import Balance, ChartAccount, Entry, Journal, Proof
from core.ledger.queries import Owner


@dataclass(frozen=True, slots=True)
class Standing:
    """One account as a trial balance shows it: the sum of its entries stands on one side."""

    code: int
    name: str
    purpose: str
    sub: str
    amount: Money  # debit positive

    @property
    def debit(self) -> Money | None:
        """What stands on the left, if anything does."""
        return self.amount if self.amount.minor > 0 else None

    @property
    def credit(self) -> Money | None:
        """What stands on the right, if anything does."""
        return -self.amount if self.amount.minor < 0 else None


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account of a book in one currency. Both sides come to the same, or the book is broken."""

    currency: str
    accounts: list[Standing]

    @property
    def debit(self) -> Money:
        """All that stands on the left."""
        return self._total([account.debit for account in self.accounts])

    @property
    def credit(self) -> Money:
        """All that stands on the right."""
        return self._total([account.credit for account in self.accounts])

    def _total(self, sides: list[Money | None]) -> Money:
        total = Money(0, self.currency)
        for side in sides:
            total = total + side if side is not None else total
        return total


@dataclass(frozen=True, slots=True)
class Leg:
    """One entry: so much on this account, debit positive."""

    code: int
    account: str
    sub: str
    amount: Money
    ref: str


@dataclass(frozen=True, slots=True)
class Booking:
    """A journal with all its legs, in their order."""

    journal: Journal
    legs: list[Leg]


@dataclass(frozen=True, slots=True)
class BookingPage:
    """Some journals, newest first, and the id to ask the older ones after (None at the end)."""

    rows: list[Booking]
    next: str | None


def trial_balances(owner: Owner, mode: str) -> list[TrialBalance]:
    """One for each currency in which anything of this book ever moved, added up from the balances that PostgreSQL keeps."""
    rows = db.session.execute(
        select(ChartAccount, Balance.sub, Balance.currency, func.sum(Balance.amount_minor))
        .join(Balance, Balance.code == ChartAccount.code)
        .where(Balance.vendor_id == owner.id, Balance.mode == mode)
        .group_by(ChartAccount.code, Balance.sub, Balance.currency)
        .order_by(Balance.currency, ChartAccount.code, Balance.sub)
    )
    return _by_currency((account, sub, currency, total) for account, sub, currency, total in rows)


def house_trial_balances(mode: str) -> list[TrialBalance]:
    """The same over the books of every vendor and the platform's own: one line for each kind of account."""
    rows = db.session.execute(
        select(ChartAccount, Balance.currency, func.sum(Balance.amount_minor))
        .join(Balance, Balance.code == ChartAccount.code)
        .where(Balance.mode == mode)
        .group_by(ChartAccount.code, Balance.currency)
        .order_by(Balance.currency, ChartAccount.code)
    )
    return _by_currency((account, "", currency, total) for account, currency, total in rows)


def _by_currency(rows: Iterable[tuple[ChartAccount, str, str, Decimal]]) -> list[TrialBalance]:
    found: dict[str, TrialBalance] = {}
    for account, sub, currency, total in rows:
        book = found.setdefault(currency, TrialBalance(currency, []))
        book.accounts.append(Standing(account.code, account.name, account.purpose, sub, Money(int(total), currency)))
    return list(found.values())


def entry_sums(owner: Owner, mode: str) -> dict[tuple[int, str, str], Money]:
    """Each account (code, sub-account, currency) added up anew from its very first entry: what its balance has to be."""
    rows = db.session.execute(
        select(Entry.code, Entry.sub, Entry.currency, func.sum(Entry.amount_minor))
        .where(Entry.vendor_id == owner.id, Entry.mode == mode)
        .group_by(Entry.code, Entry.sub, Entry.currency)
    )
    return {(code, sub, currency): Money(int(total), currency) for code, sub, currency, total in rows}


def find_in_any_book(number: str) -> tuple[uuid.UUID, str, uuid.UUID | None] | None:
    """In whose book, live or test, something stands: a journal by its number or the key of its event, or whatever journals are about.

    Answers the book, and the journal where only one is meant. Every book is asked by its own index.
    """
    for by, names_one in (("j.id = CAST(:number AS uuid)", True), ("j.event_key = ANY (:keys)", True), ("j.about = :number", False)):
        if by.startswith("j.id") and _uuid_or_none(number) is None:
            continue
        keys = [
            number,
            f"rf:{number}:req",
            f"po:{number}:init",
            f"fx:{number}",
            f"ret:{number}:req",
            f"bank:{number}:in",
            f"bank:{number}:out",
        ]
        found = db.session.execute(text(_ANYWHERE.format(by=by)), {"number": number, "keys": keys}).one_or_none()
        if found is not None:
            return found.vendor_id, found.mode, found.id if names_one else None
    return None


_ANYWHERE = """SELECT p.vendor_id, p.mode, f.id FROM ledger_proofs p CROSS JOIN LATERAL (
    SELECT j.id FROM journals j WHERE j.vendor_id = p.vendor_id AND j.mode = p.mode AND {by} LIMIT 1) f LIMIT 1"""


def list_bookings(
    owner: Owner,
    mode: str,
    *,
    account: tuple[int, str, str] | None = None,
    about: str | None = None,
    after: str | None = None,
    limit: int = 25,
) -> BookingPage:
    """Journals of a book, newest first, by keyset: all, those that touch an account (code, sub-account, currency), those about one thing."""
    if account is not None:
        code, sub, currency = account
        key = Entry.journal_id
        ids = select(key).distinct().where(Entry.vendor_id == owner.id, Entry.mode == mode)
        ids = ids.where(Entry.code == code, Entry.sub == sub, Entry.currency == currency)
    else:
        key = Journal.id
        ids = select(key).where(Journal.vendor_id == owner.id, Journal.mode == mode)
        ids = ids.where(Journal.about == about) if about else ids
    if after:
        ids = ids.where(key < _number(after))
    found = list(db.session.scalars(ids.order_by(key.desc()).limit(limit + 1)))
    return BookingPage(_bookings(owner, mode, found[:limit]), str(found[limit - 1]) if len(found) > limit else None)


def feed_bookings(owner: Owner, mode: str, span: Span, *, about: str = "") -> Slice:
    """The same as a vendor's own software reads them: in both directions, within a time. Refuses with 404 a number that is no journal's."""
    ids = select(Journal.id).where(Journal.vendor_id == owner.id, Journal.mode == mode)
    found = slice_of(ids.where(Journal.about == about) if about else ids, Journal.id, span, _number)
    return Slice(_bookings(owner, mode, found.rows), found.has_more)


def get_booking(owner: Owner, mode: str, number: str) -> Booking:
    """One journal by its number; refuses with 404."""
    found = _bookings(owner, mode, [_number(number)])
    if not found:
        raise NotFound("There is no such journal.")
    return found[0]


def find_reversal(owner: Owner, journal: Journal) -> Journal | None:
    """The journal that took this one back, if one has."""
    mine = Journal.vendor_id == owner.id, Journal.mode == journal.mode, Journal.about == journal.about
    return db.session.scalar(select(Journal).where(*mine, Journal.reverses == journal.id))


def find_by_key(owner: Owner, mode: str, event_key: str) -> Journal | None:
    """The journal that was posted for this event."""
    return db.session.scalar(select(Journal).where(Journal.vendor_id == owner.id, Journal.mode == mode, Journal.event_key == event_key))


def last_proof(owner: Owner, mode: str) -> Proof | None:
    """What the clock's last proof of this book found; None for a book that was never proved."""
    return db.session.get(Proof, (owner.id, mode))


def _bookings(owner: Owner, mode: str, ids: list[uuid.UUID]) -> list[Booking]:
    rows = db.session.execute(
        select(Journal, Entry, ChartAccount.name)
        .join(Entry, (Entry.vendor_id == Journal.vendor_id) & (Entry.mode == Journal.mode) & (Entry.journal_id == Journal.id))
        .join(ChartAccount, ChartAccount.code == Entry.code)
        .where(Journal.vendor_id == owner.id, Journal.mode == mode, Journal.id.in_(ids))
        .order_by(Journal.id.desc(), Entry.leg)
    )
    found: dict[uuid.UUID, Booking] = {}
    for journal, entry, name in rows:
        booking = found.setdefault(journal.id, Booking(journal, []))
        booking.legs.append(Leg(entry.code, name, entry.sub, Money(entry.amount_minor, entry.currency), entry.ref))
    return list(found.values())


def _uuid_or_none(number: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(number)
    except ValueError:
        return None


def _number(written: str) -> uuid.UUID:
    if (found := _uuid_or_none(written)) is None:
        raise NotFound("There is no such journal.")
    return found


def account_names() -> dict[int, str]:
    """What each account of the chart is called."""
    return {code: name for code, name in db.session.execute(select(ChartAccount.code, ChartAccount.name))}
