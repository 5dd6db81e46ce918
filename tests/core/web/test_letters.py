"""Every kind of letter, filled with the worst that people can type: it stays text, it stays in its row, and it fetches nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from core.kernel.money import Money
from core.notifications.notify import KINDS
from core.notifications.words import TITLES
from core.payments.cart import Goods, Rate, Reduction, price_cart
from core.payments.repaid import Repayment
from core.subscriptions import member_words, plan_words
from core.subscriptions.news import News
from core.web.mail import Letter, write_letter
from core.web.reader import Reader
from core.web.stop_words import effect, names, stopped
from tests.portal.german import english_in
from workers.messages import KINDS as FOR_PAYERS
from workers.plan_letters import Spoken, say, spoken

AT = datetime(2026, 11, 21, 14, 3, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\"'><img src=x>\r\nBcc: thief@example.com {{7*7}} \u202egnp.exe 東京 🚲"
WHERE = "https://pay.example.com/somewhere/token"


def _part(text: str) -> SimpleNamespace:
    return SimpleNamespace(seller=SimpleNamespace(name=text), order=SimpleNamespace(amount=Money(12550, "GBP")))


def letter(kind: str, text: str = "Plain words", *, practice: bool = True, locale: str = "en", **facts: object) -> Letter:
    payment = SimpleNamespace(
        amount=Money(12550, "GBP"), captured=Money(12550, "GBP"), refunded=Money(2000, "GBP"), fee=Money(188, "GBP"), net=Money(12362, "GBP"), captured_at=AT,
        description=text, payer_name=text, email="grace@example.com", card_brand="visa", card_last4="4242", reference="7K3F9-QX2MA",
        unapplied=Money(500, "GBP"), state="succeeded", expires_at=AT,
    )  # fmt: skip
    given = {
        "vendor": SimpleNamespace(name=text, support_email="help@shop.example"),
        "payment": payment,
        "refund": SimpleNamespace(amount=Money(2000, "GBP"), settled_at=AT, failure_reason=text),
        "email": "ada@example.com", "action_url": WHERE, "expires_at": AT, "changed_at": AT,
        "cart": price_cart([Goods(text, Money(6275, "GBP"), 2, Rate("txr_1", text, 2_000, True))], "GBP", reduction=Reduction(text, bps=500), tip=1_000),
        "told": SimpleNamespace(amount=Money(12050, "GBP"), holder=text, bic="MARKDEF1100", iban="DE89370400440532013000", reference="RF18539007547034"),
        "iban": "DE89 3704 0044 0532 0130 00", "spelt": "RF18 5390 0754 7034",
        "returned": SimpleNamespace(amount=Money(500, "GBP")),
        "invitation": SimpleNamespace(role="support", expires_at=AT),
        "link": SimpleNamespace(title=text, amount=None, due_on=AT.date()), "ends_at": AT, "address": "203.0.113.7", "words": ["Two lines:", text.splitlines()[0]],
        "progress": SimpleNamespace(total=Money(30_000, "GBP"), paid=Money(10_000, "GBP"), open=Money(20_000, "GBP")),
        "what": "on", "left": 8, "count": 3, "more": 2, "titles": {"payment_received": "A payment", "on": "Two-step sign-in is on"}, "said": {"on": "It is on."},
        "rows": [(say(TITLES["payment_received"][0], Reader(locale)), SimpleNamespace(created_at=AT), payment, WHERE)],
        "came_in": {"first": AT.date(), "last": AT.date(), "taken": [(3, Money(12550, "GBP"), WHERE)]}, "preferences_url": WHERE, "card": "Visa ending in 4242",
        "attack": SimpleNamespace(declines=12), "key": SimpleNamespace(name=text), "export": SimpleNamespace(done_rows=7000, expires_at=AT),
        "listing": SimpleNamespace(title=text, reason=text), "state": "changes_asked", "reason": [text.splitlines()[0]] if kind == "refund_claim_refused" else text.splitlines()[0],
        "claim": SimpleNamespace(amount=Money(2000, "GBP"), expires_at=AT, ends_in="3000"), "account_ends": "3000" if practice else None, "by_transfer": practice,
        "closing": SimpleNamespace(ends_at=AT, balance=Money(300, "GBP")),
        "application": SimpleNamespace(state="asked"),
        "stop": SimpleNamespace(reason=text, starts_at=AT, ends_at=AT, ended_at=AT), "title": stopped("payouts", "", Reader(locale)), "effect": effect("payouts", "", Reader(locale)), "name": names(Reader(locale))["payouts"],
        "payout": SimpleNamespace(amount=Money(12550, "GBP"), public_id="po_1", failure_reason=text, trace="PORTAL 7KQ2"),
        "why_not": SimpleNamespace(what=text, fix=text, code="AC04"),
        "dispute": SimpleNamespace(amount=Money(12550, "GBP"), state="needs_response", reason="fraudulent", due_at=AT, accept_at=AT, draft={"uncategorized_text": text}),
        "endpoint": SimpleNamespace(address="https://shop.example/hooks", why_off="failing", failing_since=AT), "stopped_at": AT,
        "passkeys": [SimpleNamespace(name=text, made_at=AT)], "passkeys_url": WHERE,
        "rule": SimpleNamespace(bps=500, days=90, reason=text),
        "repayment": Repayment(Money(9000, "GBP"), Money(500, "GBP"), Money(250, "GBP")), "owed": Money(0, "GBP"),
        "checkout": SimpleNamespace(expires_at=AT), "undone": False, "can_try": True, "paid": [_part(text)], "not_paid": [_part(text)],
        "account": SimpleNamespace(holder=text, ends_in="3000", through="Stripe", currency="GBP", usable_from=AT),
        "news": _news(kind, text, locale), "plans": [_news("plan_news", text, locale)], "plan_url": WHERE,
        "sheet": SimpleNamespace(
            name="INV-000042", is_credit=False, gross=Money(12550, "GBP"), net=Money(10458, "GBP"), issued_on=AT.date(), corrects=[],
            taxes=[SimpleNamespace(bps=2000, net=Money(10458, "GBP"), tax=Money(2092, "GBP"))],
            seller={"name": text, "email": "help@shop.example"}, buyer={"name": text},
        ),
        "origin": "Renewal", "outcome": ["£125.50 was paid with Visa ending in 4242 on 21 November 2026."], "carries_xml": True,
        "plan": text, "monthly": Money(1000, "GBP"), "upcoming": SimpleNamespace(amount=Money(1000, "GBP"), on=AT.date()),
        "day": AT.date(), "facts": {"journals": 12, "books": 3, "heads_sum": "ab" * 32}, "sha256": "cd" * 32,
        "host": "pay.shop.example", "lost_at": AT, "app": text, "at": AT,
        "report": SimpleNamespace(name=text, first_on=AT.date(), last_on=AT.date()), "file_url": WHERE, "reports_url": WHERE,
        "figures": [SimpleNamespace(payments=2, paid=Money(12550, "GBP"), refunds=1, refunded=Money(-500, "GBP"), came_back=Money(200, "GBP"), fees=Money(-50, "GBP"), other=Money(-5, "GBP"), net=Money(12195, "GBP"))],
        "least": Money(10_000, "GBP"), "largest": Money(4000, "GBP"), "compared": 40, "times": 3,
        "problem": text.splitlines()[0], "practice": practice, "enclosed": True, "customer_was_told": False, "days": 4,
    }  # fmt: skip
    return write_letter(kind, Reader(locale, "Europe/London"), **(given | facts))


def _news(kind: str, text: str, locale: str) -> Spoken:
    """A change to a plan that somebody named."""
    news = News("change_planned", AT.date(), text, on=AT.date(), amount=Money(300, "GBP"), tier=text)
    return spoken(news, Reader(locale, "Europe/London"), member_words.WORDS if kind == "membership_news" else plan_words.WORDS)


class Outline(HTMLParser):
    """The tags of a page, and that each one that opens also closes."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("kind", KINDS)
