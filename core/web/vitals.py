"""How the house is, in figures: its services, its queues, and how long ago each thing that has to happen again and again last did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.fx.rates import latest_day
from core.hooks.relay import oldest_draft
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import MODES
from core.kernel.outbox import count_dead
from core.kernel.queues import Backlog, backlogs, letters_due
from core.ledger.proof import Standing, standing
from core.reconciliation.runs import last_ended

CLOCK_SEEN = "clock:seen"  # where the clock writes down that it goes, as seconds since 1970
# After how long each is bad. Money comes first; a paper may take its time, and a resting book is proved once a day.
QUEUE_LIMITS = {"money": timedelta(minutes=2), "messages": timedelta(minutes=10), "papers": timedelta(minutes=30)}
CLOCK_LIMIT = timedelta(minutes=1)
SENDER_LIMIT = timedelta(minutes=5)
NIGHTLY = timedelta(hours=27)  # what happens every night, with some hours to be done in
RATES_LIMIT = timedelta(days=6)  # the bank publishes on working days; over Easter there are four without


@dataclass(frozen=True, slots=True)
class Services:
    """What was answered by Valkey: None where it was not."""

    valkey: bool
    workers: int | None
    clock_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Vitals:
    """Everything that is looked at. An age is of now; None: it has not happened yet, or is not asked for."""

    services: Services
    backlogs: list[Backlog]
    letters: Backlog
    untold: timedelta | None  # how long the oldest change has waited to be told to vendors' own software
    dead: int
    books: Standing
    reconciled: dict[str, timedelta | None]
    rates: timedelta | None
    backup: timedelta | None

    @property
    def proof(self) -> timedelta | None:
        """How long ago the book that has waited longest was last proved."""
        return _since(self.books.oldest_at)

    @property
    def clock(self) -> timedelta | None:
        """How long ago the clock last went."""
        return _since(self.services.clock_seen_at)

    @property
    def violations(self) -> int:
        """How many invariants the last proofs found violated, over all books."""
        return sum(len(proof.breaks) for proof in self.books.broken)


def take_vitals() -> Vitals:
    """Look at all of it. A database that does not answer is told by the exception; Valkey away is only one of the facts."""
    latest = latest_day() if settings().rates_url else None
    return Vitals(
        services=_services(),
        backlogs=backlogs(),
        letters=letters_due(),
        untold=_since(oldest_draft()),
        dead=count_dead(),
        books=standing(),
        reconciled={mode: _since(last_ended(mode)) for mode in MODES},
        rates=_since(datetime(latest.year, latest.month, latest.day, tzinfo=UTC)) if latest else None,
        backup=_since(backed_up_at()),
    )


def concerns(of: Vitals) -> list[str]:
    """What is bad, by name: a person has to do something about it. Words for them: portal/admin/health.py."""
    told = [f"queue_{one.queue}" for one in of.backlogs if one.seconds > QUEUE_LIMITS[one.queue].total_seconds()]
    if settings().redis_url and not of.services.valkey:
        told.append("valkey")
    if of.services.workers == 0:
        told.append("workers")
    if of.services.valkey and (of.clock is None or of.clock > CLOCK_LIMIT):
        told.append("clock")
    if of.untold and of.untold > SENDER_LIMIT:
        told.append("hooks")
    if of.books.broken:
        told.append("books")
    if of.proof and of.proof > NIGHTLY:
        told.append("proofs")
    told += [f"reconciliation_{mode}" for mode, age in of.reconciled.items() if age and age > NIGHTLY]
    if of.rates and of.rates > RATES_LIMIT:
        told.append("rates")
    if settings().backup_stamp and (of.backup is None or of.backup > NIGHTLY):
        told.append("backup")
    return told


def backed_up_at() -> datetime | None:
    """When the operator's own backup last said that it is done, by touching BACKUP_STAMP; None: never, or nobody said where."""
    if not settings().backup_stamp:
        return None
    try:
        return datetime.fromtimestamp(Path(settings().backup_stamp).stat().st_mtime, UTC)
    except OSError:
        return None


def _since(at: datetime | None) -> timedelta | None:
    return None if at is None else max(timedelta(0), now() - at)


@cache
def _valkey() -> Redis:
    return Redis.from_url(settings().redis_url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 1))


def _services() -> Services:
    """Asked in one go: does it answer, which workers have said in time that they live, and when the clock last went."""
    if not settings().redis_url:
        return Services(False, None, None)
    try:
        names = sorted(_valkey().smembers("rq:workers"))
        living = sum(1 for name in names if _valkey().exists(name))
        seen = _valkey().get(CLOCK_SEEN)
    except RedisError:
        return Services(False, None, None)
    return Services(True, living, datetime.fromtimestamp(int(seen), UTC) if seen else None)
