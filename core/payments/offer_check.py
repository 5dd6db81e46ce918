"""Refuses an offer that contradicts itself, naming the field: the same rules whoever makes the link."""

from __future__ import annotations

import re
import uuid

from core.accounts.return_addresses import check_return_address
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.offer import ASKED, MOST_EACH, MOST_ITEMS, MOST_QUESTIONS, QUESTION_KINDS, Item, Offer, Question, Tips
from core.payments.tax import list_rate_ids

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_OPTIONS, MOST_TIPS, HIGHEST_TIP = 20, 4, 10_000


class BadOffer(Refusal):
    """What the link sells or asks contradicts itself."""

    code = "bad_offer"


def check_offer(vendor_id: uuid.UUID, mode: str, offer: Offer, *, currency: str, open_amount: bool, largest: int, kept: Offer) -> None:
    """Refuse BadOffer at the field. `kept` is what the link says now: a rate put away since may stay on it."""
    if len(offer.items) > MOST_ITEMS:
        raise BadOffer(said("%(most)s lines at most.", most=MOST_ITEMS), field="items")
    for n, item in enumerate(offer.items):
        _check_item(n, item, currency, largest)
    if offer.items and not any(item.most for item in offer.items):
        raise BadOffer("At least one line must be something the payer can take.", field="item_0_most")
    if open_amount and not offer.items and offer.discounts:
        raise BadOffer("Where the payer chooses the amount, a discount has nothing to reduce.", field="discounts")
    if offer.tips:
        _check_tips(offer, offer.tips)
    _check_rates(vendor_id, mode, offer, kept)
    if len(offer.questions) > MOST_QUESTIONS:
        raise BadOffer(said("%(most)s questions at most.", most=MOST_QUESTIONS), field="questions")
    slugs: set[str] = set()
    for n, question in enumerate(offer.questions):
        _check_question(n, question, slugs)
        slugs.add(question.slug)
    _check_asking(offer)
    for name in ("success_url", "cancel_url"):
        if url := getattr(offer, name):
            check_return_address(vendor_id, mode, url, field=name)


def _check_item(n: int, item: Item, currency: str, largest: int) -> None:
    if not item.title.strip() or len(item.title) > 120:
        raise BadOffer("Say what it is, in 120 characters at most.", field=f"item_{n}_title")
    if not 1 <= item.unit_minor <= largest:
        raise BadOffer(
            said("Between %(least)s and %(most)s.", least=Money(1, currency), most=Money(largest, currency)), field=f"item_{n}_price"
        )
    if not 0 <= item.least <= MOST_EACH:
        raise BadOffer(said("From 0 to %(most)s.", most=MOST_EACH), field=f"item_{n}_least")
    if not max(item.least, 1) <= item.most <= MOST_EACH:
        raise BadOffer(said("Not below the smallest number, and %(most)s at most.", most=MOST_EACH), field=f"item_{n}_most")


def _check_tips(offer: Offer, tips: Tips) -> None:
    if not 1 <= len(tips.presets) <= MOST_TIPS or len(set(tips.presets)) != len(tips.presets):
        raise BadOffer(said("One to %(most)s different percentages.", most=MOST_TIPS), field="tip_presets")
    if any(not 1 <= preset <= HIGHEST_TIP for preset in tips.presets):
        raise BadOffer("Each above 0 and up to 100 %.", field="tip_presets")
    if tips.usual is not None and tips.usual not in tips.presets:
        raise BadOffer("One of the percentages above, or leave it empty.", field="tip_usual")
    if tips.taxed and not offer.rate:
        raise BadOffer("Choose the link's tax rate: tips are taxed at it.", field="rate")


def _check_rates(vendor_id: uuid.UUID, mode: str, offer: Offer, kept: Offer) -> None:
    wanted = {"rate": offer.rate} | {f"item_{n}_rate": item.rate for n, item in enumerate(offer.items)}
    if not any(wanted.values()):
        return
    known = list_rate_ids(vendor_id, mode) | {kept.rate, *(item.rate for item in kept.items)}
    for name, rate in wanted.items():
        if rate and rate not in known:
            raise BadOffer("Choose a tax rate from the list.", field=name)


def _check_question(n: int, question: Question, taken: set[str]) -> None:
    if not question.label.strip() or len(question.label) > 120:
        raise BadOffer("Write the question, in 120 characters at most.", field=f"question_{n}_label")
    if question.kind not in QUESTION_KINDS:
        raise BadOffer("Choose a kind from the list.", field=f"question_{n}_kind")
    if not _SLUG.fullmatch(question.slug) or question.slug in taken:
        raise BadOffer("Two questions are called the same. Word one of them differently.", field=f"question_{n}_label")
    options = question.options
    if question.kind == "select" and not (2 <= len(options) <= MOST_OPTIONS and len(set(options)) == len(options)):
        raise BadOffer(said("Two to %(most)s different answers, with commas between.", most=MOST_OPTIONS), field=f"question_{n}_options")
    if any(not option.strip() or len(option) > 80 for option in options):
        raise BadOffer("Each answer in 80 characters at most.", field=f"question_{n}_options")


def _check_asking(offer: Offer) -> None:
    for name in ("email", "phone", "billing", "shipping"):
        if getattr(offer, name) not in ASKED:
            raise BadOffer("Choose one of these.", field=name)
    if offer.discounts and offer.email == "off":
        raise BadOffer("A discount code may count its uses by e-mail address: ask for the address, or take no codes.", field="email")
    if offer.terms:
        if not offer.terms.label.strip() or len(offer.terms.label) > 200:
            raise BadOffer("Write what stands beside the box, in 200 characters at most.", field="terms_label")
        if not offer.terms.text.strip() or len(offer.terms.text) > 20_000:
            raise BadOffer("Write the terms themselves, in 20,000 characters at most.", field="terms_text")


def slug_of(label: str, taken: set[str]) -> str:
    """A name for a new question's answers, made from its words: `Table number` is table_number."""
    words = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30]
    base = words if words[:1].isalpha() else f"question_{words}".rstrip("_")
    slug, n = base, 2
    while slug in taken:
        slug, n = f"{base}_{n}", n + 1
    return slug
