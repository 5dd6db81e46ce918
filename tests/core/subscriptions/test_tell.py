"""What is told of a subscription: once, to whoever may act on it, and as it was when it happened."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select, update

from core.accounts.models import CustomRole, Membership, User
from core.accounts.roles import make_role
from core.billing import store
from core.billing.codec import decode_one_of
from core.billing.effects import Effect, Notice, StateChanged
from core.billing.models import BillingCharge, KeptSubscription
from core.billing.wishes import AddProducts, Cancel, ChooseTier, Reactivate
from core.customers.models import Customer
from core.kernel.clock import now
from core.kernel.db import db
from core.notifications.daily import Manner, choose_manner
from core.notifications.notices import list_notices
from core.notifications.team import Choice, choose
from core.subscriptions.news import URGENT
from core.subscriptions.tell import NeverHappened, tell, tell_change
from tests.core.billing.kept import make_seller
from tests.core.billing.story import gbp
from tests.core.subscriptions.told import NOVEMBER, OCTOBER, Life, customer_of, november, tell_all, the_house
from tests.factories import Shop, make_colleague, make_declined, make_shop, unit


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


def plan_of(shop: Shop, on: date = NOVEMBER, tier: str = "starter", **more: object) -> Life:
    return Life(the_house(shop.app), shop.vendor, on, tier, **more)


def behind(shop: Shop) -> Life:
    """The renewal of November was declined."""
    return plan_of(shop, OCTOBER, "pro").go(NOVEMBER).pay(False)


def to(life: Life, kind: str = "") -> list[str]:
    """Who was written to, about this kind or about any."""
    letters = [(letter.recipient, json.loads(letter.params["news"])["kind"]) for letter in life.letters()]
    return [recipient for recipient, about in letters if not kind or about == kind]


def told_again(life: Life) -> Life:
    life.followed = 0
    return life.follow()


def test_each_piece_of_news_is_told_once_however_often_it_is_asked_for(shop: Shop) -> None:
    life = behind(shop).go(november(2)).pay()
    before = len(life.news()), len(life.letters())
    assert before[0] == before[1] == len(set(life.kinds())) > 0
    told_again(told_again(life))
    assert (len(life.news()), len(life.letters())) == before


def test_the_same_sentence_of_a_later_event_is_other_news(shop: Shop) -> None:
    """Two cards declined on one day say the very same; somebody who tried twice hears twice."""
    life = plan_of(shop).do(ChooseTier("pro"), on=november(11)).pay(False).do(ChooseTier("pro")).pay(False)
    first, second = (news for news in life.news() if news.kind == "upgrade_declined")
    assert first == second
    told_again(life)
    assert life.kinds().count("upgrade_declined") == 2


def test_what_never_happened_is_told_to_nobody(shop: Shop) -> None:
    life = plan_of(shop)
    with life.unit(NOVEMBER), pytest.raises(NeverHappened):
        tell(life.row, Notice("recovered", NOVEMBER))
    with life.unit(NOVEMBER), pytest.raises(NeverHappened):
        tell_change(life.row, StateChanged("suspended", "active", NOVEMBER))


def test_a_change_that_a_notice_tells_already_has_no_second_letter(shop: Shop) -> None:
    """Falling behind, recovering, the suspension and the end each have their notice."""
    life = plan_of(shop, tier="pro").do(Cancel()).go(date(2026, 12, 1))
    assert life.kinds() == ["cancel_planned", "cancelled"]
    raised = plan_of(make_shop(shop.app)).go(november(5)).do(AddProducts(11)).go(november(13)).pay()
    assert raised.kinds() == ["limit_breached", "grace_running", "grace_running", "limit_enforced"]


def test_a_run_that_comes_late_tells_each_day_as_it_was(shop: Shop) -> None:
    """The plan is Pro by the time anything is told; the notice of the breach still speaks of Starter, and nobody promises a next charge."""
    life = plan_of(shop).do(AddProducts(11), on=november(5))
    with life.unit(november(13)):
        store.catch_up(life.row)
    life.on = november(13)
    life.pay()
    breached = life.last("limit_breached")
    assert (breached.plan, breached.limit, life.last("limit_enforced").before) == ("Starter", 10, "Starter")
    assert life.state().tier == "pro" and life.last("grace_running").next_on is None


# --- to whom -------------------------------------------------------------------------------------------------------------------


def with_role(shop: Shop, permissions: Iterable[str]) -> Shop:
    """A colleague in a role of the vendor's own."""
    person = make_colleague(shop, "viewer")
    with unit(shop.app):
        role = make_role(shop.vendor, name=secrets.token_hex(4), permissions=set(permissions), by=shop.user.public_id)
        mine = update(Membership).where(Membership.vendor_id == shop.vendor.id, Membership.user_id == person.user.id)
        db.session.execute(
            mine.values(role="custom", custom_role_id=select(CustomRole.id).where(CustomRole.id == role.id).scalar_subquery())
        )
    return person


def test_it_is_told_to_the_owner_and_to_whoever_may_change_the_plan_each_in_their_language(shop: Shop) -> None:
    admin, payer = make_colleague(shop, "admin"), with_role(shop, {"plan.manage"})
    for other in ("manager", "accountant", "viewer"):
        make_colleague(shop, other)
    with_role(shop, {"payments.see"})
    with unit(shop.app):
        db.session.execute(update(User).where(User.id == admin.user.id).values(language="de"))
    letters = {letter.recipient: letter.locale for letter in behind(shop).letters() if letter.kind == "plan_urgent"}
    assert letters == {shop.email: "en", admin.email: "de", payer.email: "en"}


