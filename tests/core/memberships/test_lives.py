"""A member's life through the real payment path, in the vendor's own book: joined, renewed, declined and paid, cancelled, joined again."""

from __future__ import annotations

from datetime import date

import pytest
from flask import Flask

from core.billing.price_list import offer_on
from core.customers.block import block_customer
from core.customers.queries import find_customer
from core.kernel.db import db
from core.kernel.money import Money
from core.ledger.proof import look_for_breaks
from core.ledger.queries import balances
from core.memberships import join, member, plans
from core.memberships.member import ChangeUnderWay, PriceMoved, list_choices
from core.memberships.plans import BadPlan, PlanTerms, change_plan, make_plan, set_plan_state
from core.memberships.standing import public_facts, standing_of
from core.payments.models import Payment
from core.payments.saved import list_saved
from tests.core.billing.kept import at
from tests.core.memberships.joined import NOVEMBER, Joined, make_gym, plan_named, sell
from tests.core.subscriptions.plans import Moment
from tests.factories import Shop, make_shop, unit


@pytest.fixture(scope="module")
def gym(app: Flask) -> Shop:
    return make_gym(app)


def test_it_begins_once_its_first_payment_is_there_and_the_vendor_has_the_money(app: Flask) -> None:
    gym = make_gym(app)
    ada = Joined(gym, NOVEMBER)
    assert ada.stage(NOVEMBER) == "waiting" and [c.state for c in ada.charges()] == ["wanted"]
    ada.answer(NOVEMBER)
    assert ada.stage(NOVEMBER) == "running" and ada.paid() == [1000]
    assert [(d.name, d.gross_minor) for d in ada.documents()] == [("TEST-INV-000001", 1000)], "the vendor's own series"
    assert ada.letters().count("membership_welcome") == 1
    with unit(app):
        held = sum(amount.minor for (account, _, _), amount in balances(gym.vendor, "test").items() if account.startswith("seller"))
        assert held == 1000 - Money(1000, "GBP").share(gym.vendor.fee_bps).minor and look_for_breaks(gym.vendor.id, "test") == []


def test_three_months_are_three_payments_on_their_days(gym: Shop) -> None:
    ada = Joined(gym, date(2026, 10, 31))
    ada.answer(date(2026, 10, 31))
    ada.to(date(2027, 2, 1))
    renewals = [d.on_day for d in ada.documents() if d.origin == "renewal"]
    assert renewals == [date(2026, 11, 30), date(2026, 12, 31), date(2027, 1, 31)] and ada.paid() == [1000] * 4


