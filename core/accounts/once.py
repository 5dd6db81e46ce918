"""A write with an Idempotency-Key happens once: its answer is kept with what it did, in one transaction, and given again."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, tuple_

from core.accounts.key_models import KeptAnswer
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal

KEPT = timedelta(days=30)


class TwinInFlight(Conflict):
    """The same key is being worked on at this moment."""

    code = "idempotency_key_in_use"


class KeyReused(Refusal):
    """The same key came with something else before."""

    code = "idempotency_key_reused"


def fingerprint(method: str, path: str, body: bytes) -> str:
    """Of what was asked: the same key with another one is a mistake of the caller's."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).hexdigest()


def find_kept(vendor_id: uuid.UUID, mode: str, key: str, asked: str) -> KeptAnswer | None:
    """What was answered before; None when this is the first time, and then nobody else works on it until this unit ends.

    A crash leaves neither the act nor the answer. Refuses TwinInFlight and KeyReused.
    """
    name = int.from_bytes(hashlib.sha256(f"{vendor_id}|{mode}|{key}".encode()).digest()[:8], "big", signed=True)
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(name))):
        raise TwinInFlight("The same request is being worked on at this moment. Ask again in a second.")
    kept = db.session.get(KeptAnswer, (vendor_id, mode, key), populate_existing=True)
    if kept is not None and kept.fingerprint != asked:
        raise KeyReused(
            "This Idempotency-Key was used before, for another request. Take a new key for a new wish.", field="Idempotency-Key"
        )
    return kept


def keep_answer(vendor_id: uuid.UUID, mode: str, key: str, asked: str, *, status: int, body: dict[str, Any]) -> None:
    """Keep what is answered to the first."""
    db.session.add(KeptAnswer(vendor_id=vendor_id, mode=mode, key=key, fingerprint=asked, status=status, body=body, at=now()))
    db.session.flush()


def prune_kept(limit: int) -> int:
    """Answers that nobody asks for any more, `limit` at most; answers how many. What they did is protected by its own keys for ever."""
    old = select(KeptAnswer.vendor_id, KeptAnswer.mode, KeptAnswer.key).where(KeptAnswer.at < now() - KEPT).limit(limit)
    gone = delete(KeptAnswer).where(tuple_(KeptAnswer.vendor_id, KeptAnswer.mode, KeptAnswer.key).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
