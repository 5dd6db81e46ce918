"""Work to be done later: a row in the same transaction as its cause. RQ only carries the wake-up; PostgreSQL remembers."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, Index, String, Text, cast, exists, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.kernel.clock import now
from core.kernel.db import Base, db, wake_after_commit
from core.kernel.ids import uuid7
from core.kernel.write import Lot, add_rows

QUEUES = ("money", "messages", "papers")


class OutboxTask(Base):
    """One thing to do. It waits, runs under a lease, and is deleted in the end; `dead` ones stay to be looked at."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'dead')", name="state"),
        Index("ix_outbox_due", "queue", "due_at", postgresql_where="state = 'waiting'"),
        Index("ix_outbox_dead", "id", postgresql_where="state = 'dead'"),
    )
    vendor_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(String(20))
    job: Mapped[str] = mapped_column(String(60))
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    due_at: Mapped[datetime]  # while somebody runs it, the instant its lease ends: a killed job is simply due again
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


def is_waiting(job: str, vendor_id: Any, **args: Any) -> ColumnElement[bool]:
    """A condition for a query over rows: whether this job is asked for already with these columns as its arguments.

    What the clock asks for every second is asked for once, however long the workers are away.
    """
    named = [OutboxTask.args[name].astext == cast(column, Text) for name, column in args.items()]
    return exists().where(OutboxTask.vendor_id == vendor_id, OutboxTask.job == job, OutboxTask.state == "waiting", *named)


def count_dead() -> int:
    """How many tasks gave up after many tries and wait for a person."""
    return int(db.session.scalar(select(func.count()).where(OutboxTask.state == "dead")) or 0)


def enqueue(job: str, vendor_id: uuid.UUID, *, queue: str = "money", due_in: int = 0, **args: Any) -> OutboxTask:
    """Ask for a job by name, in the present transaction. `due_in` counts seconds; arguments are ids and plain values."""
    return enqueue_row(task_row(job, vendor_id, queue=queue, due_in=due_in, **args))


def enqueue_named(job: str, vendor_id: uuid.UUID, **args: Any) -> OutboxTask:
    """Ask for a job whose name somebody above has left with the thing it is about (`on_settled="..."`): so news goes up without an import."""
    return enqueue(job, vendor_id, **args)


def enqueue_row(row: dict[str, Any]) -> OutboxTask:
    """The same with a row of task_row."""
    task = OutboxTask(**row)
    db.session.add(task)
    if task.due_at <= task.created_at:
        wake_after_commit(task.queue)
    return task


def task_row(job: str, vendor_id: uuid.UUID, *, queue: str = "money", due_in: int = 0, **args: Any) -> dict[str, Any]:
    """A task before it is asked for."""
    if queue not in QUEUES:
        raise ValueError(f"no such queue: {queue}")
    at = now()
    return {
        "vendor_id": vendor_id,
        "id": uuid7(),
        "queue": queue,
        "job": job,
        "args": args,
        "state": "waiting",
        "due_at": at + timedelta(seconds=due_in),
        "attempts": 0,
        "created_at": at,
    }


def enqueue_many(rows: list[dict[str, Any]], *beside: Lot) -> None:
    """Ask for many jobs in one statement: what follows from a batch. `beside` are the new rows they are about, written in the same journey."""
    add_rows(*beside, (OutboxTask, rows))
    for queue in {row["queue"] for row in rows if row["due_at"] <= row["created_at"]}:
        wake_after_commit(queue)
