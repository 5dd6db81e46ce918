"""The time machine's job: moves a test subscription's clock from moment to moment, and comes back while an answer is waited for."""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from rq.timeouts import JobTimeoutException

from core.billing.advance import go_on, record_broken
from core.billing.models import KeptSubscription
from core.kernel.clock import now
from core.kernel.db import DATABASE_AWAY, gave_way, unit_of_work
from core.subscriptions.follow import follow
from core.subscriptions.papers import ask_for_papers

TURN = timedelta(seconds=8)  # then receipts and exports get their turn
log = structlog.get_logger("workers")


def advance_clock(vendor_id: uuid.UUID, *, mode: str, advance: str) -> None:
    """Step by step, each in a unit of its own. What is waited for, and what is left when the turn is over, the clock asks for again."""
    key, until = (vendor_id, mode, uuid.UUID(advance)), now() + TURN
    try:
        while _step(*key) and now() < until:
            pass
    except DATABASE_AWAY:
        raise
    except Exception as problem:
        if gave_way(problem) or isinstance(problem, JobTimeoutException):
            raise  # done again from where the clock stands
        log.exception("advance_failed", advance=advance)
        with unit_of_work():
            record_broken(*key)


def _step(vendor_id: uuid.UUID, mode: str, advance_id: uuid.UUID) -> bool:
    with unit_of_work():
        return go_on(vendor_id, mode, advance_id, after=_follow)


def _follow(row: KeptSubscription) -> None:
    follow(row)
    ask_for_papers(row)  # also of what has just become final by its hour
