"""Which document an event gives: an invoice, a credit note, or lines that wait for the next invoice. One event, one document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.billing import balance
from core.billing.booking import book, draft, finalise, gross_of, not_final, numbered, pending_lines, record
from core.billing.effects import BalanceMoved, ChargeWanted, Drafted, Effect, Paid
from core.billing.lines import Document, Line, total
from core.billing.proration import rest_of
from core.billing.subscription import Open, Step, Subscription
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said


class CreditExceedsInvoice(Refusal):
    """More would be credited than is left of the invoice."""

    code = "credit_exceeds_invoice"


def check_credit(charged: Money, credited: Money, asked: Money) -> None:
    """Refuse a credit above what is left of an invoice."""
    if charged - credited < asked:
        raise CreditExceedsInvoice(said("Only %(left)s is left of this invoice.", left=charged - credited), field="amount")


# --- what an event comes to --------------------------------------------------------------------------------------------------


def weigh(state: Subscription, lines: Sequence[Line]) -> str:
    """What becomes of an event's lines: "nothing", "pending", "credit", "covered" (by the balance) or "charge"."""
    if not lines:
        return "nothing"
    waiting = not_final(state)
    net = total(lines, state.currency)
    if not net or any(line.corrects in waiting for line in lines):
        return "pending"  # what is on no final invoice is corrected where it waits: a credit note names a number
    if net.minor < 0:
        return "credit"
    terms = state.terms
    if state.balance and gross_of(state, lines) <= state.balance:
        return "covered"
    if net < terms.small_amount:
        return "pending"
    due = gross_of(state, [*pending_lines(state), *lines]) - state.balance
    return "covered" if due < terms.gateway_minimum else "charge"


def put(state: Subscription, lines: Sequence[Line], *, origin: str, hold: bool = False) -> Step:
    """Carry out what the lines come to. With `hold` a charge waits as pending lines for the renewal that follows at once."""
    verdict = weigh(state, lines)
    if verdict == "nothing":
        return state, ()
    if verdict == "credit":
        return issue(state, lines, origin=origin, until="now")
    if verdict == "pending" or hold:
        state = book(state, numbered(state, lines), None)
        return (state, ()) if hold else pool(state)
    if verdict == "covered":
        joined = lines if gross_of(state, lines) <= state.balance else [*pending_lines(state), *lines]
        return issue(state, joined, origin=origin, until="now")
    return issue(state, [*pending_lines(state), *lines], origin=origin, until="paid")


def give_back(state: Subscription, credits: Sequence[Line], *, origin: str) -> Step:
    """Credits for what ends: a credit note for what was invoiced; what corrects a pending line waits together with it."""
    waiting = not_final(state)
    invoiced = [line for line in credits if line.corrects not in waiting]
    state = book(state, numbered(state, [line for line in credits if line.corrects in waiting]), None)
    if not total(invoiced, state.currency):
        return book(state, numbered(state, invoiced), None), ()
    return issue(state, invoiced, origin=origin, until="now")


def pool(state: Subscription) -> Step:
    """Pending lines that have grown into something: below zero they are given back, from the small amount on they are charged."""
    waiting = pending_lines(state)
    net = total(waiting, state.currency)
    if net.minor < 0:
        return issue(state, waiting, origin="pending", until="now")
    if not net or net < state.terms.small_amount or state.pending_declined:
        return state, ()
    return issue(state, waiting, origin="pending", until="paid")


def issue(state: Subscription, lines: Sequence[Line], *, origin: str, until: str, tier_before: str = "") -> Step:
    """Make the document. A credit note lowers what it corrects; an invoice takes the balance first and asks the card for the rest."""
    document = draft(state, lines, origin=origin, until=until)
    if document.kind == "credit_note":
        document = replace(document, until="now")
        lowered = _corrected(state, document)
        state = finalise(_owed_on(record(state, document), document, lowered), document)
        state, effects = balance.offset(state, -document.gross, lowered, document.number)
        return state, (Drafted(document), *effects)
    return owe(record(state, document), document, tier_before=tier_before)


