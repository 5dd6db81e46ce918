"""A month's statement as a sheet to print: what was there, what changed it, what was there then, and every line with the balance after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from core.accounts.models import Vendor
from core.accounts.receipts import ReceiptWish
from core.kernel.money import Money
from core.web.mail import stationery_for
from core.web.reader import Reader

MOST_LINES = 400  # thirteen pages; nobody reads more on paper, and the file has them all


class Line(Protocol):
    """What the paper says of one journal."""

    kind: str
    about: str
    effective_at: datetime
    gross: Money
    fee: Money

    @property
    def net(self) -> Money: ...


class Month(Protocol):
    """What the paper says of the month."""

    currency: str
    until: datetime
    opening: Money
    closing: Money
    totals: Sequence[Any]

    @property
    def moved(self) -> Money: ...


def statement_html(
    vendor: Vendor,
    statement: Month,
    lines: Iterable[Line] | None,
    *,
    first: date,
    mode: str,
    references: Mapping[str, str],
    extra: ReceiptWish | None = None,
    locale: str = "en",
) -> str:
    """The whole sheet in the vendor's time zone. `lines` is None where there are more than a paper holds; `references` names payments.

    The same month gives the same text, whenever and wherever it is written.
    """
    reader = Reader(locale, vendor.time_zone)
    return (
        stationery_for(reader)
        .get_template("papers/statement.html")
        .render(
            vendor=vendor,
            country=reader.country(vendor.country),
            statement=statement,
            month=reader.part_of_date(first, "yMMMM"),
            rows=None if lines is None else _with_balances(lines, statement.opening),
            count=sum(total.count for total in statement.totals),
            references=references,
            practice=mode == "test",
            zone=vendor.time_zone.replace("_", " "),
            extra=extra or ReceiptWish(),
        )
    )


def _with_balances(lines: Iterable[Line], opening: Money) -> list[tuple[Line, Money]]:
    """Each line, and what was there after it."""
    found, balance = [], opening
    for line in lines:
        balance = balance + line.net
        found.append((line, balance))
    return found
