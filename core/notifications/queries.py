"""Reading what was sent and what was printed; every question begins with whose it is."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import defer

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.keyset import Slice, Span, slice_of
from core.notifications.models import Message, Paper
from core.notifications.notify import ACTS_AS_ITS_READER, HOLDS_A_KEY, TO_PAYERS
from core.notifications.papers import newest_paper

LOST = ("failed", "held", "bounced")  # nobody has read it


@dataclass(frozen=True)
class MessagePage:
    """Some messages, newest first, and what to ask for to see the next ones (None at the end)."""

    rows: list[Message]
    next: str | None


def list_messages(
    vendor: Vendor, mode: str, *, about: str | None = None, state: str | None = None, after: str | None = None, limit: int = 25
) -> MessagePage:
    """Messages without their words, newest first; `about` narrows to one payment or person, `state` to one, or to all that are lost; `after` is the last page's next."""
    question = select(Message).where(Message.vendor_id == vendor.id, Message.mode == mode)
    if state is not None:
        question = question.where(Message.state.in_(LOST) if state == "lost" else Message.state == state)
    if about is not None:
        question = question.where(Message.about == about)
    if after is not None:
        question = question.where(tuple_(Message.created_at, Message.id) < _cursor(after))
    question = question.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit + 1)
    rows = list(db.session.scalars(question.options(defer(Message.text), defer(Message.html))))
    more = len(rows) > limit
    rows = rows[:limit]
    return MessagePage(rows, f"{rows[-1].created_at.isoformat()}~{rows[-1].id}" if more else None)


def _cursor(text: str) -> tuple[datetime, uuid.UUID]:
    try:
        at, _, row = text.partition("~")
        instant = datetime.fromisoformat(at)
        if instant.tzinfo is None:
            raise ValueError("an instant has a zone")
        return instant, uuid.UUID(row)
    except ValueError:
        raise NotFound("That page of messages does not exist.") from None


def list_letters_to_everywhere(address: str, *, among: int = 5_000, limit: int = 10) -> list[Message]:
    """What was written to one address, by whomever and whatever about, newest first; looked for among so many of the newest letters. For a
    demo that shows its letters to anybody, and nothing else: no vendor may ask this."""
    newest = select(Message.id).where(Message.text.is_not(None)).order_by(Message.created_at.desc()).limit(among)
    theirs = select(Message).where(Message.id.in_(newest), func.lower(Message.recipient) == address.strip().lower())
    return list(db.session.scalars(theirs.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)))


def get_message(vendor: Vendor, mode: str, public_id: str) -> Message:
    """One message of this vendor, or a 404."""
    if not is_public_id("msg", public_id):
        raise NotFound("There is no such message.")
    message = db.session.scalars(
        select(Message).where(Message.vendor_id == vendor.id, Message.mode == mode, Message.public_id == public_id)
    ).one_or_none()
    if message is None:
        raise NotFound("There is no such message.")
    return message


def feed_to_payers(vendor: Vendor, mode: str, span: Span, *, about: str = "", state: str = "") -> Slice:
    """Letters to the vendor's customers without their words, for its own software: by keyset, in both directions."""
    question = select(Message).where(Message.vendor_id == vendor.id, Message.mode == mode, Message.kind.in_(TO_PAYERS))
    if about:
        # A letter that hands over a key is about that key: nobody finds it by one.
        question = question.where(Message.about == about, Message.kind.not_in(HOLDS_A_KEY))
    if state:
        question = question.where(Message.state == state)
    question = question.options(defer(Message.text), defer(Message.html))
    return slice_of(question, Message.id, span, lambda number: get_to_payer(vendor, mode, number).id)


def get_to_payer(vendor: Vendor, mode: str, public_id: str) -> Message:
    """A letter to one of the vendor's customers, or a 404."""
    found = get_message(vendor, mode, public_id)
    if found.kind not in TO_PAYERS:
        raise NotFound("There is no such message.")
    return found


def was_told(vendor: Vendor, mode: str, *, kind: str, about: str, **ids: str) -> bool:
    """Whether a message of this kind, written from these ids, has left us or lies in the outbox for everyone to read."""
    told = select(Message.id).where(
        Message.vendor_id == vendor.id, Message.mode == mode, Message.about == about,
        Message.kind == kind, Message.state.in_(("sent", "kept")),
        Message.params.contains(ids),
    )  # fmt: skip
    return db.session.scalar(told.limit(1)) is not None


def count_failed(vendor: Vendor, mode: str, since: datetime, *, at_most: int = 100) -> int:
    """How many messages asked for since then did not arrive, counted up to `at_most`."""
    mine = select(Message.id).where(Message.vendor_id == vendor.id, Message.mode == mode, Message.state.in_(LOST))
    some = mine.where(Message.created_at >= since).limit(at_most)
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def may_read_words(message: Message, *, email: str, openly: bool) -> bool:
    """A letter that holds a key (a password reset) opens only for the person it was written to, or where all letters lie `openly`."""
    return openly or message.kind not in ACTS_AS_ITS_READER or message.recipient.casefold() == email.casefold()


def find_receipt(vendor: Vendor, mode: str, payment: str) -> Paper | None:
    """The newest receipt PDF of the payment with this public id; None while the worker has not made one."""
    return newest_paper(vendor.id, mode, about=payment, kind="receipt")


def list_messages_about(vendor: Vendor, mode: str, about: Collection[str], *, since: datetime, limit: int = 500) -> list[Message]:
    """Messages about any of some things since an instant, without their words, the oldest first."""
    question = select(Message).where(Message.vendor_id == vendor.id, Message.mode == mode, Message.about.in_(about))
    question = question.where(Message.created_at >= since).order_by(Message.created_at, Message.id).limit(limit)
    return list(db.session.scalars(question.options(defer(Message.text), defer(Message.html))))


def messages_named(vendor: Vendor, mode: str, public_ids: Collection[str]) -> dict[str, Message]:
    """Those of these public ids that are messages of this vendor, without their words."""
    ids = [one for one in public_ids if is_public_id("msg", one)]
    if not ids:
        return {}
    mine = select(Message).where(Message.vendor_id == vendor.id, Message.mode == mode, Message.public_id.in_(ids))
    return {row.public_id: row for row in db.session.scalars(mine.options(defer(Message.text), defer(Message.html)))}
