"""Every kind of news in words: as a letter in text and HTML, as a notice, in the reader's language, with the day and the exact sum of the policy's cases."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pytest
from flask import Flask

from core.billing.effects import NOTICES
from core.billing.wishes import AddProducts
from core.kernel.config import settings
from core.subscriptions import member_words, plan_words
from core.subscriptions.news import BESIDE, CHANGES, KINDS, News
from core.subscriptions.tell import kind_of
from core.web.mail import Letter, write_letter
from core.web.reader import Reader
from core.web.words import LANGUAGES
from tests.core.billing.kept import make_seller
from tests.core.subscriptions.told import NOVEMBER, Life, Noted, customer_of, tell_everything, the_house
from tests.factories import make_shop, unit
from tests.portal.german import english_in
from workers.messages import send_message
from workers.plan_letters import spoken

WHERE = "https://pay.example.com/portal/plan"
VENDOR = SimpleNamespace(name="Blue Door Bakery", support_email="help@shop.example")
MEMBERS = KINDS - member_words.NOT_THEIRS
ENGLISH = Reader("en", "Europe/London")
WORDS = {"plan": plan_words.WORDS, "membership": member_words.WORDS}


@pytest.fixture(scope="module")
def lives(app: Flask) -> list[Life]:
    """Everything there is to tell, told by the real acts of the engine."""
    seller = the_house(app)

    def begin(made: Callable[..., Life]) -> Callable[..., Life]:
        return lambda *given, **more: made(seller, make_shop(app).vendor, *given, **more)

    return tell_everything(begin(Life), begin(Noted))


@pytest.fixture(scope="module")
def told(lives: list[Life]) -> list[News]:
    """Each different thing that was told, once."""
    return list({repr(news): news for life in lives for news in life.news()}.values())


def letter(news: News, locale: str = "en", about: str = "plan", *, practice: bool = True) -> Letter:
    reader = Reader(locale, "Europe/London")
    kind = kind_of(news) if about == "plan" else "membership_news"
    return write_letter(
        kind, reader, vendor=VENDOR, practice=practice, enclosed=False, look=None, news=spoken(news, reader, WORDS[about]), action_url=WHERE
    )  # fmt: skip


# --- no kind without words -----------------------------------------------------------------------------------------------------


def test_whatever_billing_tells_has_words_for_a_business_and_for_a_member() -> None:
    assert NOTICES | CHANGES | BESIDE == KINDS
    assert set(plan_words.WORDS) == KINDS and set(member_words.WORDS) == MEMBERS


def test_every_kind_is_told_by_the_act_that_raises_it(told: list[News]) -> None:
    assert KINDS - {news.kind for news in told} == set()


def test_each_has_a_subject_text_html_and_a_sentence_for_the_portal(told: list[News]) -> None:
    for news in told:
        for about, table in WORDS.items():
            if news.kind not in table:
                continue
            words, written = spoken(news, ENGLISH, table), letter(news, about=about)
            assert words.title.text in written.subject and words.says[0].text in written.text and words.button.html in written.html, (
                news.kind
            )
            assert written.subject.startswith("[Test] ") and WHERE in written.text and WHERE in written.html
            assert "None" not in written.text and "%(" not in written.text, (news, written.text)
            assert all(len(line) <= 200 for line in written.text.splitlines()), news.kind
            assert len(written.subject) < 110 and not letter(news, about=about, practice=False).subject.startswith("[")


def test_text_and_html_say_the_same_days_and_sums(told: list[News]) -> None:
    figures = re.compile(r"[£€][\d,]+\.\d\d|\d{1,2} [A-Z][a-z]+ 20\d\d")
    for news in told:
        written = letter(news)
        assert set(figures.findall(written.text)) == set(figures.findall(written.html)) != set(), news.kind


def test_each_tells_its_sum_and_its_day(told: list[News]) -> None:
    """The sum of a notice stands in its letter exactly; so does the day it speaks of, but for an end, which is told by its last day."""
    for news in told:
        text = letter(news).text
        assert news.amount is None or not news.amount.minor or ENGLISH.money(news.amount) in text, news
        day = news.on if news.kind != "cancel_planned" else date(2026, 11, 30)
        assert day is None or ENGLISH.day(day) in text or news.kind == "limit_declined", news


def test_a_business_reads_german_and_no_word_of_english(told: list[News]) -> None:
    for news in told:
        written = letter(news, "de")
        assert english_in([written.subject, *written.text.splitlines(), *re.split(r"<[^>]+>", written.html)]) == [], news.kind


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_a_member_reads_their_own_language(told: list[News], language: str) -> None:
    for news in told:
        if news.kind in MEMBERS:
            written, english = letter(news, language, "membership"), letter(news, "en", "membership")
            for line in spoken(news, ENGLISH, member_words.WORDS).says:
                assert line.text not in written.text and line.text in english.text, (language, line)
            assert written.subject != english.subject


def test_a_name_that_somebody_typed_stays_a_name(told: list[News]) -> None:
    hostile = replace(next(news for news in told if news.kind == "change_planned"), tier="<b>gold</b>\r\nBcc: a@b.example")
    written = letter(hostile, about="membership")
    assert "<b>" not in written.html.lower() and not re.search(r"^Bcc:", written.text, re.M | re.I) and "\n" not in written.subject


# --- the policy's cases, as they arrive ----------------------------------------------------------------------------------------


def sent(life: Life, kind: str) -> list[Letter]:
    """What a worker writes: everything it has sent about this kind, in order."""
    found = []
    for message in life.letters():
        if f'"kind": "{kind}"' in message.params["news"]:
            with life.app.app_context():
                send_message(message.vendor_id, mode=message.mode, message=str(message.id))
    with unit(life.app):
        for message in life.letters():
            if f'"kind": "{kind}"' in message.params["news"]:
                assert message.state in ("kept", "sent"), message.last_error
                found.append(Letter(message.subject, message.text, message.html))
    return found


def life_with(lives: list[Life], *kinds: str) -> Life:
    return next(life for life in lives if set(kinds) <= set(life.kinds()))


def has(text: str, *parts: str) -> bool:
    missing = [part for part in parts if part not in text]
    assert missing == [], (missing, text)
    return True


def test_ec_31_seven_days_of_grace_are_told_with_the_day_and_the_sum(lives: list[Life]) -> None:
    life = life_with(lives, "limit_enforced")
    days = [news.told_on for news in life.news() if news.kind in ("limit_breached", "grace_running", "limit_enforced")]
    assert days == [date(2026, 11, day) for day in (5, 9, 11, 13)]
    (breached,) = sent(life, "limit_breached")
    assert has(breached.text, "You have 7 whole days", "becomes Pro on 13 November 2026, and £1.20", "Starter holds", "Nothing is deleted")
    three, one = sent(life, "grace_running")
    assert has(three.subject, "3 days left") and has(one.subject, "One day left") and has(one.text, "13 November 2026", "£1.20")
    (enforced,) = sent(life, "limit_enforced")
    assert has(enforced.text, "It costs £1.20", "Days before 13 November 2026 are not charged", "Next charge: £3.00 on 1 December 2026")


def test_a_greater_plan_that_costs_too_little_to_be_charged_by_itself_is_told_as_a_part_of_the_next_invoice(app: Flask) -> None:
    life = Life(the_house(app), make_shop(app).vendor, NOVEMBER).do(AddProducts(10)).go(date(2026, 11, 13)).do(AddProducts(1))
    life.go(date(2026, 11, 21))
    (breached,), (three, one), (enforced,) = (sent(life, kind) for kind in ("limit_breached", "grace_running", "limit_enforced"))
    for letter in (breached, three, one, enforced):
        assert has(letter.text, "£0.67 for", "go onto the next invoice", "21 November 2026") and "is charged for" not in letter.text
    assert has(enforced.text, "Next charge: £3.67 on 1 December 2026")


def test_ec_50_every_refusal_says_when_it_is_tried_again_and_what_stops_when(lives: list[Life]) -> None:
    life = life_with(lives, "payment_failed", "cancelled")
    letters = sent(life, "payment_failed")
    tries = ["2 November 2026", "4 November 2026", "8 November 2026", "16 November 2026"]
    assert [day for one, day in zip(letters, tries, strict=False) if f"We try again on {day}." in one.text] == tries
    assert len(letters) == 5 and has(letters[-1].text, "the last of our attempts") and "try again" not in letters[-1].text
    for one in letters:
        assert has(one.subject, "[Test] We could not charge £3.00") and has(one.text, "Until 17 November 2026", "Nothing is deleted")
    (ahead,) = sent(life, "suspension_ahead")
    assert has(ahead.text, "at the beginning of 17 November 2026", "£3.00", "16 December 2026")
    (ended,) = sent(life, "cancelled")
    assert has(ended.text, "ended on 16 December 2026", "until 16 March 2027", "£1.60 was never paid")


def test_ec_54_the_suspension_owes_the_days_that_were_used(lives: list[Life]) -> None:
    (one,) = sent(life_with(lives, "suspended", "cancelled"), "suspended")
    assert has(one.text, "Since 17 November 2026", "£1.60 is open", "On 16 December 2026 the plan ends for good")


def test_ec_55_who_comes_back_is_told_what_was_paid_and_what_comes_next(lives: list[Life]) -> None:
    life = life_with(lives, "reactivated")
    (declined,), (back,) = sent(life, "reactivate_declined"), sent(life, "reactivated")
    assert has(declined.text, "On 25 November 2026 £2.20 could not be charged.", "Your plan stays suspended")
    assert has(back.text, "Since 25 November 2026", "We have received £2.20", "Next charge: £3.00 on 1 December 2026")


def test_ec_72_twelve_months_of_hibernation_end_only_if_somebody_says_so(lives: list[Life]) -> None:
    life = life_with(lives, "hibernation_ends")
    (one,) = sent(life, "hibernation_ends")
    assert life.last("hibernation_ends").told_on == date(2027, 11, 1)
    assert has(
        one.text,
        "12 months is the longest",
        "On 1 December 2027",
        "for £3.00 a month",
        "Without your word the plan ends on that day",
        "for 90 days",
    )


def test_ec_65_a_day_of_waking_up_is_told_with_its_exact_sum_when_it_is_chosen_and_some_days_before(lives: list[Life]) -> None:
    life = life_with(lives, "wake_ahead")
    (asked,) = sent(life, "hibernation_planned")
    assert has(
        asked.text, "On 20 December 2026 it wakes up by itself. £0.97 for the days that are left of that month go onto the next invoice."
    )
    first, again = sent(life, "wake_planned")
    for letter in (first, again):
        assert has(letter.subject, "wakes up on 16 December 2026") and has(
            letter.text, "your card is asked for £1.29", "goes on hibernating"
        )
    (ahead,) = sent(life, "wake_ahead")
    assert life.last("wake_ahead").told_on == date(2026, 12, 13)
    assert has(ahead.subject, "16 December 2026") and has(ahead.text, "£1.29", "the exact sum as things stand today")
    (kept,) = sent(life, "wake_withdrawn")
    assert has(kept.text, "It was to wake up on 16 December 2026", "£0.50 a month", "Next charge: £0.50 on 1 January 2027")
    (began,) = sent(life, "hibernation_began")
    assert has(began.text, "On 20 December 2026 it wakes up by itself, as you asked")
    (woke,) = sent(life, "woke_up")
    assert has(woke.text, "Since 16 December 2026", "We have received £1.29", "Next charge: £3.00 on 1 January 2027")


def test_ec_79_a_price_that_moves_is_told_seven_days_ahead(lives: list[Life]) -> None:
    life = life_with(lives, "price_moves")
    (one,) = sent(life, "price_moves")
    assert life.last("price_moves").told_on == date(2026, 11, 24)
    assert has(one.subject, "From 1 December 2026 your plan costs €3.66") and has(one.text, "Until then the old price counts")


def test_a_member_gets_a_letter_from_the_seller_that_leads_to_the_membership(app: Flask) -> None:
    seller = make_seller(app)
    life = Life(seller, customer_of(seller), NOVEMBER, "pro").go(date(2026, 12, 1)).pay(False)
    (one,) = sent(life, "payment_failed")
    assert has(one.subject, "[Test] Plans and Co: We could not charge £3.00")
    assert has(
        one.text,
        "We try again on 2 December 2026.",
        "paused from that day",
        settings().public_url,
        seller.vendor.support_email,
    )
