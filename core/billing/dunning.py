"""Unpaid invoices: retries by the calendar, suspension that owes used days only. An outage is no decline and never comes here: core/payments/outage.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256

from core.billing import proration, states
from core.billing.booking import drop_drafts
from core.billing.calendar import DAY
from core.billing.documents import give_back, wanted
from core.billing.effects import Effect, Notice, RetriesStopped
from core.billing.lines import BRANCH, PLAN, sum_of
from core.billing.subscription import Dunning, Step, Subscription, move
from core.billing.terms import Terms

FROM_HOUR, TO_HOUR = 10, 18


@dataclass(frozen=True, slots=True)
class Schedule:
    """The days of an unpaid period, counted from its first decline."""

    retries: tuple[date, ...]
    suspended: date
    cancelled: date


def schedule(since: date, terms: Terms) -> Schedule:
    """When is tried again, when the service stops, when the subscription ends."""
    return Schedule(
        tuple(since + days * DAY for days in terms.retry_days), since + terms.suspend_after * DAY, since + terms.cancel_after * DAY
    )


def varied(key: str, span: int) -> int:
    """A number below `span` that looks random and is the same each time."""
    return int.from_bytes(sha256(key.encode()).digest()[:8], "big") % span


def retry_minute(key: str, attempt: int) -> int:
    """At which minute of the local day a retry is made: between 10 and 18 o'clock, another one each time."""
    return FROM_HOUR * 60 + varied(f"{key}:{attempt}", (TO_HOUR - FROM_HOUR) * 60)


def decline(state: Subscription, *, hard: bool) -> Step:
    """What is open was declined. The first time the subscription falls behind; full service goes on until the suspension."""
    due = sum_of((owed.due for owed in state.unpaid), state.currency)
    effects: list[Effect] = []
    if state.dunning is None:
        state = replace(state, dunning=Dunning(state.today, hard, stopped=state.status == states.CANCELLED))
        if state.status == states.ACTIVE:
            state, moved = move(state, states.PAST_DUE)
            effects += moved
    else:
        dunning = state.dunning
        state = replace(state, dunning=replace(dunning, hard=dunning.hard or hard, attempts=dunning.attempts + 1))
    assert state.dunning is not None
    days = schedule(state.dunning.since, state.terms)
    coming = next((day for day in days.retries if day > state.today), None)
    if state.dunning.stopped or state.status in (states.SUSPENDED, states.CANCELLED):
        return state, tuple(effects)
    if state.dunning.hard:
        effects.append(Notice("card_refused", state.today, days.suspended, due, "new card", until=days.suspended))
    elif coming is not None:
        effects.append(Notice("payment_failed", state.today, coming, due, until=days.suspended))
    else:
        effects.append(Notice("payment_failed", state.today, days.suspended, due, "last", until=days.suspended))
    return state, tuple(effects)


def warn(state: Subscription) -> Step:
    """The day before the suspension: told whatever the card has said or not said, so that nobody is suspended unawares."""
    dunning = state.dunning
    if dunning is None or dunning.stopped or state.status not in (states.PAST_DUE, states.HIBERNATING):
        return state, ()
    days = schedule(dunning.since, state.terms)
    if state.today != days.suspended - DAY:
        return state, ()
    due = sum_of((owed.due for owed in state.unpaid), state.currency)
    return state, (Notice("suspension_ahead", state.today, days.suspended, due, until=days.cancelled),)


def retry(state: Subscription) -> Step:
    """On a day of the schedule: one attempt for everything that is owed, at an hour of its own."""
    dunning = state.dunning
    if dunning is None or dunning.hard or dunning.stopped or not state.unpaid or state.status == states.SUSPENDED:
        return state, ()
    if state.today not in schedule(dunning.since, state.terms).retries:
        return state, ()
    return ask(state, at_minute=retry_minute(state.key, dunning.attempts + 1))


def ask(state: Subscription, *, at_minute: int | None = None) -> Step:
    """One attempt for everything that is owed. Has that become too little for the gateway, it is carried, and nobody is behind for it."""
    attempt = state.dunning.attempts + 1 if state.dunning is not None else 1
    charge = wanted(state, state.unpaid, attempt=attempt, at_minute=at_minute)
    if charge.amount >= state.terms.gateway_minimum:
        return state, (charge,)
    return recover(replace(state, open=tuple(replace(owed, standing="carried") for owed in state.open)))


def suspend(state: Subscription) -> Step:
    """After the last retry: the unused days are taken off the open invoice, so the debt is the days of service."""
    dunning = state.dunning
    if dunning is None or dunning.stopped or state.status not in (states.PAST_DUE, states.HIBERNATING):
        return state, ()
    days = schedule(dunning.since, state.terms)
    if state.today < days.suspended:
        return state, ()
    return stop_service(state, cancelled=days.cancelled)


def stop_service(state: Subscription, *, cancelled: date) -> Step:
    """Out of search, nothing is billed any more, and the unused days of what runs are credited."""
    state, dropped = drop_drafts(state)
    state, credited = give_back(state, proration.ended(state, state.today, PLAN, BRANCH), origin="suspension")
    state, moved = move(state, states.SUSPENDED)
    state = replace(
        state, planned=None, episode=None, hibernating_since=None, resume_confirmed=False, wakes_on=None,
        branches=replace(state.branches, billed=0),
    )  # fmt: skip
    due = sum_of((owed.due for owed in state.open), state.currency)
    return state, (*dropped, *credited, *moved, Notice("suspended", state.today, cancelled, due, until=cancelled))


def trial_without_card(state: Subscription) -> Step:
    """A trial ended and no card was there: nothing is owed, the listing rests, and adding a card brings it back."""
    state = replace(state, dunning=Dunning(state.today, hard=True))
    return stop_service(state, cancelled=schedule(state.today, state.terms).cancelled)


def recover(state: Subscription) -> Step:
    """Nothing is unpaid any more: the dunning is over and what was planned of it is taken back."""
    if state.dunning is None or state.unpaid or state.status in (states.SUSPENDED, states.CANCELLED):
        return state, ()
    state = replace(state, dunning=None)
    effects: list[Effect] = [RetriesStopped(()), Notice("recovered", state.today)]
    if state.status == states.PAST_DUE:
        state, moved = move(state, states.ACTIVE)
        effects += moved
    return state, tuple(effects)
