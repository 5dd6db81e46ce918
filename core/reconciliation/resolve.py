"""How an exception ends: one of the few ways its class allows, with a reason, by a second person above a limit; what it posts is worked out
here and never typed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Conflict, NeedsASecondPerson, Refusal
from core.kernel.money import Money
from core.ledger import book
from core.ledger.models import Entry
from core.ledger.models import Journal as Booked
from core.ledger.post import Journal, post
from core.payments.queries import get_payment
from core.payments.unexpected import give_back
from core.payments.unknown import get_line, line_is_a_settlement
from core.reconciliation.ask import ask_again
from core.reconciliation.exceptions import lock, move, write_down
from core.reconciliation.link import candidates, check_still_there, choose, left_over, linked_with
from core.reconciliation.models import ReconException, ReconLine, ReconMatch, ReconSettlement
from core.reconciliation.settle import book_arrival, lose
from core.reconciliation.states import SAME_ID

LONGEST_REASON = 300
ASKABLE = ("waiting", "open")
Legs = tuple[tuple[int, Money], ...]


class HasMovedOn(Conflict):
    """The exception says something else than the page that was looked at."""

    code = "has_moved_on"


# --- what the ways post ---------------------------------------------------------------------------------------------------------


def _held_or_unexplained(row: ReconException, minor: int, currency: str) -> Legs:
    """A processor's account holds more than we knew: somebody's money, held as unapplied. It holds less: a debit nobody has explained."""
    if minor > 0:
        return (book.CLEARING, Money(minor, currency)), (book.UNAPPLIED, Money(-minor, currency))
    return (book.UNEXPLAINED, Money(-minor, currency)), (book.CLEARING, Money(minor, currency))


def _hold(row: ReconException) -> Legs:
    """All of a line that our books do not have: the gross to be explained, and what the processor kept of it."""
    gross, fee = (int(row.theirs.get(name, 0)) for name in ("gross_minor", "fee_minor"))
    legs = _held_or_unexplained(row, gross, row.currency) if gross else ()
    return (*legs, *_cost(fee, row.currency)) if fee else legs


def _cost(minor: int, currency: str) -> Legs:
    return (book.PROCESSOR_FEE, Money(minor, currency)), (book.CLEARING, Money(-minor, currency))


def _difference(row: ReconException) -> Legs:
    """The sums, and where what the processor kept differs too, that as well."""
    legs = _held_or_unexplained(row, row.amount_minor, row.currency) if row.amount_minor else ()
    fee = _fee_apart(row)
    return (*legs, *_cost(fee, row.currency)) if fee else legs


def _fee_apart(row: ReconException) -> int:
    """How much more the processor kept than was booked, where sum and fee are both told."""
    return int(row.theirs.get("fee_minor") or 0) - int(row.ours.get("fee_minor") or 0) if row.kind == "amount_mismatch" else 0


def _rounding(row: ReconException) -> Legs:
    return (book.CLEARING, row.amount), (book.ROUNDING, -row.amount)


def _fee(row: ReconException) -> Legs:
    return _cost(row.amount_minor, row.currency)


def _kept_by_processor(row: ReconException) -> Legs:
    """It paid out less, or line by line took something, and says it is its own."""
    minor = -int(row.theirs["net_minor"]) if "net_minor" in row.theirs else -row.amount_minor
    return _cost(minor, row.currency)


def _other_currency(row: ReconException) -> Legs:
    """What we booked in one currency goes, what the processor holds in another comes: two halves, each of which comes to zero by itself."""
    ours, theirs = int(row.ours["amount_minor"]), int(row.theirs["gross_minor"])
    gone = _held_or_unexplained(row, -ours, str(row.ours["currency"]))
    come = _held_or_unexplained(row, theirs, str(row.theirs["currency"]))
    fees = (-int(row.ours.get("fee_minor", 0)), row.ours["currency"]), (int(row.theirs.get("fee_minor", 0)), row.theirs["currency"])
    return (*gone, *come, *(leg for fee, currency in fees if fee for leg in _cost(fee, str(currency))))


def _left_between(row: ReconException) -> Legs:
    """What a line says more or less than the entries it is linked with."""
    minor = left_over(row).minor
    return _held_or_unexplained(row, minor, row.currency) if minor else ()


def _nothing(row: ReconException) -> Legs:
    return ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to end it. `legs` is the suggested journal; none where nothing is booked."""

    act: str
    legs: Callable[[ReconException], Legs]
    safe: bool = False  # may be done to many at once


