"""Two jobs of the tests' own, and what is asked of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, select

from core.kernel.db import assert_no_transaction, db, unit_of_work
from core.kernel.ids import uuid7
from core.kernel.outbox import OutboxTask, enqueue
from workers.task import Task


class Jobs:
    """Two jobs of the tests' own, by the same tables as all others, and what they have been given."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.trouble: dict[str, Callable[[], None]] = {}

    def inside(self, tasks: list[Task]) -> None:
        for task in tasks:
            self.one(task.args["name"])

    def outside(self, vendor_id: uuid.UUID, *, name: str) -> None:
        assert_no_transaction()
        self.one(name)

    def one(self, name: str) -> None:
        if name in self.trouble:
            self.trouble[name]()
        self.done.append(name)


def empty() -> None:
    with unit_of_work():
        db.session.execute(delete(OutboxTask))


def ask(*names: str, job: str = "outside", **more: Any) -> list[OutboxTask]:
    with unit_of_work():
        return [enqueue(job, uuid7(), queue="papers", name=name, **more) for name in names]


def left() -> list[OutboxTask]:
    with unit_of_work():
        ours = select(OutboxTask).where(OutboxTask.job.in_(("inside", "outside"))).order_by(OutboxTask.id)
        return list(db.session.scalars(ours.execution_options(populate_existing=True)))


def fails() -> None:
    raise RuntimeError("no such luck")
