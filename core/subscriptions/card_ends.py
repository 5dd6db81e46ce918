"""The card that pays a plan of the house will end soon: its business is told a month and a week before, once each, while there is time."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from sqlalchemy import select, tuple_

from core.accounts.house import HOUSE
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.kernel.clock import now
from core.kernel.db import db
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
    told = 0
    for days in BEFORE:
        told += _tell(days, AT_ONCE - told)
    return limit if told >= AT_ONCE else 0


def _tell(days: int, most: int) -> int:
    today = now().date()
    months = [month for month in _months(today, days) if today <= _last_day(*month) <= today + timedelta(days=days)]
    if not months or most <= 0:
        return 0
    said = [SavedCard.public_id + f":{each}" for each in BEFORE if each <= days]
    mine = (SavedCard.vendor_id == KeptSubscription.vendor_id) & (SavedCard.mode == KeptSubscription.mode)
    query = select(KeptSubscription, SavedCard).join(SavedCard, mine & (SavedCard.email == KeptSubscription.payer_email))
    query = query.where(KeptSubscription.vendor_id == HOUSE, KeptSubscription.status != CANCELLED, SavedCard.is_default)
    query = query.where(tuple_(SavedCard.expiry_year, SavedCard.expiry_month).in_(months), KeptSubscription.card_told.not_in(said))
    found = db.session.execute(query.order_by(KeptSubscription.id).limit(most).with_for_update(of=KeptSubscription, skip_locked=True)).all()
    for row, card in found:
        row.card_told = f"{card.public_id}:{days}"
        db.session.flush()
        last = _last_day(card.expiry_year, card.expiry_month)
        tell_beside(row, CARD_ENDS, key=f"card:{row.card_told}", told_on=today, on=last, why=card.last4)
    return len(found)


def _months(today: date, days: int) -> set[tuple[int, int]]:
    return {(day.year, day.month) for day in (today, today + timedelta(days=days))}


def _last_day(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])