def _corrected(state: Subscription, note: Document) -> frozenset[int]:
    """The documents whose lines a credit note corrects, and the invoices on which those are still owed."""
    numbers = {line.corrects for line in note.lines}
    entries = [entry for entry in state.entries if entry.line.number in numbers]
    return frozenset(number for entry in entries for number in (entry.document, entry.owed_on) if number is not None)


def _owed_on(state: Subscription, note: Document, lowered: frozenset[int]) -> Subscription:
    """What a credit note charges anew is as unpaid as the invoice it lowers."""
    unpaid = next((owed.document for owed in state.open if owed.document in lowered), None)
    if unpaid is None:
        return state
    entries = [replace(entry, owed_on=unpaid) if entry.document == note.number else entry for entry in state.entries]
    return replace(state, entries=tuple(entries))


def owe(state: Subscription, document: Document, *, tier_before: str = "", charge: bool = True) -> Step:
    """Take the balance for an invoice that is booked; what is left is charged, or carried when the gateway would refuse it."""
    applied = balance.apply(document.gross, state.balance, state.terms.gateway_minimum)
    if not applied.card:
        document = replace(document, until="hour" if document.until == "hour" else "now")
    effects: list[Effect] = [Drafted(document)]
    if applied.from_balance:
        state = replace(state, balance=state.balance - applied.from_balance)
        effects.append(BalanceMoved(-applied.from_balance, "invoice", document.number))
    if applied.card:
        owed = Open(document.number, document.origin, applied.card, "final", tier_before=tier_before)
        if document.until == "paid":
            owed = replace(owed, standing="draft", draft=document, from_balance=applied.from_balance)
    else:
        owed = Open(document.number, document.origin, applied.carried, "carried")
    if owed.draft is None:
        state = finalise(state, document)
    if not owed.due:
        return unblocked(state), (*effects, Paid(document.number))
    state = replace(state, open=(*state.open, owed))
    if not applied.card:
        return unblocked(state), tuple(effects)
    if charge:
        effects.append(wanted(state, (owed,)))
    return state, tuple(effects)


def wanted(state: Subscription, owed: Sequence[Open], *, attempt: int = 1, at_minute: int | None = None) -> ChargeWanted:
    """One charge for these documents, and for whatever was too little to be charged before, unless another charge asks for that."""
    others = [other for other in state.open if other not in owed]
    carried = [other for other in others if other.standing == "carried"]
    if len(carried) < len(others):
        carried = []
    amount = state.zero
    for each in (*owed, *carried):
        amount = amount + each.due
    return ChargeWanted(tuple(each.document for each in (*owed, *carried)), amount, state.today, attempt, at_minute)


def unblocked(state: Subscription) -> Subscription:
    """Branches may be added again once nothing that was declined is owed or waits."""
    if state.branches.blocked and not state.pending_declined and not state.unpaid:
        return replace(state, branches=replace(state.branches, blocked=False))
    return state


def void(state: Subscription, document: int) -> Step:
    """Take a wrong invoice back: a credit note that mirrors all that is left of it. Both stay visible. Refuses when nothing is left."""
    if any(owed.document == document and owed.draft is not None for owed in state.open):
        raise CreditExceedsInvoice("This invoice is not final: it has no number yet, and nothing to take back.", field="amount")
    mine = [entry for entry in state.entries if entry.document == document]
    here = {entry.line.number for entry in mine}  # a credit for a line beside it is what is missing of that line: it is not taken back too
    lines = [rest_of(entry) for entry in mine if entry.remaining and entry.line.corrects not in here]
    if not lines:
        raise CreditExceedsInvoice("Nothing is left of this invoice.", field="amount")
    return issue(state, lines, origin="void", until="now")
