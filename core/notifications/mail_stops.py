"""Addresses to which a vendor's letters do not go any more, and how they are let through again."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.notifications.models import MailStop, Message
from core.notifications.notify import ASKED_FOR_NOW
from core.notifications.send import try_again
from core.notifications.team import OPTIONAL

UNREACHABLE, UNWANTED = "this address refused an earlier letter", "its reader asked for no more of these"


def why_held(message: Message) -> str:
    """Why this letter does not leave; empty when it may. What its reader has just asked for is tried all the same."""
    if message.kind in ASKED_FOR_NOW:
        return ""
    row = _find(message.vendor_id, message.mode, message.recipient)
    if row is None:
        return ""
    if row.unreachable_at is not None:
        return UNREACHABLE
    return UNWANTED if message.kind in OPTIONAL else ""


def find_stop(vendor: Vendor, mode: str, address: str) -> MailStop | None:
    """What holds this vendor's letters to an address back, if anything does."""
    return _find(vendor.id, mode, address)


def find_stops(vendor: Vendor, mode: str, addresses: Collection[str]) -> dict[str, MailStop]:
    """The same for many, by the address in lower case."""
    mine = select(MailStop).where(MailStop.vendor_id == vendor.id, MailStop.mode == mode)
    found = db.session.scalars(mine.where(MailStop.address.in_({address.lower() for address in addresses})))
    return {row.address: row for row in found}


def stop_unreachable(message: Message, *, said: str) -> None:
    """Its address takes no letters: none goes there before somebody lets it through."""
    _keep(message, {"unreachable_at": now(), "said": said[:300]})


def stop_unwanted(message: Message, *, by: str) -> None:
    """Its reader wants no more of what they did not ask for. `by`: complaint, or reader who pressed the button in the letter."""
    _keep(message, {"unwanted_at": now(), "unwanted_by": by})


def want_again(vendor: Vendor, mode: str, address: str) -> None:
    """The reader takes that back."""
    row = _held(vendor.id, mode, address)
    if row is not None:
        row.unwanted_at, row.unwanted_by = None, ""
        _drop_if_empty(row)


def let_through(vendor: Vendor, message: Message, *, by: str) -> bool:
    """Letters go to this message's address again, and this one leaves now, unless it has arrived. Answers whether it leaves.

    It says nothing about whether the reader wants them: that is for the reader to take back.
    """
    row = _held(vendor.id, message.mode, message.recipient)
    if row is not None and row.unreachable_at is not None:
        row.unreachable_at, row.said = None, ""
        _drop_if_empty(row)
        record(vendor.id, actor=by, action="message.let_through", subject=message.public_id)
    if message.state not in ("held", "bounced") or message.recipient.endswith(".invalid"):  # of somebody who was erased
        return False
    try_again(message)
    return True


def forget_stops(vendor_id: uuid.UUID, addresses: Collection[str], mode: str | None = None) -> None:
    """Whoever is erased is on no list either; `mode`: only in this world."""
    theirs = delete(MailStop).where(MailStop.vendor_id == vendor_id, MailStop.address.in_({one.lower() for one in addresses}))
    db.session.execute(theirs.where(MailStop.mode == mode) if mode else theirs)


def _find(vendor_id: uuid.UUID, mode: str, address: str) -> MailStop | None:
    return db.session.get(MailStop, (vendor_id, mode, address.lower()), populate_existing=True)


def _held(vendor_id: uuid.UUID, mode: str, address: str) -> MailStop | None:
    return locked(MailStop, vendor_id, mode, address.lower())


def _drop_if_empty(row: MailStop) -> None:
    if row.unreachable_at is None and row.unwanted_at is None:
        db.session.delete(row)
    db.session.flush()


def _keep(message: Message, values: dict[str, object]) -> None:
    key = {"vendor_id": message.vendor_id, "mode": message.mode, "address": message.recipient.lower()}
    fresh = {"said": "", "unwanted_by": "", "message": message.public_id} | values
    row = insert(MailStop).values(**key, **fresh)
    db.session.execute(row.on_conflict_do_update(index_elements=["vendor_id", "mode", "address"], set_=values))


def stop_data(vendor: Vendor, mode: str, address: str) -> dict[str, Any] | None:
    """The same as plain values, for whoever asks what is held of them."""
    row = _find(vendor.id, mode, address)
    if row is None:
        return None
    moments = {
        name: at.isoformat(timespec="seconds") if at else None
        for name, at in (("unreachable_since", row.unreachable_at), ("unwanted_since", row.unwanted_at))
    }
    return moments | {"mail_server_said": row.said}
