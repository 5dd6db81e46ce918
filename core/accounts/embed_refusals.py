"""Websites that were refused a payment page: noted by origin and reason, so that a person sees what to allow, and let go of after a while."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert

from core.accounts.embed_models import EmbedRefusal
from core.accounts.embed_origins import BadOrigin, lets_in, read_origin
from core.accounts.models import Vendor
from core.accounts.return_addresses import LOCAL
from core.kernel.clock import now
from core.kernel.db import db

MOST_REFUSALS = 50  # by vendor and mode: whoever invents origins pushes out what is oldest and nothing else
KEPT = timedelta(days=30)
OPAQUE = "null"  # what a browser says of a page that has no origin: a file, or a frame that was locked in


def why_refused(allowed: list[str], origin: str, mode: str) -> str:
    """off, opaque, insecure or unlisted; empty when the list lets it in."""
    if lets_in(allowed, origin):
        return ""
    if origin == OPAQUE:
        return "opaque"
    host = origin.partition("://")[2].rpartition(":")[0] or origin.partition("://")[2]
    if not origin.startswith("https://") and not (host in LOCAL and mode == "test"):
        return "insecure"
    return "unlisted" if allowed else "off"


def note_refusal(vendor: Vendor, mode: str, origin: str, reason: str) -> None:
    """One more time. What is noted is an origin or `null`, never an address with a path in it."""
    at = now()
    row = {"vendor_id": vendor.id, "mode": mode, "origin": origin[:270], "reason": reason, "times": 1, "first_at": at, "last_at": at}
    again = {"times": EmbedRefusal.times + 1, "last_at": at}
    keys = ["vendor_id", "mode", "origin", "reason"]
    db.session.execute(insert(EmbedRefusal).values(**row).on_conflict_do_update(index_elements=keys, set_=again))
    mine = EmbedRefusal.vendor_id == vendor.id, EmbedRefusal.mode == mode
    older = select(EmbedRefusal.last_at).where(*mine).order_by(EmbedRefusal.last_at.desc()).offset(MOST_REFUSALS).limit(1)
    db.session.execute(delete(EmbedRefusal).where(*mine, EmbedRefusal.last_at <= older.scalar_subquery()))


def list_refusals(vendor: Vendor, mode: str) -> list[EmbedRefusal]:
    """The newest first."""
    mine = EmbedRefusal.vendor_id == vendor.id, EmbedRefusal.mode == mode
    return list(db.session.scalars(select(EmbedRefusal).where(*mine).order_by(EmbedRefusal.last_at.desc())))


def forget_refusals(vendor: Vendor, mode: str, allowed: list[str]) -> None:
    """What the list lets in by now need not be looked at any more."""
    for row in list_refusals(vendor, mode):
        if lets_in(allowed, row.origin):
            db.session.delete(row)


def may_be_allowed(origin: str, mode: str) -> bool:
    """Whether naming this origin would help: one that could never be named is explained instead."""
    try:
        return read_origin(origin, mode) == origin
    except BadOrigin:
        return False


def prune_refusals(limit: int) -> int:
    """What has not happened again for so long, `limit` at most; answers how many."""
    key = EmbedRefusal.vendor_id, EmbedRefusal.mode, EmbedRefusal.origin, EmbedRefusal.reason
    old = select(*key).where(EmbedRefusal.last_at < now() - KEPT).limit(limit)
    return int(db.session.execute(delete(EmbedRefusal).where(tuple_(*key).in_(old)).execution_options(synchronize_session=False)).rowcount)
