"""Whom another price list reaches: how many subscribers of each plan, at which boundary, and what they pay then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Date, Integer, case, cast, extract, func, select
from sqlalchemy.dialects.postgresql import JSONPATH

from core.billing.calendar import boundary
from core.billing.codec import decode
from core.billing.models import KeptSubscription, PriceList
from core.billing.price_list import Seller, find_in_force, terms_of
from core.billing.states import CANCELLED, TRIALING
from core.billing.terms import Terms, Tier
from core.kernel.db import db
from core.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Reached:
    """Subscribers of one plan who pay the same today. `new` is None for those who keep the list they have: their plan is not on the new one.

    `converted`: they pay in a currency of their own; the new price is the base price, converted at the rate of their boundary.
    `overtaken`: for so many of them another version counts by then.
    """

    tier: str
    title: str
    old: Money
    new: Money | None
    count: int
    first: date
    last: date
    converted: bool = False
    overtaken: int = 0


@dataclass(frozen=True, slots=True)
class _Group:
    """Subscribers whose boundaries and price are the same."""

    tier: str
    title: str
    old: Money
    ends: date
    day: int  # of the month on which their periods begin
    count: int


def who_is_reached(seller: Seller, mode: str, terms: Terms, *, valid_from: date, others: Sequence[PriceList]) -> list[Reached]:
    """Everybody who subscribes today, by plan and present price, in the order of the new list; `others` are the versions there are."""
    rows: dict[tuple[str, str, Money], list[tuple[date, int, bool]]] = defaultdict(list)
    for group in _groups(seller, mode):
        day = _boundary_from(group, valid_from)
        rows[group.tier, group.title, group.old].append((day, group.count, _is_overtaken(others, day, valid_from)))
    found = [_reached(key, moments, terms) for key, moments in rows.items()]
    order = {tier.code: rank for rank, tier in enumerate(terms.tiers)}
    return sorted(found, key=lambda each: (order.get(each.tier, len(order)), each.tier, each.old.currency, each.old.minor))


def _reached(key: tuple[str, str, Money], moments: Iterable[tuple[date, int, bool]], terms: Terms) -> Reached:
    tier, title, old = key
    days = [day for day, _, _ in moments]
    new = terms.tier(tier) if terms.lists(tier) else None
    reached = Reached(tier, title, old, None, sum(count for _, count, _ in moments), min(days), max(days))
    if new is None:
        return reached
    overtaken = sum(count for _, count, late in moments if late)
    return replace(reached, title=new.title, new=new.price, converted=old.currency != terms.currency, overtaken=overtaken)


def _is_overtaken(others: Sequence[PriceList], day: date, valid_from: date) -> bool:
    """Whether another version, from a later day on, counts at that boundary."""
    counts = find_in_force(others, day)
    return counts is not None and counts.valid_from > valid_from


def _boundary_from(group: _Group, day: date) -> date:
    """The first boundary of theirs that is not before a day."""
    if group.ends >= day:
        return group.ends
    anchor = date(2000, 1, group.day)
    months = (day.year - 2000) * 12 + day.month - 1
    return next(found for n in (months, months + 1) if (found := boundary(anchor, n)) >= day)


def _groups(seller: Seller, mode: str) -> list[_Group]:
    state, tier = KeptSubscription.state, KeptSubscription.tier
    same_code = func.jsonb_build_object("code", tier)
    plan = func.jsonb_path_query_first(state["terms"], cast("$.tiers[*] ? (@.code == $code)", JSONPATH), same_code)
    # A trial's end is the new anchor.
    anchor = case((KeptSubscription.status == TRIALING, KeptSubscription.period_end), else_=cast(state["anchor"].astext, Date))
    day = cast(extract("day", anchor), Integer)
    living = (
        select(tier, plan.label("plan"), KeptSubscription.period_end, day.label("day"))
        .where(KeptSubscription.vendor_id == seller.id, KeptSubscription.mode == mode, KeptSubscription.status != CANCELLED)
        .subquery()
    )
    rows = db.session.execute(select(*living.c, func.count()).group_by(*living.c))
    return [_Group(code, *_plan(kept), ends, anchored, count) for code, kept, ends, anchored, count in rows]


def _plan(kept: dict[str, Any]) -> tuple[str, Money]:
    plan = decode(Tier, kept)
    return plan.title, plan.price


def terms_before(others: Sequence[PriceList], valid_from: date) -> Terms | None:
    """What would count on that day without another version."""
    found = find_in_force(others, valid_from)
    return terms_of(found) if found is not None else None