def test_what_people_typed_changes_no_letter_but_its_words(kind: str) -> None:
    plain, hostile = Outline(letter(kind).html), Outline(letter(kind, HOSTILE).html)
    assert plain.tags == hostile.tags and plain.open == hostile.open == []
    assert "49" not in letter(kind, HOSTILE).text.replace("Bcc", "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_end_in_a_name_forges_no_row(kind: str) -> None:
    written = letter(kind, HOSTILE)
    assert len(written.text.splitlines()) == len(letter(kind).text.splitlines())
    assert not re.search(r"^Bcc:", written.text, re.M) and "\n" not in written.subject and "\u202e" not in written.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_fetches_nothing_and_runs_nothing(kind: str) -> None:
    html = letter(kind, HOSTILE).html
    assert not {"script", "img", "link", "iframe", "object"} & set(Outline(html).tags)
    assert not re.search(r"url\(|@import|@font-face", html)
    assert set(re.findall(r'href="(https?://[^"]+)"', html)) == {WHERE}


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_says_what_the_html_says(kind: str) -> None:
    written = letter(kind)
    for figure in re.findall(r"£[\d,]+\.\d\d|7K3F9-QX2MA|Visa ending in 4242|21 November 2026", written.html):
        assert figure in written.text
    assert WHERE in written.text and WHERE in written.html
    assert all(len(line) <= 200 for line in written.text.splitlines())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "payment" in KINDS[kind]])
def test_practice_is_told_in_the_subject_the_text_and_the_html(kind: str) -> None:
    written, real = letter(kind), letter(kind, practice=False)
    assert written.subject.startswith("[Test] ") and "TEST MODE" in written.text and "TEST MODE" in written.html
    assert "est" not in real.subject.lower().split(":")[0] and "TEST" not in real.text + real.html


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "token" in KINDS[kind]])
def test_a_letter_to_an_address_nobody_has_proved_carries_no_words_of_a_stranger(kind: str) -> None:
    assert "thief" not in letter(kind, HOSTILE).text + letter(kind, HOSTILE).html


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not FOR_PAYERS[kind][1]])
def test_a_letter_to_a_vendor_in_german_has_no_english_left(kind: str) -> None:
    written = letter(kind, locale="de")
    assert english_in([written.subject, *written.text.splitlines(), *(part for part in re.split(r"<[^>]+>", written.html))]) == []
