"""Which column of a table is what: guessed, chosen by a person, kept for the next file of that source; and each row in the report's own words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.kernel.currency import exponent, is_currency
from core.kernel.errors import Refusal
from core.kernel.sentence import said
from core.providers.settlement import SettlementLine
from core.reconciliation.report import TOTAL, Report, ReportRefused, Typed, Wrong, check_totals, line_of
from core.reconciliation.sheets import Cell, TableRefused, first_rows, head_of, rows_of

# What a column may be, and what others call it; written without signs between the letters.
CALLED: dict[str, tuple[str, ...]] = {
    "number": ("balancetransactionid", "transactionid", "id", "txnid", "number", "pspreference", "buchungsnummer", "transaktionsnummer"),
    "created": ("createdutc", "created", "date", "transactiondate", "bookingdate", "datetime", "creationdate", "datum", "buchungsdatum"),
    "available": ("availableonutc", "availableon", "valuedate", "settlementdate", "wertstellung", "valuta"),
    "currency": ("currency", "currencycode", "settlementcurrency", "wahrung", "waehrung"),
    "gross": ("gross", "grossamount", "amount", "grosscredit", "brutto", "betrag", "bruttobetrag"),
    "fee": ("fee", "fees", "feeamount", "commission", "processingfee", "gebuhr", "gebuehr"),
    "net": ("net", "netamount", "netcredit", "netto", "nettobetrag"),
    "category": ("reportingcategory", "category", "type", "transactiontype", "art"),
    "source": ("sourceid", "chargeid", "paymentid", "source", "zahlung"),
    "payout": ("automaticpayoutid", "payoutid", "payout", "batchid", "batchnumber", "auszahlung"),
    "reference": ("paymentmetadatareference", "reference", "merchantreference", "orderid", "referenz"),
    "vendor": ("paymentmetadatavendor", "vendor", "submerchant", "seller"),
    "description": ("description", "text", "details", "beschreibung", "verwendungszweck"),
}
FIELDS, NEEDED = tuple(CALLED), ("number", "created")
SIGNS, DAYS = (".", ","), ("iso", "dmy", "mdy")
_TIME = r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?(?: ?(?:Z|UTC|\+00:00))?"
_MOMENTS = {
    "iso": re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})" + _TIME),
    "dmy": re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})" + _TIME),
    "mdy": re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})" + _TIME),
}
_AMOUNTS = {
    ".": re.compile(r"([-+]?)([0-9]{1,13}|[0-9]{1,3}(?:[, '’][0-9]{3}){1,4})(?:\.([0-9]+))?"),
    ",": re.compile(r"([-+]?)([0-9]{1,13}|[0-9]{1,3}(?:[. '’][0-9]{3}){1,4})(?:,([0-9]+))?"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """How one source's tables are read. `columns`: what -> the column's name; `decimal`: the sign before the decimals; `days`: in which order
    a day is written; `currency`: of every line, where no column says it."""

    columns: Mapping[str, str] = field(default_factory=dict)
    decimal: str = "."
    days: str = "iso"
    currency: str = ""

    def plain(self) -> dict[str, Any]:
        """As it is stored."""
        return {"columns": dict(self.columns), "decimal": self.decimal, "days": self.days, "currency": self.currency}


def read_layout(kept: Mapping[str, Any]) -> Layout:
    """The same again."""
    return Layout(kept["columns"], kept["decimal"], kept["days"], kept["currency"])


def mark_of(names: Sequence[str]) -> str:
    """The same columns in the same order are the same kind of table."""
    return hashlib.sha256("\x1f".join(names).encode()).hexdigest()


def guess(raw: bytes) -> Layout:
    """What the columns probably are, by their names; decimals and days by what stands in the first rows."""
    names, rows = head_of(raw), [cells for _, cells in first_rows(raw, 20)]
    plain = {re.sub(r"[^a-zäöüß]", "", name.lower()).translate(str.maketrans("äöü", "aou")): name for name in names if name}
    columns: dict[str, str] = {}
    for what, called in CALLED.items():
        found = next((plain[word] for word in called if word in plain and plain[word] not in columns.values()), None)
        if found is not None:
            columns[what] = found

    def texts(*whats: str) -> list[str]:
        places = [names.index(columns[what]) for what in whats if what in columns]
        return [str(cells[at]) for cells in rows for at in places if at < len(cells) and isinstance(cells[at], str) and cells[at]]

    comma = any(re.search(r",[0-9]{2}$", text) for text in texts("gross", "fee", "net"))
    moments = texts("created", "available")
    days = next((order for order in DAYS if moments and all(_is_moment(text, order) for text in moments)), "iso")
    return Layout(columns, "," if comma else ".", days)


def check_layout(layout: Layout, names: Sequence[str]) -> None:
    """Refuses a layout that cannot work, at its field."""
    for what, name in layout.columns.items():
        if what not in FIELDS or name not in names:
            raise Refusal("Choose one from the list.", field=what)
        if list(layout.columns.values()).count(name) > 1:
            raise Refusal(said("The column %(name)s is chosen twice.", name=name[:60]), field=what)
    for what in NEEDED:
        if what not in layout.columns:
            raise Refusal("Choose the column: no line is taken without it.", field=what)
    if not {"gross", "net"} & set(layout.columns):
        raise Refusal("Choose the column of the sums, before the processor’s fee or after it.", field="gross")
    if "fee" not in layout.columns and {"gross", "net"} <= set(layout.columns):
        raise Refusal("With gross and net the fee is needed too, or leave one of the two out.", field="fee")
    if "currency" not in layout.columns and not is_currency(layout.currency):
        raise Refusal("Choose a currency from the list.", field="currency")
    if layout.decimal not in SIGNS or layout.days not in DAYS:
        raise Refusal("Choose one from the list.", field="days")


def read_table(raw: bytes, layout: Layout, report: Report, *, typed: Typed | None = None) -> Iterator[tuple[int, SettlementLine]]:
    """(line number, line) for every row, as `read_report` gives them: all of it is right, or ReportRefused at the end."""
    report.sha256, report.size = hashlib.sha256(raw).hexdigest(), len(raw)
    last, names = 1, []
    try:
        for last, cells in rows_of(raw):
            if not names:
                names = head_of(raw)
                check_layout(layout, names)
                continue
            try:
                found = line_of(in_our_words(cells, names, layout), report)
            except Wrong as wrong:
                report.note(last, wrong.sentence)
                continue
            if found is not None:
                yield last, found
    except TableRefused as refused:
        report.note(refused.line or last, refused.sentence)
    if not report.problems:
        check_totals(report, typed, last)
    if report.problems:
        raise ReportRefused(report.problems, report.more)


def check_table(raw: bytes, layout: Layout, *, typed: Typed | None = None) -> Report:
    """Read it all and keep nothing but what it comes to and what is wrong with it."""
    report = Report()
    try:
        for _ in read_table(raw, layout, report, typed=typed):
            pass
    except ReportRefused:
        pass
    return report


def in_our_words(cells: Sequence[Cell], names: Sequence[str], layout: Layout) -> list[str]:
    """The row as the report of core/reconciliation/report.py would say it. Raises Wrong where a cell cannot be understood."""
    said_ = {what: cells[at] for what, name in layout.columns.items() if (at := names.index(name)) < len(cells)}

    def text(what: str) -> str:
        return "" if said_.get(what) is None else str(said_[what])

    number = text("number")
    if not number or number == TOTAL:
        raise Wrong(said("The line has no number of the processor’s that can be read."))
    currency = (text("currency") or layout.currency).upper()
    if len(currency) != 3 or not is_currency(currency):
        raise Wrong(said("%(code)s is no currency.", code=currency[:10] or "–"))
    created = _moment(said_.get("created"), layout, "created")
    available = _moment(said_["available"], layout, "available") if said_.get("available") not in (None, "") else created
    gross, fee, net = _sums(said_, layout, currency)
    category = re.sub(r"[ -]+", "_", text("category").lower())
    return [
        text("payout"), "", number, created, available, currency, *(_decimal(minor, currency) for minor in (gross, fee, net)), category,
        text("source"), text("description"), text("vendor"), text("reference"),
    ]  # fmt: skip


def _sums(said_: Mapping[str, Cell], layout: Layout, currency: str) -> tuple[int, int, int]:
    """Gross, fee and net in minor units; the one that no column says is worked out. An empty fee is none."""
    fee = _minor(said_["fee"], layout, currency, "fee") if said_.get("fee") not in (None, "") else 0
    if "gross" in layout.columns:
        gross = _minor(said_.get("gross"), layout, currency, "gross")
        return gross, fee, _minor(said_.get("net"), layout, currency, "net") if "net" in layout.columns else gross - fee
    net = _minor(said_.get("net"), layout, currency, "net")
    return net + fee, fee, net


def _minor(cell: Cell, layout: Layout, currency: str, what: str) -> int:
    """Of a figure in a workbook the decimals are known; in a text they have to be there, all of them: 25 may be 25.00 or 0.25."""
    digits = exponent(currency)
    if isinstance(cell, Decimal):
        scaled = cell.scaleb(digits)
        if scaled == scaled.to_integral_value() and abs(scaled) < 10**15:
            return int(scaled)
    elif isinstance(cell, str):
        found = _AMOUNTS[layout.decimal].fullmatch(cell.replace("\xa0", " ").replace("\u202f", " ").replace("−", "-"))
        if found is not None and len(found[3] or "") == digits:
            minor = int(re.sub(r"[^0-9]", "", found[2]) + (found[3] or ""))
            return -minor if found[1] == "-" else minor
    raise Wrong(
        said(
            "%(column)s says %(text)s: this is no amount in %(currency)s with its decimals.",
            column=layout.columns[what][:60], text=str(cell if cell is not None else "–")[:30] or "–", currency=currency,
        )
    )  # fmt: skip


def _decimal(minor: int, currency: str) -> str:
    digits = exponent(currency)
    text = str(abs(minor)).rjust(digits + 1, "0")
    whole = f"{text[:-digits]}.{text[-digits:]}" if digits else text
    return f"-{whole}" if minor < 0 else whole


def _moment(cell: Cell, layout: Layout, what: str) -> str:
    if isinstance(cell, datetime):
        return cell.replace(microsecond=0, tzinfo=None).isoformat(sep=" ")
    found = _parsed(str(cell), layout.days) if cell is not None else None
    if found is None:
        raise Wrong(
            said(
                "%(column)s says %(text)s: this is no day in the order that was chosen.",
                column=layout.columns[what][:60], text=str(cell if cell is not None else "–")[:30] or "–",
            )
        )  # fmt: skip
    return found.isoformat(sep=" ")


def _is_moment(text: str, order: str) -> bool:
    return _parsed(text, order) is not None


def _parsed(text: str, order: str) -> datetime | None:
    found = _MOMENTS[order].fullmatch(text)
    if found is None:
        return None
    one, two, three, hour, minute, second = (int(part) if part else 0 for part in found.groups())
    year, month, day = {"iso": (one, two, three), "dmy": (three, two, one), "mdy": (three, one, two)}[order]
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).replace(tzinfo=None)
    except ValueError:
        return None
