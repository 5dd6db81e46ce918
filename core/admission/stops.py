"""The staff stop something for a business, with a reason that it reads, at once or from a day it is told beforehand, and let it go on again.
Nothing of it costs anybody money."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from core.accounts.house import HOUSE
from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.admission.models import Stop
from core.admission.states import STOPPABLE
from core.directory.standing import bar
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.outbox import enqueue
from core.kernel.sentence import said
from core.notifications.team import tell_team

SHORTEST_REASON, LONGEST_REASON = 8, 300
LONGEST_DAYS = 180  # of a hold on payouts: whoever needs longer says so again
FURTHEST = timedelta(days=90)  # a day that is told beforehand
# What is asked of the vendor's row, which is read anyway, instead of this table.
ON_THE_ROW = {"payments": "stopped_modes", "embed": "embed_stopped_modes", "api": "api_stopped_modes"}


class AlreadyStopped(Conflict):
    """It is stopped or announced, and says why."""

    code = "already_stopped"


def stop(
    vendor: Vendor,
    mode: str,
    what: str,
    *,
    reason: str,
    by: str,
    days: int | None = None,
    about: str = "",
    starts_at: datetime | None = None,
) -> Stop:
    """From now on, or from `starts_at`, this does not go on, and the business reads why at once. Payouts are held for so many `days`, `about`
    one of them or all; the rest stands until it is let go on. Refuses AlreadyStopped, and a reason or a time that says nothing."""
    reason = " ".join(reason.split())
    if what not in STOPPABLE or vendor.id == HOUSE:
        raise NotFound
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Refusal(said("Say why in %(least)s to %(most)s characters: the business reads it.", least=SHORTEST_REASON, most=LONGEST_REASON), field="reason")  # fmt: skip
    if what == "payouts" and not (days and 1 <= days <= LONGEST_DAYS):
        raise Refusal(said("Say for how many days, %(most)s at most.", most=LONGEST_DAYS), field="days")
    at = now()
    if starts_at is not None and not at < starts_at <= at + FURTHEST:
        raise Refusal(said("Choose a day from tomorrow on, %(most)s days from now at most.", most=FURTHEST.days), field="starts_on")
    hold_vendor(vendor.id)
    _put_away_what_is_over(vendor, mode)
    if db.session.scalar(_of(vendor, mode).where(Stop.what == what, Stop.about == about, Stop.ended_at.is_(None))) is not None:
        raise AlreadyStopped("This is stopped or announced already. Let it go on first, and then stop it anew.")
    begins = starts_at or at
    made = Stop(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("stp"), what=what, about=about, reason=reason, begun_by=by, begun_at=at, starts_at=begins, carried_out=False,
        ends_at=begins + timedelta(days=days) if what == "payouts" and days else None, ended_by="", ended_at=None,
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    until = made.ends_at.isoformat(timespec="seconds") if made.ends_at else ""
    told = {"what": what, "about": about, "reason": reason, "until": until}
    if starts_at is None:
        record(vendor.id, actor=by, action="stop.begun", subject=made.public_id, mode=mode, **told)
        _begin(vendor, made)
    else:
        since = starts_at.isoformat(timespec="seconds")
        record(vendor.id, actor=by, action="stop.announced", subject=made.public_id, mode=mode, since=since, **told)
        tell_team(vendor, "stop_planned", mode=mode, stop=made.public_id)
        enqueue("begin_stop", vendor.id, mode=mode, stop=made.public_id, due_in=_seconds_until(starts_at))
    return made


def begin_announced(vendor: Vendor, row: Stop) -> None:
    """Its day has come: it does not go on, and the business is told. Nothing happens where it was taken back meanwhile, or twice."""
    hold_vendor(vendor.id)
    row = lock_again(row)
    if row.ended_at is not None or row.carried_out:
        return
    if is_announced(row):  # the clock was set back
        enqueue("begin_stop", vendor.id, mode=row.mode, stop=row.public_id, due_in=_seconds_until(row.starts_at))
        return
    record(vendor.id, actor="system", action="stop.begun", subject=row.public_id, mode=row.mode, what=row.what, about=row.about, reason=row.reason)  # fmt: skip
    _begin(vendor, row)


def _begin(vendor: Vendor, row: Stop) -> None:
    row.carried_out = True
    db.session.flush()
    _carry_out(vendor, row, stopped=True)
    tell_team(vendor, "stop_begun", mode=row.mode, stop=row.public_id)


def let_go_on(vendor: Vendor, row: Stop, *, by: str) -> Stop:
    """It goes on as before, or what was announced does not come. Twice is once."""
    hold_vendor(vendor.id)
    row = lock_again(row)
    if row.ended_at is not None or not (is_active(row) or is_announced(row)):
        return row
    row.ended_at, row.ended_by = now(), by
    db.session.flush()
    if row.carried_out:
        _carry_out(vendor, row, stopped=False)
    record(vendor.id, actor=by, action="stop.ended", subject=row.public_id, mode=row.mode, what=row.what, about=row.about)
    tell_team(vendor, "stop_ended", mode=row.mode, stop=row.public_id)
    return row


def is_active(row: Stop) -> bool:
    """Whether it holds: it has begun, nobody has ended it, and its time is not over."""
    return row.ended_at is None and row.starts_at <= now() and (row.ends_at is None or row.ends_at > now())


def is_announced(row: Stop) -> bool:
    """Whether its day is still to come."""
    return row.ended_at is None and row.starts_at > now()


def find_stop(vendor: Vendor, mode: str, what: str, *, about: str = "") -> Stop | None:
    """The stop of this that holds now."""
    return db.session.scalar(_of(vendor, mode).where(Stop.what == what, Stop.about == about, *_active()))


def payout_hold(vendor: Vendor, mode: str, number: str = "") -> Stop | None:
    """What keeps a payout from leaving: its own hold, or that of all payouts; without a number only the latter."""
    return (find_stop(vendor, mode, "payouts", about=number) if number else None) or find_stop(vendor, mode, "payouts")


def held_payouts(vendor_ids: Collection[uuid.UUID], mode: str) -> set[tuple[uuid.UUID, str]]:
    """Of these vendors, whose payouts are held now: (vendor id, number of the one payout), the number empty where all of them are."""
    held = select(Stop.vendor_id, Stop.about).where(Stop.vendor_id.in_(vendor_ids), Stop.mode == mode, Stop.what == "payouts", *_active())
    return {(vendor_id, about) for vendor_id, about in db.session.execute(held)}


def payouts_held(number: Any) -> tuple[ColumnElement[bool], ...]:
    """Of a stop, in a question about many: that it holds all payouts of its vendor now, or the one with this number."""
    return Stop.what == "payouts", Stop.about.in_(("", number)), *_active()


def active_stops(vendor: Vendor, mode: str) -> list[Stop]:
    """All that holds now, the oldest first."""
    return list(db.session.scalars(_of(vendor, mode).where(*_active()).order_by(Stop.id)))


def announced_stops(vendor: Vendor, mode: str) -> list[Stop]:
    """All whose day is still to come, the next first."""
    return list(
        db.session.scalars(_of(vendor, mode).where(Stop.ended_at.is_(None), Stop.starts_at > now()).order_by(Stop.starts_at, Stop.id))
    )


def list_stops(vendor: Vendor, mode: str, *, limit: int = 50) -> list[Stop]:
    """All there were, the newest first."""
    return list(db.session.scalars(_of(vendor, mode).order_by(Stop.id.desc()).limit(limit)))


def get_stop(vendor: Vendor, mode: str, number: str) -> Stop:
    """One of this vendor's; refuses with 404."""
    found = db.session.scalar(_of(vendor, mode).where(Stop.public_id == number)) if is_public_id("stp", number) else None
    if found is None:
        raise NotFound
    return found