def seen(shop: Shop, person: Shop) -> list[str]:
    with unit(shop.app):
        return [told.notice.kind for told in list_notices(shop.vendor, "test", person.user).rows]


def test_notices_of_the_plan_are_read_by_whoever_may_change_it(shop: Shop) -> None:
    admin, manager = make_colleague(shop, "admin"), make_colleague(shop, "manager")
    behind(shop)
    assert seen(shop, shop) == seen(shop, admin) == ["plan_urgent", "plan_news"] and seen(shop, manager) == []


def test_what_stops_the_plan_is_told_to_whoever_wants_to_hear_nothing(shop: Shop) -> None:
    with unit(shop.app):
        choose(shop.vendor, "test", shop.user.public_id, {kind: Choice(False, False) for kind in ("plan_news", "plan_urgent")})
        choose_manner(shop.vendor, "test", shop.user.public_id, Manner(muted=True))
    life = behind(shop).go(november(2)).pay(False)
    for day in (4, 8, 16):
        life.go(november(day)).pay(False)
    life.go(date(2026, 12, 16))
    about = {json.loads(letter.params["news"])["kind"] for letter in life.letters()}
    assert about == {"payment_failed", "suspension_ahead", "suspended", "cancelled"} <= URGENT
    assert set(seen(shop, shop)) == {"plan_urgent"}
    refused = plan_of(shop, date(2027, 10, 1), "pro").go(date(2027, 11, 1)).refuse(hard=True)
    assert to(refused, "card_refused") == [shop.email]


def test_other_news_of_the_plan_can_be_switched_off_or_come_once_a_day(shop: Shop) -> None:
    quiet, daily = make_colleague(shop, "admin"), make_colleague(shop, "admin")
    with unit(shop.app):
        choose(shop.vendor, "test", quiet.user.public_id, {"plan_news": Choice(True, False)})
        choose(shop.vendor, "test", daily.user.public_id, {"plan_news": Choice(True, True, daily=True)})
        choose_manner(shop.vendor, "test", daily.user.public_id, Manner())
    life = plan_of(shop).do(Cancel())
    assert to(life, "cancel_planned") == [shop.email] and seen(shop, quiet) == ["plan_news"]


# --- what the bank said --------------------------------------------------------------------------------------------------------


def test_the_banks_reason_is_that_of_the_payment_the_charge_became(app: Flask) -> None:
    seller = make_seller(app)
    life, declined = Life(seller, customer_of(seller), OCTOBER, "pro").go(NOVEMBER), make_declined(seller)
    (charge,) = life.wanted()
    with life.unit(NOVEMBER):
        db.session.get_one(BillingCharge, (charge.vendor_id, charge.mode, charge.id)).payment_id = declined.id
    assert life.pay(False).last("payment_failed").bank == declined.decline_code == "insufficient_funds"
    assert life.go(november(2)).pay(False).last("payment_failed").bank == "", "a charge that became no payment has no bank to quote"


# --- members -------------------------------------------------------------------------------------------------------------------


def test_a_member_is_written_to_once_in_the_sellers_name_and_never_about_products(app: Flask) -> None:
    seller = make_seller(app)
    life = Life(seller, customer_of(seller), OCTOBER, "pro").go(NOVEMBER).pay(False).go(november(4)).pay()
    told_again(life)
    assert life.kinds() == ["renewal_ahead", "payment_failed", "recovered"]
    assert {(letter.kind, letter.recipient, letter.vendor_id) for letter in life.letters()} == {
        ("membership_news", "ada@example.com", seller.vendor.id)
    }
    life.do(AddProducts(200))
    assert "limit_breached" not in life.kinds() and seen(seller, seller) == []


def test_whoever_had_themselves_forgotten_is_not_written_to(app: Flask) -> None:
    seller = make_seller(app)
    member = customer_of(seller)
    life = Life(seller, member, NOVEMBER, "pro")
    with unit(app):
        db.session.get_one(Customer, (member.vendor_id, member.mode, member.id)).erased_at = now()
    assert life.do(Cancel()).letters() == []


def test_a_late_reactivation_is_told_with_all_that_was_asked_for(shop: Shop) -> None:
    """The debt is part of the charge, so it is part of the sum that was declined."""
    life = behind(shop)
    for day in (2, 4, 8, 16):
        life.go(november(day)).pay(False)
    life.go(november(25)).do(Reactivate()).pay(False)
    assert life.last("reactivate_declined").amount == gbp("2.20")


def test_the_events_of_a_subscription_are_told_in_any_session(shop: Shop) -> None:
    """Whoever follows holds the row it was given, and what it was given may be old."""
    life = plan_of(shop).do(Cancel())
    stale = life.row
    with life.unit(life.on):
        row = db.session.get_one(KeptSubscription, (stale.vendor_id, stale.mode, stale.id))
        assert stale.events < row.events
        for event in life.events():
            tell_all(stale, (decode_one_of(Effect, kept) for kept in event.effects))
    assert life.kinds() == ["cancel_planned"]
