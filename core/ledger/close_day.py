"""A day is closed: asked for with a reason, refused while a sum is broken, shut, proved, and then it stays as it is.

Shutting takes two steps, so that nobody who books has to wait. First the day is marked: from then on PostgreSQL moves or refuses what would take
effect on it. Transactions that were under way may not have seen the mark; when all of them have ended, what the day came to can change no more.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

import structlog
from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NeedsASecondPerson, Refusal
from core.kernel.outbox import enqueue
from core.kernel.sentence import said
from core.ledger.chain import AUDIT, HOUSE, Key
from core.ledger.chain_models import Chain, ChainLink
from core.ledger.day_facts import anchor_heads, facts_of
from core.ledger.day_models import DayPaper, LedgerDay
from core.ledger.days import is_next
from core.ledger.hindrances import OpenBreak, broken_sums, open_breaks
from core.ledger.models import Proof
from core.ledger.proof import take_up_new_books

SHORTEST_REASON, LONGEST_REASON = 8, 500
log = structlog.get_logger("ledger")


class DayHindered(Refusal):
    """Something is not in order, and the day cannot be closed over it."""

    code = "day_hindered"


class NotTheNextDay(Refusal):
    """Days are closed one after the other, when they are over."""

    code = "not_the_next_day"


def request_close(mode: str, day: date, *, by: str, reason: str, accept: frozenset[str] = frozenset()) -> LedgerDay:
    """Sign a day off. It is shut at once, or waits for a second person where a large break is accepted.

    Refuses while a sum is broken and while a break is open that is not among those accepted (by their keys), and a reason that says nothing
    at its field.
    """
    reason = reason.strip()
    _one_at_a_time(mode)
    row = locked(LedgerDay, mode, day)
    if row is not None and row.state in ("closing", "closed"):
        return row  # pressed twice
    if not is_next(mode, day):
        raise NotTheNextDay("Days are closed one after the other, when they are over. This is not the next one.")
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        few, many = SHORTEST_REASON, LONGEST_REASON
        words = said("Say what you looked at in %(least)s to %(most)s characters: it stands on the day’s paper.", least=few, most=many)
        raise Refusal(words, field="reason")
    found = _check(mode, day, accept)
    if row is None:
        row = LedgerDay(mode=mode, day=day)
        db.session.add(row)
    row.asked_by, row.asked_at, row.reason, row.hindrances = by, now(), reason, []
    row.signed_by = row.signed_at = row.fence = None
    row.accepted = [_kept(one) for one in found]
    audit.record(
        HOUSE, actor=by, action="day.asked", subject=f"{mode} {day}", reason=reason[:200], accepted=[one.key for one in found][:20]
    )
    if any(one.needs_two for one in found):
        row.state = "requested"
    else:
        _shut(row)
    return row


def sign_close(mode: str, day: date, *, by: str) -> LedgerDay:
    """The second person agrees. Looked at anew: what has turned up since the first one signed was not seen by them."""
    row = locked(LedgerDay, mode, day)
    if row is None or row.state != "requested":
        raise NotTheNextDay("This day does not wait for a second person any more.")
    if row.asked_by == by:
        raise NeedsASecondPerson("Somebody else has to sign what you asked for.")
    found = _check(mode, day, frozenset(one["key"] for one in row.accepted))
    if any(_kept(one) not in row.accepted for one in found):
        raise DayHindered("A break that was accepted is another one by now. Ask for the closing again, with what it is today.")
    row.signed_by, row.signed_at = by, now()
    audit.record(HOUSE, actor=by, action="day.signed", subject=f"{mode} {day}")
    _shut(row)
    return row


def _one_at_a_time(mode: str) -> None:
    """Two at the same moment queue here: a day that nobody has asked for yet has no row that could be held."""
    db.session.execute(select(func.pg_advisory_xact_lock(0x646179, 1 if mode == "live" else 0)))


def _check(mode: str, day: date, accept: frozenset[str]) -> list[OpenBreak]:
    if broken_sums(mode):
        raise DayHindered("A sum in the books is broken. No day is closed until it is mended: see Proofs of the books.")
    found = open_breaks(mode, day)
    if any(one.final for one in found):
        raise DayHindered("Two sources differ in their sums. No day is closed over that: it has to be explained first.")
    left = [one for one in found if one.key not in accept]
    if left:
        raise DayHindered(
            said("Breaks that are neither explained nor accepted: %(count)s. Explain each, or accept it with your reason.", count=len(left))
        )
    return found


def _kept(one: OpenBreak) -> dict[str, object]:
    amount = {"minor": one.amount.minor, "currency": one.amount.currency} if one.amount else {}
    return {"key": one.key, "sentence": str(one.sentence), **amount}


def _shut(row: LedgerDay) -> None:
    row.state, row.fence = "closing", None
    enqueue("close_day", HOUSE, queue="papers", mode=row.mode, day=row.day.isoformat())


# --- what the worker does, step by step; each may be done twice -------------------------------------------------------------------


def put_up_fence(mode: str, day: date) -> bool:
    """Note which transactions are new enough to have seen that the day is shut; answers whether all older ones have ended."""
    row = locked(LedgerDay, mode, day)
    if row is None or row.state != "closing":
        return False
    if row.fence is None:  # in a transaction after the one that shut the day: whoever has a later number sees it
        row.fence = int(db.session.execute(text("SELECT pg_current_xact_id()::text::bigint")).scalar_one())
        return False
    ended = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > :fence")
    if not db.session.execute(ended, {"fence": row.fence}).scalar():
        return False
    take_up_new_books()  # one that has just begun belongs to the day too
    return True


def is_closing(mode: str, day: date) -> bool:
    """Whether there is still something to do."""
    row = db.session.get(LedgerDay, (mode, day), populate_existing=True)
    return row is not None and row.state == "closing"


def next_to_link(mode: str, day: date) -> Key | None:
    """A chain that has not been swept since the fence stood: a journal of the day could still be missing from it."""
    row = db.session.get_one(LedgerDay, (mode, day), populate_existing=True)
    swept = exists().where(
        Chain.vendor_id == Proof.vendor_id, Chain.mode == Proof.mode, Chain.what == "journals", Chain.swept_below > row.fence
    )
    book = db.session.execute(select(Proof.vendor_id, Proof.mode).where(Proof.mode == mode, ~swept).limit(1)).one_or_none()
    if book is not None:
        return Key(*book)
    over_the_log = db.session.get(Chain, tuple(AUDIT), populate_existing=True)
    return AUDIT if over_the_log is None or over_the_log.swept_below <= (row.fence or 0) else None


def next_to_prove(mode: str, day: date) -> tuple[uuid.UUID, str] | None:
    """A book in which something took effect on this day and that was not proved since its closing was asked for; or the house's own."""
    row = db.session.get_one(LedgerDay, (mode, day), populate_existing=True)
    moved = exists().where(ChainLink.mode == mode, ChainLink.day == day, ChainLink.vendor_id == Proof.vendor_id)
    due = select(Proof.vendor_id, Proof.mode).where(or_(Proof.proven_at.is_(None), Proof.proven_at < row.asked_at))
    own = (Proof.mode == mode) & moved
    found = db.session.execute(due.where(or_(own, Proof.vendor_id == HOUSE)).order_by(Proof.vendor_id, Proof.mode).limit(1)).one_or_none()
    return (found[0], found[1]) if found else None