def _of(vendor: Vendor, mode: str) -> Select[tuple[Stop]]:
    return select(Stop).where(Stop.vendor_id == vendor.id, Stop.mode == mode)


def _active() -> tuple[ColumnElement[bool], ...]:
    return Stop.ended_at.is_(None), Stop.starts_at <= now(), or_(Stop.ends_at.is_(None), Stop.ends_at > now())


def _seconds_until(at: datetime | None) -> int:
    return max(int((at - now()).total_seconds()), 0) + 1 if at is not None else 0


def _put_away_what_is_over(vendor: Vendor, mode: str) -> None:
    """What ended by itself says so, so that the same may be stopped anew."""
    over = _of(vendor, mode).where(Stop.ended_at.is_(None), Stop.ends_at <= now())
    for row in db.session.scalars(over):
        row.ended_at, row.ended_by = row.ends_at, "system"
    db.session.flush()


def _carry_out(vendor: Vendor, row: Stop, *, stopped: bool) -> None:
    """Payments, frames and software are refused by what stands on the vendor's row, which they read anyway; the directory hides what is barred."""
    if row.what in ON_THE_ROW:
        fresh = db.session.get_one(Vendor, vendor.id, populate_existing=True)
        modes = {*getattr(fresh, ON_THE_ROW[row.what])}
        setattr(fresh, ON_THE_ROW[row.what], sorted(modes | {row.mode} if stopped else modes - {row.mode}))
    if row.what == "payouts":  # orders that were written before wait until then
        enqueue("send_bank_orders", vendor.id, mode=row.mode, due_in=_seconds_until(row.ends_at) if stopped else 0)
    if row.what == "listing":
        bar(vendor, row.mode, barred=stopped, by=row.ended_by or row.begun_by)
