"""The time machine: moves a test subscription's clock to a later moment, from one thing that falls due to the next, and waits for each answer of the card.

It goes in small steps, each a unit of work of its own: a worker that is killed loses nothing, and who repeats a step finds it done.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select

from core.accounts.queries import find_vendor
from core.billing.calendar import DAY, boundary, first_instant, local_date
from core.billing.carry_out import finalise_due_of
from core.billing.clock import LiveClock, clock_of, move_clock, next_moment
from core.billing.clock_models import ClockAdvance
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.queries import read
from core.billing.store import catch_up
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, lock_again, locked
from core.kernel.errors import Conflict, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import enqueue, is_waiting
from core.kernel.sentence import said

GOALS = ("day", "charge", "period", "month", "date")
MONTHS_ON = 24  # in one go
MOST_AHEAD = timedelta(days=3650)  # of the real clock, in all
LOOK_AGAIN = timedelta(seconds=1)
GIVE_UP = timedelta(minutes=5)  # no answer for so long: it says so and stops
CHARGE_WITHIN = 13  # months in which a next charge is looked for

After = Callable[[KeptSubscription], None]


class ClockRuns(Conflict):
    """One journey at a time."""

    code = "clock_runs"


class NoSuchMoment(Refusal):
    """Not a moment that the clock can go to."""

    code = "no_such_moment"


def begin_advance(row: KeptSubscription, goal: str, *, by: str, day: date | None = None) -> ClockAdvance:
    """Ask for the clock to be moved: "day" or "month" on, to the "charge" that comes next, the "period"'s end, or a "date".

    Refuses in live mode, while another move is under way, and a day that has begun already or lies too far ahead.
    """
    row = lock_again(row)
    if row.mode != "test":
        raise LiveClock("The time machine is for test mode only: live money has its own time.")
    if find_running(row) is not None:
        raise ClockRuns("The clock is on its way already. Wait for it, or stop it first.")
    at = clock_of(row)
    target = _target(row, goal, day)
    if target - now() > MOST_AHEAD:
        raise NoSuchMoment("The clock is as far ahead as it goes. Begin again with a new plan.", field="day")
    made = ClockAdvance(
        vendor_id=row.vendor_id, mode=row.mode, id=uuid7(), public_id=public_id("clk"), subscription_id=row.id, goal=goal, state="running",
        why="", from_at=at, target_at=target, first_seq=row.events, last_seq=None, waits_for=None, waits_since=None, look_at=now(),
        asked_by=by, asked_at=now(), ended_at=None,
    )  # fmt: skip
    db.session.add(made)
    audit.record(_whose(row), actor=by, action="clock.moved", subject=row.public_id, goal=goal, to=target.date().isoformat())
    db.session.flush()
    _ask(made)
    return made


def _target(row: KeptSubscription, goal: str, day: date | None) -> datetime:
    state, at = read(row), clock_of(row)
    today = max(state.today, local_date(at, state.zone))
    match goal:
        case "day":
            return at + DAY
        case "month":
            return at + (boundary(today, 1) - today)
        case "period":
            return first_instant(max(state.period.end, today + DAY), state.zone)
        case "charge":
            return at + (boundary(today, CHARGE_WITHIN) - today)
        case "date":
            return first_instant(_checked(day, today), state.zone)
    raise ValueError(f"no such goal: {goal}")


def _checked(day: date | None, today: date) -> date:
    last = boundary(today, MONTHS_ON)
    if day is None:
        raise NoSuchMoment("Enter a day.", field="day")
    if day <= today:
        raise NoSuchMoment(said("The clock only goes forward. The first day it can go to is %(day)s.", day=today + DAY), field="day")
    if day > last:
        raise NoSuchMoment(said("It goes 24 months on at most, to %(day)s.", day=last), field="day")
    return day


def stop_advance(row: KeptSubscription, *, by: str) -> None:
    """Let the clock stand where it is. Nothing to stop is no mistake."""
    running = find_running(lock_again(row))
    if running is not None:
        _end(lock_again(running), row, "stopped", "asked")
        audit.record(_whose(row), actor=by, action="clock.stopped", subject=row.public_id)


def _whose(row: KeptSubscription) -> uuid.UUID:
    """In whose log it stands: the business that subscribes, or that whose customer does."""
    subscriber = find_vendor(row.subscriber) if row.subscriber.startswith("vnd_") else None
    return subscriber.id if subscriber else row.vendor_id


# --- on the way --------------------------------------------------------------------------------------------------------------


def go_on(vendor_id: uuid.UUID, mode: str, advance_id: uuid.UUID, *, after: After) -> bool:
    """One step: what is due now, or on to the next moment at which something will be. `after` follows up what happened.

    Answers whether the next step can be made at once; False when an answer is waited for, or all is over.
    """
    found = db.session.get(ClockAdvance, (vendor_id, mode, advance_id))
    row = locked(KeptSubscription, vendor_id, mode, found.subscription_id) if found else None  # first the subscription: everybody's order
    advance = locked(ClockAdvance, vendor_id, mode, advance_id)
    if row is None or advance is None or advance.state != "running":
        return False
    _run_due(row, after)
    if (charge := _unanswered(row)) is not None:
        return _wait(advance, row, charge)
    charged = advance.goal == "charge" and (advance.waits_for is not None or _has_charged(advance))
    advance.waits_for = advance.waits_since = None
    if charged or clock_of(row) >= advance.target_at:
        _end(advance, row, "done", "")
        return False
    coming = next_moment(row)
    if coming is not None and coming <= clock_of(row):
        advance.look_at = now() + LOOK_AGAIN  # it has fallen due this very moment
        return False
    row = move_clock(row, min(coming, advance.target_at) if coming else advance.target_at)
    _run_due(row, after)
    return True


def _run_due(row: KeptSubscription, after: After) -> None:
    catch_up(row)
    finalise_due_of(row)
    after(row)


def _unanswered(row: KeptSubscription) -> BillingCharge | None:
    """The oldest charge that is due or out, and has no answer."""
    mine = select(BillingCharge).where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode)
    due = or_(BillingCharge.state == "sent", (BillingCharge.state == "wanted") & (BillingCharge.due_at <= now()))
    return db.session.scalar(mine.where(BillingCharge.subscription_id == row.id, due).order_by(BillingCharge.id).limit(1))


def _wait(advance: ClockAdvance, row: KeptSubscription, charge: BillingCharge) -> bool:
    if advance.waits_for != charge.id or advance.waits_since is None:
        advance.waits_for, advance.waits_since = charge.id, now()
    if now() - advance.waits_since >= GIVE_UP:
        _end(advance, row, "stopped", "no_answer")
    else:
        advance.look_at = now() + LOOK_AGAIN
    return False


def _has_charged(advance: ClockAdvance) -> bool:
    """Whether a charge of this journey was answered before anybody waited for it."""
    mine = select(BillingCharge.id).where(BillingCharge.vendor_id == advance.vendor_id, BillingCharge.mode == advance.mode)
    answered = mine.where(BillingCharge.subscription_id == advance.subscription_id, BillingCharge.state.in_(("received", "refused")))
    return db.session.scalar(answered.where(BillingCharge.event_seq > advance.first_seq).limit(1)) is not None


def _end(advance: ClockAdvance, row: KeptSubscription, state: str, why: str) -> None:
    advance.state, advance.why, advance.ended_at, advance.last_seq = state, why, now(), row.events


def record_broken(vendor_id: uuid.UUID, mode: str, advance_id: uuid.UUID) -> None:
    """A step could not be made: the clock stands where it came to."""
    advance = locked(ClockAdvance, vendor_id, mode, advance_id)
    if advance is not None and advance.state == "running":
        _end(advance, db.session.get_one(KeptSubscription, (vendor_id, mode, advance.subscription_id)), "stopped", "broken")


# --- reading -----------------------------------------------------------------------------------------------------------------


def find_running(row: KeptSubscription) -> ClockAdvance | None:
    """The move that is under way."""
    return db.session.scalar(_of(row).where(ClockAdvance.state == "running"))


def list_advances(row: KeptSubscription, limit: int = 20) -> list[ClockAdvance]:
    """The moves of a subscription's clock, the newest first."""
    return list(db.session.scalars(_of(row).order_by(ClockAdvance.id.desc()).limit(limit)))


