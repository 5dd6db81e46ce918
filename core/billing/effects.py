"""What an act of billing wants done: a small closed set of values. The layer with the database carries them out in their order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from core.billing.lines import Document
from core.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Drafted:
    """A document exists; its `until` says when it takes its number."""

    document: Document


@dataclass(frozen=True, slots=True)
class Finalised:
    """A draft that waited for its payment is paid and takes its number."""

    document: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """A draft is gone; it never had a number."""

    document: int


@dataclass(frozen=True, slots=True)
class Paid:
    """Nothing is owed on this document any more."""

    document: int


@dataclass(frozen=True, slots=True)
class ChargeWanted:
    """Charge the card once for these documents together."""

    documents: tuple[int, ...]
    amount: Money
    on: date
    attempt: int = 1
    at_minute: int | None = None  # by the local clock, counted from midnight; None is at once


@dataclass(frozen=True, slots=True)
class RetriesStopped:
    """No attempt that is still planned for these documents may be made."""

    documents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BalanceMoved:
    """The merchant's credit grew (positive) or was used (negative), and for which document."""

    amount: Money
    why: str
    document: int | None = None


@dataclass(frozen=True, slots=True)
class BalanceConverted:
    """Two entries: the old currency out, the new one in, at this rate."""

    taken: Money
    given: Money
    rate: Fraction


@dataclass(frozen=True, slots=True)
class Written:
    """An entry of the books without a document. `kind`: "waived" (dust at the end) or "bad_debt" (never a credit note)."""

    kind: str
    amount: Money
    documents: tuple[int, ...] = ()


NOTICES = frozenset(
    {
        "trial_began", "trial_ends", "upgrade_declined", "resume_declined", "reactivate_declined", "limit_declined", "change_requoted",
        "change_lapsed", "downgrade_dropped", "limit_breached", "grace_running", "limit_enforced", "products_hidden", "waits_for_renewal",
        "payment_failed", "card_refused", "suspension_ahead", "suspended", "recovered", "hibernation_ends", "hibernation_dropped",
        "cancelled", "price_moves", "rate_old", "currency_kept", "currency_changed", "renewal_ahead", "change_planned", "hibernation_planned",
        "cancel_planned", "plan_kept", "wake_planned", "wake_withdrawn", "wake_ahead",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell the merchant. `on` is the date the notice speaks of and `amount` the exact sum that goes with it; `count` is days or products.

    `until` is the day on which the service stops, or ends for good, if nothing is done. `wakes_on` is the day on which a hibernation ends
    by itself, and `wakes_for` what waking up costs on it.
    """

    kind: str
    sent_on: date
    on: date | None = None
    amount: Money | None = None
    detail: str = ""
    count: int | None = None
    until: date | None = None
    wakes_on: date | None = None
    wakes_for: Money | None = None

    def __post_init__(self) -> None:
        if self.kind not in NOTICES:
            raise ValueError(f"nobody has words for {self.kind}")


@dataclass(frozen=True, slots=True)
class StateChanged:
    old: str
    new: str
    on: date


@dataclass(frozen=True, slots=True)
class TierChanged:
    old: str
    new: str
    on: date


@dataclass(frozen=True, slots=True)
class ProductsHidden:
    """The newest so many products are hidden, none is deleted."""

    count: int


@dataclass(frozen=True, slots=True)
class ProductsShown:
    """What was hidden for the limit is shown again."""


@dataclass(frozen=True, slots=True)
class ListingsChanged:
    """From this moment the merchant is in search, or is not; pages that are kept have to go."""

    visible: bool


Effect = (
    Drafted | Finalised | Dropped | Paid | ChargeWanted | RetriesStopped | BalanceMoved | BalanceConverted | Written
    | Notice | StateChanged | TierChanged | ProductsHidden | ProductsShown | ListingsChanged
)  # fmt: skip
