"""Whether a wallet may be shown on the domain of our payment page: wallets ask that it be registered and reached over https."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class WalletState:
    """One wallet's word on a domain; `problem` in the provider's words."""

    name: str
    shown: bool
    problem: str = ""


@dataclass(frozen=True, slots=True)
class WalletDomain:
    """The host, and what each wallet says of it."""

    host: str
    wallets: tuple[WalletState, ...]


@runtime_checkable
class ChecksDomains(Protocol):
    """A provider whose wallets ask for a registered domain."""

    def wallet_domain(self, host: str) -> WalletDomain:
        """Has it registered, if it is not, and says how things stand. Raises any ProviderError."""
