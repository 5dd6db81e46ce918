"""Keeps subscriptions: locks one, brings it up to its local day, lets an act of billing happen, and writes down all that followed.

One row is one frozen value. Every act is an event with what was given and what followed from it, in the same transaction as the
documents and charges it made: nothing happens twice, and the events replayed give the subscription again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from core.accounts.house import HOUSE
from core.billing import balance, payment, renew
from core.billing.begin import begin
from core.billing.calendar import DAY, BillingZone, first_instant, local_date
from core.billing.carry_out import carry_out
from core.billing.clock import clock_of, really
from core.billing.codec import encode, encode_one_of
from core.billing.documents import CreditExceedsInvoice, void
from core.billing.effects import Drafted, Effect
from core.billing.lines import Document, sum_of
from core.billing.midnight import as_of, lapse, midnight
from core.billing.models import BillingDocument, KeptSubscription, SubscriptionEvent
from core.billing.parties import Parties
from core.billing.price_list import Seller, offer_on
from core.billing.queries import Offers, offer_at, offer_for, read
from core.billing.renew import Offer
from core.billing.states import CANCELLED, SUSPENDED
from core.billing.subscription import Step, Subscription
from core.billing.treat import held_until
from core.billing.wishes import Wish, perform
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money

SHORTEST_REASON = 8


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a subscription begins with."""

    tier: str
    zone: str
    currency: str = "GBP"
    trial_days: int = 0
    tax_bps: int | None = None
    products: int = 0
    branches: int = 0
    has_card: bool = True


def begin_subscription(seller: Seller, mode: str, *, subscriber: str, wish: Beginning, by: str, payer_email: str = "") -> KeptSubscription:
    """Begin today, by the subscriber's calendar. Refuses a tier that is not on the list."""
    day = local_date(now(), BillingZone(wish.zone))
    key = public_id("sub")
    state, effects = _begin(wish, key, day, _offer(seller.id, mode, day, wish.currency))
    row = KeptSubscription(
        vendor_id=seller.id,
        mode=mode,
        id=uuid7(),
        public_id=key,
        subscriber=subscriber,
        payer_email=payer_email,
        events=0,
        followed=0,
        ahead_seconds=0,
        began_at=now(),
    )
    _put(row, None, state)
    db.session.add(row)
    db.session.flush()
    _note(row, "began", state, encode(wish), effects, by)
    return row


def preview_beginning(seller: Seller, mode: str, wish: Beginning) -> Step:
    """What would begin today, and nothing is kept."""
    day = local_date(now(), BillingZone(wish.zone))
    return _begin(wish, "", day, _offer(seller.id, mode, day, wish.currency))


def _begin(wish: Beginning, key: str, day: date, offer: Offer) -> Step:
    return begin(
        offer.terms, wish.tier, day, key=key, zone=wish.zone, rate=offer.rate(wish.currency), trial_days=wish.trial_days,
        tax_bps=wish.tax_bps, products=wish.products, branches=wish.branches, has_card=wish.has_card,
    )  # fmt: skip


# --- acts ----------------------------------------------------------------------------------------------------------------------


def wish_for(row: KeptSubscription, wish: Wish, *, by: str) -> tuple[Effect, ...]:
    """What a subscriber asks for, today. Refuses as the act itself does, and then nothing but missed midnights has happened."""
    return act_on(row, "wish", encode_one_of(wish), lambda state, offer: perform(state, wish, offer), by)


def receive(
    row: KeptSubscription, documents: tuple[int, ...], amount: Money, *, payment_id: str = "", by: str = "system"
) -> tuple[Effect, ...]:
    """Money came. The caller knows charges by their id and calls once for each; `payment_id` says by which payment."""
    given = {"documents": encode(documents), "amount": encode(amount), "payment": payment_id}
    return act_on(row, "received", given, lambda state, offer: payment.receive(state, documents, amount, coming=offer.local(state)), by)


def refuse(row: KeptSubscription, documents: tuple[int, ...], *, hard: bool, by: str = "system") -> tuple[Effect, ...]:
    """A charge was declined."""
    given = {"documents": encode(documents), "hard": hard}
    return act_on(row, "refused", given, lambda state, _offer: payment.refuse(state, documents, hard=hard), by)


def new_card(row: KeptSubscription, *, by: str = "system") -> tuple[Effect, ...]:
    """The payer has saved a card: what is unpaid is charged to it at once."""
    return act_on(row, "new_card", {}, lambda state, _offer: payment.new_card(state), by)


