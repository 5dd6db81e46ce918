"""What a vendor decides about a payment link, which of it contradicts itself, and the columns it is kept in."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from core.kernel.clock import now
from core.kernel.currency import OFFERED, exponent
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.offer import Offer
from core.payments.offer_check import check_offer

LANGUAGE = re.compile(r"[a-z]{2,3}")
LIFE = timedelta(days=5 * 365)  # no signed address outlives this, whatever its row says
LARGEST = {0: 100_000_000, 2: 100_000_000, 3: 1_000_000_000}  # one payment's limit: a million of a currency with decimals


class BadTerms(Refusal):
    """The link's terms contradict themselves."""

    code = "bad_terms"


@dataclass(frozen=True)
class LinkTerms:
    """What a vendor decides about a link. Amounts in minor units of `currency`; no amount means the payer chooses.

    A link of kind `request` has a total instead, which is paid in parts of at least `minimum_minor`.
    """

    title: str
    currency: str
    kind: str = "reusable"
    description: str = ""
    amount_minor: int | None = None
    minimum_minor: int | None = None
    maximum_minor: int | None = None
    step_minor: int | None = None  # what the payer chooses is so much, or twice, or three times so much
    suggestions_minor: list[int] = field(default_factory=list)
    expires_at: datetime | None = None
    hours_after_opening: int | None = None
    max_payments: int | None = None
    paused_message: str = ""
    methods: tuple[str, ...] = ()  # the ways to pay it allows; none named: all the vendor offers
    total_minor: int | None = None
    due_on: date | None = None
    offer: Offer = field(default_factory=Offer)  # what it sells and asks, beyond one sum
    style: str = ""  # a named style, by public id; else its own colours, else the vendor's
    accent: str = ""
    accent_dark: str = ""
    locale: str = ""  # the language of its pages and letters; empty: whatever the reader's browser asks for


def check_terms(terms: LinkTerms) -> None:
    """Refuse terms that contradict themselves, naming the field."""
    if not terms.title.strip():
        raise BadTerms("Give the link a title: the payer sees it.", field="title")
    if terms.currency not in OFFERED:
        raise BadTerms("Choose a currency from the list.", field="currency")
    if terms.kind not in ("single", "reusable", "request"):
        raise BadTerms("Choose whether the link works once or many times.", field="kind")
    if terms.kind == "request" and terms.offer.sells:
        raise BadTerms("What is paid in parts is one sum: it sells no list, and takes no tips, tax or codes.", field="kind")
    if (terms.kind == "request") != (terms.total_minor is not None):
        raise BadTerms("A request to be paid in parts needs the amount of the whole.", field="amount")
    _check_amounts(terms)
    if terms.due_on and terms.due_on > (now() + LIFE).date():
        raise BadTerms("Choose a day within five years.", field="due_on")
    if terms.expires_at and terms.expires_at <= now():
        raise BadTerms("This time has passed. Choose a later one.", field="expires_at")
    if terms.expires_at and terms.expires_at > now() + LIFE:
        raise BadTerms("A link can live for five years at most.", field="expires_at")
    if terms.hours_after_opening is not None and not 1 <= terms.hours_after_opening <= 8760:
        raise BadTerms("Between 1 and 8760 hours.", field="hours_after_opening")
    if terms.max_payments is not None and not 1 <= terms.max_payments <= 10_000:
        raise BadTerms("Between 1 and 10,000 payments; leave it empty for no limit.", field="max_payments")
    if terms.locale and not LANGUAGE.fullmatch(terms.locale):
        raise BadTerms("Choose a language from the list.", field="locale")


def check_terms_offer(vendor_id: uuid.UUID, mode: str, terms: LinkTerms, kept: Offer) -> None:
    """Refuse what it sells and asks where that contradicts itself, or the amount; `kept` is what the link offered so far."""
    if terms.offer.items and terms.amount_minor is not None:
        raise BadTerms("A link has either one amount or a list of things.", field="amount_kind")
    check_offer(
        vendor_id, mode, terms.offer,
        currency=terms.currency, open_amount=terms.amount_minor is None, largest=limits(terms.currency)[1], kept=kept,
    )  # fmt: skip


