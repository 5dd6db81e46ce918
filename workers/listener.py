"""Who waits for wake-ups: RQ's worker without forks, and without a record of each of its runs."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import structlog
from rq import SimpleWorker
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import JobTimeoutException
from rq.worker import WorkerStatus

from core.kernel.db import finish_unit

RESTING = 5  # seconds; a third of what it listens at a time
log = structlog.get_logger("workers")


class Calls(Queue):
    """A queue from which a wake-up is taken without being laid aside: one that is lost with its worker, the clock makes anew."""

    @classmethod
    def lmove(cls, connection: Any, queue_key: str, timeout: int | None) -> Any:
        """As RQ calls it for a worker of one queue; those of several never lay anything aside."""
        return cls.lpop([queue_key], timeout, connection=connection)


class WakeUp(Job):
    """Every wake-up of a queue is the same job: what it says is read once."""

    _read: ClassVar[dict[str, Job]] = {}

    @classmethod
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> Job:
        """As RQ calls it."""
        if id not in cls._read:
            cls._read[id] = super().fetch(id, connection=connection, serializer=serializer)
        return cls._read[id]


class Listener(SimpleWorker):
    """A wake-up has no result, is never tried again and never missed: PostgreSQL remembers the work, and the clock looks for it.

    So Redis is only told that this worker lives, and for how long nobody need worry about it. The usual entries about a run (an
    execution, two registries, a result) would cost several times what it takes to look for the work.
    """

    queue_class, job_class = Calls, WakeUp
    _said_at = _asked_at = -RESTING

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Whether it is at work matters when it is asked to stop, and then it asks itself. Redis is told of everything else, and that it has begun."""
        began, self._state = self._state == WorkerStatus.STARTED, state
        if began or state not in (WorkerStatus.BUSY, WorkerStatus.IDLE):
            super().set_state(state, pipeline)

    def check_for_suspension(self, burst: bool) -> None:
        """Whether it is to pause (`rq suspend`): once in some seconds, not around each job."""
        at = time.monotonic()
        if at >= self._asked_at + RESTING:
            self._asked_at = at
            super().check_for_suspension(burst)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """That it lives. RQ's loop says so five times around each job; once in some seconds is enough."""
        at = time.monotonic()
        if timeout is None and pipeline is None and at < self._said_at + RESTING:
            return
        self._said_at = at
        super().heartbeat(timeout, pipeline)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run it, for as long as it may take. What goes wrong in it is logged; the work it leaves is found again.

        That this worker lives was said a moment ago, for longer than RQ says it for a job that runs.
        """
        self.set_state(WorkerStatus.BUSY)  # from here on a request to stop waits until it is through
        timer: Any = self.death_penalty_class(job.timeout, JobTimeoutException, job_id=job.id)
        try:
            with timer:
                job.func(*job.args)
        except Exception as error:
            log.error("drain_failed", queue=queue.name, error=repr(error))
            finish_unit(keep=False)
