"""A subscription as one frozen value. Every act takes it and gives the next one, with what is to be done; nothing else remembers anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from core.billing import states
from core.billing.calendar import BillingZone, Period
from core.billing.effects import Effect, ListingsChanged, StateChanged
from core.billing.fx import Announcement, Rate
from core.billing.lines import Document, Entry
from core.billing.terms import Terms, Tier
from core.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Branches:
    """Additional branches: how many there are, how many run on billed lines, and what today and this period saw."""

    count: int = 0
    billed: int = 0
    opening: int = 0  # when the day began
    peak: int = 0  # the most at one moment of today
    most: int = 0  # the most that was billed at once in this period: what the cap is made of
    toggle_days: int = 0
    blocked: bool = False  # a charge for branches was declined and waits for the renewal


@dataclass(frozen=True, slots=True)
class Episode:
    """The count went over the limit: the day of the breach is free, each later day with the count above the limit uses one."""

    opened_on: date
    used: int = 0
    clean: int = 0
    told: tuple[int, ...] = ()  # of the days left, those that were told
    tried: bool = False  # the upgrade was tried: it is not tried again by itself


@dataclass(frozen=True, slots=True)
class Products:
    """Published products: how many, the most at one moment of today, how many are hidden, and days in a row that the lower tier would do."""

    count: int = 0
    peak: int = 0
    hidden: int = 0
    low_days: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """The one change that waits for its day: `kind` is "tier", "hibernate" or "cancel"; without a day it waits for the period's end."""

    kind: str
    tier: str = ""
    on: date | None = None
    wakes_on: date | None = None  # of a hibernation: the day on which it ends by itself


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A change that counts only once it is paid: `kind` is "start", "upgrade", "limit", "resume" or "reactivate"."""

    kind: str
    tier: str
    document: Document
    branches: int  # how many branches its lines bring to
    asked_on: date  # it is quoted anew at the midnight after, and gone at the next
    earlier: tuple[int, ...] = ()  # its drafts of the days before: money for one of them is money for this


@dataclass(frozen=True, slots=True)
class Open:
    """A document on which something is owed. `standing`: "draft", "final", or "carried" (too little to charge by itself)."""

    document: int
    origin: str
    due: Money
    standing: str
    draft: Document | None = None  # kept until it is final
    from_balance: Money | None = None  # what a draft has taken of the balance: it comes back when the draft is dropped
    tier_before: str = ""  # a renewal that also enforced a limit: what to go back to when it is declined


@dataclass(frozen=True, slots=True)
class Dunning:
    """An unpaid period: counted from the day of the first decline (or of a trial that ended without a card)."""

    since: date
    hard: bool = False  # no automatic retry until there is a new card
    stopped: bool = False  # cancelled: no retry at all
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class TaxShare:
    """What one document taxed at one rate, and what of it was credited: the last credit note takes what is left."""

    document: int
    bps: int
    net: Money
    tax: Money
    credited_net: Money
    credited_tax: Money


@dataclass(frozen=True, slots=True)
class Subscription:
    """Everything that billing knows. `today` is the local day up to which every midnight has been run."""

    key: str  # varies the hours of retries; the public id of the subscription
    status: str
    today: date
    anchor: date
    period: Period
    zone: BillingZone
    terms: Terms  # in the billing currency, as locked for this period
    tier: str
    balance: Money
    rate: Rate | None = None
    tax_bps: int | None = None  # None: the tax switch is off; core/billing/tax.py: REVERSE when the buyer accounts for it
    entries: tuple[Entry, ...] = ()
    open: tuple[Open, ...] = ()
    taxed: tuple[TaxShare, ...] = ()
    branches: Branches = Branches()
    products: Products = Products()
    episode: Episode | None = None
    planned: Planned | None = None
    awaiting: Awaiting | None = None
    lapsed: Awaiting | None = None  # the last one that was not paid in time, should its money still come
    dunning: Dunning | None = None
    hibernating_since: Period | None = None  # the period in which it began
    resume_confirmed: bool = False
    wakes_on: date | None = None  # it hibernates until this day and wakes up by itself; gone once that was tried
    auto_downgrade: bool = False
    has_card: bool = True
    pending_declined: bool = False  # pending lines were declined: they wait for the renewal
    announced: Announcement | None = None
    foretold: Terms | None = None  # the price list, in the base currency, by which they were last told what is charged next
    next_currency: str | None = None
    trial_ends: date | None = None
    cancelled_on: date | None = None
    next_line: int = 1
    next_document: int = 1

    @property
    def currency(self) -> str:
        return self.terms.currency

    @property
    def plan(self) -> Tier:
        return self.terms.tier(self.tier)

    @property
    def zero(self) -> Money:
        return Money(0, self.currency)

    @property
    def unpaid(self) -> tuple[Open, ...]:
        """What is owed and charged for: not a draft that may still be dropped, nor what is carried until the next charge."""
        return tuple(owed for owed in self.open if owed.standing == "final")

    @property
    def pending(self) -> tuple[Entry, ...]:
        """Lines that are on no document yet, credits among them."""
        return tuple(entry for entry in self.entries if entry.document is None)

    def entry(self, number: int) -> Entry:
        return next(entry for entry in self.entries if entry.line.number == number)


Step = tuple[Subscription, tuple[Effect, ...]]


def plan(state: Subscription, planned: Planned | None) -> Subscription:
    """The one change that waits: the latest replaces what there was. Whoever no longer wants to cancel is tried again for what is owed."""
    dunning = state.dunning
    if dunning is not None and state.status != states.CANCELLED:
        dunning = replace(dunning, stopped=planned is not None and planned.kind == "cancel")
    return replace(state, planned=planned, dunning=dunning)


def move(state: Subscription, new: str) -> Step:
    """To another status, by the table of states; tells when that changes whether the public finds the merchant."""
    states.check_move(state.status, new)
    effects: list[Effect] = [StateChanged(state.status, new, state.today)]
    visible = new in states.IN_SEARCH
    if visible != (state.status in states.IN_SEARCH):
        effects.append(ListingsChanged(visible))
    return replace(state, status=new), tuple(effects)
