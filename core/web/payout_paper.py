"""The statement of a payout as a sheet to print: what was carried over, every line, what was paid out and what was carried on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from core.accounts.models import Vendor
from core.accounts.receipts import ReceiptWish
from core.kernel.money import Money
from core.web.mail import stationery_for
from core.web.reader import Reader


class Paid(Protocol):
    """What the paper says of the payout."""

    public_id: str
    mode: str
    state: str
    currency: str
    seq: int
    failure_reason: str
    trace: str
    created_at: datetime
    arrived_at: datetime | None


class Account(Protocol):
    """What it says of the account it went to."""

    holder: str

    @property
    def ends_in(self) -> str: ...

    @property
    def through(self) -> str: ...


class Reason(Protocol):
    """Why it did not arrive, when it did not."""

    what: str
    code: str


class Sums(Protocol):
    """opening + lines = paid + carried."""

    opening: Money
    lines: Money
    paid: Money
    carried: Money


def payout_html(
    vendor: Vendor,
    payout: Paid,
    sums: Sums,
    lines: Sequence[Any] | None,
    account: Account,
    *,
    why_not: Reason,
    extra: ReceiptWish | None = None,
    locale: str = "en",
) -> str:
    """The whole sheet in the vendor's time zone. `lines` is None where there are more than a paper holds.

    The same payout in the same state gives the same text, whenever and wherever it is written.
    """
    reader = Reader(locale, vendor.time_zone)
    return (
        stationery_for(reader)
        .get_template("papers/payout.html")
        .render(
            vendor=vendor,
            country=reader.country(vendor.country),
            payout=payout,
            sums=sums,
            lines=lines,
            account=account,
            why_not=why_not,
            practice=payout.mode == "test",
            zone=vendor.time_zone.replace("_", " "),
            extra=extra or ReceiptWish(),
        )
    )
