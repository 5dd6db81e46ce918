"""Runs the jobs: RQ carries wake-ups, PostgreSQL remembers the work, and the clock wakes whatever was left behind."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import structlog
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq.serializers import JSONSerializer
from sqlalchemy import select
from sqlalchemy.orm import configure_mappers
from structlog.contextvars import bound_contextvars

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import answers, db, finish_unit, unit_of_work, whole_unit
from core.kernel.dead_tasks import stand_for_earlier
from core.kernel.outbox import QUEUES, OutboxTask
from core.kernel.rows import in_order
from core.web.vitals import CLOCK_SEEN
from workers.hooks import run_sender
from workers.jobs import INSIDE, OUTSIDE
from workers.listener import Calls, Listener
from workers.task import Task
from workers.together import keep_running
from workers.wake import at_work, redis, wake

LEASE = timedelta(seconds=55)  # a killed job is due again after this; two slow answers of a provider fit into it
LONGEST_DRAIN = timedelta(seconds=10)  # then the other queues of a worker get their turn, money first
BATCH = 50
MOST_TRIES = 12
log = structlog.get_logger("workers")
LOOKS = 4  # of the clock in a second


def drain(queue: str) -> int:
    """Do what is due on a queue; answers how many tasks were done. The wake-up is taken down before looking.

    A long row of letters (or a mail server that hangs) must not keep money waiting: after a while it stops and wakes itself again.
    """
    done, until = 0, now() + LONGEST_DRAIN
    with at_work(queue) as brought_more:
        while True:
            batch, outside = _inside_batch(queue), _outside_one(queue)
            done += batch.done + outside
            if not batch.more and not outside and not brought_more():
                return done  # whatever comes from elsewhere from now on calls anew
            if now() >= until:
                break
    wake({queue})
    return done


# --- jobs that only touch the database: a batch is one transaction, done together with its effects -------------------


class _Batch(NamedTuple):
    """How many tasks were done, and whether there may be more of them."""

    done: int
    more: bool


def _inside_batch(queue: str) -> _Batch:
    """A batch is of one kind: each kind locks in the order in which everybody locks, and two of them after one another would begin anew with it
    while they hold what the first one has locked. Tasks of other kinds that were taken along are left for the next."""
    try:
        with unit_of_work():
            taken = _take(queue)
            alike = [task for task in taken if task[2] == taken[0][2]]
            if alike:
                INSIDE[alike[0][2]]([Task(vendor_id, args) for vendor_id, _, _, args in alike])
            _finish([(vendor_id, task_id) for vendor_id, task_id, _, _ in alike])
        return _Batch(len(alike), len(alike) < len(taken) or len(taken) == BATCH)
    except Exception as error:
        log.warning("batch_failed", queue=queue, error=repr(error))
    done = _one_by_one(queue)
    return _Batch(done, done == BATCH)


TAKE = """SELECT vendor_id, id, job, args FROM outbox WHERE queue = $1 AND state = 'waiting' AND due_at <= $2 AND job = ANY($3::text[])
          ORDER BY due_at LIMIT $4 FOR UPDATE SKIP LOCKED"""
STRIKE_OFF = """DELETE FROM outbox o USING unnest($1::uuid[], $2::uuid[]) AS k(vendor_id, id)
                WHERE o.vendor_id = k.vendor_id AND o.id = k.id"""


def _take(queue: str) -> list[tuple[uuid.UUID, uuid.UUID, str, dict[str, Any]]]:
    """A batch of what is due, locked: vendor, id, job, arguments."""
    return answers(TAKE, (queue, now(), _named(INSIDE), BATCH))


def _named(jobs: dict[str, Any]) -> str:
    """The names of these jobs as PostgreSQL writes a list; the driver would look at each of them."""
    return f"{{{','.join(jobs)}}}"


def _one_by_one(queue: str) -> int:
    """A batch failed: find the one that spoils it, and let the others through."""
    with unit_of_work():
        keys = [(vendor_id, task_id) for vendor_id, task_id, _, _ in _take(queue)]
    for key in keys:
        try:
            with unit_of_work():
                task = db.session.get(OutboxTask, key, with_for_update={"skip_locked": True}, populate_existing=True)
                if task is None or task.state != "waiting":
                    continue
                INSIDE[task.job]([Task(task.vendor_id, task.args)])
                _finish([key])
        except Exception as error:
            _failed(key, error)
    return len(keys)


# --- jobs that ask the outside world: taken under a lease, run with no transaction open, then struck off --------------


# Ours for a while. A task that never failed and was still tried too often has taken its workers down with it: no more of that.
LEND = in_order("""UPDATE outbox o
          SET state = CASE WHEN o.attempts >= %s THEN 'dead' ELSE o.state END,
              last_error = CASE WHEN o.attempts >= %s THEN coalesce(o.last_error, 'no worker that took it came back') ELSE o.last_error END,
              due_at = CASE WHEN o.attempts >= %s THEN o.due_at ELSE %s END,
              attempts = CASE WHEN o.attempts >= %s THEN o.attempts ELSE o.attempts + 1 END
          FROM (SELECT vendor_id, id FROM outbox WHERE queue = %s AND state = 'waiting' AND due_at <= %s AND job = ANY(%s::text[])
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) due
          WHERE o.vendor_id = due.vendor_id AND o.id = due.id
          RETURNING o.vendor_id, o.id, o.job, o.args, o.state""")


def _outside_one(queue: str) -> int:
    """One at a time: its lease starts when it does, and the quick batches get their turn between two slow answers."""
    at = now()
    lent = whole_unit(LEND, (*[MOST_TRIES] * 3, at + LEASE, MOST_TRIES, queue, at, _named(OUTSIDE)))
    for vendor_id, task_id, job, args, state in lent:
        if state != "waiting":
            _took_its_workers_down((vendor_id, task_id))
            continue
        with bound_contextvars(task=str(task_id), job=job):  # in every line that is logged meanwhile
            try:
                OUTSIDE[job](vendor_id, **args)
                with unit_of_work():
                    _finish([(vendor_id, task_id)])
            except Exception as error:
                _failed((vendor_id, task_id), error)
    return len(lent)


def _took_its_workers_down(key: tuple[Any, Any]) -> None:
    with unit_of_work():
        if task := db.session.get(OutboxTask, key):
            stand_for_earlier(task)


def _finish(keys: list[tuple[Any, Any]]) -> None:
    if keys:
        answers(STRIKE_OFF, [list(column) for column in zip(*keys, strict=True)])


def _failed(key: tuple[Any, Any], error: Exception) -> None:
    """Try again later, ever more slowly; after many tries leave it where staff can see it and run it again."""
    log.error("job_failed", task=str(key[1]), error=repr(error))
    finish_unit(keep=False)  # whatever the job left half done
    with unit_of_work():
        task = db.session.get(OutboxTask, key, with_for_update=True, populate_existing=True)
        if task is None:
            return
        if task.job in INSIDE:
            task.attempts += 1
        task.last_error = repr(error)[:2000]
        wait = min(2 ** min(task.attempts, 12), 3600)
        task.due_at = now() + timedelta(seconds=wait, milliseconds=secrets.randbelow(1000))
        if task.attempts >= MOST_TRIES:
            task.state = "dead"
            stand_for_earlier(task)


# --- the processes ---------------------------------------------------------------------------------------------------


def sweep() -> set[str]:
    """Queues with work that is due now: what a lost wake-up, a dead worker or a restarted Redis left behind."""
    with unit_of_work():
        due = select(OutboxTask.queue).where(OutboxTask.state == "waiting", OutboxTask.due_at <= now(), OutboxTask.queue.in_(QUEUES))
        return set(db.session.scalars(due.distinct()))


def run_clock(stop: threading.Event) -> None:
    """Every second plan what is due by time, and some times in it wake the queues that have work. Without Redis it does the work itself."""
    from workers.schedule import tick

    looks = 0
    while not stop.is_set():
        try:
            looks += 1
            if looks % LOOKS == 1:
                tick()
                _say_that_it_goes()
        except Exception as error:
            log.error("clock_failed", error=repr(error))
        try:  # whatever became of the planning, work that is due is not left lying
            queues = sweep()
            if queues:
                _wake_or_work(queues)
        except Exception as error:
            log.error("clock_failed", error=repr(error))
        finally:
            db.session.remove()
        stop.wait(1 / LOOKS)


def _say_that_it_goes() -> None:
    """For whoever watches the house. While Redis is away nobody hears it."""
    with suppress(RedisError):
        redis().set(CLOCK_SEEN, int(now().timestamp()))


def _wake_or_work(queues: set[str]) -> None:
    try:
        redis().ping()
    except RedisError:
        for queue in sorted(queues):
            drain(queue)
        return
    wake(queues)


def run_worker(queues: list[str]) -> None:
    """One RQ worker without forks: jobs are short, and a killed one is due again by its lease."""
    connection = Redis.from_url(settings().redis_url, socket_connect_timeout=3)
    worker = Listener(
        [Calls(q, connection=connection, serializer=JSONSerializer) for q in queues],
        connection=connection,
        serializer=JSONSerializer,
        job_monitoring_interval=5,
        maintenance_interval=60,
        worker_ttl=30,  # it listens for half of this at a time: a line that died without a word is noticed then, not after 405 s
    )
    worker.max_connection_wait_time = 2  # after a long outage of Redis it would otherwise sleep for up to a minute more
    worker.work(logging_level="WARNING")


# What runs beside the web server: a slow mail server, a long paper or a stranger's server never keeps money waiting.
ALL = {"clock": ["clock"], "worker": ["work", "money"], "papers": ["work", "messages", "papers"], "hooks": ["hooks"]}


def main(argv: list[str]) -> int:
    """`work QUEUE ...`, `clock`, `hooks`, or `all` of them in processes that share the program's memory."""
    from wsgi import create_app

    app = create_app()
    with app.app_context():
        if argv == ["all"]:
            configure_mappers()
            keep_running({name: partial(_play, app, words) for name, words in ALL.items()})
            return os.EX_OK
        if _play(app, argv):
            return os.EX_OK
    print(f"usage: python -m workers.runner work {' '.join(QUEUES)} | clock | hooks | all", file=sys.stderr)
    return os.EX_USAGE


def _play(app: Flask, words: list[str]) -> bool:
    """One process's part, until it is told to stop; False for words that name none."""
    if words in (["clock"], ["hooks"]):
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if words == ["clock"]:
            run_clock(stop)
        else:
            run_sender(app, stop)
        return True
    if words[:1] == ["work"] and words[1:] and set(words[1:]) <= set(QUEUES):
        run_worker(words[1:])
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
