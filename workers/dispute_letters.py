"""What the letters about disputes are written from."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.disputes.models import Dispute
from core.disputes.queries import get_dispute, payment_behind
from core.disputes.states import ANSWERABLE, OVER
from core.disputes.thread import find_message
from core.kernel.clock import now
from core.notifications.models import Message
from core.web import addresses
from workers.letter import Gather, NoLongerTrue


def about(vendor: Vendor, message: Message) -> dict[str, Any]:
    """One that waits for an answer, or one that is decided; not written when it is neither by now."""
    found = get_dispute(vendor, message.mode, message.params["dispute"])
    waits = (
        found.state in ANSWERABLE and found.wish is None and found.answered_at is None and (found.due_at is None or found.due_at > now())
    )
    if (message.kind == "dispute_decided") != (found.state in OVER) or (message.kind != "dispute_decided" and not waits):
        raise NoLongerTrue(f"the dispute is {found.state} by now")
    return _facts(vendor, message, found)


def said(vendor: Vendor, message: Message) -> dict[str, Any]:
    """What the staff wrote; not written when its words are gone."""
    one = find_message(vendor, message.mode, message.params["message"])
    if one is None or not one.text:
        raise NoLongerTrue("the message is gone by now")
    lines = [line for line in one.text.splitlines() if line.strip()]
    return _facts(vendor, message, get_dispute(vendor, message.mode, message.params["dispute"])) | {"words": lines}


def planned(vendor: Vendor, message: Message) -> dict[str, Any]:
    """One that will be given in by itself; not written when that is called off or done."""
    found = get_dispute(vendor, message.mode, message.params["dispute"])
    if found.accept_at is None:
        raise NoLongerTrue("it is not given in by itself by now")
    return _facts(vendor, message, found)


def answered_for(vendor: Vendor, message: Message) -> dict[str, Any]:
    """The staff answered; not written when the answer was not taken."""
    found = get_dispute(vendor, message.mode, message.params["dispute"])
    if found.wish != "answer" and found.answered_at is None:
        raise NoLongerTrue("the answer was not taken")
    return _facts(vendor, message, found)


def _facts(vendor: Vendor, message: Message, found: Dispute) -> dict[str, Any]:
    where = addresses.portal_dispute(found.public_id, message.mode, vendor)
    return {"dispute": found, "payment": payment_behind(vendor, found), "practice": message.mode == "test", "action_url": where}


KINDS: dict[str, tuple[Gather, bool]] = {
    **{kind: (about, False) for kind in ("dispute_opened", "dispute_due", "dispute_decided")},
    "dispute_message": (said, False),
    "dispute_to_accept": (planned, False),
    "dispute_answered_for": (answered_for, False),
}
