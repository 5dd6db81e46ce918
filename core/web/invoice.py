"""An invoice or a credit note as one HTML page: what a browser shows and what the press prints are the same text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from babel.dates import format_interval

from core.kernel.money import Money
from core.kernel.sentence import said
from core.web.mail import stationery_for
from core.web.reader import Reader, written_for

# What an event of a subscription is called on what it is invoiced by.
ORIGINS = {
    "start": said("Start of the subscription"),
    "renewal": said("Renewal"),
    "upgrade": said("Change to a greater plan"),
    "limit": said("Greater plan, as the limit was passed"),
    "downgrade": said("Change to a smaller plan"),
    "branches": said("Change of branches"),
    "hibernate": said("Hibernation"),
    "resume": said("Return from hibernation"),
    "reactivate": said("Return after a suspension"),
    "pending": said("Small amounts that had gathered"),
    "suspension": said("Unused days after a suspension"),
    "cancellation": said("End of the subscription"),
    "void": said("An invoice that was wrong, taken back whole"),
    "reissue": said("An invoice issued anew with other details"),
}
WHOLE = ("void", "reissue")  # a credit note that takes the invoice back, used days too
SOURCES = {"ecb": said("European Central Bank"), "history": said("European Central Bank"), "sandbox": said("practice rates")}
CITY_FIRST = frozenset({"AU", "CA", "GB", "IE", "IN", "NZ", "US"})  # where the postcode follows the town


class Shown(Protocol):
    """What the page is written from: core/subscriptions/sheet.py has it."""

    name: str | None
    kind: str
    origin: str
    state: str
    until: str
    mode: str
    currency: str
    seller: dict[str, Any]
    buyer: dict[str, Any]
    lines: Sequence[Any]
    base_tax: Any
    standing: Any

    @property
    def is_credit(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One line as the reader reads it."""

    number: int
    title: str
    quantity: int
    period: str
    how: str
    notes: tuple[str, ...]
    amount: Money


def invoice_html(
    sheet: Shown, *, written_at: datetime, locale: str = "en", pdf_address: str = "", xml_address: str = "", back: tuple[str, str] | None = None, anew_address: str = "",
    languages: Iterable[tuple[str, str, str]] = (), carries_xml: bool = False,
) -> str:  # fmt: skip
    """The whole page in the reader's language. On screen it has a row of doors (`back` is where from, and what it is called; `anew_address` is where it can be issued anew);
    on paper it says whether the e-invoice is inside (`carries_xml`).

    The same sheet and moment give the same text, whenever and wherever it is written.
    """
    reader = Reader(locale)
    return (
        stationery_for(reader)
        .get_template("papers/invoice.html")
        .render(
            sheet=sheet,
            settled=sheet.standing.settled,
            rows=[_row(line, reader, whole=sheet.is_credit and sheet.origin in WHOLE) for line in sheet.lines],
            seller=party_lines(sheet.seller, reader),
            buyer=party_lines(sheet.buyer, reader),
            origin=origin_of(sheet.origin, reader),
            outcome=outcome(sheet, reader),
            rate_source=written_for(reader, SOURCES.get(sheet.base_tax.source, "")) or sheet.base_tax.source if sheet.base_tax else "",
            card=_card(sheet.standing.paid_with, reader),
            untaxed=any(line.tax_bps is None for line in sheet.lines),
            reversed_tax=any(line.tax_bps is not None and line.tax_bps < 0 for line in sheet.lines),
            written_at=written_at,
            pdf_address=pdf_address,
            xml_address=xml_address,
            back=back,
            anew_address=anew_address,
            languages=list(languages),
            carries_xml=carries_xml,
        )
    )


def origin_of(origin: str, reader: Reader) -> str:
    """What it is for, in a few words."""
    return written_for(reader, ORIGINS[origin])


