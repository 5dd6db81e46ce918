"""A balance goes into another currency: booked once, in two halves that each come to zero, and only what is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from core.fx.feed import Published
from core.fx.models import RateQuote
from core.fx.quote import HOLDS, QuoteExpired
from core.fx.rates import record_rates
from core.kernel.audit import AuditEntry
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.book import SELLER_RECEIVABLE, UNAPPLIED
from core.ledger.models import Entry, Journal
from core.ledger.post import Journal as BookedJournal
from core.ledger.post import Leg, post
from core.ledger.queries import balance, find_breaks
from core.payments.exchange import NotEnoughToExchange, exchange, quote_exchange
from tests.core.payments.conftest import AtOnce
from tests.factories import Shop, ask_refund, make_link, make_paid, release_all, unit


@pytest.fixture
def rich(shop: Shop) -> Iterator[Shop]:
    """A shop with EUR 97.50 available, a few days from now, when new rates are published."""
    make_paid(shop, make_link(shop, amount="100.00", currency="EUR"))
    with shifted(timedelta(days=40)):
        with unit(shop.app):
            record_rates([Published("USD", now().date(), 11_000, 4), Published("JPY", now().date(), 160, 0)], source="sandbox")
        release_all(shop.app)
        yield shop


def ask(shop: Shop, amount: str = "90.00", into: str = "USD") -> RateQuote:
    with unit(shop.app):
        return quote_exchange(shop.vendor, "test", Money.of(amount, "EUR"), into=into, by=shop.user)


def held(shop: Shop, currency: str) -> Money:
    with unit(shop.app):
        return balance(shop.vendor, "test", "seller_available", currency)


def test_what_was_promised_is_what_is_booked(rich: Shop) -> None:
    quote = ask(rich)
    assert (quote.gets, quote.worth) == (Money(9_850, "USD"), Money(9_900, "USD"))
    with unit(rich.app):
        assert exchange(rich.vendor, quote, by=rich.user)
    assert (held(rich, "EUR"), held(rich, "USD")) == (Money(750, "EUR"), Money(9_850, "USD"))
    with unit(rich.app):
        legs = db.session.execute(
            select(Entry.code, Entry.currency, Entry.amount_minor)
            .join(Journal, (Journal.vendor_id == Entry.vendor_id) & (Journal.mode == Entry.mode) & (Journal.id == Entry.journal_id))
            .where(Entry.vendor_id == rich.vendor.id, Journal.kind == "exchange")
        ).all()
        assert {tuple(leg) for leg in legs} == {
            (2020, "EUR", 9_000), (1090, "EUR", -9_000), (1090, "USD", 9_900), (2020, "USD", -9_850), (4030, "USD", -50),
        }  # fmt: skip
        assert find_breaks(rich.vendor.id, "test") == []
        said = db.session.scalars(
            select(AuditEntry).where(AuditEntry.vendor_id == rich.vendor.id, AuditEntry.action == "balance.exchanged")
        ).one()
        assert said.subject == quote.public_id and said.detail["got"] == "USD 98.50"


def test_yen_are_whole(rich: Shop) -> None:
    quote = ask(rich, "10.00", "JPY")
    assert (quote.gets, quote.worth, quote.margin) == (Money(1_592, "JPY"), Money(1_600, "JPY"), Money(8, "JPY"))


def test_more_than_is_available_is_refused_when_asking_and_when_taking(rich: Shop) -> None:
    with pytest.raises(NotEnoughToExchange, match=r"97\.50"):
        ask(rich, "97.51")
    first, second = ask(rich, "60.00"), ask(rich, "60.00")
    with unit(rich.app):
        exchange(rich.vendor, first, by=rich.user)
    with pytest.raises(NotEnoughToExchange), unit(rich.app):
        exchange(rich.vendor, second, by=rich.user)
    assert held(rich, "EUR") == Money(3_750, "EUR")
    with unit(rich.app):
        assert db.session.scalar(select(RateQuote.used_at).where(RateQuote.public_id == second.public_id)) is None, (
            "it may be taken up later"
        )


def test_what_a_waiting_refund_needs_is_not_exchanged(rich: Shop) -> None:
    with shifted(timedelta(days=-40)):
        old = make_paid(rich, make_link(rich, amount="200.00", currency="EUR"))
    with shifted(timedelta(days=40)):
        release_all(rich.app)
        quote = ask(rich, "250.00")
        with unit(rich.app):
            assert exchange(rich.vendor, quote, by=rich.user)
        refund = ask_refund(rich, old, "200.00")
        assert refund.state == "queued"
        with pytest.raises(NotEnoughToExchange, match=r"0\.00"):
            ask(rich, "10.00")


def test_an_expired_promise_moves_nothing(rich: Shop) -> None:
    quote = ask(rich)
    with shifted(timedelta(days=40) + HOLDS + timedelta(seconds=5)), pytest.raises(QuoteExpired), unit(rich.app):
        exchange(rich.vendor, quote, by=rich.user)
    assert held(rich, "EUR") == Money(9_750, "EUR")


def test_two_who_take_it_at_once_exchange_once(rich: Shop, app: Flask, at_once: AtOnce) -> None:
    for round_ in range(10):
        quote = ask(rich, "2.00")

        def take(quote: RateQuote = quote) -> bool:
            with shifted(timedelta(days=40)):
                return exchange(rich.vendor, quote, by=rich.user)

        assert sorted(at_once(take, take)) == [False, True]
        assert held(rich, "EUR") == Money(9_750 - 200 * (round_ + 1), "EUR")
    with unit(app):
        made = select(func.count()).select_from(Journal).where(Journal.vendor_id == rich.vendor.id, Journal.kind == "exchange")
        assert db.session.scalar(made) == 10


def test_what_is_owed_in_the_other_currency_is_made_up_at_once(rich: Shop) -> None:
    with unit(rich.app):
        owed = Money(1_000, "USD")
        legs = (Leg(SELLER_RECEIVABLE, owed), Leg(UNAPPLIED, -owed))
        post([BookedJournal(rich.vendor.id, "test", "owed:for a test", "refund requested", "pay_x", now(), legs)])
    quote = ask(rich)
    with unit(rich.app):
        assert exchange(rich.vendor, quote, by=rich.user)
    with unit(rich.app):
        assert not balance(rich.vendor, "test", "seller_receivable", "USD") and find_breaks(rich.vendor.id, "test") == []
    assert held(rich, "USD") == Money(9_850 - 1_000, "USD")
