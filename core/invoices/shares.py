"""What a document comes to at each rate of tax, and how a part of it is divided among the rates. Plain values: no row, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from core.kernel.money import Money
from core.payments.cart import Cart


@dataclass(frozen=True, slots=True)
class Share:
    """So much at one rate, its tax included; `bps` is None where no tax was charged."""

    name: str
    bps: int | None
    gross: Money
    tax: Money

    @property
    def net(self) -> Money:
        """Without the tax."""
        return self.gross - self.tax

    def plain(self) -> dict[str, Any]:
        """As it is kept."""
        return {"name": self.name, "bps": self.bps, "gross": self.gross.minor, "tax": self.tax.minor}


def kept(rows: Iterable[dict[str, Any]], currency: str) -> tuple[Share, ...]:
    """As they were kept."""
    return tuple(Share(row["name"], row["bps"], Money(row["gross"], currency), Money(row["tax"], currency)) for row in rows)


def sold(cart: Cart | None, captured: Money) -> tuple[Share, ...]:
    """What was sold, by rate. Where another sum came than the cart asks for, that sum counts, divided as the cart is."""
    if cart is None:
        return (Share("", None, captured, Money(0, captured.currency)),)
    sums: dict[tuple[str, int | None], tuple[Money, Money]] = {}
    zero = Money(0, captured.currency)
    for line in cart.lines:
        key = (line.rate.name, line.rate.bps) if line.rate else ("", None)
        gross, tax = sums.get(key, (zero, zero))
        sums[key] = gross + line.total, tax + line.tax
    shares = tuple(Share(name, bps, gross, tax) for (name, bps), (gross, tax) in sums.items() if gross)
    return shares if gross_of(shares) == captured else part_of(shares, captured)


def part_of(shares: Sequence[Share], amount: Money) -> tuple[Share, ...]:
    """An amount divided among the rates by what each comes to, largest remainder; its tax follows, and the last part takes what is left of it."""
    parts = amount.split([share.gross.minor for share in shares])
    return tuple(
        Share(share.name, share.bps, part, share.tax if part == share.gross else share.tax.part(Fraction(part.minor, share.gross.minor)))
        for share, part in zip(shares, parts, strict=True)
        if part
    )


def remaining(documents: Iterable[tuple[bool, Sequence[Share]]]) -> tuple[Share, ...]:
    """What is left of some documents, each with whether it gives back: the invoices less the credit notes, rate by rate."""
    sums: dict[tuple[str, int | None], tuple[Money, Money]] = {}
    for gives_back, shares in documents:
        for share in shares:
            gross, tax = (-share.gross, -share.tax) if gives_back else (share.gross, share.tax)
            if known := sums.get((share.name, share.bps)):
                gross, tax = known[0] + gross, known[1] + tax
            sums[share.name, share.bps] = gross, tax
    return tuple(Share(name, bps, gross, tax) for (name, bps), (gross, tax) in sums.items() if gross)


def gross_of(shares: Sequence[Share]) -> Money:
    """What some come to together; there is at least one."""
    return sum((share.gross for share in shares[1:]), shares[0].gross)


def tax_of(shares: Sequence[Share]) -> Money:
    """The tax in it."""
    return sum((share.tax for share in shares[1:]), shares[0].tax)
