"""The wake-up: a process that has committed work tells the workers through RQ. What is not heard is found by the clock.

It stands apart from what the workers do, so that a web process can call without loading the jobs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from core.kernel.config import settings
from core.kernel.redis_line import KeptLine

MOMENT = 100_000_000  # nanoseconds
# In one journey, as RQ itself would do it: nobody has called yet, the job is known, and its name goes into the queue.
CALL = """
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', 5) then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then return 2 end
redis.call('RPUSH', KEYS[3], ARGV[1])
return 1
"""
UNKNOWN = 2
log = structlog.get_logger("workers")
_redis: Redis | None = None
_quiet_until: dict[str, int] = {}


class _InHand(threading.local):
    """The queues this thread is at work on, and whether its own work has brought more for one since it last looked."""

    def __init__(self) -> None:
        self.queues: dict[str, bool] = {}


_in_hand = _InHand()


def redis() -> Redis:
    """This process's client of Redis. Short time-outs: a payer never waits for a wake-up."""
    global _redis
    if _redis is None:
        _redis = KeptLine.from_url(settings().redis_url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1))
    return _redis


def wake_soon(queues: set[str]) -> None:
    """The same after a commit. Within a moment of its own last call a process does not call again: whoever comes for that one finds
    this work too, or else the clock does, which looks some times a second. For a queue it is at work on it looks again itself."""
    at, mine, due = time.monotonic_ns(), _in_hand.queues, set()
    for queue in queues:
        if queue in mine:
            mine[queue] = True
        elif at >= _quiet_until.get(queue, 0):
            _quiet_until[queue] = at + MOMENT
            due.add(queue)
    if due:
        wake(due)


def wake(queues: set[str]) -> None:
    """Tell the workers that these queues have work. One wake-up per queue is enough until somebody starts on it."""
    try:
        for queue in sorted(queues):
            name = f"drain-{queue}"
            keys = [f"wake:{queue}", Job.key_for(name), f"{Queue.redis_queue_namespace_prefix}{queue}"]
            if _call(redis())(keys, [name]) == UNKNOWN:
                _make_known(queue, name)
    except RedisError as error:
        log.warning("wake_lost", queues=sorted(queues), error=str(error))  # the clock looks every second, in PostgreSQL


@cache
def _call(line: Redis) -> Script:
    return line.register_script(CALL)


def _make_known(queue: str, name: str) -> None:
    """Every wake-up of a queue is the same job, which stays in Redis: to call is to put its name into the queue once more."""
    line, terms = redis(), {"timeout": 120, "result_ttl": 0, "failure_ttl": 60, "status": JobStatus.QUEUED}
    Job.create("workers.runner.drain", [queue], id=name, origin=queue, connection=line, serializer=JSONSerializer, **terms).save()
    Queue(queue, connection=line, serializer=JSONSerializer).push_job_id(name)


@contextmanager
def at_work(queue: str) -> Iterator[Callable[[], bool]]:
    """This thread starts on a queue: the wake-up is taken down, and the next work on it calls anew. Gives a question: has the work done
    since it was last asked brought more for this queue?"""
    _quiet_until.pop(queue, None)
    try:
        redis().delete(f"wake:{queue}")
    except RedisError as error:
        log.warning("wake_kept", queue=queue, error=str(error))

    def brought_more() -> bool:
        brought, _in_hand.queues[queue] = _in_hand.queues[queue], False
        return brought

    _in_hand.queues[queue] = False
    try:
        yield brought_more
    finally:
        del _in_hand.queues[queue]
