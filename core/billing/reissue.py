"""An invoice with the wrong buyer, or taxed as it need not have been, is issued anew: a credit note for the whole of it, and the same lines again.

Nothing is edited. Both documents are exact mirrors of the first: its period may be over and its lines let go of, so they are
taken from the document itself, and what the subscription still knows of them is moved to the new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from core.billing import balance, dunning, states
from core.billing.documents import CreditExceedsInvoice, unblocked, wanted
from core.billing.effects import BalanceMoved, Drafted, Effect, Paid, RetriesStopped
from core.billing.lines import Document, Entry, Line, TaxLine, sum_of, total
from core.billing.subscription import Open, Step, Subscription, TaxShare
from core.billing.tax import Treatment, tax_on
from core.kernel.errors import Conflict
from core.kernel.money import Money

ORIGIN = "reissue"


class CannotReissue(Conflict):
    """This invoice cannot be issued anew."""

    code = "cannot_reissue"


@dataclass(frozen=True, slots=True)
class Reissue:
    """What is issued anew, and what only the layer with the database knows of it.

    `tax`: how its charges are taxed now; None leaves them as they were. `corrected`: the lines that other documents correct.
    `asked`: the documents of the charges that are planned for it and not made yet.
    """

    original: Document
    tax: Treatment | None = None
    corrected: tuple[int, ...] = ()
    asked: tuple[int, ...] = ()


def reissue(state: Subscription, wish: Reissue) -> Step:
    """A credit note over the whole invoice, and the invoice again. What had been paid pays the new one; what was owed is owed on it.

    Refuses CannotReissue with the reason, and CreditExceedsInvoice when it was credited already, wholly or in part.
    """
    _check(state, wish)
    old, first = wish.original, next((owed for owed in state.open if owed.document == wish.original.number), None)
    note, new = drafts(state, wish)
    state = _moved(state, old, note, new)
    if wish.tax is not None and any(line.corrects is None and line.start in state.period for line in old.lines):
        state = replace(state, tax_bps=wish.tax.bps)  # what follows in this period is taxed as its beginning is now
    state, given = balance.offset(state, -note.gross, frozenset({old.number}), note.number)
    state, owed, paid = _owe(state, new, first)
    if state.status in (states.SUSPENDED, states.CANCELLED) and owed is not None and (first is None or owed.due > first.due):
        raise CannotReissue("The plan has stopped, and the new invoice would come to more than this one: nobody is asked for that.")
    effects: list[Effect] = [Drafted(note), *given, Drafted(new), *paid]
    state, asked = _ask(state, wish, first, owed)
    state, recovered = dunning.recover(state)
    return unblocked(state), (*effects, *asked, *recovered)


def _check(state: Subscription, wish: Reissue) -> None:
    old = wish.original
    if old.kind != "invoice" or any(owed.document == old.number and owed.draft is not None for owed in state.open):
        raise CannotReissue("Only a final invoice can be issued anew.")
    if state.awaiting is not None:
        raise CannotReissue("A change of the plan waits for its payment. Once it is paid or let go of, the invoice can be issued anew.")
    if old.currency != state.currency:
        raise CannotReissue("The plan is billed in another currency by now; this invoice stays as it is.")
    if is_credited(state, wish):
        raise CreditExceedsInvoice("This invoice was credited already, wholly or in part: it cannot be issued anew.")


def is_credited(state: Subscription, wish: Reissue) -> bool:
    """Whether anything but the invoice itself corrects a line of it, on a document or waiting for one."""
    mine = {line.number for line in wish.original.lines}
    waiting = {entry.line.corrects for entry in state.entries if entry.line.number not in mine}
    return bool(mine & (set(wish.corrected) | waiting))


# --- the two documents -------------------------------------------------------------------------------------------------------


def drafts(state: Subscription, wish: Reissue) -> tuple[Document, Document]:
    """The credit note and the new invoice, as they would be made now. Nothing is booked."""
    old, many = wish.original, len(wish.original.lines)
    back = tuple(_mirrored(line, state.next_line + place) for place, line in enumerate(old.lines))
    numbers = {line.number: state.next_line + many + place for place, line in enumerate(old.lines)}
    lines = tuple(_again(line, numbers, wish.tax) for line in old.lines)
    given = tuple(TaxLine(tax.bps, -tax.net, -tax.tax) for tax in old.taxes)
    note = Document(state.next_document, "credit_note", ORIGIN, state.today, back, given, old.currency, "now", old.rate)
    taxes = taxes_of(state, old, lines, numbers)
    return note, Document(state.next_document + 1, "invoice", ORIGIN, state.today, lines, taxes, old.currency, "now", old.rate)


def _mirrored(line: Line, number: int) -> Line:
    amount = line.amount
    return replace(
        line, number=number, of_quantity=line.quantity, of_days=line.days, whole=amount, exact=Fraction(-amount.minor), amount=-amount,
        corrects=line.number, limited="remainder",
    )  # fmt: skip


def _again(line: Line, numbers: dict[int, int], tax: Treatment | None) -> Line:
    """The same line. A credit for another invoice keeps that one's rate; one for a line beside it goes with its line."""
    outside = line.corrects is not None and line.corrects not in numbers
    corrects = line.corrects if line.corrects is None or outside else numbers[line.corrects]
    bps = line.tax_bps if outside or tax is None else tax.bps
    return replace(line, number=numbers[line.number], corrects=corrects, tax_bps=bps)


