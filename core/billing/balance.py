"""The merchant's balance: given by credit notes, used before the card, never expiring."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.billing.effects import BalanceMoved, Paid
from core.billing.subscription import Open, Step, Subscription
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.kernel.sentence import said


@dataclass(frozen=True, slots=True)
class Applied:
    """What the balance pays of a sum, what the card is asked for, and what is too little to be asked for and carried on."""

    from_balance: Money
    card: Money
    carried: Money


def apply(gross: Money, balance: Money, minimum: Money) -> Applied:
    """The balance first; what is left goes to the card unless the gateway would refuse it for being too little."""
    used = min(gross, balance)
    rest, zero = gross - used, Money(0, gross.currency)
    return Applied(used, zero, rest) if rest < minimum else Applied(used, rest, zero)


def refundable(balance: Money, received: Money, refunded: Money) -> Money:
    """What of a balance may be paid out: never more than was received in money and not sent back yet."""
    left = received - refunded
    return min(balance, max(left, Money(0, balance.currency)))


def give_up(state: Subscription, amount: Money) -> Step:
    """So much of what was paid went back by another way: as far as it is on the balance, it does not pay what comes as well."""
    taken = min(amount, state.balance)
    if not taken:
        return state, ()
    return replace(state, balance=state.balance - taken), (BalanceMoved(-taken, "given_back"),)


class MoreThanBalance(Refusal):
    """Less than that is on the balance."""

    code = "more_than_balance"


def pay_back(state: Subscription, amount: Money) -> Step:
    """Money leaves the balance, to go back to whoever paid it. No document: the credit note that gave the balance has lowered the tax base."""
    if state.unpaid:
        raise Conflict("An invoice is open. Once it is paid, what is left on the balance can be paid back.")
    if amount.currency != state.currency or not Money(0, state.currency) < amount <= state.balance:
        raise MoreThanBalance(said("The balance is %(balance)s.", balance=state.balance), field="amount")
    return replace(state, balance=state.balance - amount), (BalanceMoved(-amount, "paid_back"),)


def give(state: Subscription, amount: Money, why: str, document: int | None = None) -> Step:
    """Add to the balance."""
    if not amount:
        return state, ()
    return replace(state, balance=state.balance + amount), (BalanceMoved(amount, why, document),)


def offset(state: Subscription, amount: Money, documents: frozenset[int], note: int) -> Step:
    """A credit first lowers what is still owed on the documents it corrects; only what was paid already comes back as balance."""
    kept: list[Open] = []
    effects: list[Paid] = []
    for owed in state.open:
        if owed.document in documents:
            taken = min(amount, owed.due)
            amount, owed = amount - taken, replace(owed, due=owed.due - taken)
        if owed.due:
            kept.append(owed)
        else:
            effects.append(Paid(owed.document))
    state, given = give(replace(state, open=tuple(kept)), amount, "credit_note", note)
    return state, (*effects, *given)


def pay_open(state: Subscription) -> Step:
    """Use the balance for what is owed already, the oldest first."""
    kept: list[Open] = []
    effects: list[BalanceMoved | Paid] = []
    for owed in state.open:
        used = min(state.balance, owed.due)
        if used:
            state = replace(state, balance=state.balance - used)
            effects.append(BalanceMoved(-used, "invoice", owed.document))
            owed = replace(owed, due=owed.due - used)
        if owed.due:
            kept.append(owed)
        else:
            effects.append(Paid(owed.document))
    return replace(state, open=tuple(kept)), tuple(effects)
