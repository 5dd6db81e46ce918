"""Before the card that pays a plan ends, its business is told a month and a week before: once each, and again only of another card."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from core.accounts.house import HOUSE
from core.billing.wishes import Cancel
from core.kernel.clock import frozen
from core.kernel.db import db
from core.notifications.models import Message, Notice
from core.payments.saved import keep_card
from core.providers.saved import SavedMethod
from core.subscriptions.card_ends import tell_of_ending_cards
from tests.core.subscriptions.plans import Life, publish
from tests.factories import unit

BEGAN = date(2023, 3, 1)  # long ago, in months in which no other test's card ends
LAST = date(2023, 4, 30)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


def saves(life: Life, year: int, month: int) -> None:
    method = SavedMethod("cus_1", f"pm_{secrets.token_hex(6)}", "visa", "4242", month, year, "credit")
    with unit(life.app):
        keep_card(HOUSE, "test", "sandbox", method, email=life.email, name="Ada")


@pytest.fixture
def life(app: Flask) -> Life:
    """A plan whose card can be charged until the end of April."""
    made = Life(app, BEGAN)
    made.answer(BEGAN)
    saves(made, 2023, 4)
    return made


def look(life: Life, *days: date) -> None:
    for day in days:
        with frozen(datetime(day.year, day.month, day.day, 3, tzinfo=UTC)), unit(life.app):
            tell_of_ending_cards(1000)


def told(life: Life) -> list[str]:
    with unit(life.app):
        found = db.session.query(Notice).filter_by(vendor_id=life.shop.vendor.id, about=life.row.public_id).order_by(Notice.id)
        return [notice.detail["on"] for notice in found if notice.detail["kind"] == "card_ends"]


def test_a_month_and_a_week_before_once_each_however_often_it_is_looked(life: Life) -> None:
    look(life, date(2023, 3, 30))
    assert told(life) == []
    look(life, date(2023, 3, 31), date(2023, 4, 1), date(2023, 4, 22))
    assert told(life) == [LAST.isoformat()]
    look(life, date(2023, 4, 23), date(2023, 4, 24), LAST, date(2023, 5, 1))
    assert told(life) == [LAST.isoformat()] * 2
    with unit(life.app):
        kinds = [m.kind for m in db.session.query(Message).filter_by(vendor_id=life.shop.vendor.id, about=life.row.public_id)]
    assert kinds.count("plan_news") >= 2


def test_whoever_saves_the_new_card_is_left_in_peace_and_told_of_that_one_in_its_time(life: Life) -> None:
    look(life, date(2023, 4, 2))
    saves(life, 2023, 6)
    look(life, date(2023, 4, 25))
    assert told(life) == [LAST.isoformat()]
    look(life, date(2023, 6, 2))
    assert told(life) == [LAST.isoformat(), "2023-06-30"]


def test_a_clock_that_stood_still_tells_the_nearest_only_and_nothing_that_is_over(life: Life) -> None:
    look(life, date(2023, 4, 26))
    assert told(life) == [LAST.isoformat()]
    look(life, date(2023, 4, 27))
    assert told(life) == [LAST.isoformat()]


def test_a_plan_that_has_ended_has_no_card_to_speak_of(life: Life) -> None:
    life.wish(date(2023, 3, 2), Cancel(now=True))
    life.to(date(2023, 3, 3))
    look(life, date(2023, 4, 1), date(2023, 4, 24))
    assert told(life) == []
