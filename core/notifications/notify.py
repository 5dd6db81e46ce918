"""Telling somebody something: a message row and the job that delivers it, in the same transaction as the news itself."""

from __future__ import annotations

import re
from typing import Any

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id, uuid7
from core.kernel.outbox import enqueue
from core.notifications.models import Message

# Each kind, the ids it is written from, and the one it is about. The words are in templates/emails/<kind>/.
KINDS: dict[str, tuple[str, ...]] = {
    "verify_email": ("user", "token"),
    "reset_password": ("user", "token"),
    "password_changed": ("user",),
    "payment_received": ("payment",),
    "receipt": ("payment",),
    "refund_sent": ("payment", "refund"),
    "refund_failed": ("payment", "refund"),
    "transfer_instructions": ("payment",),
    "transfer_partial": ("payment",),
    "transfer_held": ("payment",),
    "transfer_decision": ("payment",),
    "transfer_returned": ("payment", "transfer_return"),
    "transfer_taken_back": ("payment",),
}
# Whoever reads one of these can act as the person it was written to: its words are not stored once it is sent.
HOLDS_A_KEY = frozenset({"verify_email", "reset_password"})
LOCALE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})?")


def notify(vendor: Vendor, kind: str, *, mode: str, to: str, locale: str = "en", **ids: str) -> Message:
    """Ask for one e-mail of this kind to this address. `ids` are the public ids (and token id) that KINDS lists for it.

    The words are not written here: the worker writes them when it sends, from what is true by then. Calling this twice
    asks for two messages, so it belongs into the transaction of the act that makes the news. It never refuses an address,
    because news about money must not be undone by a misspelt one: such a message is failed from the start, and says why.
    A wrong kind or a missing id is a bug and raises ValueError.
    """
    if set(ids) != set(KINDS.get(kind, ("no such kind",))):
        raise ValueError(f"a message of kind {kind!r} is written from {KINDS.get(kind)}, not from {sorted(ids)}")
    message = Message(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("msg"), kind=kind, recipient=to.replace("\0", "")[:254],
        locale=locale if LOCALE.fullmatch(locale) else "en", params=_plain(ids), about=ids[KINDS[kind][0]],
        state="queued", attempts=0, created_at=now(),
    )  # fmt: skip
    db.session.add(message)
    if is_address(to):
        enqueue("send_message", vendor.id, queue="messages", mode=mode, message=str(message.id))
    else:
        message.state, message.last_error = "failed", "that is not an e-mail address"
    return message


def is_address(text: str) -> bool:
    """Whether it can stand in a header as one address: something, an @, something, and nothing invisible."""
    return 3 <= len(text) <= 254 and "@" in text[1:-1] and text.isprintable() and not set(text) & set(' ,;:<>()[]\\"')


def _plain(ids: dict[str, Any]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in ids.values()):
        raise ValueError("a message is written from public ids, which are text")
    return dict(ids)