def _check_amounts(terms: LinkTerms) -> None:
    smallest, largest = limits(terms.currency)
    low, high = terms.minimum_minor, terms.maximum_minor
    if terms.total_minor is not None:
        if terms.amount_minor is not None:
            raise BadTerms("What is paid in parts has a total, and no amount beside it.", field="amount")
        _check_between(terms.total_minor, smallest, largest, terms.currency, "amount")
        if low is not None:
            _check_between(low, smallest, terms.total_minor, terms.currency, "part_minimum")
        return
    if terms.amount_minor is not None:
        _check_between(terms.amount_minor, smallest, largest, terms.currency, "amount")
        return
    for name, value in (("minimum", low), ("maximum", high)):
        if value is not None:
            _check_between(value, smallest, largest, terms.currency, name)
    if low is not None and high is not None and low > high:
        raise BadTerms("The maximum cannot be below the minimum.", field="maximum")
    if len(terms.suggestions_minor) > 4:
        raise BadTerms("Four suggestions at most.", field="suggestions")
    _check_step(terms)
    for value in terms.suggestions_minor:
        if not max(smallest, low or 0) <= value <= min(largest, high or largest) or value % (terms.step_minor or 1):
            raise BadTerms("Every suggestion must be an amount the payer may choose.", field="suggestions")


def _check_step(terms: LinkTerms) -> None:
    """A step must lead from the smallest amount to the largest, and to something in between."""
    step = terms.step_minor
    if step is None:
        return
    largest = min(limits(terms.currency)[1], terms.maximum_minor or limits(terms.currency)[1])
    if not 1 <= step <= largest:
        raise BadTerms(
            said("Between %(least)s and %(most)s.", least=Money(1, terms.currency), most=Money(largest, terms.currency)), field="step"
        )
    for name, value in (("minimum", terms.minimum_minor), ("maximum", terms.maximum_minor)):
        if value is not None and value % step:
            raise BadTerms(said("With steps of %(step)s this must be a multiple of it.", step=Money(step, terms.currency)), field=name)


def _check_between(value: int, smallest: int, largest: int, currency: str, name: str) -> None:
    if not smallest <= value <= largest:
        raise BadTerms(said("Between %(least)s and %(most)s.", least=Money(smallest, currency), most=Money(largest, currency)), field=name)


def limits(currency: str) -> tuple[int, int]:
    """The smallest and largest payment in minor units: 30 pence or so (below it fees eat the payment), and a million."""
    return {0: 50, 2: 30, 3: 100}[exponent(currency)], LARGEST[exponent(currency)]


def columns_of(terms: LinkTerms) -> dict[str, object]:
    """By name, with nothing in those that its kind does not use."""
    fixed = terms.amount_minor is not None or bool(terms.offer.items)
    whole = terms.total_minor is not None
    return {
        "title": terms.title.strip(),
        "description": terms.description.strip(),
        "kind": terms.kind,
        "currency": terms.currency,
        "amount_minor": terms.amount_minor,
        "minimum_minor": None if fixed else terms.minimum_minor,
        "maximum_minor": None if fixed or whole else terms.maximum_minor,
        "step_minor": None if fixed or whole else terms.step_minor,
        "suggestions_minor": [] if fixed or whole else list(terms.suggestions_minor),
        "expires_at": terms.expires_at,
        "hours_after_opening": terms.hours_after_opening,
        "max_payments": terms.max_payments if terms.kind == "reusable" else None,
        "paused_message": terms.paused_message,
        "methods": list(terms.methods),
        "total_minor": terms.total_minor,
        "due_on": terms.due_on if whole else None,
        "offer": terms.offer.document(),
        "locale": terms.locale,
    }
