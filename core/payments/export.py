"""Payments, refunds and customers as CSV: exactly the rows that the list shows under the same filters, all pages of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import String, case, cast, func, select

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.kernel.sheet import decimal, instant, words, write_sheet
from core.payments.lists import PaymentFilter, first_id_at, narrowed
from core.payments.models import Payment, PaymentLink, Refund

FEE = case((Payment.captured_minor > 0, Payment.fee_minor), else_=0) - Payment.fee_returned_minor
KEPT = Payment.captured_minor - Payment.refunded_minor - Payment.refunding_minor - FEE
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
    ("link", PaymentLink.public_id),
    ("payer_reference", words(Payment.payer_reference)),
    ("ref", words(Payment.attribution["ref"].astext)),
    ("utm_source", words(Payment.attribution["utm_source"].astext)),
    ("utm_campaign", words(Payment.attribution["utm_campaign"].astext)),
    (
        "own_columns",
        func.nullif(cast(Payment.key_values, String), "{}"),
    ),  # the vendor's own, as JSON: it begins with a brace, never with a formula
)


def payments_sheet(vendor: Vendor, mode: str, narrow: PaymentFilter) -> Iterator[bytes]:
    """The payments under these filters, newest first."""
    whose = (PaymentLink.vendor_id == Payment.vendor_id) & (PaymentLink.mode == Payment.mode) & (PaymentLink.id == Payment.link_id)
    rows = narrowed(select(Payment.id).outerjoin(PaymentLink, whose), vendor, mode, narrow)
    return write_sheet(PAYMENT_COLUMNS, rows.order_by(Payment.id.desc()))


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
)


def refunds_sheet(
    vendor: Vendor, mode: str, *, status: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> Iterator[bytes]:
    """The refunds under these filters, newest first."""
    mine = (Payment.vendor_id == Refund.vendor_id) & (Payment.mode == Refund.mode) & (Payment.id == Refund.payment_id)
    rows = select(Refund.id).join(Payment, mine).where(Refund.vendor_id == vendor.id, Refund.mode == mode)
    if status:
        rows = rows.where(Refund.state == status)
    if since:
        rows = rows.where(Refund.id >= first_id_at(since))
    if until:
        rows = rows.where(Refund.id < first_id_at(until))
    return write_sheet(REFUND_COLUMNS, rows.order_by(Refund.id.desc()))


CUSTOMER_COLUMNS = (
    ("customer", Customer.public_id),
    ("email", words(Customer.email)),
    ("name", words(Customer.name)),
    ("first_seen_at", instant(Customer.first_seen_at)),
    ("last_seen_at", instant(Customer.last_seen_at)),
    ("blocked", case((Customer.blocked_at.is_not(None), "yes"), else_="no")),
)


def customers_sheet(vendor: Vendor, mode: str) -> Iterator[bytes]:
    """Every customer, the last seen first. Those whose data was erased have no address and no name any more."""
    rows = select(Customer.id).where(Customer.vendor_id == vendor.id, Customer.mode == mode)
    return write_sheet(CUSTOMER_COLUMNS, rows.order_by(Customer.last_seen_at.desc(), Customer.id.desc()))
