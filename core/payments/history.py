"""The history of a payment: one numbered line per event, written in the same transaction as the event itself."""

from __future__ import annotations

from typing import Any

from core.kernel.clock import now
from core.kernel.write import add_rows
from core.payments.models import Payment, PaymentEvent
from core.payments.states import PAYMENT, check_move


def note(payment: Payment, kind: str, *, actor: str, cause: str = "", **detail: Any) -> None:
    """Add a line that leaves the state alone. The payment's row must be locked by this transaction (its version numbers the line)."""
    _write(payment, kind, None, None, actor, cause, detail)


def move(payment: Payment, to: str, kind: str, *, actor: str, cause: str = "", **detail: Any) -> bool:
    """Take a locked payment to another state and say so in its history. Already there: nothing happens, answers False.

    Refuses a move that the table of states does not allow.
    """
    if payment.state == to:
        return False
    check_move(PAYMENT, payment.state, to)
    old, payment.state = payment.state, to
    _write(payment, kind, old, to, actor, cause, detail)
    return True


def _write(payment: Payment, kind: str, old: str | None, new: str | None, actor: str, cause: str, detail: dict[str, Any]) -> None:
    payment.version += 1
    payment.updated_at = now()
    row = {
        "vendor_id": payment.vendor_id,
        "mode": payment.mode,
        "payment_id": payment.id,
        "seq": payment.version,
        "kind": kind,
        "from_state": old,
        "to_state": new,
        "actor": actor,
        "cause": cause,
        "detail": {k: v for k, v in detail.items() if v is not None},
        "at": payment.updated_at,
    }
    add_rows((PaymentEvent, [row]))