def ask_currency(row: KeptSubscription, currency: str, *, by: str) -> tuple[Effect, ...]:
    """To be billed in another currency from the next boundary on. Refuses while an invoice is open, or without a rate."""

    def ask(state: Subscription, _offer_now: Offer) -> Step:
        return renew.ask_currency(state, currency, _offer(row.vendor_id, row.mode, state.today, state.currency, currency))

    return act_on(row, "currency", {"currency": currency}, ask, by)


def ask_zone(row: KeptSubscription, name: str, *, by: str) -> tuple[Effect, ...]:
    """To count its days in another time zone from the next boundary on. Refuses a name there is no zone of."""
    return act_on(row, "zone", {"zone": name}, lambda state, _offer: renew.ask_zone(state, name), by)


def pay_back(row: KeptSubscription, parts: Mapping[str, Money], *, why: str, by: str) -> tuple[Effect, ...]:
    """The balance goes back to the payments it came from, each named with its part. Refuses more than there is, and while anything is unpaid."""
    amount = sum_of(parts.values(), row.currency)
    given = {"amount": encode(amount), "parts": {name: encode(part) for name, part in parts.items()}, "reason": why}
    return act_on(row, "paid_back", given, lambda state, _offer: balance.pay_back(state, amount), by)


def payout_came_back(row: KeptSubscription, amount: Money, *, payment_id: str, refund_id: str) -> tuple[Effect, ...]:
    """A part of it did not arrive: it is on the balance again. The caller knows refunds by their id and calls once for each."""
    given = {"amount": encode(amount), "payment": payment_id, "refund": refund_id}
    return act_on(row, "came_back", given, lambda state, _offer: balance.give(state, amount, "came_back"), "system")


def given_back(row: KeptSubscription, amount: Money, *, payment_id: str, gone: Money) -> tuple[Effect, ...]:
    """So much more of a payment for it went back by another way (`gone` in all), by hand or through the payer's bank; below zero, so much of
    what had been taken off the balance for that is on it again. The caller knows what of each payment it has told."""
    given = {"payment": payment_id, "amount": encode(amount), "gone": encode(gone)}

    def move(state: Subscription, _offer_now: Offer) -> Step:
        return balance.give_up(state, amount) if amount.minor >= 0 else balance.give(state, -amount, "stays_after_all")

    return act_on(row, "given_back", given, move, "system")


def void_document(row: KeptSubscription, document: BillingDocument, *, reason: str, by: str) -> tuple[Effect, ...]:
    """Take a wrong invoice back: a credit note over all that is left of it; both stay. Refuses without a reason, and when nothing is left."""
    reason = " ".join(reason.split())
    if len(reason) < SHORTEST_REASON:
        raise Refusal("Say in a few words why: it stays with both documents.", field="reason")
    if document.kind != "invoice" or document.state != "final":
        raise CreditExceedsInvoice("Only a final invoice can be taken back.")
    given = {"document": document.ordinal, "reason": reason}
    effects = act_on(row, "voided", given, lambda state, _offer: void(state, document.ordinal), by)
    audit.record(row.vendor_id, actor=by, action="document.voided", subject=document.public_id, reason=reason)
    return effects


def preview_void(row: KeptSubscription, document: BillingDocument) -> Document | None:
    """The credit note that taking it back would give today; None when there is nothing to take back."""
    if document.kind != "invoice" or document.state != "final":
        return None
    try:
        _state, effects = void(read(row), document.ordinal)
    except CreditExceedsInvoice:
        return None
    return next(effect.document for effect in effects if isinstance(effect, Drafted))


def catch_up(row: KeptSubscription) -> tuple[Effect, ...]:
    """Run every midnight that has passed, in order, and let go of a change whose hours are over.

    Repeated, late or after a kill: no day is run twice and none is left out.
    """
    return catch_up_all([_locked(row)])


def catch_up_all(rows: Iterable[KeptSubscription]) -> tuple[Effect, ...]:
    """The same for several, whose rows the caller has just locked. What is written goes to PostgreSQL together."""
    offers: Offers = {}
    effects: list[Effect] = []
    rows = list(rows)
    parties = Parties(rows)
    with db.session.no_autoflush:
        for row in rows:
            effects += _run_midnights(row, offers, parties, by_itself=True)
            effects += _let_lapse(row)
    db.session.flush()
    return tuple(effects)


def act_on(
    row: KeptSubscription, kind: str, given: dict[str, Any], do: Callable[[Subscription, Offer], Step], by: str
) -> tuple[Effect, ...]:
    """Lock the subscription, bring it up to its day, let `do` happen and write down the event: every act here goes this way."""
    row = _locked(row)
    _run_midnights(row, {})
    _let_lapse(row)
    before, offer = read(row), offer_for(row)
    state, effects = do(before, offer)
    _put(row, before, state)
    _note(row, kind, state, given, effects, by)
    db.session.flush()
    return effects


