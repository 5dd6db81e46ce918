"""How far people come through a link: opened, started, attempted, paid, by day, and why those who did not pay stopped.

Openings are counted (core/web/tally.py gathers them, one write for many); everything after that is read off the payments
themselves, so the funnel and the list of payments never disagree.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Date, String, case, cast, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.payments.models import Attempt, Payment, PaymentEvent, PaymentLink
from core.payments.sharing_models import LinkOpening
from core.payments.states import PAID

Opening = tuple[uuid.UUID, str, uuid.UUID, date, str]  # vendor, mode, link, day, source
MOST_PAYMENTS = 100_000  # read for one report; beyond that it says so


@dataclass
class Step:
    """One day, or all of them: how many came how far."""

    opened: int = 0
    started: int = 0
    attempted: int = 0
    paid: int = 0


@dataclass
class Funnel:
    """A link's report over some days. `days` holds every day of the period, also the empty ones."""

    days: dict[date, Step]
    total: Step = field(default_factory=Step)
    stopped: Counter[str] = field(default_factory=Counter)  # why those who started did not pay: a decline's code, or a state
    declines: Counter[str] = field(default_factory=Counter)  # every try that did not go through, by its reason
    sources: Counter[str] = field(default_factory=Counter)  # openings, by where people came from
    campaigns: list[tuple[str, str, int, int]] = field(default_factory=list)  # name, value, started, paid
    cut_short: bool = False


def today_of(vendor: Vendor) -> date:
    """The day it is where the vendor lives."""
    return now().astimezone(ZoneInfo(vendor.time_zone)).date()


def add_openings(counts: Mapping[Opening, int]) -> None:
    """Add what was gathered, in one statement. The rows are written in one order, so two processes never block each other in a circle."""
    rows = [
        {"vendor_id": vendor, "mode": mode, "link_id": link, "opened_on": on, "source": source, "openings": number}
        for (vendor, mode, link, on, source), number in sorted(counts.items(), key=lambda item: tuple(map(str, item[0])))
    ]
    if not rows:
        return
    wish = insert(LinkOpening).values(rows)
    key = ["vendor_id", "mode", "link_id", "opened_on", "source"]
    db.session.execute(wish.on_conflict_do_update(index_elements=key, set_={"openings": LinkOpening.openings + wish.excluded.openings}))


def funnel_of(vendor: Vendor, link: PaymentLink, *, days: int) -> Funnel:
    """The report over the last so many days, today included, in the vendor's calendar."""
    last = today_of(vendor)
    first = last - timedelta(days=days - 1)
    report = Funnel({first + timedelta(days=n): Step() for n in range(days)})
    _openings(vendor, link, first, report)
    _payments(vendor, link, first, report)
    for step in report.days.values():
        for name in ("opened", "started", "attempted", "paid"):
            setattr(report.total, name, getattr(report.total, name) + getattr(step, name))
    return report


def _openings(vendor: Vendor, link: PaymentLink, first: date, report: Funnel) -> None:
    mine = LinkOpening.vendor_id == vendor.id, LinkOpening.mode == link.mode, LinkOpening.link_id == link.id
    for row in db.session.scalars(select(LinkOpening).where(*mine, LinkOpening.opened_on >= first)):
        if row.opened_on in report.days:
            report.days[row.opened_on].opened += row.openings
        report.sources[row.source] += row.openings


def _payments(vendor: Vendor, link: PaymentLink, first: date, report: Funnel) -> None:
    begins = datetime.combine(first, time(), tzinfo=ZoneInfo(vendor.time_zone)).astimezone(UTC)
    mine = Payment.vendor_id == vendor.id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.created_at >= begins
    tries = exists().where(Attempt.vendor_id == Payment.vendor_id, Attempt.mode == Payment.mode, Attempt.payment_id == Payment.id)
    some = (
        select(
            cast(func.timezone(vendor.time_zone, Payment.created_at), Date).label("day"),
            Payment.state.label("state"),
            case((Payment.state.in_(PAID), literal("")), else_=func.coalesce(Payment.decline_code, literal(""))).label("code"),
            tries.label("tried"),
            Payment.attribution.label("attribution"),
        )
        .where(*mine)
        .order_by(Payment.id.desc())
        .limit(MOST_PAYMENTS)
        .subquery()
    )
    rows = db.session.execute(
        select(some.c.day, some.c.state, some.c.code, some.c.tried, func.count()).group_by(
            some.c.day, some.c.state, some.c.code, some.c.tried
        )
    )
    for day, state, code, tried, number in rows:
        step = report.days.get(day)
        if step is None:
            continue
        step.started += number
        step.attempted += number if tried else 0
        step.paid += number if state in PAID else 0
        if state not in PAID:
            report.stopped[code or state] += number
    report.cut_short = sum(step.started for step in report.days.values()) >= MOST_PAYMENTS
    _declines(mine, report)
    _campaigns(some, report)


def _declines(mine: tuple[Any, ...], report: Funnel) -> None:
    """Each try that did not go through, also those after which the payer tried again and paid."""
    code = PaymentEvent.detail["decline_code"].astext
    same = (PaymentEvent.vendor_id == Payment.vendor_id) & (PaymentEvent.mode == Payment.mode) & (PaymentEvent.payment_id == Payment.id)
    refused = select(code, func.count()).join(Payment, same).where(*mine, PaymentEvent.kind == "attempt.declined").group_by(code)
    for word, number in db.session.execute(refused):
        report.declines[word or "generic_decline"] += number


def _campaigns(some: Any, report: Funnel) -> None:
    """What the addresses said of themselves, most frequent first."""
    each = func.jsonb_each_text(some.c.attribution).table_valued("key", "value").lateral("told")
    told = (
        select(each.c.key, cast(each.c.value, String), func.count(), func.count().filter(some.c.state.in_(PAID)))
        .select_from(some)
        .join(each, literal(True))
        .group_by(each.c.key, each.c.value)
        .order_by(func.count().desc(), each.c.key, each.c.value)
        .limit(20)
    )
    report.campaigns = [(key, value, started, paid) for key, value, started, paid in db.session.execute(told)]
