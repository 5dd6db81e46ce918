"""A payout leaves by its rail, in the same transaction: an order for the bank is written, whose statement says what became of it, or it is
carried through the processor."""

from __future__ import annotations

from collections.abc import Sequence

from core.accounts.models import Vendor
from core.kernel.config import settings
from core.kernel.outbox import enqueue
from core.payouts.carry import hand_to_processor
from core.payouts.history import move
from core.payouts.models import Payout, PayoutAccount
from core.providers.bank_accounts import accounts, has_line
from core.providers.bank_orders import PAYOUT, write_order


def hand_over(vendor: Vendor, payout: Payout, account: PayoutAccount) -> None:
    """By the rail of the account it goes to."""
    hand_over_all([(vendor, payout, account)])


def hand_over_all(some: Sequence[tuple[Vendor, Payout, PayoutAccount]]) -> None:
    """Each by its rail. Where there is a line to the bank, it is asked once to take what waits: see workers/bank.py."""
    to_bank = [one for one in some if one[2].rail == "bank"]
    for vendor, payout, account in some:
        if account.rail == "processor":
            hand_to_processor(vendor, payout, account)
        else:
            hand_to_bank(vendor, payout, account)
    if to_bank and has_line(to_bank[0][1].mode):
        enqueue("send_bank_orders", to_bank[0][0].id, mode=to_bank[0][1].mode)


def hand_to_bank(vendor: Vendor, payout: Payout, account: PayoutAccount) -> None:
    """Write the order of an approved payout. Without a line to the bank it waits for people, who make a file of it."""
    ours = accounts(settings().bank_accounts[payout.mode])[payout.currency]
    order = write_order(
        payout.mode, reference=payout.public_id, account=ours.iban, to=(account.holder, account.iban, account.bic), amount=payout.amount,
        text=f"Payout {payout.public_id}", vendor=vendor.public_id, purpose=PAYOUT, at_once=False,
    )  # fmt: skip
    payout.trace = order.end_to_end
    move(payout, "submitted", actor="system", order=order.public_id, end_to_end=order.end_to_end)
