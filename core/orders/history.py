"""The history of orders and checkouts: one numbered line per event, written in the same transaction as the event itself."""

from __future__ import annotations

from typing import Any

from core.kernel.clock import now
from core.kernel.db import db
from core.orders.models import Checkout, Order, OrderEvent
from core.orders.states import CHECKOUT, ORDER, IllegalMove


def note(thing: Order | Checkout, kind: str, *, actor: str, **detail: Any) -> None:
    """Add a line that leaves the state alone. The row is locked by this transaction: its version numbers the line."""
    _add(thing, kind, None, None, actor, detail)


def move(thing: Order | Checkout, to: str, *, actor: str, **detail: Any) -> bool:
    """Take a locked order or checkout to another state and say so in its history. Already there: nothing happens, answers False."""
    if thing.state == to:
        return False
    table, name = (ORDER, "order") if isinstance(thing, Order) else (CHECKOUT, "checkout")
    if to not in table[thing.state]:
        raise IllegalMove("This has moved on since the page was opened.")
    old, thing.state = thing.state, to
    _add(thing, f"{name}.{to}", old, to, actor, detail)
    return True


def begin(thing: Order | Checkout, *, actor: str, **detail: Any) -> None:
    """The first line, of a row that was just written."""
    _add(thing, "order.created" if isinstance(thing, Order) else "checkout.opened", None, thing.state, actor, detail)


def _add(thing: Order | Checkout, kind: str, old: str | None, new: str | None, actor: str, detail: dict[str, Any]) -> None:
    thing.version += 1
    thing.updated_at = now()
    db.session.add(
        OrderEvent(
            vendor_id=thing.vendor_id, mode=thing.mode, subject_id=thing.id, seq=thing.version, kind=kind, from_state=old, to_state=new,
            actor=actor, detail=detail, at=thing.updated_at,
        )
    )  # fmt: skip
