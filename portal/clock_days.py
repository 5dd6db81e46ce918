"""What happened while a test clock was moved, day by day and in words: events, documents, charges with their outcome, and letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from flask_babel import gettext as _

from core.billing import effects as did
from core.billing.codec import decode_one_of
from core.billing.effects import Effect
from core.billing.lines import Document
from core.billing.models import BillingCharge, BillingDocument, SubscriptionEvent
from core.kernel.money import Money
from core.notifications.models import Message
from core.web.filters import status_tone
from portal.billing_words import document_words
from portal.plan_names import Known
from portal.plan_words import BAD, say_effect

# Left out of a day: what only says how the document or the charge above it went on; their own lines show that.
UNSAID = (did.Finalised, did.Dropped, did.Paid, did.RetriesStopped)
TONES: dict[type, str] = {did.TierChanged: "info", did.ProductsHidden: "warn", did.ProductsShown: "good"}


@dataclass(frozen=True)
class Line:
    """One thing of a day: what, with its sum, its outcome and where it is read in full."""

    words: str
    tone: str = "quiet"
    amount: Money | None = None
    badge: tuple[str, str] | None = None  # a state, and of what
    document: Document | None = None
    href: str | None = None


@dataclass
class Day:
    """A day by the subscription's own clock."""

    on: date
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Kept:
    """What the events speak of: documents by their number, charges by the event that wanted them, and what plans are called."""

    documents: dict[int, BillingDocument]
    charges: dict[tuple[int, int], BillingCharge]
    known: Known


def days_of(events: Iterable[SubscriptionEvent], kept: Kept, letters: Iterable[tuple[Message, str, str]]) -> list[Day]:
    """The days on which something happened, the latest first. Letters are (message, what it is called, its address)."""
    events, days = list(events), dict[date, Day]()
    for event in events:
        day = days.setdefault(event.on_day, Day(event.on_day))
        for place, one in enumerate(event.effects):
            line = _line(event, place, decode_one_of(Effect, one), kept)
            if line is not None:
                day.lines.append(line)
    for message, words, href in letters:
        on = _day_at(events, message.created_at)
        if on is not None:
            days[on].lines.append(Line(_("Letter: %(what)s", what=words), "info", href=href))
    return sorted((day for day in days.values() if day.lines), key=lambda day: day.on, reverse=True)


def _day_at(events: list[SubscriptionEvent], at: datetime) -> date | None:
    """On which of its days a letter was written: that of the last thing that had happened by then."""
    before = [event.on_day for event in events if event.at <= at]
    return before[-1] if before else None


def _line(event: SubscriptionEvent, place: int, effect: Effect, kept: Kept) -> Line | None:
    if isinstance(effect, did.Drafted):
        return _document(effect.document, kept.documents.get(effect.document.number))
    if isinstance(effect, did.ChargeWanted):
        return _charge(effect, kept.charges.get((event.seq, place)))
    return None if isinstance(effect, UNSAID) else Line(say_effect(effect, kept.known), _tone(effect))


def _tone(effect: Effect) -> str:
    match effect:
        case did.Notice(kind):
            return "bad" if kind in BAD else "info"
        case did.StateChanged():
            return _shade(status_tone(effect.new, "subscription"))
        case did.ListingsChanged(visible):
            return "good" if visible else "warn"
    return TONES.get(type(effect), "quiet")


def _shade(tone: str) -> str:
    return {"wait": "info", "calm": "quiet"}.get(tone, tone)


def _document(document: Document, row: BillingDocument | None) -> Line:
    words = f"{row.name} · {document_words(document)}" if row is not None and row.name else document_words(document)
    return Line(words, amount=document.gross, badge=(row.state, "document") if row is not None else None, document=document)


def _charge(wanted: did.ChargeWanted, row: BillingCharge | None) -> Line:
    again = wanted.attempt > 1
    words = _("The card is asked again, try %(number)s", number=wanted.attempt) if again else _("The card is asked")
    if row is None:
        return Line(words, amount=wanted.amount)
    return Line(words, _shade(status_tone(row.state, "charge")), wanted.amount, (row.state, "charge"))
