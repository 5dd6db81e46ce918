"""The list of payments and what it can be narrowed by, and the list of refunds; all by keyset, however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, select

from core.accounts.models import Vendor
from core.directory.models import Branch
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import first_id_at, is_public_id
from core.kernel.keyset import at_most
from core.payments.models import Payment, PaymentEvent, PaymentLink
from core.payments.queries import MOST_ROWS, Page, get_payment, is_shown_as
from core.payments.refund_models import Refund
from core.payments.search import filed_under, meant
from core.payments.seen import seen
from core.payments.states import CASE_KINDS
from core.payments.transfer_models import TransferCase

EXCEPTIONS = ("partial", "over", "late", "unexpected", "held", "marked")
NO_BRANCH = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """What a list of payments is narrowed by. Every part is an equality or a range on an indexed column.

    `text` is a number, a reference (ours or the payer's own), an address, a name or its beginning, four digits of a card or a sum. `since` and
    `until` bound the time the payment was started; ids are ordered by time, so that is a range of ids. `least` and `most`
    bound what was really taken, in minor units of `currency`.
    """

    text: str | None = None
    status: str | None = None
    method: str | None = None
    currency: str | None = None
    email: str | None = None
    link: PaymentLink | None = None
    since: datetime | None = None
    until: datetime | None = None
    least: int | None = None
    most: int | None = None
    label: str | None = None
    way: str | None = None  # how it was paid, or is being paid
    exception: str | None = None  # what is out of the ordinary: one of EXCEPTIONS
    archived: bool | None = None  # put away: only those, or none of those; both when it is not said
    numbers: tuple[str, ...] | None = None  # exactly these, by public id
    branch: str | None = None  # of one branch, by public id; NO_BRANCH: of none


EVERYTHING = PaymentFilter()


def list_payments(
    vendor: Vendor, mode: str, narrow: PaymentFilter = EVERYTHING, *, after: str | None = None, limit: int = 25
) -> Page[Payment]:
    """The vendor's payments, newest first, by keyset."""
    query = narrowed(select(Payment), vendor, mode, narrow)
    if after:
        query = query.where(Payment.id < get_payment(vendor, mode, after).id)
    limit = min(limit, MOST_ROWS)
    most = at_most(limit + 1) if narrow.email is not None else limit + 1  # an address is always found by its own index
    rows = list(db.session.scalars(query.order_by(Payment.id.desc()).limit(most)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def list_held(vendor: Vendor, mode: str, *, limit: int = 10) -> list[Payment]:
    """The newest payments that were held because they looked like card testing."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.held_until.is_not(None))
    return list(db.session.scalars(mine.order_by(Payment.id.desc()).limit(limit)))


def narrowed(query: Select[Any], vendor: Vendor, mode: str, narrow: PaymentFilter) -> Select[Any]:
    """A question about payments, kept to this vendor, this mode and these filters: the list and its export ask the very same one."""
    query = query.where(Payment.vendor_id == vendor.id, Payment.mode == mode, *seen(Payment))
    for column, wanted in (
        (Payment.card_brand, narrow.method), (Payment.currency, narrow.currency),
        (Payment.email, narrow.email), (Payment.method, narrow.way), (Payment.link_id, narrow.link.id if narrow.link else None),
    ):  # fmt: skip
        if wanted is not None:
            query = query.where(column == wanted)
    if narrow.status:
        query = query.where(is_shown_as(narrow.status))
    query = query.where(*_set_apart(vendor, mode, narrow))
    if narrow.branch:
        query = query.where(at_branch(vendor, mode, narrow.branch))
    if narrow.label:
        query = query.where(filed_under(vendor, mode, narrow.label))
    if narrow.text:
        query = query.where(meant(vendor, mode, narrow.text))
    if narrow.since:
        query = query.where(Payment.id >= first_id_at(narrow.since))
    if narrow.until:
        query = query.where(Payment.id < first_id_at(narrow.until))
    if narrow.least is not None or narrow.most is not None:
        query = query.where(Payment.captured_minor > 0)
    if narrow.least is not None:
        query = query.where(Payment.captured_minor >= narrow.least)
    if narrow.most is not None:
        query = query.where(Payment.captured_minor <= narrow.most)
    return query


def at_branch(vendor: Vendor, mode: str, branch: str) -> ColumnElement[bool]:
    """Payments of one branch by its public id, or of none."""
    if branch == NO_BRANCH:
        return Payment.branch_id.is_(None)
    mine = select(Branch.id).where(Branch.vendor_id == vendor.id, Branch.mode == mode, Branch.public_id == branch)
    return Payment.branch_id == mine.scalar_subquery()


def _set_apart(vendor: Vendor, mode: str, narrow: PaymentFilter) -> list[ColumnElement[bool]]:
    """What is out of the ordinary, what is put away, and what is named one by one."""
    found = [_out_of_the_ordinary(vendor, mode, narrow.exception)] if narrow.exception else []
    if narrow.archived is not None:
        found.append(Payment.archived_at.is_not(None) if narrow.archived else Payment.archived_at.is_(None))
    if narrow.numbers is not None:
        found.append(Payment.public_id.in_(narrow.numbers))
    return found


def _out_of_the_ordinary(vendor: Vendor, mode: str, what: str) -> ColumnElement[bool]:
    """Money that does not simply pay and waits for somebody, a hold, a mark by hand, money that nobody asked for."""
    if what in CASE_KINDS:
        cases = select(TransferCase.payment_id).where(TransferCase.vendor_id == vendor.id, TransferCase.mode == mode)
        return Payment.id.in_(cases.where(TransferCase.kind == what, TransferCase.resolved_at.is_(None)))
    if what == "unexpected":
        events = select(PaymentEvent.payment_id).where(PaymentEvent.vendor_id == vendor.id, PaymentEvent.mode == mode)
        return Payment.id.in_(events.where(PaymentEvent.kind == "payment.unexpected_money"))
    return Payment.held_until.is_not(None) if what == "held" else Payment.marked.is_not(None)


def all_refunds(
    vendor: Vendor, mode: str, *, status: str | None = None, since: datetime | None = None, until: datetime | None = None,
    branch: str | None = None, after: str | None = None, limit: int = 25,
) -> Page[tuple[Refund, Payment]]:  # fmt: skip
    """The vendor's refunds with their payments, newest first, by keyset."""
    mine = (Payment.vendor_id == Refund.vendor_id) & (Payment.mode == Refund.mode) & (Payment.id == Refund.payment_id)
    query = select(Refund, Payment).join(Payment, mine).where(Refund.vendor_id == vendor.id, Refund.mode == mode, *seen(Payment))
    if status:
        query = query.where(Refund.state == status)
    if since:
        query = query.where(Refund.id >= first_id_at(since))
    if until:
        query = query.where(Refund.id < first_id_at(until))
    if branch:
        query = query.where(at_branch(vendor, mode, branch))
    if after:
        query = query.where(Refund.id < get_refund(vendor, mode, after).id)
    rows = [(refund, payment) for refund, payment in db.session.execute(query.order_by(Refund.id.desc()).limit(limit + 1))]
    return Page(rows[:limit], rows[limit - 1][0].public_id if len(rows) > limit else None)


def get_refund(vendor: Vendor, mode: str, public_id: str) -> Refund:
    """This vendor's refund; refuses with 404."""
    if is_public_id("ref", public_id):
        mine = select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.public_id == public_id)
        if here := seen(Payment):
            payments = select(Payment.id).where(Payment.vendor_id == vendor.id, Payment.mode == mode, *here)
            mine = mine.where(Refund.payment_id.in_(payments))
        if refund := db.session.scalar(mine):
            return refund
    raise NotFound("There is no such refund.")
