"""One piece of news about a subscription, as plain values: what was told, when, and what of its event belongs to it. Letters and notices are written from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import func, select

from core.billing.codec import decode, decode_one_of, encode, encode_one_of
from core.billing.effects import (
    NOTICES,
    BalanceMoved,
    ChargeWanted,
    Drafted,
    Effect,
    Finalised,
    Notice,
    ProductsHidden,
    StateChanged,
    TierChanged,
    Written,
)
from core.billing.forecast import next_charge
from core.billing.limits import is_small
from core.billing.lines import sum_of
from core.billing.midnight import NEXT_INVOICE
from core.billing.models import BillingCharge, KeptSubscription, SubscriptionEvent
from core.billing.queries import offer_for, read
from core.billing.states import ACTIVE, CANCELLED, HIBERNATING, SUSPENDED, TRIALING
from core.billing.subscription import Subscription
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.models import Payment

# What no notice of the engine says by itself, because a change of plan or state says it: core/billing/effects.py knows these as changes.
MOVES = {
    (TRIALING, ACTIVE): "trial_paid", (ACTIVE, HIBERNATING): "hibernation_began", (HIBERNATING, ACTIVE): "woke_up",
    (SUSPENDED, ACTIVE): "reactivated", (ACTIVE, CANCELLED): "not_begun",
}  # fmt: skip
CHANGES = frozenset({*MOVES.values(), "raised", "lowered"})
CONFIRM = "authentication_required"
OUTAGE = "bank_unreachable"
DELETION, PAID_BACK, CAME_BACK, CARD_ENDS = "deletion_ahead", "paid_back", "payout_came_back", "card_ends"
BESIDE = frozenset(
    {OUTAGE, DELETION, PAID_BACK, CAME_BACK, CARD_ENDS}
)  # what happens beside the engine: core/subscriptions/tell.py: tell_beside
KINDS = NOTICES | CHANGES | BESIDE
# Something stops, or has stopped, unless somebody acts: nobody can choose not to hear it.
URGENT = frozenset({"payment_failed", "card_refused", "suspension_ahead", "suspended", "cancelled", DELETION})
# With these it belongs to the news what the card is asked for next.
NEXT = CHANGES - {"not_begun"} | {
    "recovered", "plan_kept", "change_lapsed", "downgrade_dropped", "hibernation_dropped", "wake_withdrawn", "limit_enforced", "currency_kept", "currency_changed",
    "rate_old",
}  # fmt: skip
REASONS = frozenset({"last", "new card", "no card", NEXT_INVOICE})  # a notice's detail that is no name of a plan


@dataclass(frozen=True, slots=True)
class News:
    """What is told. `plan` is the tier right after it; `tier` the one it speaks of; `before` the one before it."""

    kind: str
    told_on: date
    plan: str
    on: date | None = None
    amount: Money | None = None
    tier: str = ""
    before: str = ""
    why: str = ""
    count: int | None = None
    limit: int | None = None  # how many products the plan holds, or the one it speaks of
    until: date | None = None
    pay_until: str = ""  # an instant: until when a change that is held can be paid
    bank: str = ""  # the reason the bank gave, as a code
    no_card: bool = False  # there was no card to ask
    paid: Money | None = None  # what came in with this event
    asked: Money | None = None  # what the card was asked for with it
    credited: Money | None = None  # what went to the balance with it
    unpaid: Money | None = None  # what was given up for lost with it
    rated: bool = False  # billed at an exchange rate
    next_on: date | None = None
    next_amount: Money | None = None
    blocked: bool = False  # no further branch before it is paid
    months: int = 0  # how long it may hibernate
    small: bool = False  # its sum is too little to be charged by itself: it goes onto the next invoice
    wakes_on: date | None = None  # it hibernates until then and wakes up by itself
    wakes_for: Money | None = None  # for this sum
    export_days: int = 0  # how long everything can be downloaded after the end


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a subscription's events something stands."""

    event: SubscriptionEvent
    effects: tuple[Effect, ...]
    at: int

    @property
    def key(self) -> str:
        return f"{self.event.seq}.{self.at}"


