"""What a wish comes to before it is confirmed, and the promise behind it: what was shown is what is charged, to the penny, until local midnight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from core.accounts.house import house
from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.billing import forecast, queries, store
from core.billing.codec import encode_one_of
from core.billing.effects import BalanceMoved, ChargeWanted, Drafted, Dropped, Effect
from core.billing.lines import Document, Line, sum_of
from core.billing.lists import list_charges
from core.billing.models import BillingCharge, KeptSubscription, SubscriptionEvent
from core.billing.payment import paid
from core.billing.price_list import offer_on
from core.billing.renew import Offer
from core.billing.states import CANCELLED
from core.billing.subscription import Subscription
from core.billing.wishes import Wish
from core.kernel.db import lock_again
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.subscriptions import plan

EXPECTS = re.compile(r"(\d{1,9})-([0-9a-f]{32})")


class QuoteMoved(Conflict):
    """What was confirmed is not what would be charged now."""

    code = "quote_moved"


@dataclass(frozen=True, slots=True)
class Quote:
    """The subscription before (None: it would begin) and after a wish, and all that follows at once. Nothing of it is kept."""

    before: Subscription | None
    after: Subscription
    effects: tuple[Effect, ...]
    offer: Offer
    events: int  # how many there were when it was made

    @property
    def documents(self) -> tuple[Document, ...]:
        dropped = {effect.document for effect in self.effects if isinstance(effect, Dropped)}
        return tuple(e.document for e in self.effects if isinstance(e, Drafted) and e.document.number not in dropped)

    @property
    def waiting(self) -> tuple[Line, ...]:
        """Lines that are too little to charge by themselves: they go with the next invoice."""
        known = {entry.line.number for entry in self.before.pending} if self.before else set()
        return tuple(entry.line for entry in self.after.pending if entry.line.number not in known)

    @property
    def charges(self) -> tuple[ChargeWanted, ...]:
        return tuple(effect for effect in self.effects if isinstance(effect, ChargeWanted) and effect.at_minute is None)

    @property
    def card(self) -> Money:
        """What the card is asked for at once."""
        return sum_of((charge.amount for charge in self.charges), self.after.currency)

    @property
    def debts(self) -> Money:
        """What of that was owed before."""
        new = {document.number for document in self.documents}
        asked = {number for charge in self.charges for number in charge.documents} - new
        return sum_of((owed.due for owed in self.after.open if owed.document in asked), self.after.currency)

    @property
    def from_balance(self) -> Money:
        """What the balance pays of the new invoices, at once or when the card has paid the rest."""
        moved = sum_of((-e.amount for e in self.effects if isinstance(e, BalanceMoved) and e.amount.minor < 0), self.after.currency)
        held = self.after.awaiting
        if held is None:
            return moved
        return moved + min(held.document.gross, self.after.balance)

    @property
    def to_balance(self) -> Money:
        """What comes back as balance."""
        return sum_of((e.amount for e in self.effects if isinstance(e, BalanceMoved) and e.amount.minor > 0), self.after.currency)

    @property
    def until(self) -> datetime:
        """Until when this is what would be charged, by the plan's own clock."""
        return forecast.valid_until(self.after)

    @property
    def expects(self) -> str:
        """All of it in one word. Another day, another count or another price makes another word of it."""
        planned = (self.before.planned if self.before else None, self.after.planned)
        rests = (self.after.resume_confirmed, self.after.wakes_on)
        told = (self.after.today, self.after.status, self.after.tier, *rests, planned, self.effects)
        return f"{self.events}-{sha256(repr(told).encode()).hexdigest()[:32]}"

    def follows(self, until: date) -> forecast.Forecast:
        """What comes after it up to a day, should each charge be paid and nothing else be wished."""
        state, done = paid(self.after, self.effects, self.offer)
        return forecast.forecast(state, (), self.offer, until=until, before=done[len(self.effects) :])


def quote_wish(row: KeptSubscription, wish: Wish) -> Quote:
    """What a wish would do today. Refuses as the act itself does."""
    before, offer = queries.as_of_now(row)
    after, effects = plan.preview_wish(row, wish)
    return Quote(before, after, effects, offer, row.events)


def quote_beginning(vendor: Vendor, mode: str, *, tier: str) -> Quote:
    """What a plan that begins today would cost. Refuses a tier that is not on the list."""
    after, effects = store.preview_beginning(house(), mode, plan.beginning(vendor, mode, tier=tier))
    return Quote(None, after, effects, offer_on(house().id, mode, after.today), 0)


def confirm(row: KeptSubscription, wish: Wish, *, expects: str, by: str) -> SubscriptionEvent:
    """Do what was shown. Sent twice it happens once: both times the same event is the answer. Refuses QuoteMoved when it would be another sum."""
    row = lock_again(row)
    done = _done_already(row, wish, expects, by)
    if done is not None:
        return done
    store.catch_up(row)
    if not _same(quote_wish(row, wish).expects, expects):
        raise QuoteMoved("What this costs has changed since you looked. Nothing was done: please look again.")
    plan.act(row, wish, by=by)
    return queries.list_events(house(), row)[-1]


def confirm_beginning(vendor: Vendor, mode: str, *, tier: str, payer_email: str, expects: str, by: str) -> KeptSubscription:
    """Begin what was shown. Sent twice there is one plan."""
    hold_vendor(vendor.id)  # what is published stays as it is from the comparison on
    running = plan.find_plan(vendor, mode)
    if running is not None and running.status != CANCELLED:
        raise plan.HasPlan("There is a plan already.")
    if not _same(quote_beginning(vendor, mode, tier=tier).expects, expects):
        raise QuoteMoved("What this costs has changed since you looked. Nothing was done: please look again.")
    return plan.subscribe(vendor, mode, tier=tier, payer_email=payer_email, by=by)


def _same(now: str, then: str) -> bool:
    """The same figures, whatever else has happened meanwhile."""
    return now.partition("-")[2] == then.partition("-")[2]


def _done_already(row: KeptSubscription, wish: Wish, expects: str, by: str) -> SubscriptionEvent | None:
    """The event of the same wish of the same person since it was shown: the form was sent twice."""
    found = EXPECTS.fullmatch(expects)
    if found is None or int(found[1]) >= row.events:
        return None
    given = _as_wished(encode_one_of(wish))
    since = [event for event in queries.list_events(house(), row) if event.seq > int(found[1])]
    return next((event for event in since if (event.kind, _as_wished(event.given), event.actor) == ("wish", given, by)), None)


def _as_wished(given: dict[str, Any]) -> dict[str, Any]:
    """Without what the payments of that moment added to it (core/subscriptions/plan.py: as_things_stand)."""
    return {name: value for name, value in given.items() if name != "paying"}


def charge_of(row: KeptSubscription, event: SubscriptionEvent) -> BillingCharge | None:
    """The charge that an event wanted at once."""
    return next((charge for charge in list_charges(house(), row) if charge.event_seq == event.seq), None)
