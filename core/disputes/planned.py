"""What is to be given in by itself, and no longer is: whoever of the vendor does anything about a dispute stops it."""

from __future__ import annotations

from core.disputes.history import note
from core.disputes.models import Dispute
from core.kernel.audit import record
from core.kernel.db import lock_again


def call_off(dispute: Dispute, *, by: str) -> bool:
    """It is not given in by itself any more, and its history says so; answers whether it would have been. The dispute is locked."""
    if dispute.accept_at is None:
        return False
    dispute.accept_at = None
    note(dispute, "dispute.acceptance_called_off", actor=by)
    return True


def keep(dispute: Dispute, *, by: str) -> bool:
    """The same as a wish of its own. Pressed too late, or twice, nothing happens: answers False."""
    dispute = lock_again(dispute)
    if not call_off(dispute, by=by):
        return False
    record(dispute.vendor_id, actor=by, action="dispute.kept", subject=dispute.public_id, mode=dispute.mode, amount=str(dispute.amount))
    return True
