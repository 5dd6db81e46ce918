"""Lines and documents: what is charged and credited, each with the arithmetic that led to it. A line never changes once it was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from core.billing.fx import Rate
from core.kernel.money import Money

PLAN, HIBERNATION, BRANCH = "plan", "hibernation", "branch"


def group_of(item: str) -> str:
    """What shares one cap in a period: a plan and the fee of hibernating stand for each other, branches stand for themselves."""
    return BRANCH if item == BRANCH else PLAN


@dataclass(frozen=True, slots=True)
class Line:
    """One line, with its trace: `amount` is `whole` × quantity / of_quantity × days / of_days, rounded once, unless `limited` held it.

    `whole` is what this quantity costs for a whole period, and for a credit what was debited on the line it corrects. A credit is
    negative. `exact` is what was rounded, in minor units. `limited` is "cap" (the period costs no more than its highest state),
    "remainder" (all that was left of the line) or "restored" (what was credited earlier on the same day).
    """

    number: int
    item: str
    code: str  # the tier; empty for what is not a plan
    quantity: int
    of_quantity: int
    start: date
    end: date
    days: int
    of_days: int
    whole: Money
    exact: Fraction
    amount: Money
    corrects: int | None = None
    limited: str = ""
    tax_bps: int | None = None
    name: str = ""  # what the tier was called on the day it was charged: a document goes on saying that


@dataclass(frozen=True, slots=True)
class Entry:
    """A charged line as it stands: what was given back of it, how many of its quantity still run, and which document carries it."""

    line: Line
    credited: Money
    running: int
    document: int | None  # None: a pending line, on no document yet
    owed_on: int | None = None  # charged on a credit note that lowered this unpaid invoice: unpaid as long as that is

    @property
    def remaining(self) -> Money:
        """What can still be credited."""
        return self.line.amount - self.credited


@dataclass(frozen=True, slots=True)
class TaxLine:
    """The tax at one rate: on how much, and how much it is; negative on a credit note."""

    bps: int
    net: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or a credit note as it is drafted. `number` counts the subscription's documents; the series number is not ours to give.

    `until` says when it becomes final: "now", within the "hour", or only when it is "paid" (else it is dropped and uses up no number).
    `rate` is the one its prices were locked at, where they are foreign: its tax is also said in the base currency.
    """

    number: int
    kind: str  # "invoice" or "credit_note"
    origin: str
    on: date
    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    currency: str
    until: str = "now"
    rate: Rate | None = None

    @property
    def net(self) -> Money:
        return total(self.lines, self.currency)

    @property
    def tax(self) -> Money:
        return sum_of((tax.tax for tax in self.taxes), self.currency)

    @property
    def gross(self) -> Money:
        return self.net + self.tax


def sum_of(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of some amounts; zero of none."""
    result = Money(0, currency)
    for amount in amounts:
        result = result + amount
    return result


def total(lines: Iterable[Line], currency: str) -> Money:
    """What some lines come to: the sum of what was rounded, never a rounding of the sum."""
    return sum_of((line.amount for line in lines), currency)