def finish_close(mode: str, day: date, people: Mapping[str, str]) -> LedgerDay | None:
    """All is linked and proved: close the day, or open it again and say what is broken. None when it is not being closed (any more).
    `people` says what the staff are called; of those who signed it is written down for good."""
    row = locked(LedgerDay, mode, day)
    if row is None or row.state != "closing":
        return None
    broken = broken_sums(mode)
    facts = facts_of(row)
    broken += [f"{total['currency']}: debit and credit of the day differ" for total in facts["totals"] if total["debit"] != total["credit"]]
    if broken:
        row.state, row.hindrances, row.fence = "hindered", broken[:20], None
        log.error("day_hindered", mode=mode, day=str(day), breaks=row.hindrances)
        audit.record(HOUSE, actor="system", action="day.hindered", subject=f"{mode} {day}")
        return row
    facts |= anchor_heads(mode, day)
    row.state, row.closed_at = "closed", now()
    signers = {by: people[by] for by in (row.asked_by, row.signed_by) if by in people}
    row.facts = {**facts, "people": signers, "closed_at": row.closed_at.isoformat(timespec="seconds")}
    audit.record(HOUSE, actor="system", action="day.closed", subject=f"{mode} {day}", chains=facts["heads_sum"])
    enqueue("print_day", HOUSE, queue="papers", mode=mode, day=day.isoformat())
    return row


def keep_paper(mode: str, day: date, *, pdf: bytes) -> tuple[DayPaper, bool]:
    """Keep it as it was printed; the first one stays. Answers it, and whether it is this one."""
    fresh = insert(DayPaper).values(mode=mode, day=day, pdf=pdf, sha256=sha256(pdf).hexdigest(), made_at=now())
    first = db.session.scalar(fresh.on_conflict_do_nothing().returning(DayPaper.day)) is not None
    return db.session.get_one(DayPaper, (mode, day)), first
