"""In the demo, one page of all components in all their states, light beside dark: for those who build pages, with samples nobody translates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Response
from wtforms.widgets import TextArea

from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.kernel.money import Money
from core.web.brand import Logo, style_of
from core.web.face import Face
from core.web.fields import AddressField, BooleanField, ChoiceField, Form, LineField, MoneyField, RadioField, SecretField, options
from core.web.guard import public
from core.web.headers import allow
from core.web.page import page
from portal.blueprint import portal
from portal.charts import bars, shares, twins

SCHEMES = ("light", "dark")
LOGO = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 3 1'%3E%3Crect width='3' height='1' fill='%23b4235a'/%3E%3C/svg%3E"


class SampleForm(Form):
    choice = RadioField("Amount", choices=options((("500", "5"), ("1000", "10"), ("own", "Other"))), default="1000")
    amount = MoneyField("Your amount", currency="GBP")
    plain = LineField("Plain")
    helped = LineField("With a hint", default="Harbour Street Bakery")
    wrong = AddressField("Refused")
    sum = MoneyField("Amount of money", currency="GBP")
    secret = SecretField("Password")
    several = LineField("Several lines", widget=TextArea(), default="One\nTwo")
    one_of = ChoiceField("One of a list", choices=options((("gbp", "Pound"), ("eur", "Euro"))))
    few = RadioField("One of a few", choices=options((("a", "Once"), ("b", "Again and again"))), default="a")
    tick = BooleanField("A box to tick", default=True)


@portal.get("/portal/components")
@public
def components() -> Response:
    """The two sheets side by side, each a page of its own in a frame, so that both schemes are seen whatever the reader's is."""
    _only_in_the_demo()
    return page("portal/components/index.html", schemes=SCHEMES)


@portal.get("/portal/components/<scheme>")
@public
def component_sheet(scheme: str) -> Response:
    _only_in_the_demo()
    if scheme not in SCHEMES:
        raise NotFound
    allow("frame-ancestors", "'self'")
    form = SampleForm(formdata=None)
    form.refuse("Enter an e-mail address like name@example.com.", "wrong")
    form.refuse("This was changed by somebody else in the meantime.")
    return page("portal/components/sheet.html", scheme=scheme, style=style_of(None, None, scheme), form=form, **_samples())


def _only_in_the_demo() -> None:
    if not settings().demo:
        raise NotFound


def _samples() -> dict[str, Any]:
    """What the components show: sums, moments, charts."""
    at = now()
    days = [(at - timedelta(days=13 - n)).date() for n in range(14)]
    taken = [(day, Money(1200 * (n * 7 % 5), "GBP"), n * 7 % 5, "#charts") for n, day in enumerate(days)]
    year = [(date(2026, n, 1), Money(300 + 50 * n, "GBP"), Money(300, "GBP"), "#charts") for n in range(1, 13)]
    face = Face("Harbour Street Bakery", "hello@bakery.example", "test", logo=Logo(LOGO, 90, 30, False))
    return {
        "pounds": Money(6500, "GBP"), "less": Money(-975, "GBP"), "yen": Money(8800, "JPY"), "nothing": Money(0, "GBP"), "at": at,
        "chart": bars(taken, "GBP"), "year": twins(year, "GBP"), "parts": shares([("Paid", "good", 17, "#charts"), ("Declined", "bad", 4, "#charts"), ("Left", "quiet", 2, "#charts")]),
        "opened": [(f"{day:%d %b}", [n % 4 * 3, n % 4]) for n, day in enumerate(days)], "face": face,
        "steps": [{"title": "Confirm your address", "text": "", "done": True, "href": "#", "action": ""},
                  {"title": "Make a link", "text": "It takes a minute.", "done": False, "href": "#charts", "action": "Make one"}],
        "sample_changes": lambda _detail: [("Title", "Bread", "Rye bread")],
        "sample_book": _book(), "deadlines": [{"words": words, "tone": tone, "at": at} for words, tone in (("9 days", "calm"), ("2 days", "warn"), ("4 hours", "bad"))],
        "tones": ("good", "warn", "bad", "info", "quiet"),
    }  # fmt: skip


def _book() -> dict[str, Any]:
    """Two accounts that balance."""
    none, sum_ = Money(0, "GBP"), Money(6500, "GBP")
    accounts = [
        {"name": "Held by the processor", "debit": sum_, "credit": none},
        {"name": "Available to the seller", "debit": none, "credit": sum_},
    ]
    return {"currency": "GBP", "accounts": accounts, "debit": sum_, "credit": sum_}