def test_a_decline_is_tried_again_and_paid_with_another_card(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    ada.to(date(2026, 12, 3), pays="no")
    assert ada.row().status == "past_due"
    with ada.unit(date(2026, 12, 3)):
        found = standing_of(gym.vendor, ada.fresh())
        assert found.active and found.owed == Money(1000, "GBP") and found.stops == date(2026, 12, 17)
        assert public_facts(gym.vendor, ada.fresh())["active_until"] == "2026-12-17"
        join.ask_anew(ada.fresh())
    ada.save_card(date(2026, 12, 3))
    ada.answer(date(2026, 12, 3))
    assert ada.row().status == "active" and ada.paid() == [1000, 1000]
    assert ada.charges()[-1].amount_minor == 1000


def test_a_declined_beginning_can_be_tried_again_with_another_card(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER, "no")
    assert ada.stage(NOVEMBER) == "declined" and ada.paid() == []
    with ada.unit(NOVEMBER):
        join.try_again(ada.fresh())
        join.try_again(ada.fresh())  # pressed twice
    assert ada.stage(NOVEMBER) == "card" and ada.fresh().tries == 2
    ada.save_card(NOVEMBER)
    ada.answer(NOVEMBER)
    assert ada.stage(NOVEMBER) == "running" and ada.paid() == [1000]


def test_a_bank_that_asks_its_customer_is_waited_for(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER, "ask")
    assert ada.stage(NOVEMBER) == "confirm" and ada.row().status == "active"
    ada.tell(date(2026, 11, 2), ada.charges()[0], "yes")
    assert ada.stage(date(2026, 11, 2)) == "running" and ada.state().balance.minor == 0 and ada.paid() == [1000]


def test_cancelled_it_is_served_to_the_end_and_charged_no_more(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    with ada.unit(date(2026, 11, 10)):
        member.cancel(gym.vendor, ada.fresh(), by="payer")
        member.cancel(gym.vendor, ada.fresh(), by="payer")  # two tabs
        found = standing_of(gym.vendor, ada.fresh())
        assert found.active and found.ends == date(2026, 12, 1) and found.next is None
    ada.to(date(2026, 12, 2))
    assert ada.stage(date(2026, 12, 2)) == "ended" and ada.paid() == [1000]
    again = Joined(gym, date(2026, 12, 5), email=ada.email)
    again.answer(date(2026, 12, 5))
    assert again.stage(date(2026, 12, 5)) == "running" and again.paid() == [1000, 1000]


def test_a_cancellation_is_taken_back(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    with ada.unit(date(2026, 11, 10)):
        member.cancel(gym.vendor, ada.fresh(), by="payer")
        member.keep(gym.vendor, ada.fresh(), by="payer")
    ada.to(date(2026, 12, 1))
    assert ada.stage(date(2026, 12, 1)) == "running" and len(ada.paid()) == 2


def test_a_trial_costs_nothing_and_is_for_whoever_comes_first(gym: Shop) -> None:
    sell(gym, "Tryable", "20.00", trial_days=7)
    ada = Joined(gym, NOVEMBER, "Tryable")
    assert ada.stage(NOVEMBER) == "running" and ada.paid() == [] and ada.row().status == "trialing"
    with ada.unit(NOVEMBER):
        member.cancel(gym.vendor, ada.fresh(), by="payer")
    ada.answer(NOVEMBER)
    ada.to(date(2026, 11, 9))
    assert ada.stage(date(2026, 11, 9)) == "ended" and ada.paid() == []
    again = Joined(gym, date(2026, 11, 10), "Tryable", email=ada.email)
    again.answer(date(2026, 11, 10))
    assert again.row().status == "active" and again.paid() == [2000]


def test_an_upgrade_is_paid_today_and_a_downgrade_waits(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    with ada.unit(date(2026, 11, 16)):
        (choice,) = [each for each in list_choices(gym.vendor, ada.row()) if each.plan.name == "Gold"]
        assert (choice.today, choice.monthly) == (Money(1000, "GBP"), Money(3000, "GBP"))
        with pytest.raises(PriceMoved):
            member.change_plan(gym.vendor, ada.fresh(), plan=choice.plan, shown="1.3000", by="payer")
        for _ in range(2):
            member.change_plan(gym.vendor, ada.fresh(), plan=choice.plan, shown=member.sum_shown(choice), by="payer")
    assert ada.row().tier == "basic", "not before it is paid"
    with ada.unit(date(2026, 11, 16)), pytest.raises(ChangeUnderWay):
        member.keep(gym.vendor, ada.fresh(), by="payer")
    ada.answer(date(2026, 11, 16))
    assert ada.row().tier == "gold" and ada.paid() == [1000, 1000]
    with ada.unit(date(2026, 11, 17)):
        (back,) = [each for each in list_choices(gym.vendor, ada.row()) if each.plan.name == "Basic"]
        assert back.today is None and back.on == date(2026, 12, 1)
        member.change_plan(gym.vendor, ada.fresh(), plan=back.plan, shown=member.sum_shown(back), by="payer")
    ada.to(date(2026, 12, 1))
    assert ada.row().tier == "basic" and ada.paid() == [1000, 1000, 1000]


def test_a_new_price_counts_for_members_from_their_next_month(app: Flask) -> None:
    gym = make_gym(app)
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    with ada.unit(date(2026, 11, 10)):
        change_plan(gym.vendor, plan_named(gym, "Basic"), terms=PlanTerms("Basic", Money.of("12.00", "GBP")), by=gym.user.public_id)
        assert offer_on(gym.vendor.id, "test", date(2026, 11, 10)).terms.version == 3
    bob = Joined(gym, date(2026, 11, 11))
    bob.answer(date(2026, 11, 11))
    ada.to(date(2026, 12, 1))
    assert bob.paid() == [1200] and ada.paid() == [1000, 1200]


def test_nobody_is_charged_another_sum_than_they_read(app: Flask) -> None:
    gym = make_gym(app)
    ada = Joined(gym, NOVEMBER, card=False)
    with ada.unit(NOVEMBER):
        change_plan(gym.vendor, plan_named(gym, "Basic"), terms=PlanTerms("Basic", Money.of("12.00", "GBP")), by=gym.user.public_id)
    ada.save_card(NOVEMBER)
    assert ada.stage(NOVEMBER) == "card" and ada.fresh().state == "asked"
    with ada.unit(NOVEMBER):
        assert list_saved(gym.vendor, "test", ada.email) == []
        join.agree(ada.fresh(), monthly=join.quote(gym.vendor, plan_named(gym, "Basic")).monthly, trial_days=0)
    ada.save_card(NOVEMBER)
    ada.answer(NOVEMBER)
    assert ada.paid() == [1200]


def test_the_same_form_is_one_membership_and_the_same_address_has_one(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER, form_token="a" * 20)
    again = Joined(gym, NOVEMBER, form_token="a" * 20, email=ada.email, card=False)
    assert again.member.id == ada.member.id
    ada.answer(NOVEMBER)
    other = Joined(gym, NOVEMBER, email=ada.email)  # another tab, or a stranger
    assert other.stage(NOVEMBER) == "refused" and other.fresh().subscription_id is None
    with unit(gym.app):
        (card,) = list_saved(gym.vendor, "test", ada.email)
    assert ada.row().card_id == card.id, "the stranger's card is not kept, and pays nothing of hers"
    assert "membership_page" in ada.letters()


def test_a_blocked_customer_is_charged_nothing(gym: Shop) -> None:
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    with ada.unit(date(2026, 11, 20)):
        customer = find_customer(gym.vendor, "test", ada.email)
        assert customer is not None
        block_customer(gym.vendor, customer, by=gym.user.public_id, because="A dispute.")
    ada.to(date(2026, 12, 2))
    assert ada.paid() == [1000] and ada.row().status == "past_due"


def test_two_vendors_members_and_test_and_live_are_apart(app: Flask, gym: Shop) -> None:
    other = make_gym(app)
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    twin = Joined(other, NOVEMBER, email=ada.email)
    twin.answer(NOVEMBER)
    assert twin.stage(NOVEMBER) == "running" and twin.row().vendor_id == other.vendor.id and twin.paid() == [1000]
    with unit(app):
        assert plans.list_plans(other.vendor, "live") == []
        mine = db.session.query(Payment).filter(Payment.email == ada.email).all()
        assert sorted(str(payment.vendor_id) for payment in mine) == sorted([str(gym.vendor.id), str(other.vendor.id)])


def test_what_cannot_be_sold_is_refused_at_its_field(app: Flask) -> None:
    shop = make_shop(app)
    sell(shop, "Basic", "10.00")
    for terms, field in (
        (PlanTerms("Cheap", Money.of("0.10", "GBP")), "price"),
        (PlanTerms("Euros", Money.of("10.00", "EUR")), "price"),
        (PlanTerms("basic", Money.of("10.00", "GBP")), "name"),
        (PlanTerms("Long", Money.of("10.00", "GBP"), "", 400), "trial_days"),
    ):
        with pytest.raises(BadPlan) as no, Moment(app, at(NOVEMBER)):
            make_plan(shop.vendor, "test", terms=terms, by=shop.user.public_id)
        assert no.value.field == field
    with Moment(app, at(NOVEMBER)):
        set_plan_state(shop.vendor, plan_named(shop, "Basic"), state="paused", by=shop.user.public_id)
    with pytest.raises(join.PlanNotOffered), Moment(app, at(NOVEMBER)):
        join.ask_to_join(shop.vendor, plan_named(shop, "Basic"), email="x@example.com", name="", form_token="b" * 20)


def test_whoever_came_no_further_is_let_go_of_and_whoever_joined_is_not(gym: Shop) -> None:
    left, stayed = Joined(gym, NOVEMBER, card=False), Joined(gym, NOVEMBER)
    with stayed.unit(date(2026, 12, 2)):
        join.prune_unfinished(1000)
    with unit(gym.app):
        assert db.session.get(type(left.member), (left.member.vendor_id, "test", left.member.id)) is None
    assert stayed.fresh().state == "joined"
