"""A line nobody knows and entries nobody reports are one fact after all, says a person: which may be, what is left between them, and what follows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select

from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.reconciliation.models import ReconException
from core.reconciliation.states import UNSETTLED

MOST_OFFERED = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """What was booked about one payment or refund and is missing at the processor. `number` is the first of its exceptions."""

    number: str
    about: str
    booked: Money
    left: Money  # the line less that: what a link would leave over
    on: date


def candidates(row: ReconException) -> list[Candidate]:
    """What a line that is missing in our books may be linked with, the closest sum first."""
    if row.kind != "missing_in_ledger" or row.source in ("bank", "books"):
        return []
    groups: dict[tuple[uuid.UUID | None, str], list[ReconException]] = {}
    for one in db.session.scalars(_missing_there(row)):
        groups.setdefault((one.book, one.about or one.public_id), []).append(one)
    found = []
    for (_, about), group in groups.items():
        booked = _booked(group, row.currency)
        found.append(Candidate(group[0].public_id, about, booked, row.amount - booked, group[0].happened_on))
    return sorted(found, key=lambda one: (abs(one.left.minor), abs((one.on - row.happened_on).days), one.number))[:MOST_OFFERED]


def choose(row: ReconException, number: str) -> None:
    """This is what it is linked with. Refuses what is not offered, at the field."""
    if number not in {one.number for one in candidates(row)}:
        raise Refusal("Choose what it is linked with.", field="other")
    row.counterpart = number


def left_over(row: ReconException) -> Money:
    """What the line says more than the entries it is linked with."""
    others = linked_with(row)
    return row.amount - _booked(others, row.currency) if others else Money(0, row.currency)


def linked_with(row: ReconException) -> Sequence[ReconException]:
    """Every exception about the fact that was chosen: the sum, and what the processor kept, each has one. Locked, oldest first."""
    if not row.counterpart:
        return []
    chosen = db.session.scalar(select(ReconException).where(ReconException.mode == row.mode, ReconException.public_id == row.counterpart))
    if chosen is None:
        return []
    alike = _missing_there(row).where(ReconException.book == chosen.book, ReconException.about == chosen.about)
    if not chosen.about:
        alike = alike.where(ReconException.public_id == chosen.public_id)
    return list(db.session.scalars(alike.with_for_update().execution_options(populate_existing=True)))


def check_still_there(row: ReconException) -> Sequence[ReconException]:
    """The same, when it is to happen. Refuses when somebody has ended it otherwise meanwhile."""
    others = linked_with(row)
    if not others:
        raise Conflict("What it was to be linked with has ended meanwhile. Please look again.")
    return others


def _missing_there(row: ReconException) -> Select[tuple[ReconException]]:
    same = (ReconException.mode == row.mode, ReconException.source == row.source, ReconException.currency == row.currency)
    asked = select(ReconException).where(*same, ReconException.kind == "missing_at_processor", ReconException.state.in_(UNSETTLED))
    return asked.order_by(ReconException.happened_on, ReconException.id)


def _booked(group: Sequence[ReconException], currency: str) -> Money:
    return Money(sum(int(one.ours["amount_minor"]) for one in group), currency)
