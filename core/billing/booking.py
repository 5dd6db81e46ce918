"""Writing lines down: drafts that book nothing, lines that wait, credits counted on the line they correct, drafts that are dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from core.billing.balance import give
from core.billing.effects import Dropped, Effect, RetriesStopped
from core.billing.lines import Document, Entry, Line, total
from core.billing.subscription import Open, Step, Subscription
from core.billing.tax import tax_document
from core.kernel.money import Money


def numbered(state: Subscription, lines: Sequence[Line]) -> tuple[Line, ...]:
    """New lines get the next numbers; pending ones have theirs."""
    done, number = [], state.next_line
    for line in lines:
        done.append(line if line.number else replace(line, number=number))
        number += not line.number
    return tuple(done)


def draft(state: Subscription, lines: Sequence[Line], *, origin: str, until: str) -> Document:
    """The document these lines make. Nothing is booked."""
    lines = numbered(state, lines)
    taxes, _ = tax_document(state, lines, state.next_document)
    kind = "credit_note" if total(lines, state.currency).minor < 0 else "invoice"
    return Document(state.next_document, kind, origin, state.today, lines, taxes, state.currency, until, state.rate)


def book(state: Subscription, lines: Sequence[Line], document: int | None) -> Subscription:
    """Write lines into the subscription: pending ones get their document, credits are counted on the line they correct."""
    entries = {entry.line.number: entry for entry in state.entries}
    for line in lines:
        known = entries.get(line.number)
        if known is not None:
            entries[line.number] = replace(known, document=document)
            continue
        runs = line.corrects is None and line.end == state.period.end
        entries[line.number] = Entry(line, Money(0, state.currency), line.quantity if runs else 0, document)
        if line.corrects is not None:
            _correct(entries, line)
    number = max([state.next_line, *(line.number + 1 for line in lines)])
    return replace(state, entries=tuple(entries.values()), next_line=number)


def _correct(entries: dict[int, Entry], line: Line) -> None:
    """Count a credit on its line. Taking a credit back (in a void) leaves its line as if that had not been given."""
    source = entries[line.corrects or 0]
    entries[source.line.number] = replace(source, credited=source.credited - line.amount, running=max(0, source.running - line.quantity))
    first = entries.get(source.line.corrects) if source.line.corrects is not None else None
    if first is not None:  # of a period that is over nothing is kept
        entries[first.line.number] = replace(first, credited=first.credited - line.amount)


def record(state: Subscription, document: Document) -> Subscription:
    """Book a document's lines."""
    state = book(state, document.lines, document.number)
    return replace(state, next_document=max(state.next_document, document.number + 1))


def finalise(state: Subscription, document: Document) -> Subscription:
    """Book a document's tax: from now on it is what later credits give back of. A draft that is dropped never taxed anything."""
    _, taxed = tax_document(state, document.lines, document.number)
    return replace(state, taxed=taxed)


def pending_lines(state: Subscription) -> tuple[Line, ...]:
    """The pending lines that may go on the next document: a credit for a draft waits until that draft is paid or dropped."""
    unsure = on_drafts(state)
    return tuple(entry.line for entry in state.pending if entry.line.corrects not in unsure)


def gross_of(state: Subscription, lines: Sequence[Line]) -> Money:
    """What some lines come to with their tax."""
    return draft(state, lines, origin="", until="").gross


def not_final(state: Subscription) -> set[int]:
    """The lines that are on no document yet, or on a draft whose payment is still to come."""
    return on_drafts(state) | {entry.line.number for entry in state.pending}


def on_drafts(state: Subscription) -> set[int]:
    """The lines of drafts whose payment is still to come."""
    drafts = {owed.document for owed in state.open if owed.draft is not None}
    return {entry.line.number for entry in state.entries if entry.document in drafts} if drafts else set()


def drop_draft(state: Subscription, owed: Open) -> Step:
    """A draft is not paid: it never had a number, and its lines wait for the next invoice."""
    entries = tuple(replace(entry, document=None) if entry.document == owed.document else entry for entry in state.entries)
    left = tuple(each for each in state.open if each.document != owed.document)
    state, back = give(replace(state, entries=entries, open=left), owed.from_balance or state.zero, "draft_dropped", owed.document)
    return state, (RetriesStopped((owed.document,)), Dropped(owed.document), *back)


def drop_drafts(state: Subscription) -> Step:
    """Let every draft go whose payment has not come: the service stops. Money that still comes goes to the balance."""
    effects: list[Effect] = []
    for owed in state.open:
        if owed.draft is not None:
            state, dropped = drop_draft(state, owed)
            effects += dropped
    return state, tuple(effects)
