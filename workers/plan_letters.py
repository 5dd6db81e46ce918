"""What letters about a plan or a membership say: the words of core/subscriptions, in the reader's language, and the page they lead to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup, escape

from core.accounts.house import house
from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.billing.queries import get_subscription
from core.kernel.config import settings
from core.kernel.money import Money
from core.kernel.sentence import Sentence
from core.memberships.page import find_member_of, member_address
from core.notifications.models import Message
from core.subscriptions import member_words, plan_words
from core.subscriptions.news import News, read_news
from core.subscriptions.tell import of_house
from core.subscriptions.words import Words
from core.web import addresses
from core.web.mail import one_line
from core.web.reader import Reader
from core.web.words import filled, texts
from workers.letter import Facts


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as it stands in plain text and in HTML."""

    text: Markup
    html: Markup


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of news in the reader's language."""

    title: Said
    says: list[Said]
    facts: list[tuple[Said, Said]]
    button: Said


def _page_of(row: KeptSubscription, vendor: Vendor) -> str:
    """Where somebody can change what the letter speaks of: a business its plan of the house, a member their own page; the house's first one
    for a subscription that nobody joined by a page."""
    if of_house(row):
        return addresses.portal_plan(row.mode, vendor)
    return member_address(row) if find_member_of(row) else settings().public_url


def to_business(vendor: Vendor, message: Message) -> Facts:
    row = get_subscription(house(), message.mode, message.params["subscription"])
    return _facts(row, vendor, message, plan_words.WORDS)


def to_member(vendor: Vendor, message: Message) -> Facts:
    row = get_subscription(vendor, message.mode, message.params["subscription"])
    return _facts(row, vendor, message, member_words.WORDS)


def _facts(row: KeptSubscription, vendor: Vendor, message: Message, words: dict[str, Callable[[News], Words]]) -> Facts:
    """What was told when it happened; it is not overtaken, because every sentence names its day."""
    news = spoken(read_news(json.loads(message.params["news"])), Reader(message.locale, vendor.time_zone), words)
    return {"practice": message.mode == "test", "news": news, "action_url": _page_of(row, vendor)}


def spoken(news: News, reader: Reader, words: dict[str, Callable[[News], Words]] = plan_words.WORDS) -> Spoken:
    """The words of this news for this reader."""
    made = words[news.kind](news)
    return Spoken(
        say(made.title, reader), [say(sentence, reader) for sentence in made.says],
        [(say(name, reader), say(value, reader)) for name, value in made.facts], say(made.button, reader),
    )  # fmt: skip


def say(value: Any, reader: Reader) -> Said:
    """Each value that fills a sentence is on one line, and from right to left it is kept apart from the words around it."""
    text = _plain(value, reader)
    return Said(Markup(text), escape(text))


def _plain(value: Any, reader: Reader) -> str:
    if isinstance(value, Sentence):
        values = {name: Markup(_plain(each, reader)) for name, each in value.values.items()}
        return str(filled(texts(reader.language).ugettext(value.text), values, reader.language))
    if isinstance(value, Money):
        return reader.money(value)
    if isinstance(value, datetime):
        return reader.when(value)
    if isinstance(value, date):
        return reader.day(value)
    return str(one_line(str(value)))
