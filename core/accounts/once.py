"""A write with an Idempotency-Key happens once: its answer is kept with what it did, in one transaction, and given again."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, tuple_

from core.accounts.key_models import KeptAnswer
from core.kernel.ask import Search
from core.kernel.clock import now
from core.kernel.db import db, driver
from core.kernel.errors import Conflict, Refusal
from core.kernel.sentence import said
from core.kernel.write import add_row

KEPT = timedelta(days=30)
_KEPT = Search(KeptAnswer, rest="FROM kept_answers WHERE vendor_id = %s AND mode = %s AND key = %s")
MOST_FIELDS, LONGEST_PATH, MOST_NAMED = 200, 120, 10


class TwinInFlight(Conflict):
    """The same key is being worked on at this moment."""

    code = "idempotency_key_in_use"


class KeyReused(Refusal):
    """The same key came with something else before."""

    code = "idempotency_key_reused"


def fingerprint(method: str, path: str, sent: dict[str, Any]) -> str:
    """Of what was asked, however it was spaced and ordered: the same key with another one is a mistake of the caller's."""
    return hashlib.sha256(f"{method}\n{path}\n{json.dumps(sent, sort_keys=True)}".encode()).hexdigest()


def digests(values: Any, at: str = "") -> dict[str, str]:
    """Of each field of a body, by its path: kept to say which of them is another one, and to tell nobody what stood in it."""
    if isinstance(values, dict) and values:
        return _joined(digests(value, f"{at}.{name}" if at else str(name)) for name, value in values.items())
    if isinstance(values, list) and values:
        return _joined(digests(value, f"{at}.{number}") for number, value in enumerate(values))
    return {at[:LONGEST_PATH]: hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]}


def _joined(parts: Iterable[dict[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        found |= dict(list(part.items())[: MOST_FIELDS - len(found)])
    return found


def find_kept(vendor_id: uuid.UUID, mode: str, key: str, asked: str, fields: dict[str, str] | None = None) -> KeptAnswer | None:
    """What was answered before; None when this is the first time, and then nobody else works on it until this unit ends.

    A crash leaves neither the act nor the answer. Refuses TwinInFlight and KeyReused, which names the `fields` that are others.
    """
    name = int.from_bytes(hashlib.sha256(f"{vendor_id}|{mode}|{key}".encode()).digest()[:8], "big", signed=True)
    if not driver().execute("SELECT pg_try_advisory_xact_lock(%s)", (name,)).fetchone()[0]:
        raise TwinInFlight("The same request is being worked on at this moment. Ask again in a second.")
    # a question of its own: only what is asked after the lock is held sees what a twin has just kept
    found = _KEPT.all(vendor_id, mode, key)
    kept: KeptAnswer | None = found[0][0] if found else None
    if kept is not None and kept.fingerprint != asked:
        raise KeyReused(_what_differs(kept.fields, fields), field="Idempotency-Key")
    return kept


def _what_differs(before: dict[str, str] | None, now_sent: dict[str, str] | None) -> str:
    others = sorted(name for name in {*(before or {}), *(now_sent or {})} if (before or {}).get(name) != (now_sent or {}).get(name))
    if before is None or now_sent is None or not others:
        return said("This Idempotency-Key was used before, for another request. Take a new key for a new wish.")
    names = ", ".join(others[:MOST_NAMED]) + (" …" if len(others) > MOST_NAMED else "")
    return said(
        "This Idempotency-Key was used before, with another body. What differs: %(fields)s. Take a new key for a new wish.", fields=names
    )


def keep_answer(
    vendor_id: uuid.UUID, mode: str, key: str, asked: str, *, status: int, body: dict[str, Any], fields: dict[str, str] | None = None
) -> None:
    """Keep what is answered to the first. An act that asks a provider lets go of its key meanwhile: a twin's answer may stand already."""
    row = {
        "vendor_id": vendor_id, "mode": mode, "key": key, "fingerprint": asked, "fields": fields, "status": status, "body": body, "at": now(),
    }  # fmt: skip
    db.session.flush()  # what the act cannot write is refused now, as a part of it
    add_row(KeptAnswer, row, unless="vendor_id, mode, key")


def prune_kept(limit: int) -> int:
    """Answers that nobody asks for any more, `limit` at most; answers how many. What they did is protected by its own keys for ever."""
    old = select(KeptAnswer.vendor_id, KeptAnswer.mode, KeptAnswer.key).where(KeptAnswer.at < now() - KEPT).limit(limit)
    gone = delete(KeptAnswer).where(tuple_(KeptAnswer.vendor_id, KeptAnswer.mode, KeptAnswer.key).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
