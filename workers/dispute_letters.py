"""What the letters about disputes are written from."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.disputes.queries import get_dispute, payment_behind
from core.disputes.states import ANSWERABLE, OVER
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
    where = addresses.portal_disputes(found.public_id)
    return {"dispute": found, "payment": payment_behind(vendor, found), "practice": message.mode == "test", "action_url": where}


KINDS: dict[str, tuple[Gather, bool]] = {kind: (about, False) for kind in ("dispute_opened", "dispute_due", "dispute_decided")}
