"""What the product asks of a payment provider, and what a provider may answer: the written contract every adapter is tested against.

Units: every `Money` here counts ISO 4217 minor units; what a gateway counts is its adapter's secret. Instants are aware and in UTC.
Idempotency: `reference` is ours, made and committed before the provider is asked, and is the key at the provider: asking twice
with the same reference is asking once. Transactions: **no method may be called while a database transaction is open.**
Unknown: after ProviderUnreachable with `effect_unknown` nobody knows whether the thing happened. Ask again with the same reference,
or inquire; never make up an outcome and never ask with a new reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.providers.disputes import DisputeOutcome, Evidence
from core.providers.saved import ChargeSaved, OpenSaving, SavingOutcome

# How a payer can pay. Each adapter offers some of them; credit and debit are told apart by `card_funding` of the outcome.
METHODS = ("card", "wallet", "bank_redirect", "qr", "bank_transfer")


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to pay at one provider, with the bounds that are the provider's own. Several may serve one method (iDEAL, Bancontact)."""

    method: str  # one of METHODS
    kind: str  # the provider's own name for it
    name: str  # as payers know it
    currencies: frozenset[str] | None = None  # None: every currency
    countries: frozenset[str] | None = None  # where the payer is, by ISO 3166; None: anywhere
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # smallest and largest by currency, in minor units
    delayed_days: int = 0  # the final answer may take up to so many days; 0: it comes at once
    refunds: bool = True  # money can be given back through the provider
    partial_refunds: bool = True
    surfaces: frozenset[str] = frozenset({"hosted"})

    def objection(self, currency: str, low: int, high: int, country: str | None) -> str | None:
        """Why it does not fit a payment between `low` and `high` minor units: currency, country, below, above; None when it does.

        A country nobody knows is no objection.
        """
        if self.currencies is not None and currency not in self.currencies:
            return "currency"
        if self.countries is not None and country is not None and country not in self.countries:
            return "country"
        least, most = self.limits.get(currency, (0, None))
        if high < least:
            return "below"
        return "above" if most is not None and low > most else None


@dataclass(frozen=True, slots=True)
class OpenPayment:
    """One attempt to be paid, as it is put to a provider. Asked again with the same reference, it must be the same in every field."""

    reference: str  # our attempt's public id; the provider's idempotency key
    mode: str  # 'test' or 'live'
    amount: Money
    description: str  # shown to the payer
    email: str | None  # where the provider may send its own papers; fixed on its page when given
    return_url: str  # where the payer comes back to; says nothing about the outcome
    cancel_url: str  # where the payer goes who turns back
    expires_at: datetime  # the provider is told when it can keep such a term; else the caller closes the attempt itself
    surface: str  # 'hosted': the provider's own page; 'fields': the provider's fields inside ours; 'instructions': words for the payer
    metadata: Mapping[str, str]  # vendor, mode, payment, attempt: comes back with every event
    method: str = "card"  # what the payer chose: every kind of it that fits is offered on the provider's page
    country: str | None = None  # the payer's, when known
    hold: bool = False  # only authorise; capture() takes the money, cancel() lets it go. For cards
    three_d_secure: bool = False  # have the card’s bank ask the payer, wherever the card can be asked for that


@dataclass(frozen=True, slots=True)
class Instructions:
    """What a payer enters in their own bank. The reference is how we know the money when it comes."""

    holder: str
    iban: str
    bic: str  # empty where none is needed
    amount: Money
    reference: str  # ISO 11649, without blanks


@dataclass(frozen=True, slots=True)
class Opening:
    """Where the payer goes next. **No money has moved.**"""

    provider_reference: str  # the name to inquire by
    redirect_url: str | None = None  # surface 'hosted'
    fields_url: str | None = None  # surface 'fields', when the provider's fields are a page to be put in an iframe
    client_secret: str | None = None  # surface 'fields', when they are the provider's script
    publishable_key: str | None = None
    instructions: Instructions | None = None  # surface 'instructions': the payer moves the money at their own bank


