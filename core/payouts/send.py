"""A payout leaves by its rail, in the same transaction: an order for the bank is written, whose statement says what became of it, or it is
carried through the processor."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.kernel.config import settings
from core.kernel.outbox import enqueue
from core.payouts.carry import hand_to_processor
from core.payouts.history import move
from core.payouts.models import Payout, PayoutAccount
from core.providers.bank_accounts import accounts
from core.providers.bank_orders import PAYOUT, write_order


def hand_over(vendor: Vendor, payout: Payout, account: PayoutAccount) -> None:
    """By the rail of the account it goes to."""
    if account.rail == "processor":
        hand_to_processor(vendor, payout, account)
    else:
        hand_to_bank(vendor, payout, account)


def hand_to_bank(vendor: Vendor, payout: Payout, account: PayoutAccount) -> None:
    """Write the order of an approved payout, and have it handed over."""
    ours = accounts(settings().bank_accounts[payout.mode])[payout.currency]
    order = write_order(
        payout.mode, reference=payout.public_id, account=ours.iban, to=(account.holder, account.iban, account.bic), amount=payout.amount,
        text=f"Payout {payout.public_id}", vendor=vendor.public_id, purpose=PAYOUT,
    )  # fmt: skip
    payout.trace = order.end_to_end
    move(payout, "submitted", actor="system", order=order.public_id, end_to_end=order.end_to_end)
    enqueue("send_bank_orders", vendor.id, mode=payout.mode)