def places_of(row: KeptSubscription, effect: Effect) -> list[Place]:
    """Every place at which exactly this has happened to it, in order."""
    kept = {name: value for name, value in encode_one_of(effect).items() if value is not None}
    mine = select(SubscriptionEvent).where(SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode)
    mine = mine.where(SubscriptionEvent.subscription_id == row.id, SubscriptionEvent.effects.contains([kept]))
    found = [(event, _effects(event)) for event in db.session.scalars(mine.order_by(SubscriptionEvent.seq))]
    return [Place(event, effects, n) for event, effects in found for n, each in enumerate(effects) if each == effect]


def _effects(event: SubscriptionEvent) -> tuple[Effect, ...]:
    return tuple(decode_one_of(Effect, kept) for kept in event.effects)


def kind_of_change(row: KeptSubscription, effect: StateChanged | TierChanged, place: Place) -> str | None:
    """What a change is told as; None where a notice of the same event tells it already, or the change of state that came with it does."""
    told = {each.kind for each in place.effects if isinstance(each, Notice)}
    if isinstance(effect, StateChanged):
        return None if "cancelled" in told else MOVES.get((effect.old, effect.new))
    moved = [each for each in place.effects if isinstance(each, StateChanged) and (each.old, each.new) in MOVES]
    if moved or "limit_enforced" in told:
        return None
    if any(isinstance(each, ProductsHidden) for each in place.effects):
        return "lowered"  # a renewal for a greater plan was declined
    codes = [tier.code for tier in read(row).terms.tiers]
    known = effect.old in codes and effect.new in codes
    return "raised" if not known or codes.index(effect.new) > codes.index(effect.old) else "lowered"


def news_of(row: KeptSubscription, effect: Notice | StateChanged | TierChanged, place: Place, kind: str) -> News:
    """The news with all that its event knows. What comes next is only said while nothing has happened since."""
    state, later = read(row), _later(row, place)
    news = News(kind, place.event.on_day, _tier_at(state, later), **_said(effect))
    before = next((each.old for each in reversed(place.effects[: place.at + 1]) if isinstance(each, TierChanged)), "")
    news = replace(
        news, before=before, limit=_limit(state, news, before), blocked=state.branches.blocked,
        months=state.terms.hibernation_months, export_days=state.terms.export_days, rated=state.rate is not None, small=_waits(kind, place), **_money(place), **_bank(row, place.event),
    )  # fmt: skip
    named = {name: _title(state, code) for name in ("tier", "plan", "before") if (code := getattr(news, name))}
    news = replace(news, **named)
    if place.event.seq != row.events:
        return news
    if kind in ("limit_breached", "grace_running") and news.on is not None:
        news = replace(news, small=is_small(state, news.on, coming=offer_for(row).local(state)))
    held = row.lapse_at.isoformat() if row.lapse_at is not None and state.awaiting is not None else ""
    if kind == "hibernation_began":
        news = replace(news, wakes_on=state.wakes_on)
    coming = next_charge(state, offer_for(row)) if kind in NEXT else None
    return replace(
        news, pay_until=held, next_on=coming.on if coming else None, next_amount=coming.amount if coming else None
    )  # fmt: skip


def _said(effect: Notice | StateChanged | TierChanged) -> dict[str, object]:
    if isinstance(effect, StateChanged):
        return {"on": effect.on}
    if isinstance(effect, TierChanged):
        return {"on": effect.on, "tier": effect.new}
    why = effect.detail in REASONS or effect.kind in ("rate_old", "plan_kept", "currency_kept", "currency_changed")
    detail = {"why": effect.detail} if why else {"tier": effect.detail}
    wakes = {"wakes_on": effect.wakes_on, "wakes_for": effect.wakes_for}
    return {"on": effect.on, "amount": effect.amount, "count": effect.count, "until": effect.until, **wakes, **detail}


