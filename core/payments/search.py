"""One field to find anything: what somebody typed (core/payments/search_words.py) is looked up reading by reading, each on an index of its own."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy import text as literal_text

from core.accounts.models import Remark, Vendor
from core.customers.models import Customer
from core.customers.queries import get_customer, search_customers
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.payments.models import Payment, PaymentLink
from core.payments.queries import is_shown_as
from core.payments.search_words import TERM, Reading, read_words, terms_of
from core.payments.seen import seen
from core.payments.sharing_models import PaymentLabel

COLUMNS_READ = 20  # of the vendor's own, looked through for a word nobody said the column of
NOTES_READ = 500  # payments whose notes hold the words, the newest
NAMESAKES = 50  # how many customers a name may stand for before the list says to write more of it
FEW = 8  # of each kind on the page of what was found
LINKS_READ = 2000  # titles are looked through among so many of the newest links


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, a few of each kind."""

    payments: list[Payment]
    customers: list[Customer]
    links: list[PaymentLink]


def search(vendor: Vendor, mode: str, text: str) -> Found:
    """Payments, customers and links of this vendor that the text may mean, the newest first, FEW of each."""
    words = read_words(text, vendor.currency)
    customers = search_customers(vendor, mode, words.name, limit=FEW) if words.name else []
    if words.public_id and words.public_id.startswith("cus_"):
        try:
            customers = [get_customer(vendor, mode, words.public_id)]
        except NotFound:
            customers = []
    return Found(_payments(vendor, mode, text), customers, _links(vendor, mode, words, text))


def by_their_reference(text: str) -> ColumnElement[bool]:
    """Payments under which the payer wrote this (an invoice number, a member's), whichever way it is capitalised."""
    words = " ".join(text.split())[:60]
    # The partial index of these references is used only where the empty ones are plainly left out.
    return (Payment.payer_reference != "") & Payment.payer_reference.in_({words, words.upper(), words.lower()})


def by_own_column(name: str, value: str) -> ColumnElement[bool]:
    """Payments with this among the vendor's own key-values. The partial index is used only where the empty ones are plainly left out."""
    return and_(literal_text("payments.key_values <> '{}'::jsonb"), Payment.key_values.contains({name: value}))


def meant(vendor: Vendor, mode: str, text: str) -> ColumnElement[bool]:
    """The payments that the typed text means: all of its terms are true of them."""
    terms = terms_of(text)
    return and_(*(_term(vendor, mode, term) for term in terms)) if terms else false()


def _term(vendor: Vendor, mode: str, text: str) -> ColumnElement[bool]:
    """Each reading is one condition on one index. Only those of which there is any payment are joined: then several indexes seldom meet."""
    words = read_words(text, vendor.currency)
    readings = _readings(vendor, mode, words)
    if not (TERM.match(text) or words.public_id):
        readings += [by_their_reference(text), *_by_any_column(vendor, mode, text)]
    mine = select(Payment.id).where(Payment.vendor_id == vendor.id, Payment.mode == mode)
    if len(readings) > 1:
        readings = [condition for condition in readings if db.session.scalar(mine.where(condition).limit(1)) is not None]
    return or_(*readings) if readings else false()


def _readings(vendor: Vendor, mode: str, words: Reading) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for value, column in (
        (words.public_id, Payment.public_id), (words.reference, Payment.reference), (words.last4, Payment.card_last4),
    ):  # fmt: skip
        if value:
            found.append(column == value)
    if words.status:
        found.append(is_shown_as(words.status))
    if words.sum is not None:
        same_money = Payment.captured_minor == words.sum.minor
        found.append(same_money & (Payment.currency == words.sum.currency) if words.sum_has_currency else same_money)
    if words.own_column:
        found.append(by_own_column(*words.own_column))
    if words.any_column:
        found += _by_any_column(vendor, mode, words.any_column)
    if words.theirs:
        found.append(by_their_reference(words.theirs))
    if words.label:
        found.append(filed_under(vendor, mode, words.label))
    if words.note:
        found.append(_noted(vendor, mode, words.note))
    if words.name:
        emails = [customer.email for customer in search_customers(vendor, mode, words.name, limit=NAMESAKES)]
        found.append(Payment.email.in_(emails) if emails else Payment.email == words.name)
    return found


def _by_any_column(vendor: Vendor, mode: str, value: str) -> list[ColumnElement[bool]]:
    """Payments with this value in one of the vendor's own columns, as its links name them, whichever way it is capitalised."""
    links = select(func.jsonb_object_keys(PaymentLink.key_values).label("name")).where(
        PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, PaymentLink.key_values != {}
    )
    names = list(db.session.scalars(links.distinct().limit(COLUMNS_READ)))
    words = " ".join(value.split())
    spellings = dict.fromkeys((words, words.lower(), words.upper(), words.capitalize()))
    if not names:
        return []
    kept = [Payment.key_values.contains({name: spelling}) for name in names for spelling in spellings]
    return [and_(literal_text("payments.key_values <> '{}'::jsonb"), or_(*kept))]


def filed_under(vendor: Vendor, mode: str, label: str) -> ColumnElement[bool]:
    filed = select(PaymentLabel.payment_id).where(
        PaymentLabel.vendor_id == vendor.id,
        PaymentLabel.mode == mode,
        PaymentLabel.label.in_({label, label.lower(), label.upper(), label.capitalize()}),
    )
    return Payment.id.in_(filed)


def _noted(vendor: Vendor, mode: str, words: str) -> ColumnElement[bool]:
    """Payments about which the team has written this down. A vendor's notes are few enough to be read through."""
    mine = select(Remark.about).where(
        Remark.vendor_id == vendor.id, Remark.mode == mode, Remark.removed_at.is_(None), Remark.text.icontains(words, autoescape=True)
    )
    return Payment.public_id.in_(mine.order_by(Remark.id.desc()).limit(NOTES_READ))


def _payments(vendor: Vendor, mode: str, text: str) -> list[Payment]:
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, meant(vendor, mode, text), *seen(Payment))
    return list(db.session.scalars(mine.order_by(Payment.id.desc()).limit(FEW)))


def _links(vendor: Vendor, mode: str, words: Reading, text: str) -> list[PaymentLink]:
    mine = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, *seen(PaymentLink))
    if words.public_id:
        return list(db.session.scalars(mine.where(PaymentLink.public_id == words.public_id)))
    wanted = " ".join(text.split()).casefold()
    if not wanted:
        return []
    newest = db.session.execute(
        select(PaymentLink.id, PaymentLink.title)
        .where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, *seen(PaymentLink))
        .order_by(PaymentLink.id.desc())
        .limit(LINKS_READ)
    )
    fitting = [row.id for row in islice((row for row in newest if wanted in row.title.casefold()), FEW)]
    return list(db.session.scalars(mine.where(PaymentLink.id.in_(fitting)).order_by(PaymentLink.id.desc()))) if fitting else []
