"""What a cart comes to: lines, discount, tip and tax, summing exactly. It is worked out from plain values; no row, no clock, no form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from core.kernel.money import Money
from core.kernel.percent import WHOLE


@dataclass(frozen=True, slots=True)
class Rate:
    """A tax rate: so many basis points, either contained in the price already or added to it."""

    id: str
    name: str
    bps: int
    inclusive: bool

    def of(self, amount: Money) -> Money:
        """The tax on a sum at its listed prices, rounded half up once."""
        return amount.part(Fraction(self.bps, WHOLE + self.bps if self.inclusive else WHOLE))


@dataclass(frozen=True, slots=True)
class Goods:
    """So many of one thing."""

    title: str
    unit: Money
    quantity: int = 1
    rate: Rate | None = None
    item: str = ""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What a discount code takes off the goods: a share of them, or a fixed sum but never more than they cost."""

    code: str
    bps: int | None = None
    amount: Money | None = None

    def of(self, goods: Money) -> Money:
        if self.amount is not None:
            return min(self.amount, goods)
        return goods.share(self.bps or 0)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the cart. `subtotal` is at the listed price; `tax` lies inside what is left of it, or comes on top."""

    kind: str  # item or tip
    title: str
    quantity: int
    unit: Money
    subtotal: Money
    discount: Money
    tax: Money
    rate: Rate | None = None
    item: str = ""

    @property
    def listed(self) -> Money:
        """After the discount, at listed prices."""
        return self.subtotal - self.discount

    @property
    def total(self) -> Money:
        """What the payer pays for this line."""
        return self.listed if self.rate is None or self.rate.inclusive else self.listed + self.tax

    @property
    def net(self) -> Money:
        """What is left of the line without its tax."""
        return self.total - self.tax


@dataclass(frozen=True, slots=True)
class TaxLine:
    """The tax at one rate: on how much (without the tax), and how much it is."""

    rate: Rate
    taxable: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class Cart:
    """Everything that will be charged. `total` is the sum of its lines, by definition and by test."""

    currency: str
    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    reduction: Reduction | None = None

    def _sum(self, amounts: Iterable[Money]) -> Money:
        return sum_of(amounts, self.currency)

    @property
    def goods(self) -> Money:
        """What the things cost at their listed prices."""
        return self._sum(line.subtotal for line in self.lines if line.kind == "item")

    @property
    def discount(self) -> Money:
        return self._sum(line.discount for line in self.lines)

    @property
    def tip(self) -> Money:
        """The whole tip, with the tax on it where there is one."""
        return self._sum(line.total for line in self.lines if line.kind == "tip")

    @property
    def added_tax(self) -> Money:
        """Tax that is not in the listed prices."""
        return self._sum(tax.tax for tax in self.taxes if not tax.rate.inclusive)

    @property
    def total(self) -> Money:
        return self._sum(line.total for line in self.lines)


def sum_of(amounts: Iterable[Money], currency: str) -> Money:
    """The sum of some amounts in one currency; zero of none."""
    total = Money(0, currency)
    for amount in amounts:
        total = total + amount
    return total


def price_cart(
    goods: Sequence[Goods],
    currency: str,
    *,
    reduction: Reduction | None = None,
    tip: Money | int | None = None,
    tip_rate: Rate | None = None,
) -> Cart:
    """Work the cart out. `tip` is a sum, or basis points of the goods after the discount at their listed prices.

    Each figure is rounded once, half up: the discount on all goods, the tip, and the tax on the sum at each rate. What was
    rounded is then dealt out to the lines by largest remainder, so the lines add up to it exactly.
    """
    lines = [_line("item", g.title, g.quantity, g.unit, g.rate, g.item) for g in goods if g.quantity > 0]
    if reduction is not None:
        lines = _reduced(lines, reduction, currency)
    if tip is not None:
        given = sum_of((line.listed for line in lines), currency).share(tip) if isinstance(tip, int) else tip
        if given:
            lines.append(_line("tip", "Tip", 1, given, tip_rate, ""))
    lines, taxes = _taxed(lines, currency)
    return Cart(currency, tuple(lines), taxes, reduction)


def _line(kind: str, title: str, quantity: int, unit: Money, rate: Rate | None, item: str) -> Line:
    zero = Money(0, unit.currency)
    return Line(kind, title, quantity, unit, Money(unit.minor * quantity, unit.currency), zero, zero, rate, item)


def _reduced(lines: list[Line], reduction: Reduction, currency: str) -> list[Line]:
    goods = sum_of((line.subtotal for line in lines), currency)
    if not goods:
        return lines
    shares = reduction.of(goods).split([line.subtotal.minor for line in lines])
    return [replace(line, discount=share) for line, share in zip(lines, shares, strict=True)]


def _taxed(lines: list[Line], currency: str) -> tuple[list[Line], tuple[TaxLine, ...]]:
    """The tax at each rate, on the sum of all lines that carry it, in the order in which the rates first appear."""
    taxes, done = [], list(lines)
    for rate in dict.fromkeys(line.rate for line in lines if line.rate is not None):
        places = [n for n, line in enumerate(lines) if line.rate == rate]
        listed = sum_of((lines[n].listed for n in places), currency)
        tax = rate.of(listed)
        taxes.append(TaxLine(rate, listed - tax if rate.inclusive else listed, tax))
        if listed:
            shares = tax.split([lines[n].listed.minor for n in places])
            for n, share in zip(places, shares, strict=True):
                done[n] = replace(lines[n], tax=share)
    return done, tuple(taxes)
