"""What happened while a test clock was moved, day by day and in words: events, documents, charges with their outcome, and letters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from core.billing import effects as did
from core.billing.codec import decode_one_of
from core.billing.effects import Effect
from core.billing.lines import Document
from core.billing.models import BillingCharge, BillingDocument, SubscriptionEvent
from core.kernel.money import Money
from core.notifications.models import Message
from core.web.filters import money
from portal.billing_words import STATES, document_words, notice_words, plan_words

OUTCOMES = {
    "wanted": (later("Planned"), "info"),
    "sent": (later("Waits for its answer"), "info"),
    "received": (later("Paid"), "good"),
    "refused": (later("Declined"), "bad"),
    "stopped": (later("Taken back"), "quiet"),
}
PAPERS = {"draft": (later("Draft"), "info"), "final": (later("Final"), "good"), "dropped": (later("Dropped"), "quiet")}
BAD_NEWS = frozenset({"payment_failed", "card_refused", "suspension_ahead", "suspended", "cancelled", "products_hidden"})


@dataclass(frozen=True)
class Line:
    """One thing of a day: what, with its sum, its outcome and where it is read in full."""

    words: str
    tone: str = "quiet"
    amount: Money | None = None
    badge: tuple[Any, str] | None = None
    document: Document | None = None
    name: str | None = None
    href: str | None = None


@dataclass
class Day:
    """A day by the subscription's own clock."""

    on: date
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Kept:
    """What the events speak of: documents by their number, charges by the event that wanted them."""

    documents: dict[int, BillingDocument]
    charges: dict[tuple[int, int], BillingCharge]


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
    match effect:
        case did.Drafted(document):
            return _document(document, kept.documents.get(document.number))
        case did.ChargeWanted(_documents, amount, _on, attempt):
            return _charge(amount, attempt, kept.charges.get((event.seq, place)))
        case did.Notice(kind):
            return Line(_("You are told: %(words)s", words=notice_words(effect)), "bad" if kind in BAD_NEWS else "info")
        case did.BalanceMoved(amount, why):
            return Line(_("Used from the balance") if why == "invoice" else _("Added to the balance"), amount=amount)
        case did.BalanceConverted(taken, given):
            return Line(_("The balance of %(taken)s becomes %(given)s", taken=money(taken), given=money(given)))
        case did.Written(_kind, amount):
            return Line(_("Written off"), amount=amount)
    return _change(effect)


def _change(effect: Effect) -> Line | None:
    """What changes about the subscription itself; what only books or plans says nothing more."""
    match effect:
        case did.StateChanged(old, new):
            return Line(_("%(old)s → %(new)s", old=STATES[old][0], new=STATES[new][0]), str(STATES[new][1]))
        case did.TierChanged(old, new):
            return Line(_("Plan: %(old)s → %(new)s", old=plan_words(old), new=plan_words(new)), "info")
        case did.ProductsHidden(count):
            return Line(ngettext("%(num)s product is hidden", "%(num)s products are hidden", count), "warn")
        case did.ProductsShown():
            return Line(_("Hidden products are shown again"), "good")
        case did.ListingsChanged(visible):
            return Line(_("In the directory again"), "good") if visible else Line(_("Out of the directory"), "warn")
    return None


def _document(document: Document, row: BillingDocument | None) -> Line:
    name = row.name if row is not None else None
    title = f"{name} · {document_words(document)}" if name else document_words(document)
    return Line(title, amount=document.gross, badge=PAPERS[row.state] if row is not None else None, document=document, name=title)


def _charge(amount: Money, attempt: int, row: BillingCharge | None) -> Line:
    words = _("The card is asked again, try %(number)s", number=attempt) if attempt > 1 else _("The card is asked")
    badge = OUTCOMES[row.state] if row is not None else None
    return Line(words, str(badge[1]) if badge else "quiet", amount, badge)
