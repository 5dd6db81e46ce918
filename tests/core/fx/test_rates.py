"""Rates across the euro, exactly; their age in working days; a quote that holds for ten minutes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from flask import Flask

from core.fx.feed import Published
from core.fx.quote import HOLDS, QuoteExpired, QuoteTooSmall, get_quote, make_quote, use_quote
from core.fx.rates import NoRate, get_rate, get_usable_rate, is_stale, is_too_old, list_rates, record_rates
from core.kernel.clock import frozen
from core.kernel.db import db, unit_of_work
from core.kernel.errors import NotFound
from core.kernel.money import Money
from tests.factories import Shop, make_shop, unit

FRIDAY = date(2031, 3, 7)  # a week of its own: no other test publishes in it
NOON = datetime(2031, 3, 10, 12, tzinfo=UTC)
RATES = [
    Published("USD", FRIDAY, 11172, 4), Published("JPY", FRIDAY, 17568, 2), Published("GBP", FRIDAY, 8338, 4), Published("KRW", FRIDAY, 149176, 2),
    Published("USD", date(2031, 3, 6), 9, 0),
]  # fmt: skip


@pytest.fixture
def published(app: Flask) -> Iterator[None]:
    """These rates, in a unit of work that is thrown away, at noon of the Monday after."""
    with app.app_context(), frozen(NOON):
        record_rates(RATES, source="sandbox")
        yield
        db.session.rollback()


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.mark.usefixtures("published")
def test_a_rate_goes_across_the_euro_and_stays_exact() -> None:
    rate = get_rate("GBP", "USD")
    assert rate.ratio == Fraction(11172, 8338) and rate.published_on == FRIDAY
    assert rate.worth(Money(10_000, "GBP")) == Money(13_399, "USD")
    assert get_rate("EUR", "JPY").worth(Money(10_000, "EUR")) == Money(17_568, "JPY"), "yen have no decimals"
    assert get_rate("JPY", "EUR").worth(Money(17_568, "JPY")) == Money(10_000, "EUR")


@pytest.mark.usefixtures("published")
def test_the_newest_day_counts_unless_another_is_asked_for() -> None:
    assert get_rate("EUR", "USD").ratio == Fraction(11172, 10000)
    assert get_rate("EUR", "USD", on=date(2031, 3, 6)).ratio == 9
    assert next(rate for rate in list_rates() if rate.currency == "USD").text == "1.1172"


@pytest.mark.usefixtures("published")
def test_what_was_published_once_is_never_changed() -> None:
    assert record_rates([Published("USD", FRIDAY, 5, 0)], source="ecb") == 0
    assert get_rate("EUR", "USD").ratio == Fraction(11172, 10000)


@pytest.mark.usefixtures("published")
def test_a_currency_that_nobody_publishes_is_refused_by_name() -> None:
    with pytest.raises(NoRate, match="KWD"):
        get_rate("KWD", "EUR")


def test_ec_78_a_rate_four_working_days_old_warns_and_one_eight_days_old_locks_nothing() -> None:
    with frozen(datetime(2031, 3, 12, 23, tzinfo=UTC)):  # Wednesday: Monday, Tuesday and Wednesday have passed
        assert not is_stale(FRIDAY) and not is_too_old(FRIDAY)
    with frozen(datetime(2031, 3, 13, 1, tzinfo=UTC)):
        assert is_stale(FRIDAY) and not is_too_old(FRIDAY)
    with frozen(datetime(2031, 3, 15, 1, tzinfo=UTC)):
        assert is_too_old(FRIDAY)


@pytest.mark.usefixtures("published")
def test_nothing_new_is_promised_by_a_rate_that_is_too_old() -> None:
    with frozen(NOON + timedelta(days=5)), pytest.raises(NoRate, match="2031-03-07"):
        get_usable_rate("EUR", "USD")


@pytest.mark.usefixtures("published")
def test_a_quote_names_both_sums_and_what_the_platform_keeps(shop: Shop) -> None:
    quote = make_quote(shop.vendor, mode="test", amount=Money(10_000, "EUR"), into="USD", margin_bps=50, by="usr_x")
    assert (quote.gets, quote.worth, quote.margin) == (Money(11_116, "USD"), Money(11_172, "USD"), Money(56, "USD"))
    assert quote.expires_at - quote.made_at == HOLDS and quote.source == "sandbox"


@pytest.mark.usefixtures("published")
def test_what_is_got_is_rounded_down_so_that_small_exchanges_win_nothing(shop: Shop) -> None:
    quote = make_quote(shop.vendor, mode="test", amount=Money(1, "USD"), into="JPY", margin_bps=0, by="usr_x")
    assert (quote.gets.minor, quote.worth.minor) == (1, 2)
    with pytest.raises(QuoteTooSmall):
        make_quote(shop.vendor, mode="test", amount=Money(1, "KRW"), into="USD", margin_bps=0, by="usr_x")


def test_a_quote_is_used_once_and_not_after_ten_minutes(app: Flask, shop: Shop) -> None:
    with unit(app), frozen(NOON):
        record_rates(RATES, source="sandbox")
        first, second = [
            make_quote(shop.vendor, mode="test", amount=Money(5_000, "EUR"), into="USD", margin_bps=50, by="usr_x") for _ in "12"
        ]
    with app.app_context(), frozen(NOON + timedelta(minutes=9)), unit_of_work():
        assert use_quote(shop.vendor, first) and not use_quote(shop.vendor, first)
    with app.app_context(), frozen(NOON + HOLDS), pytest.raises(QuoteExpired):
        use_quote(shop.vendor, second)
    with app.app_context(), frozen(NOON + HOLDS):
        assert not use_quote(shop.vendor, first), "the truth about a used one does not expire"


def test_a_quote_is_its_vendors_own(app: Flask, shop: Shop) -> None:
    with unit(app), frozen(NOON):
        record_rates(RATES, source="sandbox")
        quote = make_quote(shop.vendor, mode="test", amount=Money(5_000, "EUR"), into="USD", margin_bps=50, by="usr_x")
    other = make_shop(app)
    with app.app_context():
        for vendor, mode in ((other.vendor, "test"), (shop.vendor, "live")):
            with pytest.raises(NotFound):
                get_quote(vendor, mode, quote.public_id)
        assert get_quote(shop.vendor, "test", quote.public_id).id == quote.id
