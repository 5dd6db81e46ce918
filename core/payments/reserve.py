"""Reserves: a part of what is released is kept aside for some days, given back by the clock, and used before that for what its seller owes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, tuple_

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import uuid7
from core.kernel.money import Money
from core.ledger import book
from core.ledger.post import Journal, post
from core.payments.history import note
from core.payments.models import Payment
from core.payments.reserve_models import ReserveHold
from core.payments.reserve_rules import Kept


def keep_of(payment: Payment, released: Money, rule: Kept, *, at: datetime) -> list[Journal]:
    """Keep the rule's share of what is being released; answers what is to be posted with it. The payment is locked, and released once."""
    kept = released.share(rule.bps)
    if kept.minor <= 0:
        return []
    hold = ReserveHold(
        vendor_id=payment.vendor_id, mode=payment.mode, id=uuid7(), payment_id=payment.id, payment=payment.public_id, rule_version=rule.version,
        currency=kept.currency, taken_minor=kept.minor, given_minor=0, used_minor=0, uses=0, taken_at=at, due_at=at + timedelta(days=rule.days),
    )  # fmt: skip
    db.session.add(hold)
    note(payment, "payment.reserved", actor="system", amount_minor=kept.minor, currency=kept.currency, until=hold.due_at.isoformat())
    return [book.reserve_held(hold, amount=kept, at=at)]


def use_for_debt(vendor_id: UUID, mode: str, debt: Money) -> None:
    """What is owed beyond what is available is made up from the reserve: the part first that would be given back first. The vendor is held."""
    held = select(ReserveHold).where(ReserveHold.vendor_id == vendor_id, ReserveHold.mode == mode, ReserveHold.currency == debt.currency)
    held = held.where(ReserveHold.ended_at.is_(None)).order_by(ReserveHold.due_at, ReserveHold.id)
    left, at, journals = debt, now(), list[Journal]()
    for hold in db.session.scalars(held.with_for_update().execution_options(populate_existing=True)):
        if left.minor <= 0:
            break
        used = min(left, hold.held)
        hold.uses += 1
        journals.append(book.reserve_used(hold, amount=used, times=hold.uses, at=at))
        hold.used_minor += used.minor
        _end(hold, at)
        left = left - used
    if journals:
        post(journals)


def _end(hold: ReserveHold, at: datetime) -> None:
    if not hold.held:
        hold.ended_at = at


def list_due(limit: int = 20, *, after: tuple[UUID, str] | None = None) -> list[tuple[UUID, str]]:
    """Books in which something is to be given back by now, by their key, those behind `after`. Fewer than the limit: that was the end."""
    whose = (ReserveHold.vendor_id, ReserveHold.mode)
    due = select(*whose).where(ReserveHold.ended_at.is_(None), ReserveHold.due_at <= now())
    if after is not None:
        due = due.where(tuple_(*whose) > after)
    return [(vendor_id, mode) for vendor_id, mode in db.session.execute(due.distinct().order_by(*whose).limit(limit))]


def give_back(vendor_id: UUID, mode: str, limit: int = 500) -> Sequence[ReserveHold]:
    """Give back in one book what has been kept long enough; answers what. The vendor is held: two workers at once give each of it once.

    Whoever calls makes up with it what is owed (core/payments/refund_books.py: settle_debt).
    """
    hold_vendor(vendor_id)
    due = select(ReserveHold).where(ReserveHold.vendor_id == vendor_id, ReserveHold.mode == mode, ReserveHold.ended_at.is_(None))
    due = due.where(ReserveHold.due_at <= now()).order_by(ReserveHold.due_at, ReserveHold.id).limit(limit)
    found, at, journals = list(db.session.scalars(due.with_for_update().execution_options(populate_existing=True))), now(), []
    for hold in found:
        amount = hold.held
        journals.append(book.reserve_given_back(hold, amount=amount, at=at))
        hold.given_minor += amount.minor
        _end(hold, at)
    if journals:
        post(journals)
    return found


@dataclass(frozen=True, slots=True)
class Day:
    """What becomes available again on one day."""

    day: date
    held: Money
    payments: int


def list_days(vendor: Vendor, mode: str, currency: str, *, zone: str, limit: int = 400) -> list[Day]:
    """What is held, by the day (of the seller's clock) on which it is given back, the next first."""
    day = func.date(func.timezone(zone, ReserveHold.due_at))
    held = func.sum(ReserveHold.taken_minor - ReserveHold.given_minor - ReserveHold.used_minor)
    mine = (ReserveHold.vendor_id == vendor.id, ReserveHold.mode == mode, ReserveHold.currency == currency, ReserveHold.ended_at.is_(None))
    rows = db.session.execute(select(day, held, func.count()).where(*mine).group_by(day).order_by(day).limit(limit))
    return [Day(on, Money(int(minor), currency), int(count)) for on, minor, count in rows]


def list_held(
    vendor: Vendor, mode: str, currency: str, *, after: tuple[datetime, UUID] | None = None, limit: int = 50
) -> list[ReserveHold]:
    """Each payment of which something is held, the next to be given back first."""
    mine = (ReserveHold.vendor_id == vendor.id, ReserveHold.mode == mode, ReserveHold.currency == currency, ReserveHold.ended_at.is_(None))
    query = select(ReserveHold).where(*mine)
    if after is not None:
        query = query.where(ReserveHold.due_at >= after[0]).where((ReserveHold.due_at > after[0]) | (ReserveHold.id > after[1]))
    return list(db.session.scalars(query.order_by(ReserveHold.due_at, ReserveHold.id).limit(limit)))
