"""The history of a payout: one numbered line per event, written in the same transaction as the event itself."""

from __future__ import annotations

from typing import Any

from core.accounts.queries import get_vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.notifications.notices import post_notice
from core.payouts.models import Payout, PayoutEvent
from core.payouts.states import PAYOUT

# What the seller's people find among their notices. That it arrived, failed or came back is told by whoever finds it out, with a letter; what
# is approved and given to the bank is on its way a moment later.
NEWS = {"payout.requested": "payout_asked", "payout.in_transit": "payout_left", "payout.canceled": "payout_called_off"}


class IllegalMove(Conflict):
    """The payout cannot go from where it is to where it was told to go."""


def begin(payout: Payout, *, actor: str, **detail: Any) -> None:
    """The first line, of a payout that was just written."""
    _add(payout, "payout.requested", None, payout.state, actor, "", detail)


def move(payout: Payout, to: str, *, actor: str, cause: str = "", **detail: Any) -> bool:
    """Take a locked payout to another state and say so in its history. Already there: nothing happens, answers False."""
    if payout.state == to:
        return False
    if to not in PAYOUT[payout.state]:
        raise IllegalMove("This payout has moved on since the page was opened.")
    old, payout.state = payout.state, to
    _add(payout, f"payout.{to}", old, to, actor, cause, detail)
    return True


def _add(payout: Payout, kind: str, old: str | None, new: str, actor: str, cause: str, detail: dict[str, Any]) -> None:
    payout.version += 1
    if kind in NEWS:
        post_notice(get_vendor(payout.vendor_id), NEWS[kind], mode=payout.mode, about=payout.public_id)
    db.session.add(
        PayoutEvent(
            vendor_id=payout.vendor_id, mode=payout.mode, payout_id=payout.id, seq=payout.version, kind=kind, from_state=old, to_state=new,
            actor=actor, cause=cause, detail=detail, at=now(),
        )
    )  # fmt: skip
