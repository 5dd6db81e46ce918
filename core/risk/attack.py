"""Attack mode: begun by a surge of declines or by hand, ended by the clock or by hand."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.ask import Question
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.risk.models import AttackMode

BY_SURGE = "surge"
AFTER_SURGE = timedelta(hours=1)  # it ends so long after the last surge
REST = timedelta(hours=1)  # and does not begin again by itself for so long after a person has ended it
HOURS = (1, 6, 24)  # what a person can choose

_ON = Question(  # every try asks it
    select(AttackMode).where(
        AttackMode.vendor_id == bindparam("vendor"), AttackMode.mode == bindparam("mode"), AttackMode.ends_at > bindparam("at")
    )
)


def attacks_told(vendor_id: Any, mode: Any, at: Any) -> ScalarSelect[int]:
    """How many attack modes are on, which is none or one, for a question about something else to bring along."""
    return select(func.count()).where(AttackMode.vendor_id == vendor_id, AttackMode.mode == mode, AttackMode.ends_at > at).scalar_subquery()


class BadSpan(Refusal):
    """Attack mode is switched on for one of a few spans of time."""

    code = "bad_span"


def find_attack(vendor_id: uuid.UUID, mode: str) -> AttackMode | None:
    """The attack mode that is on now."""
    found = _ON.first(vendor=vendor_id, mode=mode, at=now())
    return found[0] if found else None


def last_attack(vendor: Vendor, mode: str) -> AttackMode | None:
    """The one that is on, or the last there was."""
    return db.session.get(AttackMode, (vendor.id, mode), populate_existing=True)


def begin_by_surge(vendor: Vendor, mode: str, *, declines: int) -> bool:
    """A surge was seen: True when it begins the mode, so that somebody is told. One that is on lasts longer; one that rests stays off."""
    at = now()
    fresh = {"began_at": at, "ends_at": at + AFTER_SURGE, "began_by": BY_SURGE, "ended_by": "", "declines": declines, "rests_until": None}
    _make_sure(vendor, mode, at)
    row = _lock(vendor, mode)
    if row.ends_at > at:
        row.ends_at, row.declines = max(row.ends_at, at + AFTER_SURGE), max(row.declines, declines)
        return False
    if row.rests_until and at < row.rests_until:
        return False
    for name, value in fresh.items():
        setattr(row, name, value)
    record(vendor.id, actor="system", action="attack_mode.began", subject=vendor.public_id, mode=mode, declines=declines)
    return True


def begin_by_hand(vendor: Vendor, mode: str, *, by: str, hours: int) -> AttackMode:
    """A person switches it on for so many hours from now. Refuses BadSpan."""
    if hours not in HOURS:
        raise BadSpan("Choose how long it is to last.", field="hours")
    at = now()
    _make_sure(vendor, mode, at)
    row = _lock(vendor, mode)
    if row.ends_at <= at:
        row.began_at, row.began_by, row.declines = at, by, 0
    row.ends_at, row.ended_by, row.rests_until = at + timedelta(hours=hours), "", None
    record(vendor.id, actor=by, action="attack_mode.switched_on", subject=vendor.public_id, mode=mode, hours=hours)
    return row


def end_by_hand(vendor: Vendor, mode: str, *, by: str) -> None:
    """A person switches it off. Repeating it changes nothing."""
    at, row = now(), locked(AttackMode, vendor.id, mode)
    if row is None or row.ends_at <= at:
        return
    row.ends_at, row.ended_by, row.rests_until = at, by, at + REST
    record(vendor.id, actor=by, action="attack_mode.switched_off", subject=vendor.public_id, mode=mode)


def _make_sure(vendor: Vendor, mode: str, at: datetime) -> None:
    """There is a row to lock: one that has never been on ended as it began."""
    row = insert(AttackMode).values(vendor_id=vendor.id, mode=mode, began_at=at, ends_at=at, began_by="", ended_by="", declines=0)
    db.session.execute(row.on_conflict_do_nothing(index_elements=["vendor_id", "mode"]))


def _lock(vendor: Vendor, mode: str) -> AttackMode:
    row = locked(AttackMode, vendor.id, mode)
    if row is None:
        raise RuntimeError("an attack mode is never deleted")
    return row
