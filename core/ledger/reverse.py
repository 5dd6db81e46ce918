"""Taking a wrong journal back: with a reason, above a limit by two people, as a balanced journal of its own that names the one it reverses.

Only what people decided can be taken back by people: corrections of the reconciliation, debts written off, and reversals themselves. Everything else
follows from something that happened, and is corrected where it happened. The reversal takes effect today: a day that is closed stays as it is.
"""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.kernel import audit
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NeedsASecondPerson, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import Sentence, said
from core.ledger import book
from core.ledger.models import Entry, Journal
from core.ledger.post import post
from core.ledger.reversal_models import Reversal

LONGEST_REASON = 300
BY_HAND = (book.RECONCILED, book.WRITE_OFF, book.REVERSED)


class NotReversible(Refusal):
    """This journal is not one that a person takes back, or not any more."""

    code = "not_reversible"


class ReversedAlready(Conflict):
    """A journal is taken back once."""

    code = "reversed_already"


def request_reversal(journal: Journal, *, reason: str, by: str) -> Reversal:
    """Have it taken back: at once up to the limit, above it (and in a currency without one) when a second person says so too.

    The same person asking again is one wish. Refuses NotReversible, ReversedAlready, BalanceTooLow, and a wish without a reason at its field.
    """
    if (why_not := why_not_reversible(journal)) is not None:
        raise NotReversible(why_not)
    if not (reason := " ".join(reason.split())[:LONGEST_REASON]):
        raise Refusal(said("Say what is wrong with it: the reason stands in the audit log."), field="reason")
    amount = amount_of(journal)
    fresh = {
        "vendor_id": journal.vendor_id, "mode": journal.mode, "id": uuid7(), "public_id": public_id("rvs"), "journal_id": journal.id, "state": "requested",
        "currency": amount.currency, "amount_minor": amount.minor, "reason": reason, "requested_by": by, "decided_by": "", "created_at": now(),
    }  # fmt: skip
    # Two at the same moment queue at the index over what is not declined: the second one finds the first.
    made = db.session.scalar(insert(Reversal).values(**fresh).on_conflict_do_nothing().returning(Reversal.id))
    if made is None:
        return _asked_before(journal, by)
    row = db.session.get_one(Reversal, (journal.vendor_id, journal.mode, made))
    audit.record(
        row.vendor_id, actor=by, action="journal.reversal_asked", subject=row.public_id, mode=row.mode, journal=journal.event_key, amount=str(amount), reason=reason
    )  # fmt: skip
    if not needs_two(journal):
        _book(row, by=by)
    return row


def _asked_before(journal: Journal, by: str) -> Reversal:
    standing = find_reversal_of(journal)
    if standing is None or standing.requested_by != by:
        raise ReversedAlready("Somebody else has this journal taken back already. Please look again.")
    return standing


def approve_reversal(row: Reversal, *, by: str) -> None:
    """A second person says so too. Refuses the first one; booked or declined already, nothing happens."""
    row = lock_again(row)
    if row.state != "requested":
        return
    if row.requested_by == by:
        raise NeedsASecondPerson("Somebody else has to let a reversal be booked that you asked for.")
    if (why_not := why_not_reversible(_journal_of(row))) is not None:
        raise NotReversible(why_not)
    _book(row, by=by)


def decline_reversal(row: Reversal, *, by: str) -> None:
    """It is not taken back: the journal stays as it is, and may be asked about again."""
    row = lock_again(row)
    if row.state == "requested":
        row.state, row.decided_by, row.decided_at = "declined", by, now()
        audit.record(
            row.vendor_id, actor=by, action="journal.reversal_declined", subject=row.public_id, mode=row.mode, amount=str(row.amount)
        )


def _book(row: Reversal, *, by: str) -> None:
    journal = _journal_of(row)
    row.state, row.decided_by, row.decided_at = "booked", by, now()
    made = book.taken_back(journal, legs=[(e.code, Money(e.amount_minor, e.currency), e.sub, e.ref) for e in _legs(journal)], at=now())
    db.session.flush()
    post([made])
    audit.record(
        row.vendor_id, actor=by, action="journal.reversed", subject=row.public_id, mode=row.mode, journal=journal.event_key, amount=str(row.amount),
        asked_by=row.requested_by, reason=row.reason,
    )  # fmt: skip


def find_reversal_of(journal: Journal) -> Reversal | None:
    """The wish to take it back that stands: waiting or booked."""
    mine = Reversal.vendor_id == journal.vendor_id, Reversal.mode == journal.mode, Reversal.journal_id == journal.id
    return db.session.scalar(select(Reversal).where(*mine, Reversal.state != "declined"))


def why_not_reversible(journal: Journal) -> Sentence | None:
    """Why people do not take this one back; None when they may."""
    if journal.kind not in BY_HAND or not journal.event_key.startswith(("rec:", "wo:", "rev:")):
        return said("Nobody decided this by hand: it follows from something that happened, and is corrected where it happened.")
    legs = _legs(journal)
    if any(leg.code == book.BANK for leg in legs):
        return said("It moves our bank account, which is what the statements say: correct the line of the statement.")
    if any(leg.ref and not _still_there(leg) for leg in legs):
        return said("What it had put aside has been used since. Take back first what used it.")
    if journal.kind == book.WRITE_OFF and any(leg.code == book.WRITTEN_OFF and not _still_there(leg) for leg in legs):
        return said("What was given up here has come back since: the seller paid it, or the debt was for money that was not gone.")
    return None


def _still_there(leg: Entry) -> bool:
    """What stands under a reference can only be taken away again while it stands there; what was given up, while nobody has paid it."""
    mine = (
        Entry.vendor_id == leg.vendor_id,
        Entry.mode == leg.mode,
        Entry.code.in_(book.GIVEN_UP if leg.code == book.WRITTEN_OFF else (leg.code,)),
        Entry.sub == leg.sub,
        Entry.currency == leg.currency,
    )
    left = int(db.session.scalar(select(func.coalesce(func.sum(Entry.amount_minor), 0)).where(*mine, Entry.ref == leg.ref)) or 0)
    return left >= leg.amount_minor if leg.amount_minor > 0 else left <= leg.amount_minor


def amount_of(journal: Journal) -> Money:
    """What it moved: the left side, in the currency in which that is most."""
    sides: dict[str, int] = {}
    for leg in _legs(journal):
        sides[leg.currency] = sides.get(leg.currency, 0) + max(leg.amount_minor, 0)
    currency, minor = max(sides.items(), key=lambda side: (side[1], side[0]))
    return Money(minor, currency)


def needs_two(journal: Journal) -> bool:
    """Whether it is worth more than one person decides alone: as for the correction that it takes back."""
    limits = settings().reconciliation_limits
    sides: dict[str, int] = {}
    for leg in _legs(journal):
        sides[leg.currency] = sides.get(leg.currency, 0) + max(leg.amount_minor, 0)
    return any(minor > limits.get(currency, 0) for currency, minor in sides.items())


def _legs(journal: Journal) -> list[Entry]:
    mine = Entry.vendor_id == journal.vendor_id, Entry.mode == journal.mode, Entry.journal_id == journal.id
    return list(db.session.scalars(select(Entry).where(*mine).order_by(Entry.leg)))


def _journal_of(row: Reversal) -> Journal:
    return db.session.get_one(Journal, (row.vendor_id, row.mode, row.journal_id))
