"""What a key was refused, and what failed on our side: kept for thirty days, for whoever looks for the reason."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, tuple_

from core.accounts.key_models import ApiKey, RefusedCall
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, finish_unit, unit_of_work
from core.kernel.ids import uuid7

KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Call:
    """What was asked, and what was answered."""

    request: str
    method: str
    path: str
    status: int
    code: str
    field: str = ""
    detail: str = ""
    address: str = ""


@dataclass(frozen=True)
class Caller:
    """Whose key it is, in plain values: they can be read when the unit that found the rows is over."""

    vendor_id: uuid.UUID
    mode: str
    key: str


def keep_refused(caller: Caller, call: Call) -> None:
    """Write it down, although everything else of its request is thrown away: so that is done first, and this is a unit of its own."""
    finish_unit(keep=False)
    with unit_of_work():
        made = RefusedCall(
            vendor_id=caller.vendor_id, mode=caller.mode, id=uuid7(), key=caller.key, request=call.request[:40], method=call.method[:8],
            path=plain(call.path, 200), status=call.status, code=call.code[:60], field=plain(call.field, 120),
            detail=plain(call.detail, 300), address=call.address[:45], at=now(),
        )  # fmt: skip
        db.session.add(made)


def list_refused(vendor: Vendor, mode: str, key: ApiKey, *, limit: int = 50) -> list[RefusedCall]:
    """The newest of one key, newest first."""
    mine = select(RefusedCall).where(RefusedCall.vendor_id == vendor.id, RefusedCall.mode == mode, RefusedCall.key == key.public_id)
    return list(db.session.scalars(mine.where(RefusedCall.at >= now() - KEPT).order_by(RefusedCall.id.desc()).limit(limit)))


def prune_refused(limit: int) -> int:
    """Calls of so long ago, `limit` at most; answers how many."""
    old = select(RefusedCall.vendor_id, RefusedCall.mode, RefusedCall.id).where(RefusedCall.at < now() - KEPT).limit(limit)
    gone = delete(RefusedCall).where(tuple_(RefusedCall.vendor_id, RefusedCall.mode, RefusedCall.id).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)


def plain(text: str, most: int) -> str:
    """As PostgreSQL can keep it: what somebody sends may hold anything."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:most]
