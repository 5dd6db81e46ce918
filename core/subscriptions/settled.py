"""How a document stands: what the balance paid of it, what the card, what a credit note took off, and what is still owed.

Nothing of that is a field on the document, which cannot change once it is final: it is worked out from the subscription's events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from core.billing.codec import decode, decode_one_of
from core.billing.effects import BalanceMoved, Drafted, Dropped, Effect, Finalised, Written
from core.billing.lines import Document
from core.kernel.money import Money

TOLD = (Drafted, Dropped, Finalised, BalanceMoved, Written)
NAMES = frozenset(kind.__name__ for kind in TOLD)


class Happened(Protocol):
    """An event of a subscription, as it is kept."""

    kind: str
    on_day: date
    given: dict[str, Any]
    effects: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a document's gross. All sums are positive, a credit note's too.

    `standing`: "draft" and "dropped" have no number; an invoice is "open", "carried" (too little to be charged by itself: it goes with
    the next charge), "written_off" or "settled"; a credit note is "credited". `lowered` and `to_balance` are where a credit went.
    """

    standing: str
    gross: Money
    due: Money
    from_balance: Money
    paid: Money
    credited: Money
    written: Money
    to_balance: Money
    lowered: Money
    paid_on: date | None = None
    credit_notes: tuple[int, ...] = ()  # those that lowered it
    lowers: tuple[int, ...] = ()  # the documents it lowered


@dataclass(slots=True)
class _Account:
    document: Document
    final: bool
    gross: int
    due: int
    from_balance: int = 0
    paid: int = 0
    credited: int = 0
    written: int = 0
    to_balance: int = 0
    dropped: bool = False
    owed_on: int | None = None
    paid_on: date | None = None
    credit_notes: list[int] = field(default_factory=list)
    lowers: list[int] = field(default_factory=list)

    def settled(self) -> Settled:
        def money(minor: int) -> Money:
            return Money(minor, self.document.currency)

        if self.document.kind == "credit_note":
            standing = "credited"
        elif self.dropped:
            standing = "dropped"
        elif not self.final:
            standing = "draft"
        else:
            standing = "open" if self.due else "written_off" if self.written else "settled"
        return Settled(
            standing, money(self.gross), money(self.due), money(self.from_balance), money(self.paid), money(self.credited),
            money(self.written), money(self.to_balance), money(self.gross - self.to_balance if self.document.kind == "credit_note" else 0),
            self.paid_on, tuple(self.credit_notes), tuple(self.lowers),
        )  # fmt: skip


def settle(events: Iterable[Happened]) -> dict[int, Settled]:
    """Every document of a subscription by its ordinal, as it stands after these events, which are all it had so far."""
    accounts: dict[int, _Account] = {}
    lines: dict[int, int] = {}  # which document carries a line
    for event in events:
        effects: list[Effect] = [decode_one_of(Effect, kept) for kept in event.effects if kept["is"] in NAMES]
        if event.kind == "received":
            wanted = tuple(event.given["documents"])
            effects = _take_up(accounts, wanted, effects)
            _receive(accounts, wanted, decode(Money, event.given["amount"]).minor, event.on_day)
        for effect in effects:
            _carry_out(accounts, lines, effect, effects, event.on_day)
    return {number: account.settled() for number, account in accounts.items()}


def _take_up(accounts: dict[int, _Account], wanted: tuple[int, ...], effects: list[Effect]) -> list[Effect]:
    """What was held for this payment takes its share of the balance before the payment is counted."""
    left: list[Effect] = []
    for effect in effects:
        if isinstance(effect, BalanceMoved) and effect.why == "invoice" and effect.document in wanted:
            _use_balance(accounts[effect.document], effect)
        else:
            left.append(effect)
    return left


def _use_balance(account: _Account, moved: BalanceMoved) -> None:
    account.from_balance -= moved.amount.minor
    account.due += moved.amount.minor


def _receive(accounts: dict[int, _Account], wanted: tuple[int, ...], amount: int, on: date) -> None:
    for number, account in accounts.items():
        if number in wanted and not account.dropped:
            taken = min(amount, account.due)
            amount, account.due, account.paid = amount - taken, account.due - taken, account.paid + taken
            account.final = True
            if taken:
                account.paid_on = on


def _carry_out(accounts: dict[int, _Account], lines: dict[int, int], effect: Effect, beside: list[Effect], on: date) -> None:
    match effect:
        case Drafted(document):
            _open(accounts, lines, document, beside)
        case Finalised(number):
            accounts[number].final = True
        case Dropped(number):
            accounts[number].dropped, accounts[number].due = True, 0
        case BalanceMoved(_, "invoice", int(number)):
            _use_balance(accounts[number], effect)
            accounts[number].paid_on = on
        case BalanceMoved(_, "draft_dropped", int(number)):
            accounts[number].from_balance = 0
        case Written(_, _, documents):
            for number in documents:
                account = accounts[number]
                account.written, account.due = account.written + account.due, 0
        case _:
            pass


def _open(accounts: dict[int, _Account], lines: dict[int, int], document: Document, beside: list[Effect]) -> None:
    gross = abs(document.gross.minor)
    account = _Account(document, document.until != "paid", gross, 0 if document.kind == "credit_note" else gross)
    if document.kind == "credit_note":
        given = [e.amount.minor for e in beside if isinstance(e, BalanceMoved) and e.why == "credit_note" and e.document == document.number]
        account.to_balance = sum(given)
        _lower(accounts, lines, document, account)
    accounts[document.number] = account
    lines.update((line.number, document.number) for line in document.lines)


def _lower(accounts: dict[int, _Account], lines: dict[int, int], note: Document, account: _Account) -> None:
    """A credit note first lowers what is still owed on what it corrects; only the rest came to the balance."""
    corrected = {lines[line.corrects] for line in note.lines if line.corrects in lines}
    corrected |= {unpaid for number in tuple(corrected) if (unpaid := accounts[number].owed_on) is not None}
    left = account.gross - account.to_balance
    for number, owed in accounts.items():
        if number in corrected and owed.due and left:
            taken = min(left, owed.due)
            left, owed.due, owed.credited = left - taken, owed.due - taken, owed.credited + taken
            owed.credit_notes.append(note.number)
            account.lowers.append(number)
    account.owed_on = next(iter(account.lowers), None)
