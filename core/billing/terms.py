"""The terms of one version of the price list: tiers, limits, fees, thresholds and schedules. All of it is data; POLICY is the beginning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.providers.exponents import charge_step


class NoSuchTier(Refusal):
    """The tier is not on the price list that is in force."""

    code = "no_such_tier"


def title_from(code: str) -> str:
    """What a tier without a name is called, and one that is on no list any more: `pro-plus` becomes `Pro Plus`."""
    return code.replace("_", " ").replace("-", " ").strip().title()


@dataclass(frozen=True, slots=True)
class Tier:
    """What a month costs, how many products may be published in it, and how many pictures a listing shows; None is no limit.

    `code` is for ever, `name` and `about` are for people.
    """

    code: str
    price: Money
    limit: int | None
    name: str = ""
    about: str = ""
    pictures: int | None = None

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or title_from(self.code)

    def fits(self, products: int) -> bool:
        return self.limit is None or products <= self.limit


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of the price list in one currency. The tiers stand in their order: a later one is an upgrade."""

    version: int
    tiers: tuple[Tier, ...]
    branch_price: Money  # each additional branch, a month
    hibernation_fee: Money  # a month, branches included
    small_amount: Money  # a change below it waits for the next invoice
    gateway_minimum: Money  # nothing below it is sent to the gateway
    minimums: tuple[Money, ...] = ()  # the same in other currencies, where the gateway does not simply convert it
    trial_days: int = 0  # the first days of a new subscriber, which cost nothing
    grace_days: int = 7
    clean_days: int = 7
    notice_days: tuple[int, ...] = (3, 1)
    free_toggle_days: int = 3
    retry_days: tuple[int, ...] = (1, 3, 7, 15)
    suspend_after: int = 16
    cancel_after: int = 45
    export_days: int = 90
    awaiting_hours: int = 23
    trial_notice_days: int = 3
    renewal_notice_days: int = 3
    hibernation_months: int = 12
    hibernation_notice_month: int = 11
    drift_bps: int = 500
    drift_notice_days: int = 7
    credit_note_days: int = 14
    tax_check_hours: int = 72

    def __post_init__(self) -> None:
        if not self.tiers or len({tier.code for tier in self.tiers}) < len(self.tiers):
            raise ValueError("a price list has tiers, each with its own code")
        sums = (self.branch_price, self.hibernation_fee, self.small_amount, self.gateway_minimum, *(tier.price for tier in self.tiers))
        if len({amount.currency for amount in sums}) > 1:
            raise ValueError("a price list has one currency")
        limits = [tier.limit for tier in self.tiers]
        limited = any(limit is not None for limit in limits)  # plans of which none has a limit differ in what they give
        if limited and (limits[-1] is not None or any(a is None or (b is not None and b <= a) for a, b in pairwise(limits))):
            raise ValueError("each tier holds more than the one before it, and the last one has no limit")
        if not self.retry_days or list(self.retry_days) != sorted(set(self.retry_days)) or self.retry_days[-1] >= self.suspend_after:
            raise ValueError("every retry comes before the suspension")
        if not self.suspend_after < 28 or self.cancel_after <= self.suspend_after:
            raise ValueError("a suspension comes before the shortest period is over, and before the cancellation")

    @property
    def currency(self) -> str:
        return self.branch_price.currency

    def tier(self, code: str) -> Tier:
        """The tier of that code. Refuses one that is not on this list."""
        for tier in self.tiers:
            if tier.code == code:
                return tier
        raise NoSuchTier("Choose a plan from the list.", field="tier")

    def lists(self, code: str) -> bool:
        return any(tier.code == code for tier in self.tiers)

    def rank(self, code: str) -> int:
        return self.tiers.index(self.tier(code))

    def below(self, code: str) -> Tier | None:
        """The next smaller tier, if there is one."""
        rank = self.rank(code)
        return self.tiers[rank - 1] if rank else None

    def smallest_for(self, products: int, *, least: str) -> Tier:
        """The smallest tier, from `least` up, in which so many products fit."""
        return next(tier for tier in self.tiers[self.rank(least) :] if tier.fits(products))

    def converted(self, rate: Fraction, currency: str) -> Terms:
        """The same terms in another currency, each price rounded once to what a card can carry."""

        def local(amount: Money) -> Money:
            return amount.converted(rate, currency, step=charge_step(currency))

        return replace(
            self,
            tiers=tuple(replace(tier, price=local(tier.price)) for tier in self.tiers),
            branch_price=local(self.branch_price),
            hibernation_fee=local(self.hibernation_fee),
            small_amount=local(self.small_amount),
            gateway_minimum=next((least for least in self.minimums if least.currency == currency), local(self.gateway_minimum)),
        )


def pounds(text: str) -> Money:
    """`pounds("1.00")`."""
    return Money.of(text, "GBP")


# The gateway's published minimums; a stored price list carries its own.
MINIMUMS = {
    "AUD": "0.50", "CAD": "0.50", "CHF": "0.50", "CZK": "15.00", "DKK": "2.50", "EUR": "0.50", "HKD": "4.00", "HUF": "175.00", "INR": "0.50",
    "JPY": "50", "MXN": "10.00", "NOK": "3.00", "NZD": "0.50", "PLN": "2.00", "RON": "2.00", "SEK": "3.00", "SGD": "0.50", "USD": "0.50",
}  # fmt: skip
# The defaults of the policy. A stored price list of version 1 begins as this.
POLICY = Terms(
    version=1,
    tiers=(Tier("starter", pounds("1.00"), 10), Tier("pro", pounds("3.00"), 100), Tier("enterprise", pounds("5.00"), None)),
    branch_price=pounds("1.00"),
    hibernation_fee=pounds("0.50"),
    small_amount=pounds("1.00"),
    gateway_minimum=pounds("0.30"),
    minimums=tuple(Money.of(text, currency) for currency, text in MINIMUMS.items()),
)
