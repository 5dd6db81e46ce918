"""The card page and the page that says paid: of many payments they say the same, but for a few words of each one's own.

What they say stands in two lists of words, from which alone they are written; what is one payment's own is handed over beside them.
So a page that was written for one payer serves the next one (core/web/stencil.py), and has nothing of the first in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from flask import Response, url_for

from checkout.declines import explain
from checkout.ways import Choice, choice_of
from core.kernel.money import Money
from core.methods.eligible import Way
from core.providers.practice import can_come_late, can_practise
from core.web.face import Face
from core.web.languages import reader
from core.web.page import page


class CardWords(NamedTuple):
    """All that a card page says but for what is its payment's own. `face` is that of its vendor, without any payment's reference."""

    template: str
    face: Face
    title: str
    amount: Money
    ways: tuple[Way, ...]
    chosen: str
    by_bank: bool
    framable: bool
    in_fields: bool
    asks_country: bool
    country: str
    decline_code: str | None
    method: str | None
    has_history: bool


class PaidWords(NamedTuple):
    """The same of a page that says paid."""

    face: Face
    title: str
    amount: Money
    refunded: Money
    excess: Money
    going_back: tuple[Money, ...]
    by_bank: bool
    writes: bool  # a letter goes to the payer


def write_card(words: CardWords, own: dict[str, str]) -> Response:
    """The card page of a payment that nobody has tried yet, or whose last try is over. `own`: token, reference and seconds_left."""
    choices = [choice_of(way) for way in words.ways]
    return page(
        f"checkout/{words.template}.html",
        **_summary(words, own, has_history=words.has_history),
        **card_values(words, own["token"], choices),
        notice=None,
        ends_at={"seconds_left": own["seconds_left"], "soon": False},
    )


def write_paid(words: PaidWords, own: dict[str, str]) -> Response:
    """The page of a payment that is paid, without a way back to the vendor's own site.

    `own`: token, reference, email, receipt (the token of its address), paid_at and paid_with.
    """
    return page("checkout/paid.html", **_summary(words, own, has_history=True), **paid_values(words, own), shop_url=None)


def _summary(words: CardWords | PaidWords, own: dict[str, str], *, has_history: bool) -> dict[str, object]:
    """What stands beside it, and under it."""
    return {
        "face": replace(words.face, reference=own["reference"]),
        "title": words.title,
        "description": "",
        "amount_due": words.amount,
        "cart": None,
        "by_bank": words.by_bank,
        "history_url": url_for("checkout.history", token=own["token"]) if has_history else None,
        "several_url": None,
    }


def card_values(words: CardWords, token: str, choices: list[Choice]) -> dict[str, object]:
    """What a card page needs to know beyond what every page of a payment does; `choices` are its ways, and what is under way."""
    addresses = {
        "country_url": "country",
        "attempts_url": "try_card",
        "back_url": "come_back",
        "cancel_url": "cancel",
        "expire_url": "expire_now",
    }
    return {
        "decline": explain(words.decline_code, words.method) if words.template == "failed" else None,
        "decline_code": words.decline_code,
        "ways": choices,
        "chosen": next(choice for choice in choices if choice.method == words.chosen),
        "in_fields": words.in_fields and words.chosen == "card",
        "may_open_fields": words.framable and any(choice.method == "card" and choice.in_fields for choice in choices),
        "country": words.country,
        "countries": reader().countries if words.asks_country else (),
        **{name: url_for(f"checkout.{endpoint}", token=token) for name, endpoint in addresses.items()},
        **_practice(words, token),
    }


def _practice(words: CardWords, token: str) -> dict[str, object]:
    """In test mode: where scenarios are tried, when a card can be, and whether a message can be ordered to come late."""
    provider = next((way.provider for way in words.ways if way.method == "card"), None) if words.face.mode == "test" else None
    possible = provider is not None and can_practise(provider, "test")
    url = url_for("checkout.practise_card", token=token) if possible else None
    return {"practice_url": url, "may_come_late": possible and can_come_late(str(provider))}


def paid_values(words: PaidWords, own: dict[str, str]) -> dict[str, object]:
    """What the page that says paid needs to know beyond what every page of a payment does."""
    return {
        "email": own["email"] if words.writes else "",
        "reference": own["reference"],
        "refunded": words.refunded,
        "excess": words.excess,
        "going_back": words.going_back,
        "paid_at": own["paid_at"],
        "paid_with": own["paid_with"],
        "receipt_url": url_for("checkout.receipt", token=own["receipt"]),
        "paid_note": True,
    }
