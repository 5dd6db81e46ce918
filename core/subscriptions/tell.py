"""Tells what billing has to say: a business's people by notice and letter, a member by letter. Each piece of news once, however often it is asked for."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import exists, select

from core.accounts.models import Vendor
from core.accounts.queries import find_vendor, get_vendor
from core.billing.effects import Notice, StateChanged, TierChanged
from core.billing.models import BillingCharge, KeptSubscription
from core.customers.models import Customer
from core.kernel.db import db, locked
from core.kernel.money import Money
from core.notifications.models import Message
from core.notifications.notices import post_notice_once
from core.notifications.notify import notify
from core.notifications.team import plan_readers
from core.payments.models import Payment
from core.subscriptions.member_words import NOT_THEIRS
from core.subscriptions.news import OUTAGE, URGENT, News, Place, kind_of_change, news_of, places_of, title_of_tier, write_down

MEMBERS = "membership_news"


class NeverHappened(Exception):
    """Somebody wants to tell what none of the subscription's events holds."""


def tell(row: KeptSubscription, notice: Notice) -> None:
    """Tell this notice of one of the subscription's events, in the present transaction.

    A notice is known by its event and its place in it: repeated, nothing more is told. The same sentence of a later event is other news.
    """
    _tell_first(row, notice)


def tell_change(row: KeptSubscription, change: StateChanged | TierChanged) -> None:
    """The same for a change of plan or state that no notice tells: a letter that confirms it."""
    _tell_first(row, change)


def tell_outage(row: KeptSubscription, charge: BillingCharge) -> None:
    """A charge whose bank has not been reached for hours (core/payments/outage.py): once for each charge."""
    tell_beside(row, OUTAGE, key=charge.public_id, amount=Money(charge.amount_minor, charge.currency))


def tell_beside(row: KeptSubscription, kind: str, *, key: str, told_on: date | None = None, **said: Any) -> bool:
    """What happens beside the engine, and stands in no event of it: once for each `key`. `said` is what News holds of it."""
    row = _held(row)
    if not of_house(row) and kind in NOT_THEIRS:
        return False
    return _send(row, News(kind, told_on or row.today, title_of_tier(row), **said), key)


def _tell_first(row: KeptSubscription, effect: Notice | StateChanged | TierChanged) -> None:
    """Of the places at which this has happened, the first that was not told."""
    row = _held(row)
    places = places_of(row, effect)
    if not places:
        raise NeverHappened(f"{row.public_id} has no event with {effect}")
    for place in places:
        kind = effect.kind if isinstance(effect, Notice) else kind_of_change(row, effect, place)
        if kind is not None and _tell_at(row, effect, place, kind):
            return


def _tell_at(row: KeptSubscription, effect: Notice | StateChanged | TierChanged, place: Place, kind: str) -> bool:
    if not of_house(row) and kind in NOT_THEIRS:
        return False
    return _send(row, news_of(row, effect, place, kind), place.key)


def of_house(row: KeptSubscription) -> bool:
    """Whether a business subscribes to a plan of the house; else a customer does to a plan of a business."""
    return row.subscriber.startswith("vnd_")


def _held(row: KeptSubscription) -> KeptSubscription:
    """As it is now; two who tell the same at the same time do it one after the other."""
    return locked(KeptSubscription, row.vendor_id, row.mode, row.id) or row


def _send(row: KeptSubscription, news: News, place: str) -> bool:
    """By its name, which stands on the notice or the letter; answers False when it was told before."""
    name = f"{row.public_id}:{place}"
    return _to_business(row, news, name) if of_house(row) else _to_member(row, news, name)


def _to_business(row: KeptSubscription, news: News, name: str) -> bool:
    vendor, kind, kept = whose(row), kind_of(news), write_down(news)
    if not post_notice_once(vendor, kind, mode=row.mode, about=row.public_id, detail=kept, name=name):
        return False
    for address, language in plan_readers(vendor, row.mode, kind):
        notify(vendor, kind, mode=row.mode, to=address, locale=language, subscription=row.public_id, news=json.dumps(kept))
    return True


def kind_of(news: News) -> str:
    """The kind of notice and letter that a business gets it as."""
    return "plan_urgent" if news.kind in URGENT else "plan_news"


def whose(row: KeptSubscription) -> Vendor:
    vendor = find_vendor(row.subscriber)
    if vendor is None:
        raise LookupError(f"{row.public_id} belongs to no business")
    return vendor


def _to_member(row: KeptSubscription, news: News, name: str) -> bool:
    """Whoever had themselves forgotten is written to no more."""
    told = exists().where(
        Message.vendor_id == row.vendor_id, Message.mode == row.mode, Message.about == row.public_id, Message.params.contains({"name": name})
    )  # fmt: skip
    mine = select(Customer).where(Customer.vendor_id == row.vendor_id, Customer.mode == row.mode)
    member = db.session.scalars(mine.where(Customer.public_id == row.subscriber)).one()
    if member.erased_at is not None or db.session.scalar(select(told)):
        return False
    seller = get_vendor(row.vendor_id)
    letter = {"subscription": row.public_id, "name": name, "news": json.dumps(write_down(news))}
    notify(seller, MEMBERS, mode=row.mode, to=member.email, locale=_language(member), **letter)
    return True


def _language(member: Customer) -> str:
    """The one they last paid in."""
    paid = select(Payment.locale).where(Payment.vendor_id == member.vendor_id, Payment.mode == member.mode, Payment.email == member.email)
    return db.session.scalar(paid.order_by(Payment.id.desc()).limit(1)) or "en"
