"""Changes that count only once they are paid: held with their draft, then adopted, or dropped without a trace in any series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.billing import states
from core.billing.booking import draft, gross_of, on_drafts, pending_lines, record
from core.billing.documents import owe, put, wanted, weigh
from core.billing.effects import ChargeWanted, Drafted, Dropped, Effect, Finalised, Notice, ProductsShown, RetriesStopped, TierChanged
from core.billing.lines import Line, total
from core.billing.subscription import Awaiting, Open, Step, Subscription, move
from core.kernel.errors import Conflict
from core.kernel.sentence import said

UNDER_WAY = said("The invoice for your present plan is being paid. Once it is, this can be changed.")
UPGRADE, LIMIT, RESUME, REACTIVATE = "upgrade", "limit", "resume", "reactivate"


class PaymentPending(Conflict):
    """Something is not paid yet, and what was asked has to wait for it."""

    code = "payment_pending"


def check_nothing_unpaid(state: Subscription) -> None:
    """Refuse while an invoice is unpaid: first what is owed, then changes. Nobody is sent to pay what their card is being asked for."""
    if state.status == states.PAST_DUE or state.dunning is not None:
        raise PaymentPending("Pay the open invoice first; then this can be changed.")
    if state.unpaid:
        raise PaymentPending(UNDER_WAY)


def is_under_way(state: Subscription, lines: Sequence[Line]) -> bool:
    """Whether lines give back what a card is being asked for: it has no number yet, and nothing greater is sold before it is paid."""
    unsure = on_drafts(state)
    return any(line.corrects in unsure for line in lines)


def decide(state: Subscription, kind: str, tier: str, lines: Sequence[Line], *, branches: int) -> Step:
    """Hold a change until it is paid, or adopt it at once when its lines are small, covered by the balance, or none.

    Refuses while what it gives back is being paid.
    """
    if is_under_way(state, lines):
        raise PaymentPending(UNDER_WAY)
    state, dropped = drop(state)
    verdict = weigh(state, lines)
    if verdict == "charge" or (verdict == "pending" and _is_much(state, lines)):
        state, effects = hold(state, kind, tier, lines, branches=branches)
        return state, (*dropped, *effects)
    state, booked = put(state, lines, origin=kind)
    state, adopted = adopt(state, kind, tier, branches=branches)
    return state, (*dropped, *booked, *adopted)


def _is_much(state: Subscription, lines: Sequence[Line]) -> bool:
    """Whether lines that correct what only waits come to something all the same: they are paid first together with it, on one document."""
    if total(lines, state.currency) < state.terms.small_amount:
        return False
    return gross_of(state, [*pending_lines(state), *lines]) - state.balance >= state.terms.gateway_minimum


def hold(
    state: Subscription, kind: str, tier: str, lines: Sequence[Line], *, branches: int, debts: Sequence[Open] = (), charge: bool = True
) -> Step:
    """Draft the document and ask for its payment, together with what else is owed; nothing of the subscription changes yet."""
    document = draft(state, [*pending_lines(state), *lines], origin=kind, until="paid")
    number = max([state.next_line, *(line.number + 1 for line in document.lines)])
    awaiting = Awaiting(kind, tier, document, branches, state.today)
    state = replace(state, awaiting=awaiting, next_document=document.number + 1, next_line=number, lapsed=None)
    effects: list[Effect] = [Drafted(document)]
    if charge:
        effects.append(charge_for(state, debts))
    return state, tuple(effects)


def charge_for(state: Subscription, debts: Sequence[Open] = ()) -> ChargeWanted:
    """The one charge for what is held: its document less the balance, what is owed, and what was too little before."""
    assert state.awaiting is not None
    document = state.awaiting.document
    left = document.gross - min(document.gross, state.balance)
    return wanted(state, (Open(document.number, state.awaiting.kind, left, "draft"), *debts))


def drop(state: Subscription, *, why: str = "") -> Step:
    """Let go of what is held. The draft never had a number; its pending lines wait on."""
    held = state.awaiting
    if held is None:
        return state, ()
    effects: list[Effect] = [RetriesStopped((held.document.number,)), Dropped(held.document.number)]
    if why:
        effects.append(Notice(why, state.today, amount=held.document.gross, detail=held.tier))
    return replace(state, awaiting=None, lapsed=held), tuple(effects)


def take_up(state: Subscription) -> Step:
    """What is held is being paid: its document is booked and owed, and the change counts from now on."""
    held = state.awaiting
    assert held is not None
    state, owed = owe(record(replace(state, awaiting=None), held.document), held.document, charge=False)
    final = () if any(each.draft == held.document for each in state.open) else (Finalised(held.document.number),)
    state, adopted = adopt(state, held.kind, held.tier, branches=held.branches)
    told = (Notice("limit_enforced", state.today, state.today, held.document.gross, held.tier),) if held.kind == LIMIT else ()
    return state, (*owed[1:], *final, *adopted, *told)  # it was told as drafted when it was


def adopt(state: Subscription, kind: str, tier: str, *, branches: int) -> Step:
    """The change itself: tier, status, what runs, and what fits again."""
    effects: list[Effect] = []
    if kind in (RESUME, REACTIVATE):
        state, effects_of_move = move(state, states.ACTIVE)
        effects += effects_of_move
        state = replace(state, hibernating_since=None, resume_confirmed=False, wakes_on=None, dunning=None, episode=None)
    if tier != state.tier:
        effects.append(TierChanged(state.tier, tier, state.today))
    held = state.branches
    state = replace(state, tier=tier, branches=replace(held, billed=branches, most=max(held.most, branches)))
    state, shown = fit(state)
    if state.planned is not None and state.planned.kind == "tier" and kind in (UPGRADE, RESUME):
        state = replace(state, planned=None)
    return state, (*effects, *shown)


def fit(state: Subscription) -> Step:
    """When everything fits the tier, the count of grace is over and hidden products come back."""
    products = state.products
    if not state.plan.fits(products.count):
        return state, ()
    shown = (ProductsShown(),) if products.hidden else ()
    return replace(state, episode=None, products=replace(products, hidden=0)), shown
