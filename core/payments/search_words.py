"""What somebody typed into the one field to find anything, read generously: in parts, each with what it can mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.kernel.alike import likeness
from core.kernel.currency import OFFERED, exponent, is_currency
from core.kernel.money import BadAmount, Money, parse_amount
from core.payments.states import PAYMENT

SPOKEN = frozenset("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})
SYMBOLS = {"£": "GBP", "€": "EUR", "$": "USD", "¥": "JPY", "₹": "INR", "₩": "KRW"}
# How people say it, and the state of the payment.
STATUS_WORDS = {
    "paid": "succeeded", "failed": "requires_method", "declined": "requires_method", "cancelled": "canceled", "waiting": "requires_action",
    "checking": "unknown", "bezahlt": "succeeded", "fehlgeschlagen": "requires_method", "abgelehnt": "requires_method",
    "storniert": "canceled", "abgebrochen": "canceled", "abgelaufen": "expired", "refunded": "refunded", "erstattet": "refunded",
    "partly refunded": "partly_refunded", "disputed": "disputed",
}  # fmt: skip
# What stands before a colon, in the spellings people use, and what is looked through. Any other word is one of the vendor's own columns.
KEYS = {
    "status": "status", "state": "status", "email": "email", "e-mail": "email", "mail": "email", "customer": "email", "payer": "email", "kunde": "email",
    "name": "name", "last4": "last4", "card": "last4", "karte": "last4", "amount": "amount", "sum": "amount", "betrag": "amount",
    "ref": "reference", "reference": "reference", "referenz": "reference", "id": "id", "number": "id", "nummer": "id",
    "label": "label", "note": "note", "notiz": "note", "meta": "meta", "metadata": "meta",
}  # fmt: skip
TERM = re.compile(r"(?:^|\s)([A-Za-z][A-Za-z0-9_.-]{0,39}):(?!//)")  # status:failed, and no web address
MOST_TERMS = 5
ALIKE = 60  # hundredths: a slip or two in the name of a state
# One run of signs, not runs of runs: text that almost fits is let go of at once, however long it is.
MASK = re.compile(r"[•*x.… -]*(?:ending in )?([0-9]{4})", re.I)


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
    any_column: str | None = None  # the value of any of them
    theirs: str | None = None  # what the link asked the payer for: an invoice number, a member's
    note: str | None = None  # what the team has written down
    name: str | None = None  # an address, a name, or the beginning of either


def terms_of(text: str) -> list[str]:
    """What was typed, in parts that all have to be true: `status:failed ada@example.com` is two of them."""
    text = " ".join(text.split())[:254]
    noted = text[:4].lower() in ("note", "noti")  # what the team wrote may hold any word and a colon
    starts = [found.start(1) for found in TERM.finditer(text) if found[1].lower() in KEYS or not noted][:MOST_TERMS]
    if not starts:
        return [text] if text else []
    parts = [text[: starts[0]], *(text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True))]
    return [part for piece in parts if (part := piece.strip()) and part[-1] != ":"]


def read_words(text: str, currency: str) -> Reading:
    """Read one term: by its key (see KEYS; a vendor's own column is a key as well) or by what it looks like."""
    text = " ".join(text.split())[:254]
    if (keyed := TERM.match(text)) and keyed.start(1) == 0:
        return _by_key(keyed[1], text[keyed.end() :].strip(), currency)
    if re.fullmatch(r"(pay|lnk|cus|ref|msg)_[0-9A-Za-z]+", text):
        return Reading(public_id=text)
    if "@" in text:
        return Reading(name=text.lower())
    if reference := _reference(text):
        return Reading(reference=reference)
    last4 = masked[1] if (masked := MASK.fullmatch(text)) else None
    amount, named = _sum(text, currency)
    said = STATUS_WORDS.get(text.lower())
    return Reading(last4=last4, sum=amount, sum_has_currency=named, status=said, name=None if last4 or amount else text.lower() or None)


def _by_key(written: str, value: str, currency: str) -> Reading:
    key = KEYS.get(written.lower())
    if key == "status":
        return Reading(status=_status(value))
    if key == "last4":
        return Reading(last4=masked[1] if (masked := MASK.fullmatch(value)) else None)
    if key == "amount":
        amount, named = _sum(value, currency)
        return Reading(sum=amount, sum_has_currency=named)
    if key == "reference":
        return Reading(reference=_reference(value) or value.upper()[:20], theirs=value)
    if key == "label":
        return Reading(label=value or None)
    if key == "note":
        return Reading(note=value or None)
    if key == "id":
        return Reading(public_id=value)
    if key == "meta":
        written, sign, wanted = value.partition("=")
        return Reading(own_column=(written.strip(), wanted.strip())) if sign and written.strip() else Reading(any_column=value or None)
    if key is None:
        return Reading(own_column=(written, value))
    return Reading(name=value.lower() or None)


def _status(value: str) -> str | None:
    """The state that somebody means, a slip of the finger or two forgiven."""
    wanted = value.lower().replace(" ", "_")
    known = {**{state: state for state in PAYMENT}, **STATUS_WORDS}
    near = max(known, key=lambda word: likeness(wanted, word))
    return known[near] if likeness(wanted, near) >= ALIKE else None


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
