"""What must not stop a payout, and what must: late entries, other zones, replaced accounts, a bank that tells it all on one day."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from core.kernel.clock import frozen, now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.payments.bank_lines import book_lines
from core.payments.statements import import_statement
from core.payouts.accounts import add_account
from core.payouts.approve import approve_many, approve_payout, cancel_payout
from core.payouts.models import Payout, PayoutTerms
from core.payouts.request import NotPayable
from core.payouts.settle import settle_payout
from core.payouts.statement import lines_of
from core.payouts.terms import claim_due
from core.providers.bank_models import BankLine
from core.providers.bank_orders import find_order
from tests.core.disputes.cases import case_of
from tests.core.payments.conftest import another_shop
from tests.core.payments.transfers import TestBank
from tests.core.payouts.sellers import OTHER, THEIRS, Seller
from tests.core.payouts.test_payouts import usd
from tests.core.providers.statements import Line, Tx, file_of
from tests.factories import Shop, unit


def held(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> Payout:
    none = dataclasses.replace(settings(), payout_limits={})
    monkeypatch.setattr("core.payouts.request.settings", lambda: none)
    return seller.pays_out()


def test_an_entry_that_reached_the_books_late_is_on_the_next_statement(seller: Seller) -> None:
    """Released by a machine whose clock is hours behind, or by a transaction that old: no payout may be stopped for ever by it."""
    seller.pays_out()
    with shifted(timedelta(days=20)):
        seller.sells("20.00")
    with shifted(timedelta(days=29)):
        seller.release()
    with shifted(timedelta(days=30, hours=1)):
        late = seller.pays_out()
        assert (late.amount, late.lines_minor) == (usd(1950), 1950)
        with unit(seller.shop.app):
            assert [line.kind for line in lines_of(seller.shop.vendor, late)] == ["release"]
    assert seller.books_are_whole()


def test_nobody_whose_day_has_come_waits_behind_those_whose_has_not(shop: Shop) -> None:
    """One at a time, and the first in the index sleeps yet: half the world is always a day behind the other half."""
    day, west, east = date(2020, 1, 2), shop, another_shop(shop)
    with frozen(datetime(2020, 1, 2, 0, 30, tzinfo=UTC)), unit(shop.app):
        for one, zone in ((west, "Pacific/Honolulu"), (east, "Pacific/Kiritimati")):
            db.session.get_one(type(one.vendor), one.vendor.id).time_zone = zone
            row = {"mode": "test", "currency": "USD", "schedule": "daily", "day": 1, "minimum_minor": 100, "next_on": day}
            db.session.execute(insert(PayoutTerms).values(vendor_id=one.vendor.id, updated_at=now(), **row))
        assert [terms.vendor_id for terms in claim_due(limit=1)] == [east.vendor.id]
        assert claim_due(limit=1) == []
    with frozen(datetime(2020, 1, 2, 10, 30, tzinfo=UTC)), unit(shop.app):
        (terms,) = claim_due(limit=1)
        assert (terms.vendor_id, terms.next_on) == (west.vendor.id, date(2020, 1, 3))
        db.session.execute(
            update(PayoutTerms).where(PayoutTerms.updated_at < datetime(2021, 1, 1, tzinfo=UTC)).values(next_on=date(2090, 1, 1))
        )


def test_a_held_payout_does_not_leave_for_an_account_that_was_replaced(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner who finds a stranger's account there replaces it: what has not left yet must not go to the stranger."""
    payout = held(seller, monkeypatch)
    with unit(seller.shop.app):
        add_account(seller.shop.vendor, "test", currency="USD", holder="Blue Door", iban=OTHER, by="usr_owner")
    with unit(seller.shop.app), pytest.raises(Refusal, match="replaced this bank account"):
        approve_payout(seller.shop.vendor, payout, by="stf_two")
    with unit(seller.shop.app):
        assert find_order("test", payout.public_id) is None
        cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="the account was replaced")
    assert seller.has() == usd(9750) and seller.books_are_whole()


