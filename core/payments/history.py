"""The history of a payment: one numbered line per event, written in the same transaction as the event itself."""

from __future__ import annotations

from typing import Any

from core.kernel.clock import now
from core.kernel.write import add_rows
from core.payments.models import Payment, PaymentEvent
from core.payments.states import PAYMENT, check_move


def note(payment: Payment, kind: str, *, actor: str, cause: str = "", **detail: Any) -> None:
    """Add a line that leaves the state alone. The payment's row must be locked by this transaction (its version numbers the line)."""
    add_rows((PaymentEvent, [line(payment, kind, actor=actor, cause=cause, **detail)]))


def move(payment: Payment, to: str, kind: str, *, actor: str, cause: str = "", **detail: Any) -> bool:
    """Take a locked payment to another state and say so in its history. Already there: nothing happens, answers False.

    Refuses a move that the table of states does not allow.
    """
    if payment.state == to:
        return False
    add_rows((PaymentEvent, [line_of_move(payment, to, kind, actor=actor, cause=cause, **detail)]))
    return True


def line(payment: Payment, kind: str, *, actor: str, cause: str = "", **detail: Any) -> dict[str, Any]:
    """The line of `note`, for an act that writes it together with the rest. It must be written: the payment counts it already."""
    return _line(payment, kind, None, None, actor, cause, detail)


def line_of_move(payment: Payment, to: str, kind: str, *, actor: str, cause: str = "", **detail: Any) -> dict[str, Any]:
    """The same for `move`, from a state to another one."""
    check_move(PAYMENT, payment.state, to)
    old, payment.state = payment.state, to
    return _line(payment, kind, old, to, actor, cause, detail)


def _line(payment: Payment, kind: str, old: str | None, new: str | None, actor: str, cause: str, detail: dict[str, Any]) -> dict[str, Any]:
    payment.version += 1
    payment.updated_at = now()
    return {
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
