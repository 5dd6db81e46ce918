"""Letters to payers for the vendor's own software: whether each arrived, and if not why. Their words are not told."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.notifications.models import Message
from core.notifications.notify import HOLDS_A_KEY, TO_PAYERS
from core.notifications.queries import feed_to_payers, get_to_payer
from core.notifications.states import MESSAGE
from portal.api.endpoint import endpoint
from portal.api.kinds import Text
from portal.api.objects import MODES
from portal.api.paging import Asked, list_of
from portal.api.shapes import moment, number, shape, text

MESSAGE_OBJECT = shape(
    "message",
    "A letter to one of your payers, and whether it arrived.",
    id=text("Its number, msg_...", lambda row: row.public_id),
    mode=text("Practice or real money.", lambda row: row.mode, one_of=MODES),
    kind=text("What it is.", lambda row: row.kind, one_of=TO_PAYERS),
    about=text("What it is about, by its number: pay_..., lnk_...; null where there is none.", lambda row: _about(row), nullable=True),
    to=text("The address it goes to.", lambda row: row.recipient),
    status=text(
        "queued: it is tried, or tried again. sent: a mail server took it. kept: there is no mail server here. failed: nobody gets it. held: it never left, "
        "for an earlier one came back from that address, or its reader wants none. bounced: it came back. "
        "overtaken: what it says was no longer true when its turn came, and it was not sent.",
        lambda row: row.state,
        one_of=MESSAGE,
    ),
    why=text("What the mail server said, or why it was not sent; null while nothing is wrong.", lambda row: row.last_error, nullable=True),
    attempts=number("How often it was tried.", lambda row: row.attempts),
    created_at=moment("When it was asked for.", lambda row: row.created_at, nullable=False),
    sent_at=moment("When a mail server took it.", lambda row: row.sent_at),
    complained_at=moment("When its reader told their mail provider that it is unwanted.", lambda row: row.complained_at),
)


def _about(row: Message) -> str | None:
    """Nothing where it is a key that the letter hands over."""
    return row.about if row.about and row.kind not in HOLDS_A_KEY else None


@endpoint(
    "GET", "/messages", gives=MESSAGE_OBJECT, many=True,
    query={
        "about": Text(about="About one payment, link or other thing, by its number.", usual="", most=60),
        "status": Text(about="How they stand.", usual="", one_of=tuple(sorted(MESSAGE))),
    },
)  # fmt: skip
def all_messages(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List letters to payers

    With whether each arrived: the receipt of a payment, a link that was sent. What your own people are sent is not among them.
    """
    found = feed_to_payers(vendor, mode, asked.span, about=asked.filters["about"], state=asked.filters["status"])
    return list_of(MESSAGE_OBJECT, found)


@endpoint("GET", "/messages/<number>", gives=MESSAGE_OBJECT)
def show_message(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read whether a letter arrived"""
    return MESSAGE_OBJECT.encode(get_to_payer(vendor, mode, number))
