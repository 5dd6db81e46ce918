"""EC-107: each thing that stands in the way of closing an account is named, and goes from the list once it has ended."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from core.accounts.models import User, Vendor
from core.accounts.standing import BusinessClosed
from core.closing.close import SomethingInTheWay, ask_to_close, closing_token, open_closing_token, take_back
from core.closing.end import go_on_with_closings
from core.closing.models import Closing
from core.closing.obstacles import obstacles
from core.directory.standing import find_standing
from core.kernel.clock import frozen, now, shifted
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.money import Money
from core.kernel.outbox import OutboxTask
from core.kernel.signing import TokenRefused
from core.payments.claim import LIFE, expire_claim, refuse_claim, revoke_claim
from core.payouts.accounts import add_account
from tests.core.directory.stalls import make_listing
from tests.core.memberships.joined import NOVEMBER, Joined, make_gym
from tests.core.payments.claims import approved, failed_refund, named, opened
from tests.core.payments.transfers import euros_at_another_bank
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.subscriptions.plans import Life, publish
from tests.factories import (
    Shop,
    again,
    ask_refund,
    fresh,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    open_payment,
    release_all,
    tell,
    tell_refund,
    unit,
)
from workers.jobs import OUTSIDE


def names(shop: Shop) -> dict[str, Money | int]:
    with unit(shop.app):
        return {each.kind: each.amount if each.amount is not None else each.count for each in obstacles(shop.vendor, "test")}


def close(shop: Shop, mode: str = "test") -> Closing:
    with unit(shop.app):
        vendor, owner = db.session.get_one(Vendor, shop.vendor.id), db.session.get_one(User, shop.user.id)
        return ask_to_close(vendor, owner, name=f" {vendor.name.upper()} ", expects="", mode=mode)


def test_money_that_is_pending_and_then_available_is_named_with_its_sum_in_each_currency(shop: Shop) -> None:
    paid = make_paid(shop)
    make_paid(shop, make_link(shop, amount="10.00", currency="EUR"))
    found = names(shop)
    assert found == {"pending": found["pending"]} and isinstance(found["pending"], Money)
    with unit(shop.app):
        each = [one for one in obstacles(shop.vendor, "test") if one.kind == "pending"]
    assert [one.amount.currency for one in each if one.amount] == ["EUR", "GBP"]
    with frozen(now() + timedelta(days=30)):
        release_all(shop.app)
    found = names(shop)
    assert set(found) == {"available"} and paid.currency == "GBP"
    with pytest.raises(SomethingInTheWay):
        close(shop)


def test_a_payment_under_way_is_named_until_it_ends_and_one_nobody_began_to_pay_is_not(shop: Shop) -> None:
    make_payment(shop)
    assert names(shop) == {}
    payment = make_payment(shop, email="other@example.com")
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, "processing")
    assert names(shop) == {"payments": 1}
    tell(shop, payment, attempt, "canceled")
    assert names(shop) == {}


def test_a_refund_under_way_is_named_and_then_what_the_seller_still_has(shop: Shop) -> None:
    payment = make_paid(shop)
    refund = ask_refund(shop, payment)
    assert names(shop).get("refunds") == 1
    tell_refund(shop, refund, "succeeded")
    assert "refunds" not in names(shop)


def test_a_refund_link_is_named_until_it_is_over_or_decided(shop: Shop) -> None:
    with euros_at_another_bank():
        waits, claim = opened(shop, *failed_refund(shop)), named(shop, opened(shop, *failed_refund(shop)))
        over, other = opened(shop, *failed_refund(shop)), opened(shop, *failed_refund(shop))
        assert names(shop)["refund_links"] == 4
        with pytest.raises(SomethingInTheWay):
            close(shop)
        with unit(shop.app):
            revoke_claim(shop.vendor, again(other), by="usr_x")
            refuse_claim(shop.vendor, again(claim), reason="Not yours.", by="usr_x")
        assert names(shop)["refund_links"] == 2
        with shifted(LIFE), unit(shop.app):
            expire_claim(over.vendor_id, over.mode, over.id)
        paying = approved(shop, named(shop, waits))
        assert paying.state == "approved"
        assert "refund_links" not in (found := names(shop)) and found["refunds"] == 1, "from here on it is a refund"


def test_links_that_were_practised_with_are_taken_back_and_hold_nobody_up(app: Flask, shop: Shop) -> None:
    with euros_at_another_bank():
        waits, claim = opened(shop, *failed_refund(shop)), named(shop, opened(shop, *failed_refund(shop)))
        done = approved(shop, named(shop, opened(shop, *failed_refund(shop))))
    row = close(shop, mode="live")
    assert row.state == "closing"
    work_off(shop)
    assert [fresh(shop, one).state for one in (waits, claim, done)] == ["revoked", "revoked", "approved"]
    assert fresh(shop, claim).decided_by == shop.user.public_id


def work_off(shop: Shop) -> None:
    """What the worker does about the links of a business that has closed, as it was asked for."""
    with unit(shop.app):
        asked = select(OutboxTask).where(OutboxTask.vendor_id == shop.vendor.id, OutboxTask.job == "take_refund_links_back")
        args = [task.args for task in db.session.scalars(asked)]
    assert [one["mode"] for one in args] == ["test"]
    with shop.app.app_context():
        for one in args:
            OUTSIDE["take_refund_links_back"](shop.vendor.id, **one)


def test_links_wait_on_where_the_closing_was_taken_back_before_the_worker_came(app: Flask, shop: Shop) -> None:
    with euros_at_another_bank():
        waits = opened(shop, *failed_refund(shop))
    row = close(shop, mode="live")
    with unit(app):
        vendor = db.session.get_one(Vendor, shop.vendor.id)
        take_back(vendor, db.session.get_one(Closing, (row.vendor_id, row.mode, row.id)), by=shop.user.public_id)
    work_off(shop)
    assert fresh(shop, waits).state == "open"


def test_live_money_is_not_asked_about_test_money(shop: Shop) -> None:
    make_paid(shop)
    assert close(shop, "live").state == "closing"


def test_once_stopped_nothing_can_be_begun_and_taken_back_everything_can(shop: Shop) -> None:
    make_listing(shop)
    link, begun = make_link(shop), make_payment(shop)
    row = close(shop)
    with shop.app.app_context():
        stopped = db.session.get_one(Vendor, shop.vendor.id)
    closed = Shop(shop.app, stopped, shop.user, shop.membership, shop.secret)
    with pytest.raises(BusinessClosed):
        make_payment(closed, link, email="late@example.com")
    with pytest.raises(BusinessClosed):
        open_payment(closed, begun)
    with unit(shop.app):
        standing = find_standing(shop.vendor.id, "test")
        assert standing is not None and (standing.visible, standing.reason) == (False, "closed")
    with unit(shop.app):
        take_back(db.session.get_one(Vendor, shop.vendor.id), row, by=shop.user.public_id)
    with shop.app.app_context():
        open_again = db.session.get_one(Vendor, shop.vendor.id)
        standing = find_standing(shop.vendor.id, "test")
    assert standing is not None and standing.visible
    assert make_payment(Shop(shop.app, open_again, shop.user, shop.membership, shop.secret), link, email="late@example.com")


def test_money_that_comes_in_the_days_of_grace_is_waited_for_before_anybody_is_forgotten(app: Flask, shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    with unit(app):
        again = db.session.get_one(type(payment), (payment.vendor_id, payment.mode, payment.id))
        again.state = "canceled"
    row = close(shop)
    tell(shop, payment, attempt, "succeeded", charge="ch_late", captured=payment.amount, occurred_at=now())
    for days in (15, 20):
        with frozen(now() + timedelta(days=days)), unit(app):
            go_on_with_closings(1000)
        with unit(app):
            kept = db.session.get_one(Closing, (row.vendor_id, row.mode, row.id))
            assert kept.state == "closing" and kept.due_at is not None
            assert db.session.get_one(User, shop.user.id).email == shop.email


def test_asked_twice_it_is_one_closing_and_another_business_is_not_touched(app: Flask, shop: Shop) -> None:
    other = make_shop(app)
    assert close(shop).id == close(shop).id
    with unit(app):
        assert db.session.get_one(Vendor, other.vendor.id).stopped_at is None


def test_a_token_of_a_closing_that_was_taken_back_opens_nothing(app: Flask, shop: Shop) -> None:
    row = close(shop)
    with unit(app):
        text = closing_token(shop.vendor, row)
        vendor, found = open_closing_token(text)
        take_back(vendor, found, by=shop.user.public_id)
    with unit(app), pytest.raises(TokenRefused):
        open_closing_token(text)


def test_a_payout_under_way_is_named_until_the_bank_has_sent_it_and_then_nothing_is(shop: Shop) -> None:
    with unit(shop.app):
        add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by=shop.user.public_id)
    seller = Seller(shop)
    seller.sells("100.00")
    with shifted(timedelta(days=30)):
        seller.release()
        payout = seller.pays_out()
        assert names(shop)["payouts"] == 1
        seller.bank_says(payout)
        assert names(shop) == {}
        assert close(shop).state == "closing"
        assert seller.books_are_whole()


def test_a_debt_to_the_house_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    generous = dataclasses.replace(settings(), debt_limits={"GBP": 100_000, "USD": 100_000})
    monkeypatch.setattr("core.payments.refund_queue.settings", lambda: generous)
    with unit(shop.app):
        add_account(shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by=shop.user.public_id)
    seller = Seller(shop)
    payment = seller.sells("100.00")
    with shifted(timedelta(days=30)):
        seller.release()
        seller.bank_says(seller.pays_out())
        tell_refund(shop, ask_refund(shop, payment), "succeeded")
        found = names(shop)
    assert list(found) == ["debt"] and isinstance(found["debt"], Money) and found["debt"].minor > 0


def test_a_plan_and_a_membership_that_run_are_named(app: Flask, shop: Shop) -> None:
    publish(app)
    life = Life(app, NOVEMBER, "pro", shop=shop)
    life.answer(NOVEMBER)
    with life.unit(NOVEMBER):
        assert [each.kind for each in obstacles(shop.vendor, "test")] == ["plan"]
    gym = make_gym(app)
    member = Joined(gym, NOVEMBER)
    with member.unit(NOVEMBER):
        assert ("memberships", 1) in [(each.kind, each.count) for each in obstacles(gym.vendor, "test")]