KEEP = Way("keep", _nothing, safe=True)
WAYS: dict[str, tuple[Way, ...]] = {
    "missing_in_ledger": (Way("hold", _hold), Way("link", _left_between), Way("cost", _kept_by_processor), KEEP),
    "missing_at_processor": (Way("difference", _difference), KEEP),
    "amount_mismatch": (Way("difference", _difference), Way("rounding", _rounding), Way("arrived", _nothing), KEEP),
    "fee_mismatch": (Way("fee", _fee, safe=True), KEEP),
    "currency_mismatch": (Way("other_currency", _other_currency), KEEP),
    "duplicate_external": (KEEP,),
    "duplicate_payment": (Way("give_back", _nothing), KEEP),
    "late_payment": (KEEP,),  # the money is the seller's, who decides
    "status_conflict": (Way("ask", _nothing, safe=True), KEEP),
    "settlement_sum": (Way("cost", _kept_by_processor), KEEP),
    "bank_missing": (Way("lost", _nothing), KEEP),
    "bank_unknown": (KEEP,),
    "stale_in_flight": (Way("ask", _nothing, safe=True), KEEP),
    "balance_break": (Way("difference", _difference), KEEP),
    "cut_off": (KEEP,),
}
MOST_ROUNDED = 1  # minor unit; more than that is no rounding


def ways_of(row: ReconException) -> list[Way]:
    """What may be done about it now, the suggestion first."""
    found = []
    for way in WAYS[row.kind]:
        if way.act == "link" and not candidates(row):
            continue
        if way.act == "rounding" and (abs(row.amount_minor) > MOST_ROUNDED or _fee_apart(row)):
            continue
        if way.act == "cost" and (row.theirs.get("net_minor", row.amount_minor) >= 0 or row.source in ("bank", "books")):
            continue
        if way.act in ("hold", "difference", "rounding") and (
            row.source == "books" or (row.source == "bank" and row.kind != "balance_break")
        ):
            continue
        if way.act == "difference" and row.source == "bank":
            continue  # the bank's own account is mended line by line, where its lines are
        if (way.act == "other_currency" and row.source == "bank") or (way.act == "arrived" and row.source != "bank"):
            continue
        found.append(way)
    if row.kind == "missing_in_ledger" and row.theirs.get("category") == "fee":
        found.sort(key=lambda way: way.act != "cost")
    return found


def journal_of(row: ReconException, way: Way) -> Journal | None:
    """The journal it would post, in the book it belongs to; None where nothing is booked."""
    legs = way.legs(row)
    if not any(amount for _, amount in legs):
        return None
    owner = row.book if row.book is not None and row.kind not in ("missing_in_ledger", "settlement_sum", "balance_break") else book.PLATFORM
    return book.corrected(
        owner, row.mode, key=f"{row.public_id}:{row.version + 1}", about=row.about or row.public_id, source=row.source, legs=legs, at=now()
    )


def needs_two(row: ReconException) -> bool:
    """Whether it is worth more than one person decides alone. A large sum of which the processor kept nearly all is not a small one; nor is
    what we booked in another currency, or what a small line is linked with."""
    limits = settings().reconciliation_limits
    return any(abs(minor) > limits.get(currency, 0) for currency, minor in _at_stake(row))


