"""Reports by e-mail that are due, each in a unit of work of its own: one that fails holds back itself."""

from __future__ import annotations

import structlog

from core.kernel.db import DATABASE_AWAY, unit_of_work
from core.notifications.scheduled import list_due_reports, put_report_off, send_due_report

log = structlog.get_logger("workers")


def send_due_reports() -> int:
    """Answers how many letters were asked for."""
    with unit_of_work():
        due = list_due_reports()
    sent = 0
    for one in due:
        try:
            with unit_of_work():
                told = send_due_report(*one)
            sent += told
        except DATABASE_AWAY:
            raise
        except Exception:
            log.exception("report_not_sent", vendor=str(one[0]), mode=one[1], order=str(one[2]))
            with unit_of_work():
                put_report_off(*one)
    return sent
