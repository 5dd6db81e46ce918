"""The inbox for provider events: stored once, opened later by a worker, in the transaction that handles them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.kernel.clock import now
from core.kernel.db import answers, wake_now, whole_answer
from core.kernel.ids import uuid7


def receive_event(*, provider: str, mode: str, event_id: str, type: str, raw: str) -> bool:
    """Store a verified event and ask for it to be opened. The same event again is no news: answers False.

    It is kept by itself, in the journey that asks for it: whoever receives an event has nothing else to write down.
    """
    new = whole_answer(RECEIVE, (provider, mode, event_id, type, raw, now().isoformat(), str(uuid7()))) == "t"
    if new:
        wake_now("money")
    return new


@dataclass(slots=True)
class StoredEvent:
    """One event of the inbox in a worker's hands: what came, and what it turned out to be."""

    provider: str
    mode: str
    event_id: str
    raw: str
    vendor_id: uuid.UUID | None = None
    result: str | None = None


RECEIVE = "SELECT receive_event($1, $2, $3, $4, $5, $6, $7)"
TAKE = """SELECT e.provider, e.mode, e.event_id, e.raw
          FROM unnest($1::text[], $2::text[], $3::text[]) AS k(provider, mode, event_id)
          JOIN provider_events e ON e.provider = k.provider AND e.mode = k.mode AND e.event_id = k.event_id
          WHERE e.handled_at IS NULL ORDER BY e.received_at, e.event_id FOR UPDATE OF e"""
CLOSE = """UPDATE provider_events e SET vendor_id = k.vendor_id, result = k.result, handled_at = $1
           FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[]) AS k(provider, mode, event_id, vendor_id, result)
           WHERE e.provider = k.provider AND e.mode = k.mode AND e.event_id = k.event_id"""


def take_events(keys: list[tuple[str, str, str]]) -> list[StoredEvent]:
    """The unopened ones among (provider, mode, event id), locked, oldest first."""
    return [StoredEvent(*row) for row in answers(TAKE, _columns(keys))]


def close_events(events: list[StoredEvent]) -> None:
    """Mark them handled, each with its vendor and its result, in one statement."""
    if events:
        rows = [(e.provider, e.mode, e.event_id, e.vendor_id, e.result) for e in events]
        answers(CLOSE, [now(), *_columns(rows)])


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
