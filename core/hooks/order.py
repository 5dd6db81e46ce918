"""In which order events of one object reach one endpoint: a later one waits for an earlier one that has not arrived, a minute at most.

Said in the question that takes deliveries, so that no line of the sender ever waits: other objects and other endpoints go on meanwhile.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, exists, false, or_, select
from sqlalchemy.orm import aliased

from core.hooks.models import HookDelivery
from core.kernel.clock import now
from core.kernel.db import db

LONGEST_HOLD = timedelta(seconds=60)
BY_ITSELF = ("event", "catch_up")  # what a person sends again or for a test neither waits nor holds anything up

Key = tuple[uuid.UUID, str, uuid.UUID]
_EARLIER = aliased(HookDelivery)


def is_held(at: datetime) -> ColumnElement[bool]:
    """Whether a delivery that waits has to go on waiting: an earlier event of its object waits for the same endpoint, and this one came less
    than a minute ago. After that minute it goes anyway; only behind one that is due at this very moment as well, and so is tried first.

    A probe of ix_hook_deliveries_in_order for each, by its own condition: a planner whose figures are old takes the index of due times otherwise,
    and reads all that waits for each that waits. A first try is due when the delivery was made, and one that was tried is held no more.
    """
    return _is_behind(or_(_EARLIER.due_at <= at, _is_young(at)))


def next_turn(key: Key, at: datetime) -> datetime | None:
    """When something can be sent to this endpoint: what waits next and is not held, or the end of the first minute of what is held."""
    waiting = (
        HookDelivery.vendor_id == key[0], HookDelivery.mode == key[1], HookDelivery.endpoint_id == key[2], HookDelivery.state == "waiting",
    )  # fmt: skip
    free = db.session.scalar(select(HookDelivery.due_at).where(*waiting, ~is_held(at)).order_by(HookDelivery.due_at).limit(1))
    held = select(HookDelivery.due_at).where(*waiting, HookDelivery.due_at <= at, _is_young(at), _is_behind())
    since = db.session.scalar(held.order_by(HookDelivery.due_at).limit(1))
    return min((one for one in (free, since + LONGEST_HOLD if since else None) if one is not None), default=None)


def held_until(delivery: HookDelivery) -> datetime | None:
    """Until when at most this one waits for an earlier one; None when it does not."""
    mine = select(HookDelivery.due_at).where(
        HookDelivery.vendor_id == delivery.vendor_id, HookDelivery.mode == delivery.mode, HookDelivery.id == delivery.id,
        HookDelivery.state == "waiting", _is_young(now()), _is_behind(),
    )  # fmt: skip
    since = db.session.scalar(mine)
    return since + LONGEST_HOLD if since else None


def _is_young(at: datetime) -> ColumnElement[bool]:
    return (HookDelivery.attempts == 0) & (HookDelivery.due_at > at - LONGEST_HOLD)


def _is_behind(*more: Any) -> ColumnElement[bool]:
    """As a case, so that it is looked at row by row, in the order of the rows, and not joined with all that waits."""
    one = exists().where(
        _EARLIER.vendor_id == HookDelivery.vendor_id, _EARLIER.mode == HookDelivery.mode, _EARLIER.endpoint_id == HookDelivery.endpoint_id,
        _EARLIER.subject == HookDelivery.subject, _EARLIER.position < HookDelivery.position,
        _EARLIER.due_at.is_not(None), _EARLIER.cause.in_(BY_ITSELF), *more,
    )  # fmt: skip
    return case((HookDelivery.cause.in_(BY_ITSELF), one), else_=false())
