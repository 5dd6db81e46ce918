"""A simulated year month by month: what the card is asked for, which documents are made and what is told, with and without the wishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from core.billing.calendar import boundary
from core.billing.effects import Notice
from core.billing.forecast import Charge
from core.billing.lines import Document, sum_of
from core.billing.simulate import Simulation
from core.kernel.money import Money
from portal.charts import Twins, twins


@dataclass(frozen=True)
class Month:
    """A calendar month of the year."""

    first: date
    charges: list[Charge]
    documents: list[Document]
    told: list[Notice]
    without: list[Charge]  # of the year in which nothing is wished

    @property
    def is_empty(self) -> bool:
        return not (self.charges or self.documents or self.told)

    def total(self, currency: str) -> Money:
        return _sum(self.charges, currency)


def months_of(played: Simulation) -> list[Month]:
    """Every month of the year, those without anything too."""
    first = played.first.replace(day=1)
    count = (played.last.year - first.year) * 12 + played.last.month - first.month + 1
    return [_month(played, boundary(first, n)) for n in range(count)]


def _month(played: Simulation, first: date) -> Month:
    def mine(day: date) -> bool:
        return (day.year, day.month) == (first.year, first.month)

    wished = played.wished
    return Month(
        first=first,
        charges=[charge for charge in wished.charges if mine(charge.on)],
        documents=[document for document in wished.documents if mine(document.on)],
        told=[notice for notice in wished.notices if mine(notice.sent_on)],
        without=[charge for charge in played.unchanged.charges if mine(charge.on)],
    )


def chart_of(months: list[Month], currency: str) -> Twins:
    """One column a month, and behind it what it would cost without the wishes."""
    return twins([(m.first, m.total(currency), _sum(m.without, currency), f"#month-{m.first:%Y-%m}") for m in months], currency)


def _sum(charges: Sequence[Charge], currency: str) -> Money:
    return sum_of((charge.amount for charge in charges if charge.amount.currency == currency), currency)


def asked_with(charge: Charge, documents: Sequence[Document]) -> tuple[list[Document], bool]:
    """The documents a charge is for, and whether it asks for exactly what they come to: else a balance or a carried rest is in it."""
    mine = [document for document in documents if document.number in charge.documents]
    return mine, bool(mine) and sum_of((document.gross for document in mine), charge.amount.currency) == charge.amount