def ask_for_due(limit: int = 50) -> int:
    """By the clock: those under way that should be looked at again are each given to one worker; answers how many."""
    asked = is_waiting("advance_clock", ClockAdvance.vendor_id, mode=ClockAdvance.mode, advance=ClockAdvance.id)
    due = select(ClockAdvance).where(ClockAdvance.state == "running", ClockAdvance.look_at <= now(), ~asked)
    found = list(db.session.scalars(due.order_by(ClockAdvance.look_at).limit(limit).with_for_update(skip_locked=True)))
    for advance in found:
        _ask(advance)
    return len(found)


def _ask(advance: ClockAdvance) -> None:
    enqueue("advance_clock", advance.vendor_id, queue="papers", mode=advance.mode, advance=str(advance.id))


def _of(row: KeptSubscription) -> Select[tuple[ClockAdvance]]:
    mine = select(ClockAdvance).where(ClockAdvance.vendor_id == row.vendor_id, ClockAdvance.mode == row.mode)
    return mine.where(ClockAdvance.subscription_id == row.id)


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened from one event to another: the events, and the documents and charges they speak of."""

    events: list[SubscriptionEvent]
    documents: dict[int, BillingDocument]
    charges: dict[tuple[int, int], BillingCharge]


def seen_on_the_way(row: KeptSubscription, advance: ClockAdvance, most: int = 400) -> Seen:
    """What one move of the clock has brought so far, at most so many of the latest events."""
    last = row.events if advance.last_seq is None else advance.last_seq
    events = _mine(SubscriptionEvent, row).where(SubscriptionEvent.seq > advance.first_seq, SubscriptionEvent.seq <= last)
    found = list(db.session.scalars(events.order_by(SubscriptionEvent.seq.desc()).limit(most)))[::-1]
    first = found[0].seq if found else last + 1
    charges = db.session.scalars(_mine(BillingCharge, row).where(BillingCharge.event_seq >= first, BillingCharge.event_seq <= last))
    documents = db.session.scalars(_mine(BillingDocument, row).where(BillingDocument.made_at >= advance.asked_at))
    return Seen(found, {each.ordinal: each for each in documents}, {(each.event_seq, each.place): each for each in charges})


def _mine(model: Any, row: KeptSubscription) -> Select[Any]:
    return select(model).where(model.vendor_id == row.vendor_id, model.mode == row.mode, model.subscription_id == row.id)