def _at_stake(row: ReconException) -> list[tuple[str, int]]:
    sums = [(row.currency, row.amount_minor), (row.currency, _fee_apart(row))]
    if row.kind == "missing_in_ledger":
        sums += [(row.currency, int(row.theirs.get(name) or 0)) for name in ("gross_minor", "fee_minor")]
    if row.kind == "currency_mismatch":
        sums += [(str(row.ours["currency"]), int(row.ours.get(name) or 0)) for name in ("amount_minor", "fee_minor")]
    return sums + [(one.currency, int(one.ours["amount_minor"])) for one in linked_with(row)]


# --- ending it -------------------------------------------------------------------------------------------------------------------


def resolve(row: ReconException, *, act: str, reason: str, by: str, version: int | None = None, other: str = "") -> bool:
    """End it in this way, or propose to when it is above the limit. True when it has ended.

    `other` names what it is linked with, where that is the way. Refuses a way its class does not have, and an exception that has changed since it was looked at (`version`).
    """
    row = lock(row)
    way = _way(row, act)
    if version is not None and version != row.version:
        raise HasMovedOn("This has changed since you looked at it. Please read it again.")
    if act == "ask":
        if row.state not in ASKABLE:
            raise Conflict("Somebody has decided about this already. Please look again.")
        if not ask_again(row, by=by):
            raise Refusal("There is nobody who could be asked about this.", field="act")
        return False
    row.counterpart = ""
    if act == "link":
        choose(row, other)
    row.act, row.reason, row.owner = act, reason.strip()[:LONGEST_REASON], row.owner or by
    if needs_two(row):
        move(row, "proposed")
        row.proposed_by = by
        write_down(row, "proposed", by, act=act, reason=row.reason)
        return False
    _end(row, way, by=by)
    return True


def agree(row: ReconException, *, by: str, version: int | None = None) -> None:
    """A second person agrees to what was proposed."""
    row = lock(row)
    if row.state != "proposed":
        raise Conflict("Nothing is proposed here any more.")
    if version is not None and version != row.version:
        raise HasMovedOn("This has changed since you looked at it. Please read it again.")
    if row.proposed_by == by:
        raise NeedsASecondPerson("Somebody else has to agree to what you proposed.")
    if row.act == "link":
        check_still_there(row)
    _end(row, _way(row, row.act), by=by)


def decline(row: ReconException, *, by: str, reason: str) -> None:
    """A proposal is not agreed to, or taken back: it is open again."""
    row = lock(row)
    if row.state != "proposed":
        raise Conflict("Nothing is proposed here any more.")
    move(row, "open")
    row.act, row.proposed_by = "", ""
    write_down(row, "declined", by, reason=reason.strip()[:LONGEST_REASON])


def _way(row: ReconException, act: str) -> Way:
    for way in ways_of(row):
        if way.act == act:
            return way
    raise Refusal("Choose one of the ways that are offered.", field="act")


def _end(row: ReconException, way: Way, *, by: str) -> None:
    journal = journal_of(row, way)
    move(row, "resolved")
    if journal is not None:
        post([journal])
    if way.act in _BEYOND:
        _BEYOND[way.act](row, by)
    row.resolved_by, row.resolved_at = by, now()
    key = journal.event_key if journal else ""
    write_down(row, "resolved", by, act=way.act, reason=row.reason, journal=key)
    consume(row)
    record(
        book.PLATFORM, actor=by, action="reconciliation.resolved", subject=row.public_id, mode=row.mode, kind=row.kind, act=way.act, reason=row.reason,
        amount=str(row.amount), journal=key, proposed_by=row.proposed_by,
    )  # fmt: skip


def _lose(row: ReconException, by: str) -> None:
    """A payout that will not arrive: the processor holds the money again, share by share."""
    payout = db.session.get_one(ReconSettlement, (row.mode, row.source, str(row.theirs["external_id"])), with_for_update=True)
    if payout.line is not None:
        raise Conflict("The bank has shown it since.")
    lose(payout, key=f"{row.public_id}:{row.version + 1}")


