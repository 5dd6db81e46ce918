"""Attack mode: begun by a surge or by hand, prolonged, ended by the clock or by hand, and then at rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import now, shifted
from core.risk.attack import AFTER_SURGE, REST, BadSpan, begin_by_hand, begin_by_surge, end_by_hand, find_attack, last_attack
from tests.factories import Shop, make_shop, unit


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def shop(first: Shop) -> Shop:
    from tests.core.payments.conftest import another_shop

    return another_shop(first)


def is_on(shop: Shop, mode: str = "test") -> bool:
    with shop.app.app_context():
        return find_attack(shop.vendor.id, mode) is not None


def surge(shop: Shop, declines: int = 12) -> bool:
    with unit(shop.app):
        return begin_by_surge(shop.vendor, "test", declines=declines)


def test_a_surge_begins_it_once_and_an_hour_later_it_is_over(shop: Shop) -> None:
    assert not is_on(shop)
    assert surge(shop) and is_on(shop) and not is_on(shop, "live")
    assert not surge(shop), "that it goes on is no news"
    with shifted(AFTER_SURGE + timedelta(seconds=5)):
        assert not is_on(shop)
        assert surge(shop), "another surge is another beginning"


def test_every_further_surge_prolongs_it(shop: Shop) -> None:
    surge(shop)
    with shifted(timedelta(minutes=50)):
        surge(shop, 30)
    with shifted(timedelta(minutes=100)):
        assert is_on(shop)
        with shop.app.app_context():
            row = last_attack(shop.vendor, "test")
            assert row and row.declines == 30


def test_a_person_ends_it_and_it_does_not_begin_by_itself_right_away(shop: Shop) -> None:
    surge(shop)
    with unit(shop.app):
        end_by_hand(shop.vendor, "test", by=shop.user.public_id)
    assert not is_on(shop) and not surge(shop) and not is_on(shop)
    with shifted(REST + timedelta(minutes=1)):
        assert surge(shop)


def test_a_person_begins_it_for_as_long_as_they_say(shop: Shop) -> None:
    with unit(shop.app):
        row = begin_by_hand(shop.vendor, "test", by=shop.user.public_id, hours=6)
        assert timedelta(hours=5, minutes=59) < row.ends_at - now() <= timedelta(hours=6)
    with shifted(timedelta(hours=5)):
        surge(shop)
        assert is_on(shop)
    with shifted(timedelta(hours=6, minutes=1)):
        assert not is_on(shop), "a surge that ends sooner takes nothing away and adds nothing"


def test_a_span_that_is_not_offered_is_refused(shop: Shop) -> None:
    with unit(shop.app), pytest.raises(BadSpan):
        begin_by_hand(shop.vendor, "test", by=shop.user.public_id, hours=999)
    assert not is_on(shop)


def test_ending_what_is_off_does_nothing(shop: Shop) -> None:
    with unit(shop.app):
        end_by_hand(shop.vendor, "test", by=shop.user.public_id)
    assert surge(shop), "and does not keep a surge from beginning it"
