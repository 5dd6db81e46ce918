"""Amounts, dates and cards are written the way the reader writes them, and never wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from core.kernel.money import Money
from core.web.reader import Reader, card_words
from core.web.words import LANGUAGES

JULY = datetime(2026, 7, 21, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "amount", "written"),
    [
        ("en", Money(123450, "GBP"), "£1,234.50"),
        ("en", Money(-500, "GBP"), "−£5.00"),
        ("en", Money(500, "JPY"), "JPY\u00a0500"),
        ("en", Money(12345, "KWD"), "KWD\u00a012.345"),
        ("en", Money(500000, "HUF"), "HUF\u00a05,000.00"),
        ("en-US", Money(123450, "USD"), "USD\u00a01,234.50"),
        ("de", Money(123450, "EUR"), "1.234,50\xa0€"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency_in_the_manner_of_the_reader(locale: str, amount: Money, written: str) -> None:
    assert Reader(locale).money(amount) == written


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("code", ["USD", "AUD", "CAD", "HKD", "MXN", "NZD", "SGD", "DKK", "ISK", "NOK", "SEK"])
def test_a_sign_that_several_countries_have_gives_way_to_the_code_in_every_language(language: str, code: str) -> None:
    written = Reader(language).money(Money(1200, code))
    assert code in written and not {"$", "kr"} & set(re.findall(r"\$|kr", written)), written


def test_a_sign_that_is_one_currencys_alone_stays() -> None:
    assert [Reader("en").money(Money(100, code)) for code in ("GBP", "EUR", "INR")] == ["£1.00", "€1.00", "₹1.00"]
    assert Reader("ja").money(Money(100, "JPY")) == "￥100" and Reader("pl").money(Money(100, "PLN")) == "1,00\xa0zł"


def test_a_moment_is_told_with_its_zone() -> None:
    assert Reader("en", "UTC").when(JULY) == "21 July 2026, 14:03 UTC"
    assert Reader("en-US", "America/New_York").when(JULY).replace("\u202f", " ") == "July 21, 2026, 10:03 AM EDT"
    assert Reader("en", "Asia/Kolkata").when(JULY) == "21 July 2026, 19:33 GMT+05:30"
    assert Reader("en", "Pacific/Auckland").day(JULY) == "22 July 2026"


@pytest.mark.parametrize("locale", ["yo", "yo-NG", "da", "mr"])
def test_who_reads_a_language_that_we_do_not_write_gets_the_moment_in_that_of_the_words(locale: str) -> None:
    """Babel’s Yoruba calls every zone WAT, which is another one by an hour; and the words around it are English."""
    assert Reader(locale, "UTC").when(JULY) == "21 July 2026, 14:03 UTC"
    assert Reader(locale, "Africa/Lagos").when(JULY) == "21 July 2026, 15:03 GMT+01:00"


@pytest.mark.parametrize("locale", ["", "xx", "en_GB_x_y_z", "../../etc/passwd", "q" * 500])
@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "\x00"])
def test_an_unknown_reader_is_treated_as_one_of_the_house(locale: str, zone: str) -> None:
    assert Reader(locale, zone).when(JULY) == "21 July 2026, 14:03 UTC"


def test_a_card_is_named_as_far_as_it_is_known() -> None:
    assert card_words(SimpleNamespace(card_brand="visa", card_last4="4242")) == "Visa ending in 4242"
    assert card_words(SimpleNamespace(card_brand="amex", card_last4="0005")) == "American Express ending in 0005"
    assert card_words(SimpleNamespace(card_brand=None, card_last4=None)) == "Card"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"method": "card", "method_kind": "card", "card_brand": "visa", "card_last4": "5556", "card_funding": "debit"},
            "Visa debit ending in 5556",
        ),
        (
            {"method": "card", "method_kind": "card", "card_brand": "visa", "card_last4": "4242", "card_funding": "credit"},
            "Visa credit ending in 4242",
        ),
        (
            {"method": "card", "method_kind": "card", "card_brand": None, "card_last4": "1234", "card_funding": "debit"},
            "Debit card ending in 1234",
        ),
        ({"method": "card", "method_kind": None}, "Card"),
        ({"method": "wallet", "method_kind": "apple_pay", "card_brand": "visa", "card_last4": "4242"}, "Apple Pay (Visa ending in 4242)"),
        ({"method": "wallet", "method_kind": "google_pay"}, "Google Pay"),
        ({"method": "wallet", "method_kind": None}, "Card or wallet"),
        ({"method": "bank_redirect", "method_kind": "ideal"}, "iDEAL"),
        ({"method": "bank_redirect", "method_kind": None}, "Bank payment"),
        ({"method": "qr", "method_kind": "paynow"}, "PayNow"),
        ({"method": "qr", "method_kind": None}, "Banking app"),
        ({"method": "bank_transfer", "method_kind": "bank"}, "Bank transfer"),
        ({"method": None, "method_kind": "klarna"}, "Klarna"),
    ],
)
def test_what_paid_is_named_as_truly_as_it_is_known(facts, words):
    assert card_words(SimpleNamespace(**({"card_brand": None, "card_last4": None, "card_funding": None} | facts))) == words
