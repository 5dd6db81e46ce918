"""An order that the bank does not make: what waits for it would wait for ever, for no statement will show it."""

from __future__ import annotations

from core.accounts.queries import find_vendors
from core.kernel.audit import record
from core.kernel.errors import Conflict
from core.ledger.book import PLATFORM
from core.payments.bank_lines import tell_of_order
from core.providers.bank_models import BankOrder
from core.providers.bank_orders import in_an_open_file, lock_order


def refuse_order(order: BankOrder, *, by: str, reason: str) -> None:
    """A person has seen at the bank that it does not make this transfer: the refund, return or payout fails, and its money is free again.

    Refuses an order of which a statement has told, and one in a file that may still be given to the bank: the file would pay it all the same. Should it leave after all, its debit waits for a person: core/payments/unknown.py.
    """
    fresh = lock_order(order.mode, order.end_to_end) or order
    if fresh.state not in ("requested", "sent"):
        raise Conflict("A statement has told of this order already.")
    if in_an_open_file(fresh):
        raise Conflict("This order stands in a file for the bank. Take the file back first, or say that the bank has it.")
    fresh.state, fresh.failure_reason = "failed", reason.strip()[:60]
    record(PLATFORM, actor=by, action="order.refused", subject=fresh.public_id, about=fresh.reference, reason=reason.strip()[:200])
    tell_of_order(find_vendors({fresh.vendor}).get(fresh.vendor) if fresh.vendor else None, fresh, fresh.public_id)
