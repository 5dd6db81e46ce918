"""The bank has an order, or a whole file of them: what waited for that goes on, and is still not believed before a statement shows it."""

from __future__ import annotations

from collections.abc import Sequence

from core.accounts.queries import find_vendors
from core.kernel.audit import record
from core.kernel.errors import Conflict, NeedsASecondPerson
from core.ledger.book import PLATFORM
from core.payments.order_files import end_file, lock_made, orders_of
from core.payments.transfer_return import find_return, note_handed_over
from core.payouts.held import is_kept_back, why_kept_back
from core.payouts.queries import lock_payouts
from core.payouts.settle import handed_over
from core.providers.bank_models import BankOrder, BankOrderFile
from core.providers.bank_orders import PAYOUT, in_an_open_file, lock_order, note_sent


def record_handed_over(order: BankOrder) -> None:
    """The bank has it: the order is sent, and so is the return or the payout it carries out."""
    record_all_handed_over([order])


def record_all_handed_over(orders: Sequence[BankOrder]) -> None:
    """The same of several in one mode, which a file may hold by the thousand."""
    if not orders:
        return
    note_sent(orders)
    vendors = find_vendors({order.vendor for order in orders if order.vendor})
    paid_out = {(vendors[one.vendor].id, one.reference) for one in orders if one.purpose == PAYOUT and one.vendor in vendors}
    handed_over(lock_payouts(paid_out, orders[0].mode))
    for order in orders:
        vendor = vendors.get(order.vendor or "")
        if vendor is not None and order.purpose != PAYOUT and (returned := find_return(vendor, order.mode, order.reference)):
            note_handed_over(vendor, returned)


def record_made_by_hand(order: BankOrder) -> None:
    """Somebody has made this one transfer at the bank. Refuses one in a file: the bank would be told twice."""
    fresh = lock_order(order.mode, order.end_to_end) or order
    if in_an_open_file(fresh):
        raise Conflict("This order stands in a file for the bank. Take the file back first, or say that the bank has it.")
    if is_kept_back(fresh):
        raise Conflict("This payout is not to leave now: it is held, or its seller owes something since.")
    record_handed_over(fresh)


def hand_file_over(file: BankOrderFile, *, by: str) -> None:
    """Somebody else than its maker has given it to the bank, and the bank has taken it. Raises NeedsASecondPerson, Conflict."""
    if file.made_by == by:
        raise NeedsASecondPerson("Somebody else has to look at a file that you made, and give it to the bank.")
    fresh = lock_made(file)
    orders = orders_of(fresh)
    if any(order.state == "failed" and order.settled_at is None for order in orders):
        raise Conflict("An order in this file is not to be made any more. Take the file back and make another.")
    if why_kept_back(fresh.mode, orders) and all(order.settled_at is None for order in orders):  # else the bank has it
        raise Conflict(
            "A payout in this file is held by now, or its seller owes something since. Take the file back and make another: that payout stays out of it."
        )
    end_file(fresh, "handed_over", by=by)
    record_all_handed_over(orders)
    record(PLATFORM, actor=by, action="order_file.handed_over", subject=fresh.public_id, orders=fresh.orders, total=str(fresh.total))
