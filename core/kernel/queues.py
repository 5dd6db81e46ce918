"""How much work waits, queue by queue, and for how long: what whoever watches the house asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.outbox import QUEUES, OutboxTask

MOST = 10_000  # counted so far in one queue; more is not told apart


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is due on one queue, counted up to MOST, and since when the oldest of it is."""

    queue: str
    due: int
    oldest_at: datetime | None

    @property
    def seconds(self) -> int:
        """How long the oldest has been waiting."""
        return 0 if self.oldest_at is None else max(0, int((now() - self.oldest_at).total_seconds()))


def backlogs() -> list[Backlog]:
    """Every queue's. What a worker has in hand is not due before its lease ends, and not counted."""
    return [_backlog(queue) for queue in QUEUES]


def letters_due() -> Backlog:
    """The same of letters alone, which share their queue."""
    return _backlog("messages", job="send_message")


def _backlog(queue: str, job: str | None = None) -> Backlog:
    due = select(OutboxTask.due_at).where(OutboxTask.queue == queue, OutboxTask.state == "waiting", OutboxTask.due_at <= now())
    if job:
        due = due.where(OutboxTask.job == job)
    some = due.order_by(OutboxTask.due_at).limit(MOST).subquery()
    count, oldest = db.session.execute(select(func.count(), func.min(some.c.due_at)).select_from(some)).one()
    return Backlog(queue, int(count), oldest)
