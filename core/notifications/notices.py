"""Notices in the portal: one row for each piece of news, and for each person how far they have read."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Membership, User, Vendor
from core.accounts.roles import is_holder
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id, named_id, public_id, uuid7
from core.kernel.money import Money
from core.kernel.write import Lot
from core.notifications.models import Notice, NoticeReading, NotificationChoice, NotificationManner

# What the people of a vendor are told, most urgent first.
SHOWN = (
    "plan_urgent", "key_leaked", "app_token_reused", "key_news", "attack_mode", "dispute_opened", "dispute_due", "dispute_to_accept", "dispute_message", "dispute_answered_for", "dispute_decided", "transfer_decision", "transfer_taken_back", "unexpected_money", "large_payment", "application_news", "stop_planned", "stop_begun", "stop_ended", "payout_account", "webhook_stopped", "webhook_failing", "pay_domain_lost", "payout_failed", "debt_repayment_taken_back", "reserve_changed", "refund_claimed", "refund_failed",
    "refund_not_booked", "refund_outside", "discount_beyond", "review_ended", "problem_reported", "letter_returned", "listing_withdrawn", "payment_received", "payment_waits", "payment_over", "refund_sent", "dispute_sent", "payout_asked", "payout_left", "payout_called_off", "payout_paid", "debt_repaid",
    "listing_edit_decided", "listing_restored", "fee_changed",
    "plan_news",
)  # fmt: skip
# News of the plan a business subscribes to: read by whoever may change it, and written about to them unless they chose otherwise.
OF_PLAN = ("plan_urgent", "plan_news")
STOPS, SAFETY, LAW = "stops", "safety", "law"
# What nobody can choose not to hear, and why: something stops unless somebody acts; somebody may be at work who should not be; the law has
# whoever takes something away say so, and why.
NECESSARY = {
    "plan_urgent": STOPS, "key_leaked": SAFETY, "app_token_reused": SAFETY, "payout_account": SAFETY, "application_news": LAW, "stop_planned": LAW, "stop_begun": LAW, "listing_withdrawn": LAW,
    "listing_edit_decided": LAW, "reserve_changed": LAW, "fee_changed": LAW,
}  # fmt: skip
ALWAYS = frozenset(NECESSARY)
# Steps of what ends in other news: in nobody's portal unless they choose to see them.
QUIET = frozenset({"payment_waits", "payment_over", "dispute_sent", "payout_asked", "payout_left"})
THE_START = "start"  # before the first notice there is
MOST_COUNTED = 100  # the bell says 99+ beyond it
MOST_OPENED = 200  # single ones remembered as read before everything older counts as read
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """A notice as one person sees it."""

    notice: Notice
    is_read: bool


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Some notices, newest first, and the public id to ask the older ones after (None at the end)."""

    rows: list[Told]
    next: str | None


def post_notice(
    vendor: Vendor, kind: str, *, mode: str, about: str, amount: Money | None = None, detail: dict[str, Any] | None = None
) -> Notice:
    """Tell everybody of the vendor, in the transaction of the news itself. `amount`: the sum it speaks of, where that is not the payment's;
    `detail`: what more has to be known to lead to it."""
    spoken_of = {"amount_minor": amount.minor, "currency": amount.currency} if amount is not None else {}
    made = Notice(**notice_row(vendor, kind, mode=mode, about=about) | {"detail": {**(detail or {}), **spoken_of}})
    db.session.add(made)
    return made


def post_notice_once(vendor: Vendor, kind: str, *, mode: str, about: str, detail: dict[str, Any], name: str) -> bool:
    """The same for news that has a name of its own: posted the first time only; answers whether it was."""
    row = notice_row(vendor, kind, mode=mode, about=about) | {"detail": detail, "public_id": named_id("ntc", name)}
    made = insert(Notice).values(**row).on_conflict_do_nothing(index_elements=["vendor_id", "mode", "public_id"])
    return db.session.execute(made.returning(Notice.id)).scalar() is not None


def notice_row(vendor: Vendor, kind: str, *, mode: str, about: str) -> dict[str, Any]:
    """The notice as a row, for notices_lot."""
    if kind not in SHOWN:
        raise ValueError(f"there is no news of the kind {kind}")
    return {
        "vendor_id": vendor.id, "mode": mode, "id": uuid7(), "public_id": public_id("ntc"), "kind": kind, "about": about, "detail": {},
        "created_at": now(),
    }  # fmt: skip


def notices_lot(rows: list[dict[str, Any]]) -> Lot:
    """Many at once, to be written together with what else follows from a batch."""
    return Notice, rows


def list_notices(
    vendor: Vendor, mode: str, user: User, *, kind: str | None = None, after: str | None = None, limit: int = 25
) -> NoticePage:
    """What this person wants to be shown, newest first, by keyset."""
    query = _wanted(select(Notice), vendor, mode, user)
    if kind:
        query = query.where(Notice.kind == kind)
    if after:
        query = query.where(Notice.id < get_notice(vendor, mode, after).id)
    rows = list(db.session.scalars(query.order_by(Notice.id.desc()).limit(limit + 1)))
    read_to, opened = _read(vendor, mode, user)
    told = [Told(row, row.id <= read_to or row.public_id in opened) for row in rows[:limit]]
    return NoticePage(told, rows[limit - 1].public_id if len(rows) > limit else None)


