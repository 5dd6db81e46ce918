"""Work that gave up after many tries: looked at by staff, and tried again when what stood in its way is gone."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select

from core.kernel import audit
from core.kernel.clock import now
from core.kernel.db import db, wake_after_commit
from core.kernel.errors import NotFound
from core.kernel.outbox import OutboxTask

MANY = 500  # tried again at once; whoever has more presses the button again


@dataclass(frozen=True, slots=True)
class DeadPage:
    """Some tasks, the newest first, and where the older ones begin (None at the end)."""

    rows: list[OutboxTask]
    next: str | None


def list_dead_everywhere(*, after: str | None = None, limit: int = 25) -> DeadPage:
    """Every vendor's tasks that gave up, newest first, by keyset. For staff only."""
    query = select(OutboxTask).where(OutboxTask.state == "dead")
    if after:
        query = query.where(OutboxTask.id < _number(after))
    rows = list(db.session.scalars(query.order_by(OutboxTask.id.desc()).limit(limit + 1)))
    return DeadPage(rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None)


def count_dead_up_to(most: int) -> int:
    """How many there are, counted no further than `most`."""
    some = select(OutboxTask.id).where(OutboxTask.state == "dead").limit(most)
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def try_again(number: str, *, by: str) -> OutboxTask:
    """This task is due at once, with all its tries before it. Refuses with 404 when it does not wait for anybody any more."""
    dead = select(OutboxTask).where(OutboxTask.id == _number(number), OutboxTask.state == "dead").with_for_update()
    task = db.session.scalars(dead).first()
    if task is None:
        raise NotFound("There is no such task any more. Somebody may have tried it again already.")
    _revive(task, by)
    return task


def try_all_again(*, by: str) -> int:
    """The same for every task that gave up, the oldest first, MANY at most; answers how many."""
    dead = select(OutboxTask).where(OutboxTask.state == "dead").order_by(OutboxTask.id).limit(MANY).with_for_update(skip_locked=True)
    found = list(db.session.scalars(dead))
    for task in found:
        _revive(task, by)
    return len(found)


def stand_for_earlier(task: OutboxTask) -> None:
    """This one has just given up, and whoever asked for the same before it gave up too, as the clock does again and again: the newest says why,
    and trying it again does the work of all."""
    same = (OutboxTask.vendor_id == task.vendor_id, OutboxTask.job == task.job, OutboxTask.args == task.args)
    earlier = select(OutboxTask).where(OutboxTask.state == "dead", OutboxTask.id != task.id, *same).order_by(OutboxTask.id)
    for one in db.session.scalars(earlier.with_for_update(skip_locked=True)):
        db.session.delete(one)


def _revive(task: OutboxTask, by: str) -> None:
    task.state, task.attempts, task.due_at = "waiting", 0, now()
    wake_after_commit(task.queue)
    audit.record(task.vendor_id, actor=by, action="task.tried_again", subject=str(task.id), job=task.job)


def _number(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("There is no such task.") from None
