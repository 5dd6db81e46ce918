"""The part of the provider contract about disputes: what a payer's bank wants back, and what is answered. The methods stand in contract.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.kernel.money import Money

# Why a payer's bank asks. What a provider has no word for is `general`.
REASONS = (
    "fraudulent", "unrecognized", "product_not_received", "product_unacceptable", "duplicate", "subscription_canceled",
    "credit_not_processed", "general",
)  # fmt: skip
# inquiry: the bank only asks and has taken nothing; closed: it asks no more. The others are a dispute, for which money was taken.
DISPUTE_STATES = frozenset({"inquiry", "closed", "needs_response", "under_review", "won", "lost", "unknown"})
# What can be said and shown, in the contract's words; an adapter says which of its own fields each is.
TEXTS = (
    "product_description", "service_date", "shipping_carrier", "shipping_tracking_number", "shipping_date", "shipping_address",
    "access_activity_log", "refund_policy_disclosure", "refund_refusal_explanation", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "duplicate_charge_id", "duplicate_charge_explanation", "customer_name", "customer_email_address", "uncategorized_text",
)  # fmt: skip
FILES = (
    "receipt", "customer_communication", "customer_signature", "service_documentation", "shipping_documentation", "refund_policy",
    "cancellation_policy", "duplicate_charge_documentation", "evidence_pack",
)  # fmt: skip
LONGEST_TEXT, MOST_TEXT = 20_000, 150_000  # characters of one, and of all together
MOST_BYTES = 4_500_000  # of all files together


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What was taken from our balance for a dispute (given back: negative), and the fee beside it. `reference` is the provider's own line."""

    reference: str
    amount: Money
    fee: Money


@dataclass(frozen=True, slots=True)
class DisputeOutcome:
    """A dispute as it stands, read whole. `metadata` is ours, from the charge. One that was won may be opened again: then it has another
    withdrawal, and `submissions` says how often it was answered in all."""

    state: str
    provider_reference: str
    charge: str
    amount: Money
    reason: str
    network_code: str = ""
    due_at: datetime | None = None
    opened_at: datetime | None = None
    withdrawals: tuple[Withdrawal, ...] = ()
    submissions: int = 0
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def cycles(self) -> int:
        """How often money was taken for it so far: at least once for anything beyond an inquiry."""
        taken = sum(1 for one in self.withdrawals if one.amount.minor > 0)
        return 0 if self.state in ("inquiry", "closed") and not taken else max(taken, 1)


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file that goes with an answer. `kind` is one of FILES, each of which is sent once."""

    kind: str
    name: str
    media_type: str  # application/pdf, image/jpeg or image/png
    data: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """An answer to a dispute: words by the names of TEXTS, and files."""

    texts: dict[str, str]
    files: tuple[EvidenceFile, ...] = ()
