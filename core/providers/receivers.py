"""The part of the provider contract about money for sellers: an account of their own at the provider, money moved to it, and paid out from it.

A provider that cannot do this (a bank) does not have this part. Units, idempotency, transactions and what may be unknown are as in
contract.py: `reference` is ours and the provider's idempotency key for 24 hours; later, look with the method that finds. Every method asks
the provider and may not be called while a database transaction is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from core.kernel.money import Money

# to_complete   the seller has to enter something at the provider: `due` says how much
# under_review  everything was handed in and is being looked at; nobody here can do anything
# ready         money can be moved to it, and paid out in `banks`
# restricted    the provider has closed it; only the provider can say why
RECEIVER_STATES = frozenset({"to_complete", "under_review", "ready", "restricted"})
# pending and paid say where the money is; failed and canceled: it stands on the seller's account at the provider again. **paid may become failed.**
PAY_OUT_STATES = frozenset({"pending", "paid", "failed", "canceled", "unknown"})


@dataclass(frozen=True, slots=True)
class OpenReceiver:
    """An account for one seller. Asked again with the same reference, it must be the same in every field."""

    reference: str
    mode: str
    email: str
    country: str  # ISO 3166; it can never be changed there
    metadata: Mapping[str, str]  # vendor, mode: comes back with every event


@dataclass(frozen=True, slots=True)
class ReceiverBank:
    """Where money in one currency leaves to. `mark` is the provider's own, the same as long as the account is the same."""

    last4: str
    mark: str


@dataclass(frozen=True, slots=True)
class ReceiverOutcome:
    """Where an account stands, read whole. `banks` by currency; a currency without one cannot be paid out."""

    state: str
    provider_reference: str
    banks: Mapping[str, ReceiverBank] = field(default_factory=dict)
    due: int = 0  # how many things are to be entered
    reason: str = ""  # the provider's word for why it is not ready
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoveToReceiver:
    """Money of ours for a seller's account. Asked again with the same reference, it must be the same in every field."""

    reference: str
    receiver: str
    amount: Money
    description: str
    metadata: Mapping[str, str]  # vendor, mode, payout, reference


@dataclass(frozen=True, slots=True)
class MoveOutcome:
    """Money that was moved; `taken_back` of it is ours again. There is no state: a move that exists has happened."""

    provider_reference: str
    amount: Money
    taken_back: Money
    back_reference: str = ""  # the own name of the newest return that was asked for here; of the newest of all where none was


@dataclass(frozen=True, slots=True)
class PayOutOutcome:
    """What has become of a payout from a seller's account to their bank. `trace` is what the bank's line will say, where that is known."""

    state: str
    provider_reference: str
    amount: Money
    failure_reason: str = ""
    trace: str = ""


@runtime_checkable
class PaysSellers(Protocol):
    """A provider at which sellers can have accounts of their own."""

    name: str
    mode: str

    def open_receiver(self, wish: OpenReceiver) -> ReceiverOutcome:
        """Opens an account, which pays nothing out by itself: only `pay_out` does. The same reference again is the same account."""

    def receiver_page(self, receiver: str, return_url: str, again_url: str) -> str:
        """An address at the provider where the seller completes the account: for one visit, soon. Coming back says nothing: inquire.
        `again_url` is where the provider leads whose address is too old. ProviderRefused: the provider wants nothing of this account."""

    def inquire_receiver(self, receiver: str) -> ReceiverOutcome:
        """The truth about an account, read only. ProviderRefused for one the provider does not know."""

    def move_to_receiver(self, wish: MoveToReceiver) -> MoveOutcome:
        """**Moves money.** The same reference again is the same move. ProviderRefused: nothing was moved; `balance_insufficient` when ours
        there does not do."""

    def find_move(self, reference: str) -> MoveOutcome | None:
        """The move made for our reference, whenever that was, and how much of it has come back. None: there is none. Raises ProviderUnreachable
        when the provider does not tell of all."""

    def take_back(self, reference: str, move: str, amount: Money) -> MoveOutcome:
        """**Moves money back** from the seller's account, as long as it is there. The same reference again is the same return.
        ProviderRefused: nothing was moved; `find_move` says what had been before."""

    def pay_out(self, reference: str, receiver: str, amount: Money, metadata: Mapping[str, str]) -> PayOutOutcome:
        """**Sends money** from the seller's account to their bank. The same reference again is the same payout. ProviderRefused: none was made."""

    def inquire_pay_out(self, receiver: str, provider_reference: str) -> PayOutOutcome:
        """The truth about a payout, read only."""

    def find_pay_out(self, reference: str, receiver: str) -> PayOutOutcome | None:
        """The payout made for our reference, whenever that was. None: there is none. Raises ProviderUnreachable when the provider does not tell of
        all."""
