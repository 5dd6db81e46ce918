"""One trail of a payment: what happened to it, what was booked, which letters were written and what the vendor's own software was told, each with
its time, actor and cause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from core.disputes.models import Dispute
from core.hooks.log import Sent
from core.hooks.models import HookDelivery
from core.kernel.ids import made_at
from core.kernel.money import Money
from core.ledger.models import Journal
from core.notifications.models import Message
from core.notifications.queries import LOST
from core.payments.models import Payment, PaymentEvent
from core.payments.refund_models import Refund
from core.payouts.models import Payout
from core.payouts.states import GIVEN_BACK
from core.web.filters import money, status_label
from core.web.guard import current
from portal.balance import KINDS, title_of
from portal.history import tell
from portal.hook_words import delivery_state, endpoint_name, type_words
from portal.outbox import KINDS as LETTERS


@dataclass(frozen=True)
class Footprint:
    """One line of the trail."""

    title: str
    text: str
    tone: str
    at: datetime
    who: str
    code: str | None = None
    href: str | None = None
    href_text: str = ""
    rank: int = 0  # of two at the same instant the one with the higher rank came later


THEIRS = {"processor fee": later("The processor’s fee, which the platform bears")}  # in the platform's books alone
# Of what happened at one instant: its own history in its order, then what was booked for it, and whom it was told.
BOOKED, PAID_OUT, TOLD, WRITTEN = 10_000, 10_001, 10_002, 10_003
ONE_ACT = timedelta(seconds=1)  # no transaction of ours takes longer


@dataclass(frozen=True)
class Doors:
    """Where a line of the trail leads for whoever reads it; None where it leads nowhere."""

    event: Callable[[Payment, str], str | None]
    letter: Callable[[Message], str | None]
    payout: Callable[[Payout], str | None]
    delivery: Callable[[HookDelivery], str | None]


VENDORS = Doors(
    event=lambda payment, event_id: (
        url_for("portal.provider_event", public_id=payment.public_id, event_id=event_id)
        if current().reaches("portal.provider_event")
        else None
    ),
    letter=lambda message: url_for("portal.message", public_id=message.public_id) if current().reaches("portal.message") else None,
    payout=lambda payout: url_for("portal.payout", number=payout.public_id),
    delivery=lambda sent: url_for("portal.webhook_delivery", number=sent.public_id) if current().may("keys.manage") else None,
)


def follow(
    payment: Payment,
    events: list[PaymentEvent],
    journals: list[tuple[Journal, list[tuple[str, str, Money, str]]]],
    letters: list[Message],
    names: dict[str, str],
    payouts: list[tuple[Payout, Money]],
    sent: list[Sent],
    doors: Doors = VENDORS,
) -> list[Footprint]:
    """The whole trail, newest first. The vendor and the staff read the very same lines."""
    happened = _events(payment, events, names, doors)
    follows = [*map(_booked, journals), *(_letter(letter, doors) for letter in letters)]
    follows += [_paid_out(payout, part, doors) for payout, part in payouts]
    follows += [_told(one, doors) for one in sent]
    trail = happened + [_after(step, [event.at for event in happened]) for step in follows]
    return sorted(trail, key=lambda step: (step.at, step.rank), reverse=True)


def _after(step: Footprint, happened: list[datetime]) -> Footprint:
    """What was booked or written for something in one transaction with it may bear the time a moment before: it stands behind it."""
    soon = [at for at in happened if step.at < at <= step.at + ONE_ACT]
    return replace(step, at=min(soon)) if soon else step


def subjects_of(payment: Payment, refunds: Sequence[Refund], disputes: Sequence[Dispute]) -> list[str]:
    """By which numbers the vendor's own software hears of a payment: its own, and those of what came of it."""
    return [payment.public_id, *(one.public_id for one in refunds), *(one.public_id for one in disputes)]


def _events(payment: Payment, events: list[PaymentEvent], names: dict[str, str], doors: Doors) -> list[Footprint]:
    told = []
    for number, moment in enumerate(reversed(tell(events, names=names))):
        href = doors.event(payment, moment.cause) if moment.cause.startswith("evt_") else None
        text = " · ".join(part for part in (moment.text, _cause(moment.cause)) if part)
        told.append(
            Footprint(moment.title, text, moment.tone, moment.at, moment.who, moment.code, href, _("See what the processor sent"), number)
        )
    return told


def _cause(cause: str) -> str:
    """How we came to know it, in words."""
    known = {"poll": _("we asked the processor"), "return": _("the payer came back"), "sent": _("the processor's answer")}
    return known.get(cause, "")


def _booked(entry: tuple[Journal, list[tuple[str, str, Money, str]]]) -> Footprint:
    journal, legs = entry
    moved = " · ".join(
        _("%(account)s %(amount)s", account=title, amount=f"{'+' if amount.minor < 0 else ''}{money(-amount)}")
        for account, sub, amount, _ref in legs
        if (title := title_of(account, sub)) is not None
    )
    title = _("Booked: %(what)s", what=KINDS.get(journal.kind) or THEIRS.get(journal.kind, journal.kind.capitalize()))
    return Footprint(
        title, moved or _("On the platform's own accounts"), "quiet", made_at(journal.id), _("Automatic"), journal.event_key, rank=BOOKED
    )


def _paid_out(payout: Payout, part: Money, doors: Doors) -> Footprint:
    """With which payout it went to the seller's bank, and what of it: several payouts where refunds came later."""
    title = _("In the payout %(currency)s no. %(number)s", currency=payout.currency, number=payout.seq)
    text = _("%(amount)s of it · %(state)s", amount=money(part), state=status_label(payout.state, "payout"))
    tone = "bad" if payout.state in GIVEN_BACK else "good" if payout.state == "paid" else "info"
    return Footprint(
        title, text, tone, payout.created_at, _("Automatic"), payout.public_id, doors.payout(payout), _("Open the payout"), PAID_OUT
    )


def _letter(message: Message, doors: Doors) -> Footprint:
    title = _("Message: %(what)s", what=LETTERS.get(message.kind, message.kind))
    text = _("To %(address)s · %(state)s", address=message.recipient, state=status_label(message.state, "letter"))
    tone = "bad" if message.state in LOST else "quiet"
    href = doors.letter(message)
    return Footprint(title, text, tone, message.sent_at or message.created_at, _("Automatic"), None, href, _("Read it"), WRITTEN)


def _told(sent: Sent, doors: Doors) -> Footprint:
    """One webhook about it, or about a refund or a dispute of it: where it went and whether it arrived."""
    delivery = sent.delivery
    state, tone = delivery_state(delivery)
    tries = ngettext("%(num)s try", "%(num)s tries", delivery.attempts) if delivery.attempts > 1 else ""
    answer = _("answered %(status)s", status=delivery.status) if delivery.status else ""
    text = " · ".join(part for part in (_("To %(name)s", name=endpoint_name(sent.endpoint)), state, answer, tries) if part)
    title = _("Webhook: %(what)s", what=type_words(sent.event.type))
    href = doors.delivery(delivery)
    return Footprint(
        title, text, "bad" if tone == "bad" else "quiet", delivery.ended_at or delivery.created_at, _("Automatic"), sent.event.public_id,
        href, _("See what was sent"), TOLD,
    )  # fmt: skip
