"""Payments, refunds and customers as CSV: exactly the rows that the list shows under the same filters, all pages of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, case, cast, func, literal, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.accounts.models import Remark, Vendor
from core.customers.models import Customer
from core.directory.models import Branch
from core.kernel.ids import first_id_at
from core.kernel.sheet import decimal, instant, words, write_sheet
from core.payments.lists import PaymentFilter, at_branch, narrowed
from core.payments.models import Payment, PaymentLink
from core.payments.refund_models import Refund
from core.payments.sale_models import DiscountCode, DiscountUse, PaymentDetail, PaymentTax
from core.payments.seen import seen
from core.payments.sharing_models import PaymentLabel

FEE = case((Payment.captured_minor > 0, Payment.fee_minor), else_=0) - Payment.fee_returned_minor + Payment.borne_minor  # all that is kept
DISPUTES = Payment.disputed_minor - Payment.disputed_fee_minor + Payment.dispute_cost_minor
KEPT = Payment.captured_minor - Payment.refunded_minor - Payment.refunding_minor - FEE - DISPUTES
BRANCH = words(Branch.name + literal(", ") + Branch.town)
# Looked up only where a cart stands behind the payment, and only when a row is written, not when rows are counted.
TAXED = (
    select(func.sum(PaymentTax.tax_minor))
    .where(PaymentTax.vendor_id == Payment.vendor_id, PaymentTax.mode == Payment.mode, PaymentTax.payment_id == Payment.id)
    .correlate(Payment)
    .scalar_subquery()
)
TAX = func.coalesce(case((Payment.itemised, TAXED)), 0)
# A line for each question of the seller's own, in the order in which they were asked.
ANSWERS = case(
    (
        PaymentDetail.answers != literal_column("'[]'::jsonb"),
        literal_column(
            "(SELECT string_agg((a.one ->> 'label') || ': ' || CASE WHEN a.one ->> 'kind' <> 'checkbox' THEN a.one ->> 'value'"
            " WHEN a.one ->> 'value' = 'true' THEN 'yes' ELSE 'no' END, chr(10) ORDER BY a.n)"
            " FROM jsonb_array_elements(payment_details.answers) WITH ORDINALITY AS a (one, n))"
        ),
    )
)
PAYMENT_COLUMNS = (
    ("reference", Payment.reference),
    ("number", Payment.public_id),
    ("status", Payment.state),
    ("started_at", instant(Payment.created_at)),
    ("paid_at", instant(Payment.captured_at)),
    ("currency", Payment.currency),
    ("amount", decimal(Payment.amount_minor, Payment.currency)),
    ("paid", decimal(Payment.captured_minor, Payment.currency)),
    ("refunded", decimal(Payment.refunded_minor, Payment.currency)),
    ("fee", decimal(FEE, Payment.currency)),
    ("kept", decimal(KEPT, Payment.currency)),
    ("description", words(Payment.description)),
    ("email", words(Payment.email)),
    ("name", words(Payment.payer_name)),
    ("card_brand", words(Payment.card_brand)),
    ("card_last4", Payment.card_last4),
    ("available_at", instant(Payment.available_at)),
    ("charge", words(Payment.charge)),
    ("marked", Payment.marked),
    ("link", PaymentLink.public_id),
    ("branch", BRANCH),
    ("payer_reference", words(Payment.payer_reference)),
    ("ref", words(Payment.attribution["ref"].astext)),
    ("utm_source", words(Payment.attribution["utm_source"].astext)),
    ("utm_campaign", words(Payment.attribution["utm_campaign"].astext)),
    ("labels", words(literal_column("labelled.words"))),
    ("notes", words(literal_column("noted.words"))),
    (
        "own_columns",
        func.nullif(cast(Payment.key_values, String), "{}"),
    ),  # the vendor's own, as JSON: it begins with a brace, never with a formula
    ("method", words(func.coalesce(Payment.method_kind, Payment.method))),
    ("tip", decimal(Payment.tip_minor, Payment.currency)),
    ("tax", decimal(TAX, Payment.currency)),
    ("discount_code", words(DiscountCode.code)),
    ("company", words(PaymentDetail.company)),
    ("tax_id", words(PaymentDetail.tax_id)),
    ("answers", words(ANSWERS)),
)


Titles = Mapping[str, str] | None  # what the reader calls the columns; none: their short names


def payment_rows(vendor: Vendor, mode: str, narrow: PaymentFilter) -> Select[Any]:
    """The payments under these filters, in no order yet."""
    whose = (PaymentLink.vendor_id == Payment.vendor_id) & (PaymentLink.mode == Payment.mode) & (PaymentLink.id == Payment.link_id)
    labels, notes = _labels(vendor, mode), _notes(vendor, mode)
    there = (Branch.vendor_id == Payment.vendor_id) & (Branch.mode == Payment.mode) & (Branch.id == Payment.branch_id)
    rows = select(Payment.id).outerjoin(PaymentLink, whose).outerjoin(Branch, there)
    for kept in (PaymentDetail, DiscountUse):  # one row of each at most, by its key
        rows = rows.outerjoin(kept, (kept.vendor_id == Payment.vendor_id) & (kept.mode == Payment.mode) & (kept.payment_id == Payment.id))
    used = (DiscountCode.vendor_id == DiscountUse.vendor_id) & (DiscountCode.mode == DiscountUse.mode)
    rows = rows.outerjoin(DiscountCode, used & (DiscountCode.id == DiscountUse.discount_id))
    rows = rows.outerjoin(labels, labels.c.payment_id == Payment.id).outerjoin(notes, notes.c.about == Payment.public_id)
    return narrowed(rows, vendor, mode, narrow)


def _labels(vendor: Vendor, mode: str) -> Any:
    """What payments are filed under, gathered once for all rows: most payments have none."""
    joined = func.string_agg(PaymentLabel.label, aggregate_order_by(literal_column("', '"), PaymentLabel.label)).label("words")
    mine = select(PaymentLabel.payment_id, joined).where(PaymentLabel.vendor_id == vendor.id, PaymentLabel.mode == mode)
    return mine.group_by(PaymentLabel.payment_id).subquery("labelled")


def _notes(vendor: Vendor, mode: str) -> Any:
    """What the team wrote down, the oldest first."""
    joined = func.string_agg(Remark.text, aggregate_order_by(literal_column("chr(10)"), Remark.id)).label("words")
    mine = select(Remark.about, joined).where(Remark.vendor_id == vendor.id, Remark.mode == mode, Remark.removed_at.is_(None))
    return mine.group_by(Remark.about).subquery("noted")


def payments_sheet(vendor: Vendor, mode: str, narrow: PaymentFilter, *, titles: Titles = None) -> Iterator[bytes]:
    """The payments under these filters, newest first."""
    return write_sheet(PAYMENT_COLUMNS, payment_rows(vendor, mode, narrow).order_by(Payment.id.desc()), titles=titles)


REFUND_COLUMNS = (
    ("refund", Refund.public_id),
    ("payment", Payment.public_id),
    ("reference", Payment.reference),
    ("status", Refund.state),
    ("asked_for_at", instant(Refund.created_at)),
    ("settled_at", instant(Refund.settled_at)),
    ("currency", Refund.currency),
    ("amount", decimal(Refund.amount_minor, Refund.currency)),
    ("fee_returned", decimal(Refund.fee_returned_minor, Refund.currency)),
    ("reason", words(Refund.reason)),
    ("note", words(Refund.note)),
    ("failure", words(Refund.failure_reason)),
    ("email", words(Payment.email)),
    ("branch", BRANCH),
)


def refund_rows(
    vendor: Vendor,
    mode: str,
    *,
    status: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    branch: str | None = None,
) -> Select[Any]:
    """The refunds under these filters, in no order yet."""
    mine = (Payment.vendor_id == Refund.vendor_id) & (Payment.mode == Refund.mode) & (Payment.id == Refund.payment_id)
    there = (Branch.vendor_id == Payment.vendor_id) & (Branch.mode == Payment.mode) & (Branch.id == Payment.branch_id)
    rows = select(Refund.id).join(Payment, mine).outerjoin(Branch, there).where(Refund.vendor_id == vendor.id, Refund.mode == mode)
    rows = rows.where(*seen(Payment))
    if status:
        rows = rows.where(Refund.state == status)
    if since:
        rows = rows.where(Refund.id >= first_id_at(since))
    if until:
        rows = rows.where(Refund.id < first_id_at(until))
    if branch:
        rows = rows.where(at_branch(vendor, mode, branch))
    return rows


def refunds_sheet(vendor: Vendor, mode: str, *, titles: Titles = None, **narrow: Any) -> Iterator[bytes]:
    """The refunds under these filters (status, since, until, branch), newest first."""
    return write_sheet(REFUND_COLUMNS, refund_rows(vendor, mode, **narrow).order_by(Refund.id.desc()), titles=titles)


CUSTOMER_COLUMNS = (
    ("customer", Customer.public_id),
    ("email", words(Customer.email)),
    ("name", words(Customer.name)),
    ("first_seen_at", instant(Customer.first_seen_at)),
    ("last_seen_at", instant(Customer.last_seen_at)),
    ("blocked", case((Customer.blocked_at.is_not(None), "yes"), else_="no")),
)


def customer_rows(vendor: Vendor, mode: str) -> Select[Any]:
    """Every customer, in no order yet. Those whose data was erased have no address and no name any more."""
    return select(Customer.id).where(Customer.vendor_id == vendor.id, Customer.mode == mode)


def customers_sheet(vendor: Vendor, mode: str, *, titles: Titles = None) -> Iterator[bytes]:
    """Every customer, the last seen first."""
    rows = customer_rows(vendor, mode).order_by(Customer.last_seen_at.desc(), Customer.id.desc())
    return write_sheet(CUSTOMER_COLUMNS, rows, titles=titles)
