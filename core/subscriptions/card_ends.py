"""The card that pays a plan of the house will end soon: its business is told a month and a week before, once each, while there is time."""

from __future__ import annotations

import uuid
from calendar import monthrange
from datetime import date, timedelta

from sqlalchemy import select, tuple_

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import named_id
from core.notifications.models import Notice
from core.payments.saved_models import SavedCard
from core.subscriptions.news import CARD_ENDS
from core.subscriptions.tell import tell_beside

BEFORE = (7, 30)  # days before the last one on which the card can be charged; the nearest one that is reached is told
AT_ONCE = 50  # plans in one transaction


def tell_of_ending_cards(limit: int) -> int:
    """Tell up to AT_ONCE businesses whose card ends within these days and who were not told of it yet.

    Answers `limit` while there may be more to do at once. Late or repeated, nothing is told twice; a clock that stood still for days
    tells what is nearest, and not what is over. A card that took the other's place is news of its own.
    """
    today = now().date()
    ahead = _untold(today)
    for row_id, mode, card, days in ahead[:AT_ONCE]:
        row = db.session.get_one(KeptSubscription, (HOUSE, mode, row_id))
        last = _last_day(card.expiry_year, card.expiry_month)
        tell_beside(row, CARD_ENDS, key=_key(card.public_id, days), told_on=today, on=last, why=card.last4)
    return limit if len(ahead) > AT_ONCE else 0


def _untold(today: date) -> list[tuple[uuid.UUID, str, SavedCard, int]]:
    """The plans whose card ends soon, each with the nearest of BEFORE that is reached, without those whose people know of it already."""
    mine = (SavedCard.vendor_id == KeptSubscription.vendor_id) & (SavedCard.mode == KeptSubscription.mode)
    query = select(KeptSubscription.id, KeptSubscription.mode, KeptSubscription.public_id, Vendor.id, SavedCard)
    query = query.join(SavedCard, mine & (SavedCard.email == KeptSubscription.payer_email))
    query = query.join(Vendor, Vendor.public_id == KeptSubscription.subscriber)
    query = query.where(KeptSubscription.vendor_id == HOUSE, KeptSubscription.status != CANCELLED, SavedCard.is_default)
    query = query.where(tuple_(SavedCard.expiry_year, SavedCard.expiry_month).in_(_months(today, max(BEFORE))))
    found = []
    for row_id, mode, name, business, card in db.session.execute(query.order_by(KeptSubscription.id)):
        left = (_last_day(card.expiry_year, card.expiry_month) - today).days
        reached = [days for days in BEFORE if 0 <= left <= days]
        if reached:
            notices = {named_id("ntc", f"{name}:{_key(card.public_id, days)}") for days in BEFORE if days <= reached[0]}
            found.append((business, notices, (row_id, mode, card, reached[0])))
    known = select(Notice.public_id).where(Notice.vendor_id.in_({business for business, _, _ in found}))
    told = set(db.session.scalars(known.where(Notice.public_id.in_({one for _, notices, _ in found for one in notices}))))
    return [plan for _, notices, plan in found if not notices & told]


def _key(card: str, days: int) -> str:
    """What the news is known by: core/subscriptions/tell.py."""
    return f"card:{card}:{days}"


def _months(today: date, days: int) -> set[tuple[int, int]]:
    return {(day.year, day.month) for day in (today, today + timedelta(days=days))}


def _last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])
