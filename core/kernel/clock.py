"""The one place that knows what time it is, so that a test (or the time machine) can say otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)
_shift: ContextVar[timedelta] = ContextVar("shift", default=timedelta(0))


def now() -> datetime:
    """The present instant, aware, in UTC."""
    at = _frozen.get()
    return at if at is not None else datetime.now(UTC) + _shift.get()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Inside the block, now() answers `at` (which must be aware)."""
    if at.tzinfo is None:
        raise ValueError("a clock is frozen at an aware instant")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Inside the block, now() runs ahead of (or behind) the real clock by `by`."""
    token = _shift.set(by)
    try:
        yield
    finally:
        _shift.reset(token)
