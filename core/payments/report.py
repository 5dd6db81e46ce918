"""What a report of some days says: payments, refunds, fees and what is left, exact and from the books; and the very rows it was added up from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.ids import first_id_at
from core.kernel.money import Money
from core.kernel.sheet import decimal, instant, words, write_sheet
from core.ledger.marks import OWN
from core.ledger.models import Entry, Journal
from core.ledger.statement import FEES
from core.notifications.scheduled_models import Report
from core.payments.export_narrow import narrow_from_plain
from core.payments.lists import narrowed
from core.payments.models import Payment

PAID = ("capture",)
GIVEN_BACK = ("refund requested",)
CAME_BACK = ("refund failed", "refund returned")  # a refund that did not arrive is the seller's money again
_OWN = func.coalesce(func.sum(Entry.amount_minor).filter(Entry.code.in_(OWN)), 0)
_FEE = func.coalesce(func.sum(Entry.amount_minor).filter(Entry.code.in_(FEES)), 0)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one currency, each with the sign the seller feels: payments + refunds + what came back of them + fees + other = net."""

    payments: int
    paid: Money
    refunds: int
    refunded: Money
    came_back: Money  # of refunds that did not arrive, earlier ones too
    fees: Money
    other: Money  # disputes, transfers that were taken back, what the seller bears of the processor's charge
    net: Money


def figures_of(vendor: Vendor, report: Report) -> list[Figures]:
    """The vendor's own currency first. Nothing was booked: none."""
    lines = _lines(vendor, report).add_columns(Journal.kind, Entry.currency, _OWN.label("own"), _FEE.label("fee")).subquery()
    summed = select(lines.c.currency, lines.c.kind, func.count(), func.sum(lines.c.own), func.sum(lines.c.fee))
    found: dict[str, dict[str, tuple[int, int, int]]] = {}
    for code, kind, count, own, fee in db.session.execute(summed.group_by(lines.c.currency, lines.c.kind)):
        found.setdefault(code, {})[kind] = int(count), -int(own) - int(fee), int(fee)
    return [_figures(code, found[code]) for code in sorted(found, key=lambda code: (code != vendor.currency, code))]


def _figures(code: str, kinds: dict[str, tuple[int, int, int]]) -> Figures:
    def of(names: tuple[str, ...]) -> tuple[int, Money]:
        return sum(kinds[name][0] for name in names if name in kinds), Money(sum(kinds[name][1] for name in names if name in kinds), code)

    payments, paid = of(PAID)
    refunds, refunded = of(GIVEN_BACK)
    came_back = of(CAME_BACK)[1]
    other = of(tuple(name for name in kinds if name not in (*PAID, *GIVEN_BACK, *CAME_BACK)))[1]
    fees = Money(sum(fee for _, _, fee in kinds.values()), code)
    return Figures(payments, paid, refunds, refunded, came_back, fees, other, paid + refunded + came_back + fees + other)


def _lines(vendor: Vendor, report: Report) -> Select[Any]:
    """The journals of these days that are about a payment of this filter and changed what the seller has. They belong to the days by when
    they were booked, as on a statement."""
    of = (Journal.vendor_id == Entry.vendor_id) & (Journal.mode == Entry.mode) & (Journal.id == Entry.journal_id)
    about = (Payment.vendor_id == Journal.vendor_id) & (Payment.mode == Journal.mode) & (Payment.public_id == Journal.about)
    mine = select(Journal.id).join(Entry, of).join(Payment, about)
    mine = mine.where(Entry.vendor_id == vendor.id, Entry.mode == report.mode, Entry.code.in_((*OWN, *FEES)))
    mine = mine.where(Entry.journal_id >= first_id_at(report.since), Entry.journal_id < first_id_at(report.until))
    mine = narrowed(mine, vendor, report.mode, narrow_from_plain(vendor, report.mode, report.narrow))
    grouped = mine.group_by(Journal.vendor_id, Journal.mode, Journal.id, Payment.vendor_id, Payment.mode, Payment.id, Entry.currency)
    return grouped.having(_OWN != 0)


def report_sheet(vendor: Vendor, report: Report, *, titles: Mapping[str, str] | None = None) -> Iterator[bytes]:
    """Those very lines as CSV, the oldest first."""
    columns = (
        ("at", instant(Journal.effective_at)),
        ("what", words(Journal.kind)),
        ("payment", Payment.public_id),
        ("reference", Payment.reference),
        ("description", words(Payment.description)),
        ("email", words(Payment.email)),
        ("currency", Entry.currency),
        ("amount", decimal(-_OWN - _FEE, Entry.currency)),
        ("fee", decimal(_FEE, Entry.currency)),
        ("net", decimal(-_OWN, Entry.currency)),
        ("booked_as", words(Journal.event_key)),
    )
    return write_sheet(columns, _lines(vendor, report).order_by(Journal.id), titles=titles)