def _locked(row: KeptSubscription) -> KeptSubscription:
    found = locked(KeptSubscription, row.vendor_id, row.mode, row.id)
    if found is None:
        raise NotFound("There is no such subscription.")
    return found


def _run_midnights(row: KeptSubscription, offers: Offers, parties: Parties | None = None, *, by_itself: bool = False) -> list[Effect]:
    """`offers` keeps what counts on a day, so that it is looked up once for everybody whose day it is.

    A new period does not begin `by_itself` while it is not known how it is taxed; who acts meanwhile goes on at the standard rate.
    """
    state, all_effects = read(row), []
    day = local_date(clock_of(row), state.zone)
    while state.today < day:
        if by_itself and (until := _held_until(row, state)) is not None:
            _put(row, state, state)
            row.due_at = min(until, row.lapse_at or until)
            break
        before = state
        state, effects = midnight(before, as_of(offer_at(row, before, before.today + DAY, offers), before.today + DAY, day))
        if effects:
            _put(row, before, state)
            _note(row, "midnight", state, {}, effects, "system", parties)
            all_effects += effects
        elif state.today == day:
            _put(row, before, state)
    return all_effects


def _held_until(row: KeptSubscription, state: Subscription) -> datetime | None:
    """Until when the period that begins tomorrow waits for the registry of VAT numbers; None when it waits for nothing.

    The registry keeps real hours: a clock that was moved waits for nobody.
    """
    if row.vendor_id != HOUSE or row.ahead_seconds or state.today + DAY != state.period.end or state.status in (SUSPENDED, CANCELLED):
        return None
    return held_until(row.subscriber, state.terms)


def let_go_on(subscriber: str) -> None:
    """The registry has answered about this business: what waited for that is looked at again at once."""
    mine = select(KeptSubscription).where(KeptSubscription.vendor_id == HOUSE, KeptSubscription.subscriber == subscriber)
    for row in db.session.scalars(mine.where(KeptSubscription.due_at > now()).order_by(KeptSubscription.id).with_for_update()):
        row.due_at = min(row.due_at, really(row, first_instant(read(row).today + DAY, read(row).zone))) if row.due_at else None


def _let_lapse(row: KeptSubscription) -> tuple[Effect, ...]:
    if row.lapse_at is None or now() < row.lapse_at:
        return ()
    before = read(row)
    state, effects = lapse(before)
    _put(row, before, state)
    _note(row, "lapsed", state, {}, effects, "system")
    return effects


def claim_due(limit: int = 200) -> list[KeptSubscription]:
    """Subscriptions for which something has fallen due, locked; two runs never take the same one."""
    due = select(KeptSubscription).where(KeptSubscription.due_at <= now())
    return list(db.session.scalars(due.order_by(KeptSubscription.due_at).limit(limit).with_for_update(skip_locked=True)))


# --- writing -------------------------------------------------------------------------------------------------------------------


def _put(row: KeptSubscription, was: Subscription | None, state: Subscription) -> None:
    held, before = state.awaiting, was.awaiting if was is not None else None
    if held is None:
        row.lapse_at = None
    elif before is None or (before.kind, before.tier, before.asked_on) != (held.kind, held.tier, held.asked_on):
        row.lapse_at = now() + timedelta(hours=state.terms.awaiting_hours)
    row.state = encode(state)
    row.status, row.tier, row.currency, row.today = state.status, state.tier, state.currency, state.today
    row.period_start, row.period_end = state.period.start, state.period.end
    over = state.status == CANCELLED and state.dunning is None and not state.open  # nothing falls due any more
    midnight_at = really(row, first_instant(state.today + DAY, state.zone))
    row.due_at = None if over else min(midnight_at, row.lapse_at) if row.lapse_at else midnight_at


def _note(
    row: KeptSubscription,
    kind: str,
    state: Subscription,
    given: dict[str, Any],
    effects: Iterable[Effect],
    by: str,
    parties: Parties | None = None,
) -> None:
    row.events += 1
    db.session.add(
        SubscriptionEvent(
            vendor_id=row.vendor_id, mode=row.mode, id=uuid7(), subscription_id=row.id, seq=row.events, kind=kind, on_day=state.today, given=given,
            effects=[encode_one_of(effect) for effect in effects], actor=by, at=now(),
        )
    )  # fmt: skip
    carry_out(row, state.zone, tuple(effects), parties or Parties())


def _offer(vendor_id: uuid.UUID, mode: str, day: date, *currencies: str) -> Offer:
    return offer_on(vendor_id, mode, day, currencies=frozenset(currencies))
