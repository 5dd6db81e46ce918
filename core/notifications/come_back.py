"""A letter comes back, or its reader complains: the letter says so, its address gets no more, and the vendor's people see it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select

from core.accounts.queries import get_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.mail_stops import stop_unreachable, stop_unwanted
from core.notifications.models import Message
from core.notifications.notices import post_notice
from core.notifications.notify import TO_PAYERS
from core.notifications.relays import Relay
from core.notifications.report import Report, read_report
from core.notifications.return_address import read_letter_name
from core.notifications.send import record_bounced

LATEST = timedelta(days=30)  # a mail server tries for five days; what comes later than this is no news of the address
log = structlog.get_logger("mail")


def hear_report(raw: bytes, *, recipient: str = "") -> str:
    """Take in a message that came to the return address. Answers bounced, complained or unwanted; or ignored, with one line in the log.

    Heard twice, it changes nothing more. It never refuses: whoever delivers it could do nothing about it.
    """
    report = read_report(raw, recipient=recipient)
    return _ignored("no report") if report is None else _hear(report)


def hear_relay(relay: Relay, told: Any) -> list[str]:
    """The same for what a mail relay tells in words of its own, after it was seen that it is from the relay. Answers an outcome for each."""
    reports = sorted(relay.reports(told), key=lambda report: report.names)  # two batches at once hold letters in one order
    return [_hear(report) for report in reports]


def _hear(report: Report) -> str:
    message = _find_letter(report)
    if message is None:
        return _ignored("not about a letter of ours")
    outcome = _hear_bounce(message, report) if report.kind == "bounced" else _hear_unwanted(message, report)
    if outcome == "ignored":
        return _ignored("nothing new", message)
    log.info("mail_returned", outcome=outcome, id=message.public_id)
    return outcome


def note_bounce(message: Message, *, said: str, nobody: bool) -> None:
    """The letter was refused for good. `nobody`: its address takes none; else it was about this letter, or about us."""
    record_bounced(message, reason=said)
    if nobody:
        stop_unreachable(message, said=said)
    if message.kind in TO_PAYERS:
        post_notice(get_vendor(message.vendor_id), "letter_returned", mode=message.mode, about=message.public_id)


def _find_letter(report: Report) -> Message | None:
    """Held. Only a name under our signature finds one."""
    for name in report.names:
        if number := read_letter_name(name):
            return db.session.scalar(
                select(Message).where(Message.id == number).with_for_update().execution_options(populate_existing=True)
            )
    return None


def _hear_bounce(message: Message, report: Report) -> str:
    """A letter that a worker is still handing over can come back before that is written down."""
    left = message.state == "sent" or (message.state == "queued" and message.attempts > 0)
    if not left or message.created_at < now() - LATEST:
        return "ignored"
    note_bounce(message, said=report.said, nobody=report.nobody)
    return "bounced"


def _hear_unwanted(message: Message, report: Report) -> str:
    if message.complained_at is not None or message.state in ("kept", "failed", "held"):
        return "ignored"
    if report.kind == "complaint":
        message.complained_at = now()
    stop_unwanted(message, by=report.kind)
    return "complained" if report.kind == "complaint" else "unwanted"


def _ignored(why: str, message: Message | None = None) -> str:
    log.info("mail_returned", outcome="ignored", why=why, **({"id": message.public_id} if message else {}))
    return "ignored"
