"""What the card said: money that came is never refused, and a decline falls where it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.billing import cancel, change, dunning, gate, hibernate, limits, reactivate, states
from core.billing.balance import give, pay_open
from core.billing.begin import START
from core.billing.booking import drop_draft, finalise
from core.billing.change import plan_lines
from core.billing.documents import issue, pool, unblocked
from core.billing.effects import ChargeWanted, Effect, Finalised, Notice, Paid, TierChanged
from core.billing.lines import BRANCH
from core.billing.renew import Offer
from core.billing.subscription import Open, Step, Subscription, move
from core.billing.terms import Terms
from core.kernel.errors import Refusal
from core.kernel.money import Money


def receive(state: Subscription, documents: tuple[int, ...], amount: Money, *, coming: Terms | None = None) -> Step:
    """Money came for these documents. What is more than they still ask for becomes balance, so that no payment is ever lost.

    A change that was held for it counts from now on. Called once for one charge: the caller knows charges by their id.
    """
    effects: list[Effect] = []
    held = state.awaiting
    if held is not None and held.document.number in documents:
        state, taken = gate.take_up(state)
        effects += taken
    state, paid, left = _pay(state, documents, amount)
    effects += paid
    if any(isinstance(effect, Finalised) for effect in paid):
        state, waited = pool(state)  # credits that waited to know whether this would be paid
        effects += waited
    state, given = give(state, left, "overpaid", documents[0])
    effects += given
    state, recovered = dunning.recover(state)
    effects += recovered
    if left:
        state, late = _late(state, documents, coming)
        effects += late
    if held is not None and state.awaiting is None and held.kind in (gate.RESUME, gate.REACTIVATE):
        state, told = limits.look(state, coming=coming)
        effects += told
    return unblocked(state), tuple(effects)


def _pay(state: Subscription, documents: tuple[int, ...], amount: Money) -> tuple[Subscription, list[Effect], Money]:
    kept: list[Open] = []
    effects: list[Effect] = []
    for owed in state.open:
        if owed.document not in documents:
            kept.append(owed)
            continue
        if owed.draft is not None:
            state = finalise(state, owed.draft)
            effects.append(Finalised(owed.document))
        taken = min(amount, owed.due)
        amount, left = amount - taken, owed.due - taken
        if left:  # less came than was asked for: the rest of a draft goes with the next charge, a debt stays a debt
            standing = owed.standing if owed.draft is None else "carried"
            kept.append(replace(owed, due=left, standing=standing, draft=None, from_balance=None))
        else:
            effects.append(Paid(owed.document))
    return replace(state, open=tuple(kept)), effects, amount


def _late(state: Subscription, documents: tuple[int, ...], coming: Terms | None) -> Step:
    """More came than was owed: money for a draft that had lapsed, or for an invoice that a suspension made smaller. It does what it was for."""
    if state.status == states.SUSPENDED and not state.unpaid:
        tried, effects = reactivate.reactivate(state)
        return (tried, effects) if tried.awaiting is None else (state, ())
    lapsed, held = state.lapsed, state.awaiting
    if held is not None and gate.charge_for(state).amount < state.terms.gateway_minimum:
        return gate.take_up(state)
    if lapsed is None or held is not None or not {lapsed.document.number, *lapsed.earlier} & set(documents):
        return state, ()
    try:
        if lapsed.kind == gate.RESUME:
            tried, effects = hibernate.resume(state, coming=coming)
        else:
            tried, effects = change.choose_tier(state, lapsed.tier)
    except Refusal:
        return state, ()  # the wish no longer fits; the money stays on the balance
    return (tried, effects) if tried.awaiting is None and tried.tier == lapsed.tier else (state, ())


def refuse(state: Subscription, documents: tuple[int, ...], *, hard: bool = False) -> Step:
    """The charge for these documents was declined (a demand for the payer's action counts as one, with a link to pay)."""
    held = state.awaiting
    if held is not None and held.document.number in documents:
        return _refuse_held(state, hard=hard)
    owed = [each for each in state.open if each.document in documents and each.standing != "carried"]
    if not owed:
        return state, ()  # it was paid, dropped or credited meanwhile
    drafts = [each for each in owed if each.standing == "draft"]
    if not drafts:
        state, back = _back_to_smaller(state, owed)
        state, late = dunning.decline(state, hard=hard)
        if _ends(state) and state.status != states.CANCELLED:
            state, ended = cancel.cancel(state)  # who wanted to go at the period's end and does not pay goes tomorrow
            late = (*late, *ended)
        return state, (*back, *late)
    effects: list[Effect] = []
    for each in drafts:
        state, dropped = _drop(state, each)
        effects += dropped
    return state, tuple(effects)


def _ends(state: Subscription) -> bool:
    return state.planned is not None and state.planned.kind == "cancel"


def _refuse_held(state: Subscription, *, hard: bool) -> Step:
    held = state.awaiting
    assert held is not None
    debts = state.unpaid if held.kind == gate.REACTIVATE else ()  # what was asked for: coming back pays what is owed as well
    notice = Notice(
        f"{held.kind}_declined", state.today, amount=gate.charge_for(state, debts).amount, detail="new card" if hard else held.tier
    )
    if _ends(state) and held.kind != gate.LIMIT:
        return gate.drop(state, why="change_lapsed")  # nobody who is leaving is asked to pay for a change once more
    if held.kind == gate.LIMIT:
        state, hidden = limits.hide_surplus(state)
        return state, (notice, *hidden)
    return state, (notice,)


def _drop(state: Subscription, owed: Open) -> Step:
    """A draft was declined: its lines wait for the renewal. The first invoice of all is simply gone, and with it the subscription."""
    mine = [entry for entry in state.entries if entry.document == owed.document]
    state, effects = drop_draft(state, owed)
    if owed.origin == START:
        state, moved = move(replace(state, entries=()), states.CANCELLED)
        return replace(state, cancelled_on=state.today), (*effects, *moved)
    blocked = state.branches.blocked or any(entry.line.item == BRANCH for entry in mine)
    state = replace(state, pending_declined=True, branches=replace(state.branches, blocked=blocked))
    return state, (*effects, Notice("waits_for_renewal", state.today, state.period.end, owed.due))


def _back_to_smaller(state: Subscription, owed: list[Open]) -> Step:
    """A renewal that also enforced a limit: declined, it is written down to the tier before, and the surplus is hidden."""
    before = next((each.tier_before for each in owed if each.tier_before), "")
    if not before:
        return state, ()
    state = replace(state, open=tuple(replace(each, tier_before="") for each in state.open))
    later = state.tier
    state, note = issue(state, plan_lines(state, before), origin="limit", until="now")
    state = replace(state, tier=before)
    state, hidden = limits.hide_surplus(state)
    return state, (*note, TierChanged(later, before, state.today), *hidden)


def new_card(state: Subscription) -> Step:
    """A new card is there: what is unpaid is charged at once, and automatic retries may go on. Suspended, it is the way back."""
    state = replace(state, has_card=True)
    if state.dunning is not None and not state.dunning.stopped:
        state = replace(state, dunning=replace(state.dunning, hard=False))
    if state.status == states.SUSPENDED:
        return reactivate.reactivate(state)
    if state.awaiting is not None:
        return state, (gate.charge_for(state, state.unpaid),)
    return dunning.ask(state) if state.unpaid else (state, ())


def pay_from_balance(state: Subscription) -> Step:
    """Use the balance for what is owed; it may end a dunning."""
    state, used = pay_open(state)
    state, recovered = dunning.recover(state)
    return state, (*used, *recovered)


def paid(state: Subscription, effects: Sequence[Effect], offer: Offer) -> Step:
    """A state and what brought it there, with every charge that is wanted paid at once."""
    done: list[Effect] = []
    for effect in effects:
        done.append(effect)
        if isinstance(effect, ChargeWanted):
            state, more = receive(state, effect.documents, effect.amount, coming=offer.local(state))
            state, more = paid(state, more, offer)
            done += more
    return state, tuple(done)
