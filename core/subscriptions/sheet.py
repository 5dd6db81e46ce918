"""What an invoice or a credit note says, as plain values: the page, the PDF, the letter and the XML are all written from this."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import or_, select

from core.billing.codec import decode
from core.billing.fx import Rate, in_base
from core.billing.lines import BRANCH, HIBERNATION, Document, Line, TaxLine
from core.billing.models import BillingDocument
from core.billing.terms import title_from
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.sentence import Sentence, said
from core.subscriptions.standing import Standing, standing_of

DAY = timedelta(days=1)
LIMITED = {
    "cap": said("Held to what the whole period may cost at most."),
    "remainder": said("All that was left of that line."),
    "restored": said("What was given back earlier on the same day."),
}


@dataclass(frozen=True, slots=True)
class Named:
    """Another document, by the name and the day that stand on it."""

    name: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line as people read it. `amount` has the sign of the document: on a credit note what is given back is positive."""

    number: int
    title: Sentence
    quantity: int
    first: date
    last: date
    days: int
    of_days: int
    gives_back: bool
    each: Money  # a whole period of one; for what is given back, what was debited on the line it corrects
    share: tuple[int, int] | None  # so many of how many, where a part of a line's quantity is given back
    amount: Money
    tax_bps: int | None
    limited: Sentence | None
    corrects: Named | None
    item: str


@dataclass(frozen=True, slots=True)
class BaseTax:
    """The tax in the currency of the seller's country, at which rate, whose, and of which day."""

    amount: Money
    one: Money
    per: str
    source: str
    on: date


@dataclass(frozen=True, slots=True)
class Sheet:
    """The document. Sums are positive: a credit note of 4.00 says 4.00."""

    public_id: str
    name: str | None
    kind: str
    origin: str
    state: str
    until: str
    mode: str
    issued_on: date | None
    on: date
    currency: str
    seller: dict[str, Any]
    buyer: dict[str, Any]
    lines: tuple[SheetLine, ...]
    net: Money
    taxes: tuple[TaxLine, ...]
    tax: Money
    gross: Money
    base_tax: BaseTax | None
    corrects: tuple[Named, ...]
    standing: Standing

    @property
    def is_credit(self) -> bool:
        return self.kind == "credit_note"


def sheet_of(row: BillingDocument, standing: Standing | None = None) -> Sheet:
    """As the document stands now, or as it stood when its paper was asked for."""
    document = decode(Document, row.body)
    turn = -1 if row.kind == "credit_note" else 1
    corrected = _corrected(row, document)
    lines = tuple(_line(line, place, turn, corrected) for place, line in enumerate(document.lines, 1))
    taxes = tuple(TaxLine(tax.bps, _turned(tax.net, turn), _turned(tax.tax, turn)) for tax in document.taxes)
    seen = {named.name: named for named in corrected.values() if named.name != row.name}
    tax = _turned(document.tax, turn)
    return Sheet(
        row.public_id, row.name, row.kind, row.origin, row.state, document.until, row.mode, row.issued_on, row.on_day, row.currency, row.seller, row.buyer,
        lines, _turned(document.net, turn), taxes, tax, _turned(document.gross, turn), _base_tax(tax, document.rate),
        tuple(sorted(seen.values(), key=lambda named: (named.issued_on, named.name))), standing or standing_of(row),
    )  # fmt: skip


def _turned(amount: Money, turn: int) -> Money:
    return amount if turn > 0 else -amount


def _line(line: Line, place: int, turn: int, corrected: dict[int, Named]) -> SheetLine:
    gives_back = line.corrects is not None
    each = line.whole if gives_back else Money(line.whole.minor // line.quantity, line.whole.currency)
    part = (line.quantity, line.of_quantity) if gives_back and line.quantity != line.of_quantity else None
    return SheetLine(
        place, title_of(line), line.quantity, line.start, line.end - DAY, line.days, line.of_days, gives_back, each, part,
        _turned(line.amount, turn), line.tax_bps, LIMITED.get(line.limited), corrected.get(line.corrects or 0), line.item,
    )  # fmt: skip


def title_of(line: Line) -> Sentence:
    """What is charged or given back."""
    if line.item == BRANCH:
        return said("Additional branches")
    if line.item == HIBERNATION:
        return said("Fee while hibernating")
    return said("%(plan)s plan", plan=line.name or title_from(line.code))


def _corrected(row: BillingDocument, document: Document) -> dict[int, Named]:
    """The final documents that carry the lines which are corrected here, by the number of the line."""
    wanted = {line.corrects for line in document.lines if line.corrects is not None}
    if not wanted:
        return {}
    mine = select(BillingDocument).where(BillingDocument.vendor_id == row.vendor_id, BillingDocument.mode == row.mode)
    mine = mine.where(BillingDocument.subscription_id == row.subscription_id, BillingDocument.state == "final")
    carries = [BillingDocument.body["lines"].contains([{"number": number}]) for number in sorted(wanted)]
    found: dict[int, Named] = {}
    for other in db.session.scalars(mine.where(or_(*carries)).order_by(BillingDocument.ordinal)):
        if other.name is not None and other.issued_on is not None:
            named = Named(other.name, other.issued_on)
            found |= {number: named for number in wanted & _numbers(other.body["lines"])}
    return found


def _numbers(lines: Iterable[dict[str, Any]]) -> set[int]:
    return {line["number"] for line in lines}


def _base_tax(tax: Money, rate: Rate | None) -> BaseTax | None:
    """Tax on a foreign invoice is said in the seller's own currency too."""
    if rate is None or rate.base == tax.currency or not tax:
        return None
    return BaseTax(in_base(tax, rate, rate.base), Money.of("1", rate.base), decimal_of(rate.value), rate.source, rate.on)


def decimal_of(value: Fraction, digits: int = 6) -> str:
    """A rate as it is written: no more decimals than it has, six at most."""
    scaled = Money(value.numerator * 10**digits, "JPY").part(Fraction(1, value.denominator)).minor
    whole, rest = divmod(scaled, 10**digits)
    return f"{whole}.{str(rest).rjust(digits, '0')}".rstrip("0").rstrip(".")
