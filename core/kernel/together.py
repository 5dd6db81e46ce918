"""What several threads of a process want at the same moment is asked of PostgreSQL in one journey, and kept by one flush (group commit).

Whoever comes alone goes at once. Whoever comes while a journey is under way waits for its end, and all who wait go together on the next:
the busier a process is, the less each of them costs. Nobody waits for company to come, and for a journey under way PATIENCE at most.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import structlog

from core.kernel.db import assert_alone, cause_of, db

log = structlog.get_logger()
MOST = 50  # in one journey
PATIENCE = timedelta(milliseconds=250)  # a journey that takes longer waits for somebody's lock, and who has not set out yet need not
LONGEST = timedelta(seconds=30)  # and who has set out and hears nothing for so long asks alone: to ask again is safe

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class _Place(Generic[Item, Answer]):
    """Somebody's place in the queue: what they want, and what came of it."""

    __slots__ = ("answers", "item", "leads", "turn")

    def __init__(self, item: Item) -> None:
        self.item, self.leads = item, False
        self.answers: list[Answer] = []  # one, once it is there; none for who has to go alone
        self.turn = Lock()
        self.turn.acquire()


class _Queue(Generic[Item, Answer]):
    """Those of one database. Whoever comes leaves again, however it ends: nobody waits for one who is no longer there."""

    def __init__(self) -> None:
        self.guard, self.under_way = Lock(), False
        self.waiting: list[_Place[Item, Answer]] = []
        self.gone: list[_Place[Item, Answer]] = []  # on the journey that is under way

    def come(self, place: _Place[Item, Answer]) -> None:
        """Returns when it is this one's turn to lead, or when all has been done for it, or when it should go alone."""
        with self.guard:
            self.waiting.append(place)
            if not self.under_way:
                self.under_way = place.leads = True
                return
        if not place.turn.acquire(timeout=PATIENCE.total_seconds()):
            with self.guard:
                if place in self.waiting and not place.leads:
                    self.waiting.remove(place)
                    return
            place.turn.acquire(timeout=LONGEST.total_seconds())

    def set_out(self) -> list[_Place[Item, Answer]]:
        with self.guard:
            self.gone, self.waiting = self.waiting[:MOST], self.waiting[MOST:]
            return self.gone

    def leave(self, place: _Place[Item, Answer]) -> None:
        """Who led lets go those who went along, and the next journey begins with the first of those who came meanwhile."""
        with self.guard:
            if place in self.waiting:  # it was stopped before it set out
                self.waiting.remove(place)
            if not place.leads:
                return
            free, self.gone = self.gone, []
            self.under_way = bool(self.waiting)
            if self.under_way:
                self.waiting[0].leads = True
                free = [*free, self.waiting[0]]
        for each in free:
            each.turn.release()


class Together(Generic[Item, Answer]):
    """An act that can be done for many as well as for one. `go` does it for those who go together, an answer each in their order, and is a
    unit of work by itself that is safe to repeat: when it fails each goes alone, so that nobody pays for another's fault."""

    def __init__(self, go: Callable[[list[Item]], list[Answer]]) -> None:
        self._go = go
        self._queues: WeakKeyDictionary[object, _Queue[Item, Answer]] = WeakKeyDictionary()  # by the pool of connections of a database
        self._guard = Lock()

    def __call__(self, item: Item) -> Answer:
        assert_alone()
        place: _Place[Item, Answer] = _Place(item)
        queue = self._queue()
        try:
            queue.come(place)
            if place.leads:
                self._lead(queue, place)
        finally:
            queue.leave(place)
        return place.answers[0] if place.answers else self._go([item])[0]

    def _queue(self) -> _Queue[Item, Answer]:
        pool = db.engine.pool
        queue = self._queues.get(pool)
        if queue is None:
            with self._guard:
                queue = self._queues.setdefault(pool, _Queue())
        return queue

    def _lead(self, queue: _Queue[Item, Answer], place: _Place[Item, Answer]) -> None:
        gone = queue.set_out()
        try:
            for other, answer in zip(gone, self._go([each.item for each in gone]), strict=True):
                other.answers.append(answer)
        except Exception as problem:
            if gone == [place]:
                raise
            # Each goes alone now, and the one whose fault it is hears of it.
            log.warning("together_failed", many=len(gone), **cause_of(problem))
