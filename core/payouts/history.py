"""The history of a payout: one numbered line per event, written in the same transaction as the event itself."""

from __future__ import annotations

from typing import Any

from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict
from core.payouts.models import Payout, PayoutEvent
from core.payouts.states import PAYOUT


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
    db.session.add(
        PayoutEvent(
            vendor_id=payout.vendor_id, mode=payout.mode, payout_id=payout.id, seq=payout.version, kind=kind, from_state=old, to_state=new,
            actor=actor, cause=cause, detail=detail, at=now(),
        )
    )  # fmt: skip