def _arrive(row: ReconException, by: str) -> None:
    """The line is that payout, although it brought another sum: what is missing is what a bank charged, what is too much is nobody's yet."""
    payout = db.session.scalars(
        select(ReconSettlement)
        .where(ReconSettlement.mode == row.mode, ReconSettlement.external_id == str(row.ours["external_id"]))
        .with_for_update()
    ).one()
    if payout.line is not None:
        raise Conflict("This payout has arrived since, with another line.")
    line = line_is_a_settlement(get_line(row.mode, str(row.theirs["line"])), payout=payout.external_id, by=by, reason=row.reason)
    book_arrival(payout, line, rule=SAME_ID)
    key = f"{row.public_id}:{row.version + 1}"
    post([book.arrival_differs(row.mode, key=key, about=line.public_id, account=line.account, difference=row.amount, at=now())])


def _give_back(row: ReconException, by: str) -> None:
    """Money that was taken twice goes back to whoever paid it. It is held as unapplied, and was never the seller's."""
    vendor = db.session.get_one(Vendor, row.book)
    give_back(vendor, get_payment(vendor, row.mode, row.about), charge=str(row.theirs["source_id"]), by=by, form_token=row.public_id)


def _link(row: ReconException, by: str) -> None:
    """The line and all that was booked about that payment or refund are one fact: none of it is brought up again."""
    for other in check_still_there(row):
        move(other, "resolved")
        other.act, other.reason, other.counterpart = "link", row.reason, row.public_id
        other.owner, other.proposed_by, other.resolved_by, other.resolved_at = other.owner or by, "", by, now()
        write_down(other, "resolved", by, act="link", reason=row.reason, linked=row.public_id)
        _, booked, leg = other.key.split(":")
        _matched(other, uuid.UUID(booked), int(leg), external=row.key)
        row.book, row.about = other.book, other.about


_BEYOND: dict[str, Callable[[ReconException, str], None]] = {"lost": _lose, "arrived": _arrive, "give_back": _give_back, "link": _link}


def consume(row: ReconException) -> None:
    """What it was about is dealt with: no later look brings it up again."""
    if row.kind in ("missing_in_ledger", "amount_mismatch", "fee_mismatch", "currency_mismatch", "status_conflict") and row.source not in (
        "bank",
        "books",
    ):
        line = ReconLine.mode == row.mode, ReconLine.source == row.source, ReconLine.external_id == row.key, ReconLine.state == "new"
        db.session.execute(update(ReconLine).where(*line).values(state="matched", rule=SAME_ID, book=row.book or book.PLATFORM))
    if row.kind in ("amount_mismatch", "fee_mismatch", "currency_mismatch") and row.book is not None and "event_key" in row.ours:
        keys = [str(row.ours["event_key"]), f"fee:{row.source}:{row.key}"]
        mine = select(Booked.id).where(Booked.vendor_id == row.book, Booked.mode == row.mode, Booked.event_key.in_(keys))
        for journal in db.session.scalars(mine):
            _matched(row, journal, None)
    if row.kind == "missing_at_processor":
        _, booked, leg = row.key.split(":")
        _matched(row, uuid.UUID(booked), int(leg))


def _matched(row: ReconException, journal: uuid.UUID, leg: int | None, *, external: str = "") -> None:
    """Its entries on the processor's account count as matched, by a person's word."""
    mine = select(Entry.leg).where(
        Entry.vendor_id == row.book, Entry.mode == row.mode, Entry.journal_id == journal, Entry.code == book.CLEARING
    )
    legs = [leg] if leg is not None else list(db.session.scalars(mine))
    external = external or (row.public_id if row.kind == "missing_at_processor" else row.key)
    for one in legs:
        values = {
            "vendor_id": row.book, "mode": row.mode, "journal_id": journal, "leg": one, "source": row.source, "external_id": external,
            "rule": SAME_ID, "at": now(),
        }  # fmt: skip
        db.session.execute(insert(ReconMatch).values(**values).on_conflict_do_nothing())
