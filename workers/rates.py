"""The rates' job: takes over the history once, then fetches the bank's feed again and again."""

from __future__ import annotations

import urllib.request
import uuid

import structlog

from core.fx.feed import FeedRefused, read_feed
from core.fx.history import embedded_history
from core.fx.rates import latest_day, record_rates
from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from core.kernel.outbox import enqueue, is_waiting

NOBODYS = uuid.UUID(int=0)
EVERY_SECONDS = 3 * 3600  # the bank publishes once on each working day, in the afternoon
SECONDS = 15  # for the whole feed
LARGEST = 12_000_000
log = structlog.get_logger("workers")


def plan_rates() -> None:
    """There is always one look waiting. In the present unit, by the clock; the first one is due at once."""
    if not db.session.scalar(db.select(is_waiting("refresh_rates", NOBODYS))):
        enqueue("refresh_rates", NOBODYS, queue="papers", due_in=0 if latest_day() is None else EVERY_SECONDS)


def refresh_rates(_nobody: uuid.UUID) -> None:
    """Ask the feed and keep what is new. A feed that is no feed changes nothing and says so; one that does not answer is asked again."""
    with unit_of_work():
        begun = latest_day() is not None
    if not begun:
        history = embedded_history()
        with unit_of_work():
            record_rates(history, source="history")
    if not settings().rates_url:
        return
    request = urllib.request.Request(settings().rates_url, headers={"Accept": "application/xml, text/xml"})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        raw = answer.read(LARGEST + 1)
    try:
        published = read_feed(raw)
    except FeedRefused as refusal:
        log.error("rates_refused", reason=str(refusal))
        return
    with unit_of_work():
        new = record_rates(published, source=settings().rates_source)
    if new:
        log.info("rates_recorded", new=new, newest=max(rate.on for rate in published).isoformat())
