"""Cancelling: at the period's end, or from the next midnight with a credit. What waited is charged or waived, what is owed stays owed."""

from __future__ import annotations

from dataclasses import replace

from core.billing import gate, proration, states
from core.billing.booking import drop_drafts, pending_lines
from core.billing.calendar import DAY
from core.billing.documents import give_back, issue
from core.billing.effects import Effect, Notice, RetriesStopped, Written
from core.billing.lines import BRANCH, PLAN, sum_of, total
from core.billing.subscription import Planned, Step, Subscription, move, plan
from core.kernel.errors import Conflict


def cancel(state: Subscription, *, now: bool = False, paying: bool = False) -> Step:
    """Plan the end: the period's, or with `now` the next midnight. Whoever owes stops at the next midnight and owes the used days only.

    A change that waits for its payment is dropped, unless that payment is on its way (`paying`): paid, it counts until the end.
    """
    if state.status == states.CANCELLED:
        raise Conflict("The subscription is cancelled already.")
    state, effects = (state, ()) if paying else gate.drop(state)
    soon = now or state.dunning is not None or state.status == states.SUSPENDED
    stopped = (RetriesStopped(tuple(owed.document for owed in state.unpaid)),) if state.dunning is not None else ()
    owed = sum_of((each.due for each in state.unpaid), state.currency)
    on = state.today + DAY if soon else state.period.end
    planned = Planned("cancel", on=on if soon else None)
    noted = Notice("cancel_planned", state.today, on, owed or None, until=on + state.terms.export_days * DAY)
    ends = replace(plan(state, planned), wakes_on=None)  # the latest wish counts: whoever leaves does not wake up before
    return ends, (*effects, *stopped, *((noted,) if planned != state.planned else ()))


def keep(state: Subscription) -> Step:
    """Take a planned change back before its day has come. Retries that were stopped go on with the next day of the schedule."""
    kept = (Notice("plan_kept", state.today, state.period.end, detail=state.planned.kind),) if state.planned is not None else ()
    return plan(state, None), kept


def end(state: Subscription, *, charge: bool = True) -> Step:
    """The end itself: unused days come back, pending lines are charged a last time or waived, the status is final."""
    effects: list[Effect] = []
    for let_go in (gate.drop, drop_drafts):
        state, dropped = let_go(state)
        effects += dropped
    if state.today in state.period and state.status != states.SUSPENDED:
        state, credited = give_back(state, proration.ended(state, state.today, PLAN, BRANCH), origin="cancellation")
        effects += credited
    state, moved = move(state, states.CANCELLED)
    held = state.branches
    state = replace(state, planned=None, wakes_on=None, cancelled_on=state.today, episode=None, branches=replace(held, billed=0))
    state, last = _settle_pending(state, charge=charge)
    exported = state.today + state.terms.export_days * DAY
    notice = Notice("cancelled", state.today, exported, state.balance)
    return state, (*effects, *moved, *last, notice)


def _settle_pending(state: Subscription, *, charge: bool) -> Step:
    """What waited: given back, charged when the gateway takes it, else waived in the books; and what was carried is waived with it."""
    waiting = pending_lines(state)
    net = total(waiting, state.currency)
    effects: list[Effect] = []
    if net.minor < 0:
        state, given = issue(state, waiting, origin="cancellation", until="now")
        effects += given
    elif charge and waiting and (net >= state.terms.gateway_minimum or (net and state.balance >= net)):
        state, charged = issue(state, waiting, origin="cancellation", until="now")
        effects += charged
    elif waiting:
        state = replace(state, entries=tuple(entry for entry in state.entries if entry.document is not None))
        effects += [Written("waived", net)] if net else []
    carried = [owed for owed in state.open if owed.standing == "carried"]
    asked = any(owed.standing != "carried" for owed in state.open)
    if carried and not asked:
        amount = sum_of((owed.due for owed in carried), state.currency)
        effects.append(Written("waived", amount, tuple(owed.document for owed in carried)))
        state = replace(state, open=())
    return state, tuple(effects)


def write_off(state: Subscription) -> Step:
    """So many days after the first decline: what is still owed is a bad debt in the books, never a credit note."""
    dunning = state.dunning
    if dunning is None or (state.today - dunning.since).days < state.terms.cancel_after:
        return state, ()
    effects: list[Effect] = []
    if state.status != states.CANCELLED:
        state, effects_of_end = end(state, charge=False)
        effects += effects_of_end
    if state.open:
        amount = sum_of((owed.due for owed in state.open), state.currency)
        effects.append(Written("bad_debt", amount, tuple(owed.document for owed in state.open)))
    return replace(state, dunning=None, open=()), tuple(effects)