def list_news(vendor: Vendor, mode: str, user: User, *, since: str, limit: int = 5) -> list[Notice]:
    """What this person wants to be shown and has not read, come after the notice with that public id (or THE_START, when there was none);
    newest first. Without one: the newest there is, read or not."""
    query = _wanted(select(Notice), vendor, mode, user).order_by(Notice.id.desc())
    if not since:
        return list(db.session.scalars(query.limit(1)))
    read_to, opened = _read(vendor, mode, user)
    after = read_to if since == THE_START else max(get_notice(vendor, mode, since).id, read_to)
    query = query.where(Notice.id > after, Notice.public_id.not_in(opened))
    return list(db.session.scalars(query.limit(limit)))


def count_unread(vendor: Vendor, mode: str, user: User) -> int:
    """How many this person has not read, counted up to MOST_COUNTED."""
    read_to, opened = _read(vendor, mode, user)
    fresh = _wanted(select(Notice.id), vendor, mode, user).where(Notice.id > read_to)
    if opened:
        fresh = fresh.where(Notice.public_id.not_in(opened))
    some = fresh.order_by(Notice.id.desc()).limit(MOST_COUNTED)
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def get_notice(vendor: Vendor, mode: str, public_id: str) -> Notice:
    """This vendor's notice; refuses with 404."""
    if is_public_id("ntc", public_id):
        mine = select(Notice).where(Notice.vendor_id == vendor.id, Notice.mode == mode, Notice.public_id == public_id)
        if notice := db.session.scalar(mine):
            return notice
    raise NotFound("There is no such notice.")


def read_notice(vendor: Vendor, mode: str, user: User, notice: Notice) -> None:
    """This person has opened it."""
    reading = _reading(vendor, mode, user)
    if notice.id > reading.read_to and notice.public_id not in reading.opened:
        reading.opened = [*reading.opened, notice.public_id][-MOST_OPENED:]


def read_about(vendor: Vendor, mode: str, user: User, kind: str, about: str) -> None:
    """This person has done what this kind of news about one thing asked for: it is no news to them."""
    mine = _wanted(select(Notice), vendor, mode, user).where(Notice.kind == kind, Notice.about == about)
    read_to, _opened = _read(vendor, mode, user)
    for notice in db.session.scalars(mine.where(Notice.id > read_to).order_by(Notice.id.desc()).limit(MOST_COUNTED)):
        read_notice(vendor, mode, user, notice)


def read_all(vendor: Vendor, mode: str, user: User) -> None:
    """Everything there is counts as read."""
    reading = _reading(vendor, mode, user)
    newest = select(Notice.id).where(Notice.vendor_id == vendor.id, Notice.mode == mode)
    last = db.session.scalar(newest.order_by(Notice.id.desc()).limit(1))
    if last is not None:
        reading.read_to, reading.opened = max(last, reading.read_to), []


def _wanted(query: Select[Any], vendor: Vendor, mode: str, user: User) -> Select[Any]:
    """Kept to this vendor, this mode, and without the kinds that this person does not want to see: in a muted test mode none but those that cannot be muted."""
    chosen = select(NotificationChoice.kind).where(
        NotificationChoice.vendor_id == vendor.id, NotificationChoice.mode == mode, NotificationChoice.person == user.public_id
    )
    unwanted = chosen.where(NotificationChoice.shown.is_(False), NotificationChoice.kind.not_in(ALWAYS))
    loud = Notice.kind.not_in(QUIET) | Notice.kind.in_(chosen.where(NotificationChoice.shown, NotificationChoice.kind.in_(QUIET)))
    muted = exists().where(
        NotificationManner.vendor_id == vendor.id, NotificationManner.mode == mode, NotificationManner.person == user.public_id,
        NotificationManner.muted,
    )  # fmt: skip
    mine = Notice.vendor_id == vendor.id, Notice.mode == mode, Notice.kind.not_in(unwanted), loud, ~muted | Notice.kind.in_(ALWAYS)
    return query.where(*mine, Notice.kind.not_in(OF_PLAN) | is_holder(vendor, user, "plan.manage"))


def _read(vendor: Vendor, mode: str, user: User) -> tuple[uuid.UUID, list[str]]:
    row = db.session.get(NoticeReading, (vendor.id, mode, user.public_id))
    return (row.read_to, row.opened) if row else (_from_the_first_day(vendor, user), [])


def _from_the_first_day(vendor: Vendor, user: User) -> uuid.UUID:
    """Nothing that happened before somebody joined is news to them."""
    joined = db.session.scalar(select(Membership.created_at).where(Membership.vendor_id == vendor.id, Membership.user_id == user.id))
    return uuid.UUID(int=((joined or now()) - EPOCH) // timedelta(milliseconds=1) << 80)


def _reading(vendor: Vendor, mode: str, user: User) -> NoticeReading:
    """How far they have read, locked."""
    row = locked(NoticeReading, vendor.id, mode, user.public_id)
    if row is not None:
        return row
    fresh = {"vendor_id": vendor.id, "mode": mode, "person": user.public_id, "read_to": _from_the_first_day(vendor, user), "opened": []}
    db.session.execute(insert(NoticeReading).values(**fresh).on_conflict_do_nothing())  # two tabs may both be the first
    made = locked(NoticeReading, vendor.id, mode, user.public_id)
    if made is None:
        raise RuntimeError("how far somebody has read is never deleted")
    return made