def test_a_currency_in_which_nothing_is_paid_out_any_more_is_refused(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    payout = held(seller, monkeypatch)
    without = dataclasses.replace(settings(), bank_accounts={**settings().bank_accounts, "test": ""})
    monkeypatch.setattr("core.payouts.accounts.settings", lambda: without)
    monkeypatch.setattr("core.payouts.send.settings", lambda: without)
    with unit(seller.shop.app), pytest.raises(NotPayable, match="Nothing is paid out in USD"):
        approve_payout(seller.shop.vendor, payout, by="stf_two")
    with unit(seller.shop.app):
        cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="no account in dollars")
    with pytest.raises(NotPayable, match="Nothing is paid out in USD"):
        seller.pays_out()


def test_left_and_returned_on_one_day_is_a_payout_that_came_back(seller: Seller) -> None:
    """A statement numbers nothing within a day: what comes back is read after what left."""
    payout = seller.pays_out()
    with unit(seller.shop.app):
        order = find_order("test", payout.public_id)
        assert order is not None
    facts = {"end_to_end": order.end_to_end, "name": "Blue Door Bakery Ltd", "account": THEIRS}
    out = Line((Tx(payout.amount_minor, sign=-1, **facts),), sign=-1, booked_on=now().date())
    back = Line((Tx(payout.amount_minor, returned="AC04", **facts),), booked_on=now().date())
    with unit(seller.shop.app):
        import_statement(file_of(TestBank(seller.shop).draft(out, back)), name="day.xml", by="operator")
        mine = update(BankLine).where(BankLine.end_to_end == order.end_to_end)
        db.session.execute(mine.where(BankLine.sign == 1).values(public_id="bkl_" + order.end_to_end[-21:].rjust(22, "0")))
        db.session.execute(mine.where(BankLine.sign == -1).values(public_id="bkl_" + order.end_to_end[-21:].rjust(22, "z")))
    with unit(seller.shop.app):
        while book_lines("test"):
            pass
    with unit(seller.shop.app):
        assert settle_payout(seller.shop.vendor, "test", payout.public_id, cause="line") == "settled"
    assert (seller.as_it_is(payout).state, seller.has(), seller.has("payout_in_transit")) == ("failed", usd(9750), usd(0))
    assert seller.books_are_whole()


def test_what_the_bank_refuses_to_transfer_is_the_sellers_again(seller: Seller) -> None:
    """No statement will ever tell of it: without a word from a person the money would be on its way for ever."""
    payout = seller.pays_out()
    run = seller.shop.app.test_cli_runner()
    with unit(seller.shop.app):
        order = find_order("test", payout.public_id)
        assert order is not None
    said = run.invoke(args=["bank-orders", "--mode", "test", "--refused", order.public_id, "--why", "AC01 no such account"])
    assert said.exit_code == 0, said.output
    with unit(seller.shop.app):
        assert settle_payout(seller.shop.vendor, "test", payout.public_id, cause=order.public_id) == "settled"
    back = seller.as_it_is(payout)
    assert (back.state, back.failure_reason, seller.has()) == ("failed", "AC01 no such account", usd(9750))
    assert (seller.has("payout_in_transit"), seller.pays_out().amount) == (usd(0), usd(9750))
    again = run.invoke(args=["bank-orders", "--mode", "test", "--refused", order.public_id])
    assert again.exit_code == 1 and "told of this order already" in again.output
    assert seller.books_are_whole()


def test_a_held_payout_of_a_seller_who_has_come_to_owe_does_not_leave(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sold, asked for, and disputed while somebody looks: let go all the same, the platform would bear what the payers' banks took."""
    sold = seller.sells("50.00")
    with shifted(timedelta(days=60)):
        seller.release()
        payout = held(seller, monkeypatch)
        case_of(seller, sold).tell()
        owed = seller.has("seller_receivable")
        assert (payout.amount, owed) == (usd(9750 + 4875), usd(4875))
        with unit(seller.shop.app):
            (left,) = approve_many([(seller.shop.vendor, payout)], by="stf_two")
        assert "come to owe USD 48.75" in str(left.why) and seller.as_it_is(payout).state == "requested"
        with unit(seller.shop.app):
            cancel_payout(seller.shop.vendor, payout, by="stf_two", reason="disputed")
        assert (seller.has(), seller.has("seller_receivable"), seller.has("payout_in_transit")) == (usd(9750), usd(0), usd(0))
        again = seller.pays_out()
        with unit(seller.shop.app):
            approve_payout(seller.shop.vendor, again, by="stf_two")
        assert seller.as_it_is(again).state == "submitted" and seller.books_are_whole()
