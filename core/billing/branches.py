"""Branches: usable at once, netted over the local day, billed as one line when the day closes."""

from __future__ import annotations

from dataclasses import replace

from core.billing import proration, states
from core.billing.calendar import DAY
from core.billing.documents import put
from core.billing.lines import Line
from core.billing.subscription import Step, Subscription
from core.kernel.errors import Conflict, Refusal

BILLED_IN = frozenset({states.ACTIVE, states.PAST_DUE})


class NoFewerBranches(Refusal):
    """The first branch belongs to every plan; only additional ones can go."""

    code = "no_fewer_branches"


class BranchesBlocked(Conflict):
    """The last charge for branches was declined; no further branch until it is paid."""

    code = "branches_blocked"


def set_branches(state: Subscription, count: int) -> Step:
    """So many additional branches from now on. Billed when the day closes; refuses below none, and more while a charge is unpaid."""
    if count < 0:
        raise NoFewerBranches("The first branch belongs to your plan and stays.", field="branches")
    if state.status not in states.MAY_EDIT:
        raise Conflict("Branches cannot be changed while the subscription is suspended or cancelled.")
    held = state.branches
    if held.blocked and count > held.count:
        raise BranchesBlocked("The charge for your last new branches was declined. Pay it, then add further ones.", field="branches")
    return replace(state, branches=replace(held, count=count, peak=max(held.peak, count))), ()


def delta_lines(state: Subscription, drafted: list[Line]) -> list[Line]:
    """From today on: what the count has grown or shrunk since it was last billed, as one line where it grew."""
    more = state.branches.count - state.branches.billed
    if more > 0:
        return [proration.branch_line(state, more, state.today, drafted)]
    return proration.branches_ended(state, -more, state.today)


def day_lines(state: Subscription) -> tuple[list[Line], Subscription]:
    """The lines of the day that closes, and the count of days on which branches came and went."""
    held = state.branches
    lines = delta_lines(state, [])
    grown = replace(held, billed=held.count, most=max(held.most, held.count))
    passing = held.peak - max(held.opening, held.count)
    if passing > 0:
        grown = replace(grown, toggle_days=held.toggle_days + 1)
        if grown.toggle_days > state.terms.free_toggle_days:
            grown = replace(grown, most=max(grown.most, held.peak))
            closed = replace(state, branches=grown)
            line = proration.branch_line(closed, passing, state.today, lines, until=state.today + DAY)
            lines.append(line)
    return [line for line in lines if line.corrects is not None or line.amount or line.end == state.period.end], replace(
        state, branches=grown
    )


def close_day(state: Subscription) -> Step:
    """At midnight, for the day that ends: one document for its branches, or pending lines when the renewal follows at once."""
    if state.status not in BILLED_IN:
        return replace(state, branches=replace(state.branches, opening=state.branches.count, peak=state.branches.count)), ()
    lines, state = day_lines(state)
    state, effects = put(state, lines, origin="branches", hold=state.today + DAY == state.period.end)
    held = state.branches
    return replace(state, branches=replace(held, opening=held.count, peak=held.count)), effects
