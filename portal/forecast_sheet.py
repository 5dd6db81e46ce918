"""A forecast as a file: each line of each document with its arithmetic, the tax, and what the card is asked for, in the order of the days."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date, timedelta

from flask_babel import gettext as _

from core.billing.forecast import Forecast
from core.billing.lines import Document, Line
from core.kernel.money import Money
from core.kernel.sheet import head_row, row_of
from core.web.filters import percent
from portal.billing_words import document_words, line_words

COLUMNS = ("day", "what", "document", "text", "quantity", "since", "until", "days", "of_days", "whole", "amount", "currency")
Cells = list[str]


def sheet_of(forecast: Forecast, titles: Mapping[str, str]) -> Generator[bytes, None, None]:
    """The file in pieces; words in the reader's language, figures as programs read them."""
    yield head_row([(name, None) for name in COLUMNS], titles)
    names = {document.number: document_words(document) for document in forecast.documents}
    rows: list[tuple[date, int, Cells]] = []
    for document in forecast.documents:
        rows += [(document.on, 0, cells) for cells in _document(document, names[document.number])]
    for charge in forecast.charges:
        about = ", ".join(names[number] for number in charge.documents if number in names)
        rows.append((charge.on, 1, _cells(charge.on, _("Charge to the card"), about, "", charge.amount)))
    for _on, _kind, cells in sorted(rows, key=lambda row: row[:2]):
        yield row_of(cells)


def _document(document: Document, name: str) -> list[Cells]:
    rows = [_line(document, name, line) for line in document.lines]
    return rows + [
        _cells(
            document.on,
            _("Tax"),
            name,
            _("reverse charge on %(net)s", net=tax.net.decimal_text)
            if tax.bps < 0
            else _("%(rate)s on %(net)s", rate=percent(tax.bps), net=tax.net.decimal_text),
            tax.tax,
        )
        for tax in document.taxes
    ]


def _line(document: Document, name: str, line: Line) -> Cells:
    return [
        document.on.isoformat(), _("Line"), name, line_words(line), str(line.quantity), line.start.isoformat(),
        (line.end - timedelta(days=1)).isoformat(), str(line.days), str(line.of_days), line.whole.decimal_text, line.amount.decimal_text,
        line.amount.currency,
    ]  # fmt: skip


def _cells(on: date, what: str, about: str, text: str, amount: Money) -> Cells:
    return [on.isoformat(), what, about, text, "", "", "", "", "", "", amount.decimal_text, amount.currency]
