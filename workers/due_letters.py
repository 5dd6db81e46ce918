"""Letters that the clock asks for, each in a unit of work of its own: one that fails holds back itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

from core.disputes import remind as disputes
from core.kernel.db import DATABASE_AWAY, unit_of_work
from core.notifications import daily, scheduled
from core.payments import remind as links

log = structlog.get_logger("workers")


class Kind(NamedTuple):
    """How the keys of those that are due are found, what is done with each, and what with one that failed."""

    due: Callable[[], list[Any]]
    send: Callable[..., bool]
    put_off: Callable[..., None]


LETTERS = {
    "link_reminder": Kind(links.list_due_reminders, links.send_due_reminder, links.put_reminder_off),
    "dispute_due": Kind(disputes.list_due_reminders, disputes.send_due_reminder, disputes.put_reminder_off),
    "daily_news": Kind(daily.list_due_letters, daily.send_due_letter, daily.put_letter_off),
    "payments_report": Kind(scheduled.list_due_reports, scheduled.send_due_report, scheduled.put_report_off),
}


def send_due(kind: str) -> int:
    """Answers how many letters of this kind were asked for."""
    find, send, put_off = LETTERS[kind]
    with unit_of_work():
        due = find()
    sent = 0
    for one in due:
        try:
            with unit_of_work():
                told = send(*one)
            sent += told
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("letter_not_asked_for", kind=kind, of=[str(part) for part in one])
            with unit_of_work():
                put_off(*one)
    return sent