@dataclass(frozen=True, slots=True)
class ThreeDSecure:
    """What the card's bank said of its payer, in the provider's words."""

    result: str  # authenticated, attempt_acknowledged, exempted, failed, not_supported or processing_error
    flow: str = ""  # challenge: the payer was asked; frictionless: they were not
    version: str = ""  # of the protocol: 2.2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of an attempt.

    succeeded        money was taken: `captured` and `charge` are always given
    processing       the provider has what it needs and will say later
    requires_action  the payer is being asked by their bank. `closed`, of a saved card: the bank wants the payer, who was not there to
                     be asked; nothing was taken, and they have to pay on an attempt of their own
    requires_method  open, and nothing was tried yet
    declined         the last try failed; `decline_code` says why. The attempt stays open and the payer may try again on it, unless
                     `closed`: then its page takes no other card, and another try needs another attempt
    canceled         closed without money; nothing can be paid on it any more
    unknown          the provider could not be asked, or does not know
    `fee`, `fee_reference`, `available_on`, the method and the card may be missing from any outcome and come later from fees() or
    inquire(). `method` is what was really used, which may be another one than was chosen (a card on a page for wallets).
    """

    state: str
    provider_reference: str
    payment_intent: str | None = None
    charge: str | None = None  # of a success, or of the failed try
    tried: str | None = None  # of a decline: the provider's own mark of what was tried, which names it where there is no charge
    captured: Money | None = None
    decline_code: str | None = None
    decline_message: str | None = None  # the provider's words for the payer
    card_brand: str | None = None
    card_last4: str | None = None
    card_fingerprint: str | None = None  # the provider's own mark of the card, the same for every try with it
    card_funding: str | None = None  # credit, debit or prepaid, where the provider says so
    card_country: str | None = None  # where the card was issued, by ISO 3166, where the provider says so
    method: str | None = None  # one of METHODS
    kind: str | None = None  # the provider's own name: ideal, apple_pay
    fee: Money | None = None
    fee_reference: str | None = None  # the provider's own line for it
    occurred_at: datetime | None = None
    available_on: datetime | None = None
    closed: bool = False  # of a decline, and of a saved card whose bank wants its payer: nothing more can be tried on this attempt
    secured: ThreeDSecure | None = None  # of a success with a card: what 3-D Secure came to, where it was a part of it
    held: bool = False  # of processing: authorised as OpenPayment.hold asked for, and waiting for capture() or cancel()
    hard: bool = False  # of a decline: this card will not do another day either (lost, expired, closed account)


OUTCOME_STATES = frozenset({"succeeded", "processing", "requires_action", "requires_method", "declined", "canceled", "unknown"})


@dataclass(frozen=True, slots=True)
class RefundOutcome:
    """What has become of a refund: succeeded, pending, failed, canceled or unknown. **succeeded may still become failed**, weeks later."""

    state: str
    provider_reference: str
    amount: Money
    failure_reason: str | None = None
    charge: str | None = None  # what it gives back; may be missing, but from refunds_of()
    reference: str | None = None  # ours, when it was made for one of our wishes
    reason: str | None = None  # the provider's word for why


@dataclass(frozen=True, slots=True)
class RefundsOfCharge:
    """Whose charge it is (our metadata, given back) and every refund of it, ours and those made at the provider itself."""

    metadata: dict[str, str]
    refunds: list[RefundOutcome]


REFUND_STATES = frozenset({"succeeded", "pending", "failed", "canceled", "unknown"})


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """News, its signature checked. It may be late, doubled, missing or out of order.

    kind 'payment' without an outcome means: something happened to this attempt, inquire. Kind 'saving' has none: always inquire.
    `metadata` is ours, given back. Kind 'dispute' names the dispute in `dispute` and says nothing more: always inquire. So it is with
    'payout' (of a seller, through the provider: the metadata say whose and which) and 'receiver' (a seller's account, named in `receiver`).
    """

    provider: str
    mode: str
    event_id: str
    kind: str  # 'payment', 'saving', 'refund', 'dispute', 'payout', 'receiver' or 'other'
    type: str  # the provider's own name for it
    created_at: datetime
    metadata: dict[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None
    refund_outcome: RefundOutcome | None = None
    dispute: str | None = None
    receiver: str | None = None
    raw: dict[str, Any] = field(default_factory=dict)


class ProviderError(Exception):
    """The provider did not do what was asked."""


class ProviderUnreachable(ProviderError):
    """No answer, or none that can be read. `effect_unknown`: what was asked may have happened all the same.

    `kept`: the provider has kept this failure as its answer to this reference and will give no other one while it does.
    """

    def __init__(self, message: str, *, effect_unknown: bool, kept: bool = False) -> None:
        super().__init__(message)
        self.effect_unknown, self.kept = effect_unknown, kept


class ProviderBusy(ProviderUnreachable):
    """The provider asks for patience: too many requests, or (`same_request`) this very one is still under way. Nothing new has begun."""

    def __init__(self, message: str, *, same_request: bool = False) -> None:
        super().__init__(message, effect_unknown=False)
        self.same_request = same_request


class ProviderRefused(ProviderError):
    """A definite no: nothing happened and asking again with the same words will not help. `code` is the provider's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class NoSuchProvider(ProviderRefused, NotFound):
    """A provider we do not have, or that is not set up in this mode. To a stranger it is an address that leads nowhere.

    Which of the two stands in our log; what a page or an answer shows is neutral.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.message = "We could not find that."


class SignatureRefused(ProviderError):
    """An event that is not provably the provider's: unsigned, badly signed, stale, from the future, of the other mode, or unreadable."""


class Provider(Protocol):
    """An adapter. One object serves one provider in one mode; it may be shared by threads, not by forked processes."""

    name: str
    mode: str

    def methods(self) -> tuple[Offer, ...]:
        """What it can be asked to open here, in the order it would show them. Asks nobody, may be called anywhere."""

    def open_payment(self, wish: OpenPayment) -> Opening:
        """Opens an attempt. **Takes no money.** The same wish again gives the same opening. Raises any ProviderError.

        A method it does not offer, or not for this amount and country, is refused as `method_not_offered` before anybody is asked.
        """

    def inquire(self, provider_reference: str) -> Outcome:
        """The truth about an attempt, read only. Raises ProviderUnreachable; ProviderRefused for a reference the provider does not know."""

    def cancel(self, provider_reference: str) -> Outcome:
        """Closes an attempt so that it cannot be paid any more, and says what had become of it: 'succeeded' when money was faster.

        What was only authorised is let go.
        """

    def capture(self, provider_reference: str) -> Outcome:
        """**Takes the money** that was authorised with `hold`, all of it, and says how things stand. Asked twice it is taken once.

        A provider that authorises nothing says how things stand.
        """

    def refund(self, reference: str, charge_or_intent: str, amount: Money, reason: str, metadata: Mapping[str, str]) -> RefundOutcome:
        """**Gives money back.** The same reference again gives the same refund. ProviderRefused: no refund was made."""

    def inquire_refund(self, provider_reference: str) -> RefundOutcome:
        """The truth about a refund, read only."""

    def find_refund(self, reference: str, charge_or_intent: str | None = None) -> RefundOutcome | None:
        """The refund made for our reference, when its answer was lost and its idempotency key is too old to be repeated (24 hours).

        None: there is none. Raises ProviderUnreachable when the provider does not tell of all; these are the charge's, or without one all that
        were ever made.
        """

    def refunds_of(self, charge: str) -> RefundsOfCharge:
        """Every refund of a charge as it stands now, oldest first, read only: how refunds nobody asked for here are found."""

    # Disputes. A provider that knows none refuses as `disputes_not_offered`.

    def inquire_dispute(self, provider_reference: str) -> DisputeOutcome:
        """The truth about a dispute, read only. Raises ProviderUnreachable; ProviderRefused for a reference the provider does not know."""

    def answer_dispute(self, reference: str, provider_reference: str, evidence: Evidence) -> DisputeOutcome:
        """**Final**: hands the evidence to the payer's bank; it cannot be changed afterwards. The same reference again is the same answer,
        for a day: later, inquire first. ProviderRefused: nothing was handed over."""

    def accept_dispute(self, reference: str, provider_reference: str) -> DisputeOutcome:
        """**Final**: the payer keeps the money. ProviderRefused: it cannot be given up (any more)."""

    def read_event(self, raw_body: bytes, headers: Mapping[str, str], mode: str) -> ProviderEvent:
        """The event in a webhook request. Raises SignatureRefused and nothing else, whatever it is given. Asks nobody."""

    def parse_event(self, raw_body: bytes, mode: str) -> ProviderEvent:
        """The same event again, from the inbox, where only checked ones are stored. Raises SignatureRefused. Asks nobody."""

    # Cards saved at the provider. One that saves none answers False, and refuses the rest as `saving_not_offered`.

    def saves(self) -> bool:
        """Whether a payer can save a card here. Asks nobody, may be called anywhere."""

    def open_saving(self, wish: OpenSaving) -> Opening:
        """Opens the provider's own page on which a payer saves a card. **Takes no money.** The same wish again gives the same opening."""

    def inquire_saving(self, provider_reference: str) -> SavingOutcome:
        """What such a page came to, read only. Raises ProviderUnreachable; ProviderRefused for a reference the provider does not know."""

    def charge_saved(self, wish: ChargeSaved) -> Outcome:
        """**Takes money**, with no payer there to be asked; only a worker calls it. The same reference again is the same charge.

        succeeded, processing, declined (always `closed`; `hard` says whether another day will help) or requires_action (`closed`).
        ProviderRefused: nothing was tried, and the method may be gone. After ProviderUnreachable with `effect_unknown` money may have
        moved: ask again with the same reference for up to 24 hours, or look with find_charge; never with another reference.
        """

    def find_charge(self, reference: str, customer: str) -> Outcome | None:
        """The charge made for our reference, read only: when its answer was lost and its key is too old to be repeated. None: there is none.
        Raises ProviderUnreachable when the provider does not tell of all; a refusal says nothing of the charge."""

    def forget_method(self, method: str) -> None:
        """The provider keeps it no longer: it can be charged no more. One it has forgotten already is no error."""

    def fees(self, charges: Iterable[str]) -> dict[str, tuple[Money, str, datetime]]:
        """For each charge: what the provider keeps, its own line for it, and when the rest becomes available. Unknown ones are left out."""
