"""What the events of a subscription to the house's plans do to the books: one journal each, worked out from the event and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import JSONB

from core.accounts.house import HOUSE, house
from core.billing.codec import KIND, decode
from core.billing.effects import BalanceConverted, BalanceMoved, Drafted, Effect, Finalised, StateChanged, Written
from core.billing.lines import Document, sum_of
from core.billing.models import BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.states import CANCELLED, SUSPENDED
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import Journal, Leg, post
from core.ledger.queries import sub_balances

KINDS = {"received": "invoice paid", "paid_back": "credit paid back", "came_back": "credit given again"}
Told = tuple[KeptSubscription, SubscriptionEvent, Sequence[Effect]]


def book_events(told: Sequence[Told]) -> None:
    """Post what events did to the subscribers' accounts with the house. Repeated, they are in the books already.

    A draft that waits for its payment is not booked before it is final, nor what it took of the credit meanwhile.
    """
    assert all(row.vendor_id == HOUSE for row, _, _ in told), "a vendor's own plans are booked by the payments for them"
    left = _Deferred([row for row, _, effects in told if _begins(effects) or _ends(effects)])
    journals: list[Journal] = []
    for row, event, effects in told:
        if _begins(effects):
            journals += left.earn(row, event)
        journal = journal_of(row, event, effects)
        if journal is not None:
            journals.append(journal)
            left.note(journal)
        if _ends(effects):
            journals += left.earn(row, event)
    if journals:
        post(journals)


def _begins(effects: Sequence[Effect]) -> bool:
    return any(isinstance(effect, Drafted) and effect.document.origin == "renewal" for effect in effects)


def _ends(effects: Sequence[Effect]) -> bool:
    return any(isinstance(effect, StateChanged) and effect.new in (SUSPENDED, CANCELLED) for effect in effects)


class _Deferred:
    """What of each subscription is paid for in advance and still to be served, by the books and by what is about to be posted."""

    def __init__(self, rows: Sequence[KeptSubscription]) -> None:
        self.left: dict[tuple[str, str], int] = {}
        for mode in {row.mode for row in rows}:
            subs = [row.public_id for row in rows if row.mode == mode]
            for sub, currency, minor in sub_balances(house(), mode, "deferred_revenue", subs):
                self.left[sub, currency] = minor

    def note(self, journal: Journal) -> None:
        for leg in journal.legs:
            if leg.code == book.DEFERRED:
                key = (leg.sub, leg.amount.currency)
                self.left[key] = self.left.get(key, 0) - leg.amount.minor

    def earn(self, row: KeptSubscription, event: SubscriptionEvent) -> list[Journal]:
        """The period is over, or the service: all of it is earned."""
        minor = self.left.pop((row.public_id, row.currency), 0)
        if not minor:
            return []
        amount = Money(minor, row.currency)
        return [book.service_given(row.mode, subscription=row.public_id, seq=event.seq, amount=amount, at=event.at)]


def journal_of(row: KeptSubscription, event: SubscriptionEvent, effects: Sequence[Effect]) -> Journal | None:
    """What one event did, or None where it moved no money: worked out from the log of events and nothing else."""
    legs: list[Leg] = []
    for effect in effects:
        legs += _legs(row, event, effect)
    if event.kind == "received":
        amount = decode(Money, event.given["amount"])
        legs += book.invoice_paid(row.public_id, payment=event.given["payment"], amount=amount)
    legs += _returned(row, event)
    legs = _summed(legs)
    if not legs:
        return None
    kind = _kind(event, effects)
    return book.subscription_event(row.mode, subscription=row.public_id, seq=event.seq, kind=kind, legs=tuple(legs), at=event.at)


def _returned(row: KeptSubscription, event: SubscriptionEvent) -> tuple[Leg, ...]:
    """Credit that goes back waits with the payments it came from, where their refunds take it; one that failed has left it there again."""
    given = event.given
    if event.kind == "paid_back":
        parts = [(name, -decode(Money, part)) for name, part in given["parts"].items()]
    elif event.kind == "came_back":
        parts = [(given["payment"], decode(Money, given["amount"]))]
    else:
        return ()
    return tuple(leg for name, amount in parts for leg in book.invoice_paid(row.public_id, payment=name, amount=amount))


def _legs(row: KeptSubscription, event: SubscriptionEvent, effect: Effect) -> tuple[Leg, ...]:
    name = row.public_id
    match effect:
        case Drafted(document) if document.until != "paid":
            return _document_legs(name, document, event)
        case Finalised(ordinal):
            used = _taken_by_draft(row, event, ordinal)
            return *_document_legs(name, _document(row, ordinal), event), *book.credit_moved(name, amount=used)
        case BalanceMoved(amount, why, document):
            if why == "draft_dropped" or (why == "invoice" and document is not None and not _was_booked(row, event, document)):
                return ()
            return book.credit_moved(name, amount=amount)
        case BalanceConverted(taken, given, _rate):
            return book.credit_converted(name, taken=taken, given=given)
        case Written(_kind, amount, documents):
            return book.written_off(name, amount=amount, was_invoiced=bool(documents))
    return ()


def _document_legs(name: str, document: Document, event: SubscriptionEvent) -> tuple[Leg, ...]:
    day = max(document.on, event.on_day)
    later = sum_of((line.amount for line in document.lines if line.end > day), document.currency)
    return book.invoiced(name, later=later, earned=document.net - later, tax=document.tax)


def _document(row: KeptSubscription, ordinal: int) -> Document:
    mine = select(BillingDocument.body).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    body = db.session.scalars(mine.where(BillingDocument.subscription_id == row.id, BillingDocument.ordinal == ordinal)).one()
    return decode(Document, body)


def _was_booked(row: KeptSubscription, event: SubscriptionEvent, ordinal: int) -> bool:
    """Whether a document was in the books when an event touched it: at once, unless it waited for its payment and still did."""
    return _document(row, ordinal).until != "paid" or bool(db.session.scalar(select(_told(row, event, Finalised, ordinal))))


def _told(row: KeptSubscription, event: SubscriptionEvent, kind: type, ordinal: int) -> Any:
    """Whether an earlier event of this subscription had this effect on that document."""
    this = func.cast([{KIND: kind.__name__, "document": ordinal}], JSONB)
    mine = (SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode, SubscriptionEvent.subscription_id == row.id)
    return exists().where(*mine, SubscriptionEvent.seq < event.seq, SubscriptionEvent.effects.contains(this))


def _taken_by_draft(row: KeptSubscription, event: SubscriptionEvent, ordinal: int) -> Money:
    """What a draft took of the credit, up to and with the event that makes it final. Negative: it was used."""
    this = func.cast([{KIND: BalanceMoved.__name__, "why": "invoice", "document": ordinal}], JSONB)
    mine = (SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode, SubscriptionEvent.subscription_id == row.id)
    found = select(SubscriptionEvent.effects).where(*mine, SubscriptionEvent.seq <= event.seq, SubscriptionEvent.effects.contains(this))
    moved = [one for effects in db.session.scalars(found) for one in effects if one[KIND] == BalanceMoved.__name__]
    amounts = [decode(Money, one["amount"]) for one in moved if (one["why"], one["document"]) == ("invoice", ordinal)]
    return sum_of(amounts, row.currency)


def _summed(legs: Sequence[Leg]) -> list[Leg]:
    """One leg for each account: what an event moves to and fro within itself moves nothing."""
    sums: dict[tuple[int, str, str, str], Money] = {}
    for leg in legs:
        key = (leg.code, leg.sub, leg.ref, leg.amount.currency)
        sums[key] = sums[key] + leg.amount if key in sums else leg.amount
    return [Leg(code, amount, sub=sub, ref=ref) for (code, sub, ref, _), amount in sums.items() if amount]


def _kind(event: SubscriptionEvent, effects: Sequence[Effect]) -> str:
    if event.kind in KINDS:
        return KINDS[event.kind]
    drafted = [effect.document.kind for effect in effects if isinstance(effect, Drafted) and effect.document.until != "paid"]
    if drafted:
        return "invoice" if "invoice" in drafted else "credit note"
    return "written off" if any(isinstance(effect, Written) for effect in effects) else "credit used"
