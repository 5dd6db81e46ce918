"""What happened to a subscription, in words: each event with all that followed from it. The vendor and the staff read the very same trail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from core.billing import effects as did
from core.billing.codec import decode, decode_one_of
from core.billing.effects import Effect
from core.billing.models import SubscriptionEvent
from core.billing.wishes import (
    AddBranches,
    AddProducts,
    Cancel,
    ChooseTier,
    ConfirmResume,
    Hibernate,
    Keep,
    Reactivate,
    Resume,
    WakeOn,
    Wish,
)
from core.kernel.money import Money
from core.web.filters import day, money, status_label
from portal.billing_words import notice_words, origin_words
from portal.plan_names import Known

WHY_BALANCE: dict[str, Any] = {
    "invoice": _l("for an invoice"), "credit_note": _l("from a credit note"), "draft_dropped": _l("from a draft that was dropped"),
    "overpaid": _l("paid twice or too late"), "paid_back": _l("to be paid back"), "came_back": _l("which the bank had sent back"),
    "given_back": _l("for a payment that went back"), "stays_after_all": _l("for a payment that did not go back after all"),
}  # fmt: skip
BAD = frozenset(
    {"payment_failed", "card_refused", "suspension_ahead", "suspended", "upgrade_declined", "resume_declined", "reactivate_declined",
     "limit_declined", "products_hidden", "cancelled"}
)  # fmt: skip


@dataclass(frozen=True)
class Happened:
    """One line of the trail."""

    title: str
    lines: tuple[str, ...]
    tone: str
    at: datetime
    who: str


def tell_events(events: Iterable[SubscriptionEvent], known: Known) -> list[Happened]:
    """The whole trail, newest first."""
    return [tell_event(event, known) for event in sorted(events, key=lambda event: event.seq, reverse=True)]


def tell_event(event: SubscriptionEvent, known: Known) -> Happened:
    effects = [decode_one_of(Effect, kept) for kept in event.effects]
    lines = tuple(words for effect in effects if (words := say_effect(effect, known)))
    if event.kind in ("voided", "reissued", "paid_back") and event.given["reason"]:
        lines = (_("Why: %(reason)s", reason=event.given["reason"]), *lines)
    return Happened(_title(event, known), lines, _tone(event, effects), event.at, known.who(event.actor))


def _tone(event: SubscriptionEvent, effects: list[Effect]) -> str:
    if event.kind in ("refused", "lapsed") or any(isinstance(each, did.Notice) and each.kind in BAD for each in effects):
        return "bad"
    return "good" if event.kind in ("began", "received") else "quiet"


def _title(event: SubscriptionEvent, known: Known) -> str:
    given = event.given
    match event.kind:
        case "began":
            return _("Subscribed to %(plan)s", plan=known.plan(given["tier"]))
        case "wish":
            return say_wish(decode_one_of(Wish, given), known)
        case "received":
            return _("Paid: %(amount)s", amount=money(decode(Money, given["amount"])))
        case "refused":
            return _("The card was declined for good") if given["hard"] else _("The card was declined")
        case "paid_back":
            return _("Balance paid back: %(amount)s", amount=money(decode(Money, given["amount"])))
        case "came_back":
            return _("%(amount)s could not be paid back", amount=money(decode(Money, given["amount"])))
        case "given_back":
            return _("Of a payment has gone back: %(amount)s", amount=money(decode(Money, given["gone"])))
        case "voided":
            return _("%(paper)s was taken back", paper=known.paper(given["document"]))
        case "reissued":
            return _("%(paper)s was issued anew", paper=known.paper(given["document"]))
    plain = {
        "midnight": _("Beginning of %(day)s", day=day(event.on_day)),
        "lapsed": _("A change was not paid in time"),
        "new_card": _("Another card"),
    }
    return plain.get(event.kind, event.kind.replace("_", " ").capitalize())


def say_wish(wish: Wish, known: Known) -> str:
    """What somebody asked for."""
    match wish:
        case ChooseTier(code, now):
            return _("Chose %(plan)s, at once", plan=known.plan(code)) if now else _("Chose %(plan)s", plan=known.plan(code))
        case AddBranches(count):
            more, fewer = (
                ngettext("%(num)s branch more", "%(num)s branches more", count),
                ngettext("%(num)s branch fewer", "%(num)s branches fewer", -count),
            )
            return more if count > 0 else fewer
        case AddProducts(count):
            more, fewer = (
                ngettext("%(num)s product more", "%(num)s products more", count),
                ngettext("%(num)s product fewer", "%(num)s products fewer", -count),
            )
            return more if count > 0 else fewer
        case Hibernate(now, None):
            return _("Asked to hibernate from tomorrow on") if now else _("Asked to hibernate from the next period on")
        case Hibernate(now, until):
            values = {"day": day(until)}
            return (
                _("Asked to hibernate from tomorrow on, until %(day)s", **values)
                if now
                else _("Asked to hibernate from the next period on, until %(day)s", **values)
            )
        case WakeOn(on):
            return _("Asked to wake up on %(day)s", day=day(on)) if on else _("Took back the day of waking up")
        case Cancel(now, _):
            return _("Asked to end tomorrow") if now else _("Asked to end with the period")
    plain = {
        Resume: _l("Asked to wake up"),
        ConfirmResume: _l("Said to go on after hibernating"),
        Reactivate: _l("Asked to come back"),
        Keep: _l("Took back what was planned"),
    }
    return str(plain[type(wish)])


def say_effect(effect: Effect, known: Known) -> str:
    """One thing that followed; empty for what nobody needs to read."""
    say: Callable[..., str] | None = SAYINGS.get(type(effect))
    return say(effect, known) if say else ""


def _drafted(effect: did.Drafted, known: Known) -> str:
    document = effect.document
    name = known.papers.get(document.number) or ""
    values = {"paper": name, "amount": money(document.gross), "why": origin_words(document.origin)}
    if document.kind == "credit_note":
        return _("Credit note %(paper)s of %(amount)s · %(why)s", **values)
    if not name:
        return _("Invoice of %(amount)s as a draft · %(why)s", **values)
    return _("Invoice %(paper)s of %(amount)s · %(why)s", **values)


def _wanted(effect: did.ChargeWanted, known: Known) -> str:
    papers = ", ".join(known.paper(ordinal) for ordinal in effect.documents)
    values = {"amount": money(effect.amount), "day": day(effect.on), "papers": papers, "attempt": effect.attempt}
    if effect.attempt > 1:
        return _("Charge of %(amount)s on %(day)s for %(papers)s, attempt %(attempt)s", **values)
    return _("Charge of %(amount)s on %(day)s for %(papers)s", **values)


def _moved(effect: did.BalanceMoved, known: Known) -> str:
    why = str(WHY_BALANCE.get(effect.why, "")) or effect.why
    if effect.amount.minor > 0:
        return _("%(amount)s put to the balance, %(why)s", amount=money(effect.amount), why=why)
    return _("%(amount)s taken from the balance, %(why)s", amount=money(-effect.amount), why=why)


def _notice(effect: did.Notice, known: Known) -> str:
    return _("Told: %(what)s", what=notice_words(effect, known))


def _written(effect: did.Written, known: Known) -> str:
    if effect.kind == "waived":
        return _("%(amount)s waived: too little to be charged", amount=money(effect.amount))
    return _("%(amount)s written off", amount=money(effect.amount))


def _status(effect: did.StateChanged, known: Known) -> str:
    return _("%(old)s → %(new)s", old=status_label(effect.old, "subscription"), new=status_label(effect.new, "subscription"))


SAYINGS: dict[type, Callable[[Any, Known], str]] = {
    did.Drafted: _drafted,
    did.Finalised: lambda effect, known: _("%(paper)s is final", paper=known.paper(effect.document)),
    did.Dropped: lambda effect, known: _("A draft was dropped: it never had a number"),
    did.Paid: lambda effect, known: _("Nothing is owed on %(paper)s any more", paper=known.paper(effect.document)),
    did.ChargeWanted: _wanted,
    did.RetriesStopped: lambda effect, known: _("What was planned of charges is called off"),
    did.BalanceMoved: _moved,
    did.BalanceConverted: lambda effect, known: _(
        "The balance was converted: %(taken)s became %(given)s", taken=money(effect.taken), given=money(effect.given)
    ),
    did.Written: _written,
    did.Notice: _notice,
    did.StateChanged: _status,
    did.TierChanged: lambda effect, known: _("Plan: %(old)s → %(new)s", old=known.plan(effect.old), new=known.plan(effect.new)),
    did.ProductsHidden: lambda effect, known: ngettext(
        "The newest product is hidden", "The newest %(num)s products are hidden", effect.count
    ),
    did.ProductsShown: lambda effect, known: _("Hidden products are shown again"),
    did.ListingsChanged: lambda effect, known: _("In the directory again") if effect.visible else _("Out of the directory"),
}
