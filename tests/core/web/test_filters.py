"""Money and moments are written for the person who reads them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, g

from core.kernel import clock
from core.kernel.money import Money
from core.web.filters import ago, lines, moment, money, status_label, when
from core.web.reader import Reader
from core.web.words import LANGUAGES


@pytest.mark.parametrize(
    ("minor", "code", "shown"),
    [
        (123456, "GBP", "£1,234.56"),
        (1500, "JPY", "JPY\u00a01,500"),
        (12345, "KWD", "KWD\u00a012.345"),
        (-500, "USD", "−USD\u00a05.00"),
        (100, "ISK", "ISK\u00a0100"),
        (100, "HUF", "HUF\u00a01.00"),
        (0, "EUR", "€0.00"),
        (9_000_000_000_000_001, "GBP", "£90,000,000,000,000.01"),
    ],
)
def test_money_shows_exactly_the_decimals_of_its_currency(minor: int, code: str, shown: str) -> None:
    assert money(Money(minor, code)) == shown


def test_a_missing_sum_is_a_dash() -> None:
    assert money(None) == "–"


@pytest.mark.parametrize(
    ("gap", "shown"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=3), "3 minutes ago"),
        (timedelta(days=-2), "in 2 days"),
        (timedelta(days=30), "22 October 2026"),
    ],
)
def test_how_long_ago_something_was(gap: timedelta, shown: str) -> None:
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    with clock.frozen(now):
        assert ago(now - gap) == shown


def test_a_moment_carries_the_exact_instant_for_machines() -> None:
    assert '<time datetime="2026-11-21T12:00:00+00:00"' in moment(datetime(2026, 11, 21, 12, tzinfo=UTC))


def test_text_of_several_lines_is_escaped() -> None:
    assert lines("<b>one</b>\ntwo") == "&lt;b&gt;one&lt;/b&gt;<br>two"


def test_an_unknown_state_is_still_words() -> None:
    assert status_label("brand_new") == "Brand new"


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "Africa/Lagos", "Atlantic/Azores", "Asia/Kolkata", "America/Sao_Paulo"])
@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_zone_is_told_by_a_name_in_every_language(app: Flask, language: str, zone: str) -> None:
    """Where a zone has no short name, as the one of Lagos, Babel would write +0100."""
    with app.test_request_context("/"):
        g.language = language
        g.time_zone = zone
        for month in (1, 7):
            told = when(datetime(2026, month, 21, 14, 3, tzinfo=UTC), "d MMM y, HH:mm zzz")
            assert not re.search(r"(^|\s)[+-]\d{4}", told), told
            assert Reader(language, zone).zone_name(datetime(2026, month, 21, 14, 3, tzinfo=UTC)) in told
    if language == "en" and zone == "Africa/Lagos":
        assert told == "21 Jul 2026, 15:03 GMT+01:00"
