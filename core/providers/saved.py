"""The part of the provider contract about cards saved at the provider: what is asked, and what is answered. The methods stand in contract.py.

Which card it is stays with the provider. We keep its two names there, and what a person needs to tell one card from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.kernel.money import Money


@dataclass(frozen=True, slots=True)
class OpenSaving:
    """A page on which a payer saves a card. Asked again with the same reference, it must be the same in every field."""

    reference: str  # ours; the provider's idempotency key
    mode: str  # 'test' or 'live'
    customer: str | None  # the provider's own name for this payer, from a card saved before; None: a new one is made
    email: str
    name: str
    description: str  # what it is saved for, shown to the payer where the provider has a place for it
    return_url: str  # where the payer comes back to; says nothing about what it came to
    cancel_url: str
    expires_at: datetime  # as in OpenPayment
    metadata: Mapping[str, str]  # vendor, mode, saving: comes back with every event


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """A card the provider keeps. Never a card number: only its names at the provider, and what is shown of it."""

    customer: str  # whose it is there
    method: str
    brand: str
    last4: str
    expiry_month: int
    expiry_year: int
    funding: str | None = None  # credit, debit or prepaid, where the provider says so
    fingerprint: str | None = None  # as Outcome.card_fingerprint
    country: str | None = None  # as Outcome.card_country


@dataclass(frozen=True, slots=True)
class SavingOutcome:
    """What a page for saving came to.

    saved     the payer saved a card there and agreed to its being charged later: `saved` is always given
    open      nothing is saved yet: the page waits, or the payer is being asked by their bank
    canceled  closed without a card; none can be saved on it any more
    """

    state: str
    provider_reference: str
    saved: SavedMethod | None = None


SAVING_STATES = frozenset({"saved", "open", "canceled"})


@dataclass(frozen=True, slots=True)
class ChargeSaved:
    """One attempt to be paid with a saved card while the payer is not there. The same reference again must be the same in every field."""

    reference: str  # our attempt's public id; the provider's idempotency key
    mode: str
    amount: Money
    description: str
    email: str | None  # where the provider may send its own papers
    customer: str
    method: str
    metadata: Mapping[str, str]  # vendor, mode, payment, attempt: comes back with every event
    hold: bool = False  # as in OpenPayment
    three_d_secure: bool = (
        False  # as in OpenPayment; nobody is there to answer, so what comes of it is requires_action, and nothing is taken
    )
