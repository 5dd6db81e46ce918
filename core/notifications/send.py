"""The life of a message after it was asked for: taken by a worker, then sent, kept, put off, held or given up; and what comes back."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta

from core.kernel.clock import now
from core.kernel.db import locked
from core.kernel.outbox import enqueue
from core.notifications.models import Message
from core.notifications.notify import ACTS_AS_ITS_READER
from core.notifications.states import check_move

LEASE = timedelta(seconds=45)  # longer than one message may take; one that a killed worker held goes out within a minute
# Seconds until the next try after the first, second, ... one that did not reach the mail server: about 31 hours in all.
PAUSES = (30, 120, 600, 1800, 3600, 7200, 14400, 28800, 57600)


def take_message(vendor_id: uuid.UUID, mode: str, message_id: uuid.UUID) -> Message | None:
    """The message, for this worker alone for LEASE, with one more try counted.

    None when it has gone where it was going, or while another worker has it: then a look is planned for when that one's
    lease ends, in case it died.
    """
    message = locked(Message, vendor_id, mode, message_id)
    if message is None or message.state != "queued":
        return None
    if message.taken_until and message.taken_until > now():
        _try_in(message, (message.taken_until - now()).seconds + 1)
        return None
    message.taken_until = now() + LEASE
    message.attempts += 1
    return message


def record_sent(message: Message, *, subject: str, text: str, html: str, enclosed: Sequence[str] = ()) -> None:
    """A mail server has taken it. From here on it is never sent again; letters with a key in them are not stored."""
    check_move(message.state, "sent")
    keyed = message.kind in ACTS_AS_ITS_READER
    message.state, message.sent_at, message.last_error, message.taken_until = "sent", now(), None, None
    message.subject, message.text, message.html = subject, None if keyed else text, None if keyed else html
    message.enclosed = list(enclosed)


def record_kept(message: Message, *, subject: str, text: str, html: str, enclosed: Sequence[str] = ()) -> None:
    """There is no mail server here: the message stays where it can be read, and says so instead of claiming to be sent."""
    check_move(message.state, "kept")
    message.state, message.last_error, message.taken_until = "kept", None, None
    message.subject, message.text, message.html, message.enclosed = subject, text, html, list(enclosed)


def record_failed(message: Message, *, reason: str) -> None:
    """Nobody will get it: the address was refused, or the mail server stayed away for too long."""
    check_move(message.state, "failed")
    message.state, message.last_error, message.taken_until = "failed", reason[:500], None


def record_overtaken(message: Message, *, reason: str) -> None:
    """It is not sent: what it was to say is no longer true."""
    check_move(message.state, "overtaken")
    message.state, message.last_error, message.taken_until = "overtaken", reason[:500], None


def record_held(message: Message, *, reason: str) -> None:
    """It does not leave: its address takes no letters, or its reader wants none of this kind."""
    check_move(message.state, "held")
    message.state, message.last_error, message.taken_until = "held", reason[:500], None


def record_bounced(message: Message, *, reason: str) -> None:
    """A mail server refused it for good, as it was handed over or after it had been taken."""
    check_move(message.state, "bounced")
    message.state, message.last_error, message.taken_until = "bounced", reason[:500], None


def put_off(message: Message, *, reason: str) -> None:
    """The mail server could not be reached or asked us to come back: try later, a little spread out, and give up in the end."""
    if message.attempts > len(PAUSES):
        record_failed(message, reason=reason)
        return
    pause = PAUSES[max(message.attempts, 1) - 1]
    message.last_error, message.taken_until = reason[:500], None
    _try_in(message, pause + secrets.randbelow(pause // 4))


def try_again(message: Message) -> None:
    """A person wants a message that did not arrive to be tried once more, from the beginning of its patience."""
    check_move(message.state, "queued")
    message.state, message.attempts, message.last_error = "queued", 0, None
    message.sent_at = None
    _try_in(message, 0)


def _try_in(message: Message, seconds: int) -> None:
    enqueue("send_message", message.vendor_id, queue="messages", due_in=seconds, mode=message.mode, message=str(message.id))
