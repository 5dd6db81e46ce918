"""What a team is told of its keys before anything breaks: that one will soon stop counting, and that one came from another network."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.accounts.key_models import ApiKey
from core.accounts.models import Vendor
from core.accounts.refused_calls import Caller
from core.kernel.clock import now
from core.kernel.db import db, unit_of_work
from core.notifications.team import tell_team

NEAR = (timedelta(days=14), timedelta(days=3))  # before its end: the first letter, and the second
ONCE_A = timedelta(days=1)  # how often a team hears that one key came from elsewhere
ENDS, ELSEWHERE = "ends", "elsewhere"


def tell_of_ending_keys(limit: int) -> int:
    """Keys whose end is near and whose team has not been told so yet, `limit` at most; answers how many."""
    due = [(ApiKey.warned == told) & (ApiKey.expires_at <= now() + before) for told, before in enumerate(NEAR)]
    there = Vendor.id == ApiKey.vendor_id
    near = select(ApiKey, Vendor).join(Vendor, there).where(ApiKey.expires_at > now(), ApiKey.revoked_at.is_(None), due[0] | due[1])
    found = db.session.execute(near.order_by(ApiKey.expires_at).limit(limit).with_for_update(of=ApiKey, skip_locked=True)).all()
    for key, vendor in found:
        key.warned = sum(key.expires_at <= now() + before for before in NEAR)
        if not key.replaced_by and vendor.stopped_at is None:
            tell_team(vendor, "key_news", mode=key.mode, key=key.public_id, what=ENDS, address="")
    return len(found)


def tell_elsewhere(caller: Caller, address: str) -> None:
    """A key that counts from some networks only came from another one and was refused: once a day. A unit of its own, for its request is
    thrown away."""
    with unit_of_work():
        mine = select(ApiKey).where(ApiKey.vendor_id == caller.vendor_id, ApiKey.mode == caller.mode, ApiKey.public_id == caller.key)
        key, vendor = db.session.scalar(mine.with_for_update()), db.session.get(Vendor, caller.vendor_id)
        if key is None or vendor is None or (key.elsewhere_at and now() - key.elsewhere_at < ONCE_A):
            return
        key.elsewhere_at = now()
        tell_team(vendor, "key_news", mode=key.mode, key=key.public_id, what=ELSEWHERE, address=address)
