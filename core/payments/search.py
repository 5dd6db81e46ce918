"""One field to find anything: what somebody typed is read generously, and each reading is looked up on an index of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, and_, select, text

from core.accounts.models import Vendor
from core.customers.models import Customer
from core.customers.queries import get_customer, search_customers
from core.kernel.currency import OFFERED, exponent, is_currency
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.money import BadAmount, Money, parse_amount
from core.payments.models import Payment, PaymentLink
from core.payments.states import PAYMENT

SPOKEN = frozenset("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY", "₹": "INR", "₩": "KRW"}
# How people say it, and the state of the payment.
STATUS_WORDS = {
    "paid": "succeeded", "failed": "requires_method", "declined": "requires_method", "cancelled": "canceled", "waiting": "requires_action",
    "checking": "unknown",
}  # fmt: skip
KEYS = re.compile(r"\s*(status|state|email|name|last4|card|amount|sum|ref|reference|id|label|note|meta)\s*:\s*(.*)", re.I | re.S)
FEW = 8  # of each kind on the page of what was found
LINKS_READ = 2000  # titles are looked through among so many of the newest links


@dataclass(frozen=True, slots=True)
class Reading:
    """What the typed text can mean; more than one may be set."""

    public_id: str | None = None
    reference: str | None = None
    status: str | None = None
    last4: str | None = None
    sum: Money | None = None
    sum_has_currency: bool = False
    label: str | None = None
    own_column: tuple[str, str] | None = None  # one of the vendor's own key-values
    note: str | None = None  # what the team has written down
    name: str | None = None  # an address, a name, or the beginning of either


def read_words(text: str, currency: str) -> Reading:
    """Read what was typed, by its key (`email:`, `status:`, `last4:`, `amount:`, `ref:`, `name:`, `id:`, `label:`, `note:`, `meta:key=value`) or by what it looks like."""
    text = " ".join(text.split())[:254]
    if keyed := KEYS.fullmatch(text):
        return _by_key(keyed[1].lower(), keyed[2].strip(), currency)
    if re.fullmatch(r"(pay|lnk|cus|ref|msg)_[0-9A-Za-z]+", text):
        return Reading(public_id=text)
    if "@" in text:
        return Reading(name=text.lower())
    if reference := _reference(text):
        return Reading(reference=reference)
    last4 = text if re.fullmatch(r"[0-9]{4}", text) else None
    amount, named = _sum(text, currency)
    return Reading(last4=last4, sum=amount, sum_has_currency=named, name=None if last4 or amount else text.lower() or None)


def _by_key(key: str, value: str, currency: str) -> Reading:
    if key in ("status", "state"):
        wanted = value.lower().replace(" ", "_")
        wanted = STATUS_WORDS.get(wanted, wanted)
        return Reading(status=wanted if wanted in PAYMENT else None)
    if key in ("last4", "card"):
        return Reading(last4=value if re.fullmatch(r"[0-9]{4}", value) else None)
    if key in ("amount", "sum"):
        amount, named = _sum(value, currency)
        return Reading(sum=amount, sum_has_currency=named)
    if key in ("ref", "reference"):
        return Reading(reference=_reference(value) or value.upper()[:20])
    if key == "label":
        return Reading(label=value or None)
    if key == "meta":
        name, sign, wanted = value.partition("=")
        return Reading(own_column=(name.strip(), wanted.strip()) if sign and name.strip() else None)
    if key == "note":
        return Reading(note=value or None)
    if key == "id":
        return Reading(public_id=value)
    return Reading(name=value.lower() or None)


def _reference(text: str) -> str | None:
    """A payment's reference as somebody read it out: without its dash, in lower case, with an O for a nought."""
    signs = re.sub(r"[\s\-‐-―]", "", text.upper()).translate(MISREAD)
    return f"{signs[:5]}-{signs[5:]}" if len(signs) == 10 and set(signs) <= SPOKEN else None


def _sum(text: str, currency: str) -> tuple[Money | None, bool]:
    """A sum as people write one: £12.50, 12,50 EUR, 1,234.50. And whether it named its currency."""
    code, named, rest = currency, False, text.strip()
    for symbol, meant in SYMBOLS.items():
        if symbol in rest:
            code, named, rest = meant, True, rest.replace(symbol, "")
    if word := re.search(r"\b([A-Za-z]{3})\b", rest):
        if word[1].upper() not in OFFERED:
            return None, False
        code, named, rest = word[1].upper(), True, rest.replace(word[1], "")
    rest = rest.replace(" ", "").replace("'", "")
    digits = exponent(code) if is_currency(code) else 2
    if digits and re.fullmatch(r"[0-9]+,[0-9]{1,2}", rest):
        rest = rest.replace(",", ".")
    elif re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", rest):
        rest = rest.replace(",", "")
    try:
        return (parse_amount(rest, code), named) if rest else (None, False)
    except BadAmount:
        return None, False


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
    return Found(_payments(vendor, mode, words, customers, text), customers, _links(vendor, mode, words, text))


def by_their_reference(text: str) -> ColumnElement[bool]:
    """Payments under which the payer wrote this (an invoice number, a member's), whichever way it is capitalised."""
    words = " ".join(text.split())[:60]
    # The partial index of these references is used only where the empty ones are plainly left out.
    return (Payment.payer_reference != "") & Payment.payer_reference.in_({words, words.upper(), words.lower()})


def by_own_column(name: str, value: str) -> ColumnElement[bool]:
    """Payments with this among the vendor's own key-values. The partial index is used only where the empty ones are plainly left out."""
    return and_(text("payments.key_values <> '{}'::jsonb"), Payment.key_values.contains({name: value}))


def _payments(vendor: Vendor, mode: str, words: Reading, customers: list[Customer], text: str) -> list[Payment]:
    conditions = [by_their_reference(text)]
    if words.public_id:
        conditions.append(Payment.public_id == words.public_id)
    if words.reference:
        conditions.append(Payment.reference == words.reference)
    if words.status:
        conditions.append(Payment.state == words.status)
    if words.last4:
        conditions.append(Payment.card_last4 == words.last4)
    if words.sum is not None:
        same_money = Payment.captured_minor == words.sum.minor
        conditions.append(same_money & (Payment.currency == words.sum.currency) if words.sum_has_currency else same_money)
    if words.own_column:
        conditions.append(by_own_column(*words.own_column))
    if customers:
        conditions.append(Payment.email.in_([customer.email for customer in customers]))
    found: dict[object, Payment] = {}
    for condition in conditions:
        mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, condition)
        for payment in db.session.scalars(mine.order_by(Payment.id.desc()).limit(FEW)):
            found.setdefault(payment.id, payment)
    return sorted(found.values(), key=lambda payment: payment.id, reverse=True)[:FEW]


def _links(vendor: Vendor, mode: str, words: Reading, text: str) -> list[PaymentLink]:
    mine = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode)
    if words.public_id:
        return list(db.session.scalars(mine.where(PaymentLink.public_id == words.public_id)))
    wanted = " ".join(text.split()).casefold()
    if not wanted:
        return []
    newest = db.session.execute(
        select(PaymentLink.id, PaymentLink.title)
        .where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode)
        .order_by(PaymentLink.id.desc())
        .limit(LINKS_READ)
    )
    fitting = [row.id for row in islice((row for row in newest if wanted in row.title.casefold()), FEW)]
    return list(db.session.scalars(mine.where(PaymentLink.id.in_(fitting)).order_by(PaymentLink.id.desc()))) if fitting else []
