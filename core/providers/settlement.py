"""What a processor says of the money it holds for us: every movement, what it pays out to our bank, and its balance. Read only.

A provider that holds nothing (a bank) does not have this part. Signs are the processor's: what comes to us is above zero, and
`net = gross - fee` on every line. Nothing here may be asked while a database transaction is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

# What a movement is, in our words. Whatever a processor calls it otherwise is 'other', and a person looks at it.
CATEGORIES = (
    "charge",
    "refund",
    "refund_failure",
    "dispute",
    "dispute_reversal",
    "payout",
    "payout_reversal",
    "transfer",
    "transfer_reversal",
    "fee",
    "other",
)
# The processor's coarse word, or where there is none its type -> ours. LEDGER: charge and payment are one thing, and so on.
_OURS = {
    "charge": "charge", "payment": "charge",
    "refund": "refund", "payment_refund": "refund",
    "refund_failure": "refund_failure", "payment_failure_refund": "refund_failure",
    "dispute": "dispute", "dispute_reversal": "dispute_reversal",
    "payout": "payout", "payout_reversal": "payout_reversal", "payout_cancel": "payout_reversal", "payout_failure": "payout_reversal",
    "transfer": "transfer",
    "transfer_reversal": "transfer_reversal", "transfer_cancel": "transfer_reversal", "transfer_failure": "transfer_reversal",
    "transfer_refund": "transfer_reversal",
    "fee": "fee", "stripe_fee": "fee",
}  # fmt: skip


def category_of(word: str) -> str:
    """Our word for the processor's."""
    return _OURS.get(word, "other")


def category_words() -> dict[str, str]:
    """The processors' words that have one of ours; every other word is 'other'."""
    return dict(_OURS)


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """One movement of the balance, in minor units of its currency."""

    external_id: str  # the processor's own name for the line, the same for ever
    type: str  # its own word
    category: str  # one of CATEGORIES
    currency: str
    gross_minor: int
    fee_minor: int
    net_minor: int
    occurred_at: datetime
    value_on: date  # when it may be used
    source_id: str = ""  # what moved it: the charge, the refund, the dispute, the payout
    settlement_id: str = ""  # the payout to our bank in which it went; empty while it is in none
    reference: str = ""  # ours, given back: the payment's or refund's public id
    counterparty: str = ""  # whose it is: a vendor's public id, given back
    description: str = ""


@dataclass(frozen=True, slots=True)
class Settlement:
    """One payout of the processor's to our bank."""

    external_id: str
    currency: str
    amount_minor: int
    created_at: datetime
    arrives_on: date
    state: str  # pending, in_transit, paid, failed or canceled
    trace: str = ""  # what our bank's line will say
    itemised: bool = True  # the processor says which movements it is made of


@runtime_checkable
class Settles(Protocol):
    """A provider that holds money for us and can say what it did with it."""

    name: str
    mode: str

    def settlement_lines(self, since: datetime, after: str | None = None) -> tuple[list[SettlementLine], str | None]:
        """A page of movements since an instant, newest first, and where the next page begins: None at the end, and where this one began ("" for
        the first) when it is empty although there is more. Refuses with `resource_missing` a place that the provider does not know any more."""

    def settlements(self, since: datetime, after: str | None = None) -> tuple[list[Settlement], str | None]:
        """A page of the payouts to our bank made since then, newest first."""

    def lines_of_settlement(self, settlement: str, after: str | None = None) -> tuple[list[SettlementLine], str | None]:
        """A page of what one of them is made of, without the movement of the payout itself."""

    def held(self) -> dict[str, int]:
        """What it holds for us by currency, pending and available together, in minor units."""
