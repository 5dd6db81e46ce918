"""The history of a dispute: one numbered line per event, written in the same transaction as the event itself."""

from __future__ import annotations

from typing import Any

from core.disputes.models import Dispute, DisputeEvent
from core.disputes.states import DISPUTE
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import Conflict


class IllegalMove(Conflict):
    """The dispute cannot go from where it is to where it was told to go."""


def begin(dispute: Dispute, *, cause: str, **detail: Any) -> None:
    """The first line, of a dispute that was just written."""
    _add(dispute, f"dispute.{dispute.state}", None, dispute.state, "bank", cause, detail)


def move(dispute: Dispute, to: str, *, actor: str, cause: str = "", **detail: Any) -> bool:
    """Take a locked dispute to another state and say so in its history. Already there: nothing happens, answers False."""
    if dispute.state == to:
        return False
    if to not in DISPUTE[dispute.state]:
        raise IllegalMove("This dispute has moved on since the page was opened.")
    old, dispute.state = dispute.state, to
    _add(dispute, f"dispute.{to}", old, to, actor, cause, detail)
    return True


def note(dispute: Dispute, kind: str, *, actor: str, cause: str = "", **detail: Any) -> None:
    """A line that leaves the state alone."""
    _add(dispute, kind, None, None, actor, cause, detail)


def _add(dispute: Dispute, kind: str, old: str | None, new: str | None, actor: str, cause: str, detail: dict[str, Any]) -> None:
    dispute.version += 1
    db.session.add(
        DisputeEvent(
            vendor_id=dispute.vendor_id, mode=dispute.mode, dispute_id=dispute.id, seq=dispute.version, kind=kind, from_state=old, to_state=new,
            actor=actor, cause=cause, detail=detail, at=now(),
        )
    )  # fmt: skip