def _later(row: KeptSubscription, place: Place) -> Sequence[Effect]:
    """Everything that has happened since."""
    mine = select(SubscriptionEvent).where(SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode)
    since = mine.where(SubscriptionEvent.subscription_id == row.id, SubscriptionEvent.seq > place.event.seq).order_by(SubscriptionEvent.seq)
    return [*place.effects[place.at + 1 :], *(effect for event in db.session.scalars(since) for effect in _effects(event))]


def _tier_at(state: Subscription, later: Sequence[Effect]) -> str:
    """The plan as it was then: what the next change came from, or what it still is."""
    return next((effect.old for effect in later if isinstance(effect, TierChanged)), state.tier)


def title_of_tier(row: KeptSubscription) -> str:
    """What people call the plan it is on."""
    return _title(read(row), row.tier)


def _title(state: Subscription, code: str) -> str:
    """What people call a plan, as long as it is on the list."""
    return state.terms.tier(code).title if state.terms.lists(code) else code


def _limit(state: Subscription, news: News, before: str) -> int | None:
    """How many products hold: of the plan that was too small, or of the one that would have been."""
    code = {"downgrade_dropped": news.tier, "limit_enforced": before}.get(news.kind, news.plan)
    return state.terms.tier(code).limit if state.terms.lists(code) else None


def _money(place: Place) -> dict[str, Money | None]:
    event, effects = place.event, place.effects
    asked = [each.amount for each in effects if isinstance(each, ChargeWanted)]
    lost = [each.amount for each in effects if isinstance(each, Written) and each.kind == "bad_debt"]
    given = [each.amount for each in effects if isinstance(each, BalanceMoved) and each.amount.minor > 0]
    return {
        "paid": decode(Money, event.given["amount"]) if event.kind == "received" else None,
        "asked": sum_of(asked, asked[0].currency) if asked else None,
        "credited": sum_of(given, given[0].currency) if given else None,
        "unpaid": sum_of(lost, lost[0].currency) if lost else None,
    }


def _waits(kind: str, place: Place) -> bool:
    """Whether a plan became a greater one and nothing was invoiced for it yet."""
    return kind == "limit_enforced" and not any(isinstance(each, Drafted | Finalised) for each in place.effects)


def _bank(row: KeptSubscription, event: SubscriptionEvent) -> dict[str, object]:
    """What the bank said to the charge that this event heard of, as a code; and whether there was no card to ask it about."""
    if event.kind != "refused":
        return {}
    documents, here = event.given["documents"], (SubscriptionEvent.vendor_id == row.vendor_id, SubscriptionEvent.mode == row.mode)
    earlier = select(func.count()).where(*here, SubscriptionEvent.subscription_id == row.id, SubscriptionEvent.seq < event.seq)
    tries = db.session.scalar(earlier.where(SubscriptionEvent.kind == "refused", SubscriptionEvent.given["documents"] == documents)) or 0
    paid = (Payment.vendor_id == BillingCharge.vendor_id) & (Payment.mode == BillingCharge.mode) & (Payment.id == BillingCharge.payment_id)
    mine = select(Payment.decline_code, Payment.state).select_from(BillingCharge).outerjoin(Payment, paid)
    asked = mine.where(BillingCharge.vendor_id == row.vendor_id, BillingCharge.mode == row.mode, BillingCharge.subscription_id == row.id)
    asked = asked.where(BillingCharge.documents == documents, BillingCharge.state != "stopped").order_by(BillingCharge.id)
    code, state = db.session.execute(asked.offset(tries).limit(1)).one_or_none() or (None, None)
    return {"bank": code or (CONFIRM if state == "requires_action" else ""), "no_card": bool(event.given["hard"]) and state is None}


def write_down(news: News) -> dict[str, object]:
    """As JSON."""
    return {name: value for name, value in encode(news).items() if value not in (None, "")}


def read_news(kept: dict[str, object]) -> News:
    """The news again."""
    return decode(News, kept)
