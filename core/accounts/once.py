"""A write with an Idempotency-Key happens once: its answer is kept with what it did, in one transaction, and given again."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, tuple_

from core.accounts.key_models import KeptAnswer
from core.kernel.ask import Search
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, driver
from core.kernel.errors import Conflict, Refusal
from core.kernel.keyed import derive, key_ids
from core.kernel.sentence import Sentence, said
from core.kernel.write import Lot, Unwritten, add_rows, keep_changes

KEPT = timedelta(days=30)
_KEPT = Search(KeptAnswer, rest="FROM kept_answers WHERE vendor_id = %s AND mode = %s AND key = %s")
PURPOSE = "kept-answers"
MOST_FIELDS, LONGEST_PATH, MOST_NAMED = 200, 120, 10


class TwinInFlight(Conflict):
    """The same key is being worked on at this moment."""

    code = "idempotency_key_in_use"


class KeyReused(Refusal):
    """The same key came with something else before."""

    code = "idempotency_key_reused"


Digest = Callable[[bytes], str]


class Asked:
    """What was asked under an Idempotency-Key, as it is kept and compared: a mark of all of it, however it was spaced and ordered, and one of each
    field, to say which of them is another one.

    The marks are keyed, by a key that stands in no database and for this very row: whoever has a copy of it cannot try out what a body may have
    said. Those of former keys count as well, and so do those that were kept before there was a key in them, until they are pruned.
    """

    __slots__ = ("_now", "_sent", "_text", "_whose", "key", "mode", "vendor_id")

    def __init__(self, vendor_id: uuid.UUID, mode: str, key: str, *, method: str, path: str, sent: dict[str, Any]) -> None:
        self.vendor_id, self.mode, self.key = vendor_id, mode, key
        self._text, self._sent = f"{method}\n{path}\n{json.dumps(sent, sort_keys=True)}".encode(), sent
        self._whose = vendor_id.bytes, mode.encode(), key.encode()
        self._now = self._digest(key_ids()[0])

    @property
    def fingerprint(self) -> str:
        """The mark of all of it, as it is kept now."""
        return plain(self._text) if settings().plain_marks else self._now(self._text)

    @property
    def fields(self) -> dict[str, str]:
        """The marks of the fields, as they are kept now. Nothing is decided by them."""
        return digests(self._sent, self._now)

    def is_that(self, fingerprint: str) -> bool:
        """Whether that was kept of the same wish."""
        return any(hmac.compare_digest(digest(self._text), fingerprint) for digest in self._all())

    def others(self, kept: dict[str, str]) -> list[str]:
        """The fields that are others than those kept, by name."""
        told = [digests(self._sent, digest) for digest in self._all()]
        return min((sorted(name for name in {*kept, *mine} if kept.get(name) != mine.get(name)) for mine in told), key=len)

    def _all(self) -> Iterator[Digest]:
        yield from (self._digest(key_id) for key_id in key_ids())
        yield plain

    def _digest(self, key_id: str) -> Digest:
        key = derive(PURPOSE, key_id, *self._whose)
        return lambda text: hmac.digest(key, text, "sha256").hex()


def plain(text: bytes) -> str:
    """A mark without a key, as all were once."""
    return hashlib.sha256(text).hexdigest()


def digests(values: Any, digest: Digest) -> dict[str, str]:
    """Of each field of a body, by its path."""
    found: dict[str, str] = {}
    _note_each(values, digest, "", found)
    return found


def _note_each(values: Any, digest: Digest, at: str, found: dict[str, str]) -> None:
    if values and isinstance(values, (dict, list)):
        for name, value in values.items() if isinstance(values, dict) else enumerate(values):
            _note_each(value, digest, f"{at}.{name}" if at else str(name), found)
    elif len(found) < MOST_FIELDS:
        found[at[:LONGEST_PATH]] = digest(json.dumps(values).encode())[:16]


def find_kept(asked: Asked) -> KeptAnswer | None:
    """What was answered before; None when this is the first time, and then nobody else works on it until this unit ends.

    A crash leaves neither the act nor the answer. Refuses TwinInFlight and KeyReused, which names the fields that are others.
    """
    name = int.from_bytes(hashlib.sha256(f"{asked.vendor_id}|{asked.mode}|{asked.key}".encode()).digest()[:8], "big", signed=True)
    if not driver().line.begin_with(f"SELECT pg_try_advisory_xact_lock({name})"):
        raise TwinInFlight("The same request is being worked on at this moment. Ask again in a second.")
    keep_changes(*db.session.dirty)  # that the key was used, once a minute: the session's own way takes as long as the rest of the question
    # a question of its own: only what is asked after the lock is held sees what a twin has just kept
    found = _KEPT.all(asked.vendor_id, asked.mode, asked.key)
    kept: KeptAnswer | None = found[0][0] if found else None
    if kept is not None and not asked.is_that(kept.fingerprint):
        raise KeyReused(_what_differs(asked.others(kept.fields) if kept.fields is not None else []), field="Idempotency-Key")
    return kept


def _what_differs(others: list[str]) -> Sentence:
    if not others:
        return said("This Idempotency-Key was used before, for another request. Take a new key for a new wish.")
    names = ", ".join(others[:MOST_NAMED]) + (" …" if len(others) > MOST_NAMED else "")
    return said(
        "This Idempotency-Key was used before, with another body. What differs: %(fields)s. Take a new key for a new wish.", fields=names
    )


def keep_answer(asked: Asked, *, status: int, body: dict[str, Any], of: Unwritten | None = None) -> None:
    """Keep what is answered to the first, and in the same journey write what it is said `of`. An act that asks a provider lets go of its key
    meanwhile: a twin's answer may stand already."""
    row = {
        "vendor_id": asked.vendor_id, "mode": asked.mode, "key": asked.key, "fingerprint": asked.fingerprint, "fields": asked.fields,
        "status": status, "body": body, "at": now(),
    }  # fmt: skip
    db.session.flush()  # what the act cannot write is refused now, as a part of it
    answer: Lot = (KeptAnswer, [row], "ON CONFLICT (vendor_id, mode, key) DO NOTHING")
    if of is None:
        add_rows(answer)
    else:
        of.write(answer)


def prune_kept(limit: int) -> int:
    """Answers that nobody asks for any more, `limit` at most; answers how many. What they did is protected by its own keys for ever."""
    old = select(KeptAnswer.vendor_id, KeptAnswer.mode, KeptAnswer.key).where(KeptAnswer.at < now() - KEPT).limit(limit)
    gone = delete(KeptAnswer).where(tuple_(KeptAnswer.vendor_id, KeptAnswer.mode, KeptAnswer.key).in_(old.subquery().select()))
    return int(db.session.execute(gone.execution_options(synchronize_session=False)).rowcount)