def party_lines(party: dict[str, Any], reader: Reader) -> list[str]:
    """The name, and below it the address as a letter has it, and the numbers."""
    country, postcode, city = party.get("country") or "", party.get("postcode") or "", party.get("city") or ""
    town = " ".join(part for part in ((city, postcode) if country in CITY_FIRST else (postcode, city)) if part)
    numbers = []
    if party.get("registration"):
        numbers.append(reader.plain("Company number %(number)s", number=party["registration"]))
    if party.get("vat_id"):
        numbers.append(reader.plain("VAT number %(number)s", number=party["vat_id"]))
    return [line for line in (party["name"], party.get("street"), town, reader.country(country) if country else "", *numbers) if line]


def _row(line: Any, reader: Reader, *, whole: bool = False) -> Row:
    notes = []
    if line.gives_back and not whole:
        notes.append(reader.plain("Unused days, given back"))
    if line.corrects:
        notes.append(reader.plain("Corrects %(number)s of %(day)s", number=line.corrects.name, day=line.corrects.issued_on))
    if line.limited:
        notes.append(written_for(reader, line.limited))
    period = format_interval(line.first, line.last, "yMMMd", locale=reader.babel)
    return Row(line.number, written_for(reader, line.title), line.quantity, period, how(line, reader), tuple(notes), line.amount)


def how(line: Any, reader: Reader) -> str:
    """How the amount came about: £1.00 × 20/30 days. It is rounded once, at the end."""
    parts = [reader.money(line.each)]
    if line.share:
        parts.append(_fraction(*line.share))
    elif not line.gives_back and line.quantity > 1:
        parts.insert(0, reader.number(line.quantity))
    if line.days == line.of_days and not line.gives_back:
        return reader.plain("%(price)s for the whole period", price=" × ".join(parts))
    return " × ".join([*parts, reader.plain("%(days)s days", days=_fraction(line.days, line.of_days))])


def _fraction(above: int, below: int) -> str:
    return f"{above}/{below}"


def _card(card: Any, reader: Reader) -> str:
    return reader.card_ending(card.brand, card.last4) if card else ""


def outcome(sheet: Shown, reader: Reader) -> list[str]:
    """What became of the sum and what comes next, in whole sentences: on the page, on the paper and in the letter."""
    settled = sheet.standing.settled
    if sheet.state == "draft":
        return [
            reader.plain("This is a draft. It becomes an invoice, with a number, once it is paid.")
            if sheet.until == "paid"
            else reader.plain("This is a draft. It becomes final, with a number, within the hour.")
        ]
    return list(_credited(settled, reader) if sheet.is_credit else _invoiced(sheet.standing, reader))


def _credited(settled: Any, reader: Reader) -> Iterable[str]:
    if settled.lowered:
        yield reader.plain("%(amount)s was taken off what was still owed.", amount=settled.lowered)
    if settled.to_balance:
        yield reader.plain("%(amount)s was added to your balance. It is used before your card is charged.", amount=settled.to_balance)


def _invoiced(standing: Any, reader: Reader) -> Iterable[str]:
    settled, paid, coming = standing.settled, _card(standing.paid_with, reader), _card(standing.charged_to, reader)
    if settled.from_balance:
        yield reader.plain("%(amount)s was paid from your balance.", amount=settled.from_balance)
    if settled.paid:
        with_card = paid or reader.plain("your card")
        yield reader.plain("%(amount)s was paid with %(card)s on %(day)s.", amount=settled.paid, card=with_card, day=settled.paid_on)
    if settled.credited:
        yield reader.plain("%(amount)s was taken off by a credit note.", amount=settled.credited)
    if settled.written:
        yield reader.plain("%(amount)s is not asked for any more.", amount=settled.written)
    if settled.standing == "carried":
        yield reader.plain(
            "%(amount)s is still open. It is too little to be charged by itself and goes with your next invoice.", amount=settled.due
        )
    elif settled.due:
        yield _still_due(settled.due, standing.charged_on, coming or reader.plain("your card"), reader)


def _still_due(due: Money, on: date | None, card: str, reader: Reader) -> str:
    if on is None:
        return reader.plain("%(amount)s is still to be paid.", amount=due)
    return reader.plain("%(amount)s will be charged to %(card)s on %(day)s.", amount=due, card=card, day=on)