def taxes_of(state: Subscription, old: Document, lines: Sequence[Line], numbers: dict[int, int]) -> tuple[TaxLine, ...]:
    """The tax by rate: what is charged is taxed on its sum; what was given back of other invoices gives back the same tax as before."""
    taxes, mine = [], set(numbers.values())
    for bps in sorted({line.tax_bps for line in lines if line.tax_bps is not None}):
        net = total([line for line in lines if line.tax_bps == bps], old.currency)
        charges = any(line.tax_bps == bps and (line.corrects is None or line.corrects in mine) for line in lines)
        taxes.append(TaxLine(bps, net, tax_on(net, bps) if charges else -_given_tax(state, old, bps)))
    return tuple(taxes)


def _given_tax(state: Subscription, old: Document, bps: int) -> Money:
    """The tax of other invoices that a document gave back at a rate: known from what it taxed itself, else worked out by the rate."""
    mine = {line.number for line in old.lines}
    outside = [line for line in old.lines if line.tax_bps == bps and line.corrects is not None and line.corrects not in mine]
    if not outside:
        return Money(0, old.currency)
    own = sum_of((tax.tax for tax in old.taxes if tax.bps == bps), old.currency)
    share = next((share for share in state.taxed if (share.document, share.bps) == (old.number, bps)), None)
    if share is not None:
        return share.tax - own
    alone = all(line in outside for line in old.lines if line.tax_bps == bps)
    return -own if alone else -tax_on(total(outside, old.currency), bps)


# --- what the subscription knows of them -------------------------------------------------------------------------------------


def _moved(state: Subscription, old: Document, note: Document, new: Document) -> Subscription:
    """Nothing is left of the old lines; what ran on them, and what can be given back, is now on the new ones."""
    zero, known = Money(0, old.currency), {entry.line.number: entry for entry in state.entries}
    fresh = {}
    for line, again in zip(old.lines, new.lines, strict=True):
        entry = known.get(line.number)
        fresh[again.number] = Entry(again, entry.credited if entry else zero, entry.running if entry else 0, new.number)
        if entry is not None:
            known[line.number] = replace(entry, credited=line.amount, running=0, owed_on=None)
    mirrored = {line.number: Entry(line, zero, 0, note.number) for line in note.lines}
    return replace(
        state, entries=(*known.values(), *mirrored.values(), *fresh.values()), taxed=_taxed(state, old, new),
        next_line=new.lines[-1].number + 1, next_document=new.number + 1,
    )  # fmt: skip


def _taxed(state: Subscription, old: Document, new: Document) -> tuple[TaxShare, ...]:
    zero, mine = Money(0, old.currency), {line.number for line in new.lines}
    kept = [
        replace(share, credited_net=share.net, credited_tax=share.tax) if share.document == old.number else share for share in state.taxed
    ]
    for tax in new.taxes:
        charges = [line for line in new.lines if line.tax_bps == tax.bps and (line.corrects is None or line.corrects in mine)]
        if charges:
            same = any(line.tax_bps == tax.bps and line.corrects is not None and line.corrects not in mine for line in new.lines)
            back = _given_tax(state, old, tax.bps) if same else zero
            kept.append(TaxShare(new.number, tax.bps, total(charges, old.currency), tax.tax + back, zero, zero))
    return tuple(kept)


# --- what is owed ------------------------------------------------------------------------------------------------------------


def _owe(state: Subscription, new: Document, first: Open | None) -> tuple[Subscription, Open | None, list[Effect]]:
    """The balance pays first, as for every invoice; what is left is owed on it, and answers to what the old one did."""
    applied = balance.apply(new.gross, state.balance, state.terms.gateway_minimum)
    effects: list[Effect] = []
    if applied.from_balance:
        state = replace(state, balance=state.balance - applied.from_balance)
        effects.append(BalanceMoved(-applied.from_balance, "invoice", new.number))
    due = applied.card + applied.carried
    if not due:
        return state, None, [*effects, Paid(new.number)]
    before = first.tier_before if first is not None and applied.card else ""
    owed = Open(new.number, ORIGIN, due, "final" if applied.card else "carried", tier_before=before)
    return replace(state, open=(*state.open, owed)), owed, effects


def _ask(state: Subscription, wish: Reissue, first: Open | None, owed: Open | None) -> Step:
    """A charge that was planned for the old one is planned anew; a difference that was not owed before is asked for at once.

    Between two retries nothing is asked: the next one goes by its day, for whatever is owed then.
    """
    effects: list[Effect] = [RetriesStopped((wish.original.number,))] if first is not None else []
    at_once = first is None and state.dunning is None
    if not wish.asked and not at_once:
        return state, tuple(effects)
    asked = [each for each in state.open if each.document in wish.asked or (each is owed and each.standing == "final")]
    if not asked:
        return state, tuple(effects)
    late, minute = state.dunning, None
    attempt = late.attempts + 1 if late is not None else 1
    if late is not None and state.today in dunning.schedule(late.since, state.terms).retries:
        minute = dunning.retry_minute(state.key, attempt)
    charge = wanted(state, asked, attempt=attempt, at_minute=minute)
    if charge.amount >= state.terms.gateway_minimum:
        return state, (*effects, charge)
    small = {each.document for each in asked if each.draft is None}
    state = replace(state, open=tuple(replace(each, standing="carried") if each.document in small else each for each in state.open))
    return state, tuple(effects)
