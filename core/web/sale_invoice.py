"""An invoice or a credit note of one payment as one HTML page: what a browser shows and what the press prints are the same text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from core.invoices.models import SaleDocument
from core.invoices.shares import kept
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.models import Payment
from core.web.invoice import party_lines
from core.web.mail import stationery_for
from core.web.reader import Reader, card_words, written_for

ORIGINS = {
    "sale": said("What was bought"),
    "refund": said("A refund"),
    "refund_undone": said("A refund that did not arrive"),
    "details": said("Made out to somebody else"),
}
# Why money went back, as the buyer reads it.
REASONS = {
    "requested_by_customer": said("As you asked"),
    "duplicate": said("It was paid twice"),
    "fraudulent": said("The payment was not yours"),
    "not_delivered": said("It was not delivered"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line as the reader reads it; its sum has the sign of the document."""

    title: str
    quantity: int
    each: Money | None
    bps: int | None
    amount: Money
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Another document, by the name and the day that stand on it."""

    name: str
    issued_on: Any


class Sheet:
    """The document, and the one it puts right, as the head of the paper reads them."""

    def __init__(self, document: SaleDocument, corrected: SaleDocument | None) -> None:
        self.mode, self.name, self.is_credit, self.origin = document.mode, document.name, document.is_credit, document.origin
        self.seller, self.issued_on, self.on = document.seller, document.issued_on, document.on_day
        self.net, self.tax, self.gross = document.net, document.tax, document.gross
        self.corrects = [Named(corrected.name, corrected.issued_on)] if corrected else []


def sale_invoice_html(
    document: SaleDocument, payment: Payment, corrected: SaleDocument | None, *, locale: str, pdf_address: str = "",
    back: tuple[str, str] | None = None, languages: Iterable[tuple[str, str, str]] = (),
) -> str:  # fmt: skip
    """The whole page in the reader's language. On screen it has a row of doors: `back` is where from, and what that is called.

    The same document gives the same text, whenever and wherever it is written.
    """
    reader, sheet, shares = Reader(locale), Sheet(document, corrected), kept(document.shares, document.currency)
    return (
        stationery_for(reader)
        .get_template("papers/sale_invoice.html")
        .render(
            sheet=sheet,
            rows=[_row(line, document.currency, reader) for line in document.lines],
            shares=shares,
            seller=party_lines(document.seller, reader),
            buyer=party_lines(document.buyer, reader),
            origin=written_for(reader, ORIGINS[document.origin]),
            outcome=_outcome(document, payment, reader),
            paid_with=card_words(payment, reader),
            untaxed=all(share.bps is None for share in shares),
            reference=payment.reference,
            written_at=document.made_at,
            pdf_address=pdf_address,
            back=back,
            languages=list(languages),
        )
    )


def _row(line: dict[str, Any], currency: str, reader: Reader) -> Row:
    notes = []
    if line.get("discount"):
        notes.append(reader.plain("Less %(amount)s discount", amount=Money(line["discount"], currency)))
    if line.get("reason") in REASONS:
        notes.append(written_for(reader, REASONS[line["reason"]]))
    if line.get("unit") and not line.get("inclusive", True):
        notes.append(reader.plain("The price of each is without tax"))
    each = Money(line["unit"], currency) if "unit" in line else None
    return Row(_title(line, reader), line["quantity"], each, line.get("bps"), Money(line["amount"], currency), tuple(notes))


def _title(line: dict[str, Any], reader: Reader) -> str:
    match line["about"]:
        case "tip":
            return reader.plain("Tip")
        case "refund":
            return reader.plain("Money given back")
        case "refund_undone":
            return reader.plain("Money that was to be given back, and was not")
        case "difference":
            return reader.plain("Another sum was paid than was asked for")
        case _:
            return str(line["title"])


def _outcome(document: SaleDocument, payment: Payment, reader: Reader) -> str:
    if document.origin == "details":
        return reader.plain("No money moves: the same sale is invoiced to somebody else.")
    if document.origin == "refund_undone":
        return reader.plain("The refund did not reach you. What was credited for it is invoiced again.")
    if document.is_credit:
        return reader.plain("%(amount)s goes back the way it was paid.", amount=document.gross)
    return reader.plain("%(amount)s was paid on %(day)s. Nothing is left to pay.", amount=document.gross, day=document.on_day)
