"""The calls that came with a key, for whoever wants to see what their software does: gathered for a moment, written in bundles, the newest
thousand of each key. What was sent and answered is kept nowhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select, tuple_

from core.accounts.key_models import ApiCall, ApiKey
from core.accounts.models import Vendor
from core.accounts.refused_calls import Caller, plain
from core.kernel.clock import now
from core.kernel.db import answers, db
from core.kernel.errors import NotFound
from core.kernel.ids import uuid7
from core.kernel.write import add_rows

MOST = 1000  # of one key
KEPT = timedelta(days=30)


# Of all these keys in one statement: a bundle is written every other second, and may be of some hundred keys.
CUT = f"""
DELETE FROM api_calls USING (
  SELECT caller.vendor_id, caller.mode, caller.key, last.id
  FROM jsonb_to_recordset($1::jsonb) AS caller (vendor_id uuid, mode text, key text)
  CROSS JOIN LATERAL (
    SELECT id FROM api_calls AS mine
    WHERE mine.vendor_id = caller.vendor_id AND mine.mode = caller.mode AND mine.key = caller.key ORDER BY id DESC OFFSET {MOST} LIMIT 1
  ) AS last
) AS beyond
WHERE api_calls.vendor_id = beyond.vendor_id AND api_calls.mode = beyond.mode AND api_calls.key = beyond.key AND api_calls.id <= beyond.id
"""


@dataclass(frozen=True, slots=True)
class Made:
    """One call, in plain values: it is written when its request is long over."""

    caller: Caller
    request: str
    method: str
    path: str
    status: int
    address: str
    program: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallPage:
    """Some calls, newest first, and the request's number behind which the older ones begin (None at the end)."""

    rows: list[ApiCall]
    next: str | None


def write_calls(gathered: Mapping[Made, int]) -> None:
    """A bundle of them; what a key has beyond its thousand goes."""
    ids = sorted(uuid7() for _ in gathered)  # in the order of the calls: the list goes by them
    rows = [_row(one, id_) for one, id_ in zip(sorted(gathered, key=lambda one: one.at), ids, strict=True)]
    add_rows((ApiCall, rows))
    callers = {one.caller for one in gathered}
    answers(CUT, [json.dumps([{"vendor_id": str(one.vendor_id), "mode": one.mode, "key": one.key} for one in callers])])


def _row(one: Made, id_: uuid.UUID) -> dict[str, object]:
    return {
        "vendor_id": one.caller.vendor_id, "mode": one.caller.mode, "id": id_, "key": one.caller.key, "request": one.request[:40],
        "method": one.method[:8], "path": plain(one.path, 200), "status": one.status, "address": one.address[:45],
        "program": plain(one.program, 120), "at": one.at,
    }  # fmt: skip


def list_calls(vendor: Vendor, mode: str, key: ApiKey, *, after: str | None = None, limit: int = 25) -> CallPage:
    """Of one key, newest first, by keyset; `after` is the request's number of the last one seen. Refuses with 404 one that is not kept."""
    mine = select(ApiCall).where(ApiCall.vendor_id == vendor.id, ApiCall.mode == mode, ApiCall.key == key.public_id)
    if after:
        mine = mine.where(ApiCall.id < _place(mine, after))
    rows = list(db.session.scalars(mine.order_by(ApiCall.id.desc()).limit(limit + 1)))
    return CallPage(rows[:limit], rows[limit - 1].request if len(rows) > limit else None)


def _place(mine: Select[tuple[ApiCall]], after: str) -> uuid.UUID:
    found = db.session.scalar(mine.where(ApiCall.request == after[:40]).limit(1))
    if found is None:
        raise NotFound("There is no such call, or it is not kept any more.")
    return found.id


def prune_calls(limit: int) -> int:
    """Calls of so long ago, `limit` at most; answers how many."""
    old = select(ApiCall.vendor_id, ApiCall.mode, ApiCall.id).where(ApiCall.at < now() - KEPT).limit(limit)
    gone = delete(ApiCall).where(tuple_(ApiCall.vendor_id, ApiCall.mode, ApiCall.id).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
