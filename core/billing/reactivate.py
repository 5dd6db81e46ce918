"""Coming back from a suspension: what is owed and the rest of the period in one charge; nothing changes before it is paid."""

from __future__ import annotations

from dataclasses import replace

from core.billing import gate, proration, states
from core.billing.balance import pay_open
from core.billing.lines import Line
from core.billing.subscription import Step, Subscription
from core.kernel.errors import Conflict


class NotSuspended(Conflict):
    """There is nothing to come back from."""

    code = "not_suspended"


def stub_lines(state: Subscription) -> list[Line]:
    """The plan and its branches from today to the next boundary; the anchor is what it was."""
    lines = [proration.plan_line(state, state.tier, state.today)]
    if state.branches.count:
        lines.append(proration.branch_line(state, state.branches.count, state.today, lines))
    return lines


def reactivate(state: Subscription) -> Step:
    """Ask for the debt and the stub together. What the gateway would refuse as too little counts at once and waits for the renewal."""
    if state.status != states.SUSPENDED:
        raise NotSuspended("The subscription is not suspended.")
    state, dropped = gate.drop(state)
    state, used = pay_open(state)
    lines = stub_lines(state)
    held, effects = gate.hold(state, gate.REACTIVATE, state.tier, lines, branches=state.branches.count, debts=state.unpaid, charge=False)
    charge = gate.charge_for(held, state.unpaid)
    if charge.amount < state.terms.gateway_minimum:
        carried = tuple(replace(owed, standing="carried") for owed in held.open)
        held, taken = gate.take_up(replace(held, open=carried))
        return held, (*dropped, *used, *effects, *taken)
    return held, (*dropped, *used, *effects, charge)
