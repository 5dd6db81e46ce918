"""A vendor's plan: charged through the real payment path, booked in the house's book, seen in the directory exactly while it is served."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.accounts.house import HOUSE
from core.billing.wishes import AddBranches, AddProducts, Cancel, ChooseTier, Hibernate, Keep, Reactivate, Resume
from core.directory.standing import find_standing
from core.kernel.db import db
from core.kernel.errors import Refusal
from core.ledger.book import PLATFORM
from core.ledger.proof import look_for_breaks
from core.payments.models import Payment
from core.subscriptions import charges, plan
from core.subscriptions.plan import HasPlan, NoCard, PaymentOut
from tests.core.subscriptions.plans import Life, publish, save_card
from tests.factories import make_shop, unit

NOVEMBER = date(2026, 11, 1)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


def visible(life: Life) -> bool:
    with unit(life.app):
        standing = find_standing(life.shop.vendor.id, "test")
        return standing is None or standing.visible


def check_books(life: Life) -> None:
    """The subscriber's accounts in the books say what billing says."""
    state = life.state()
    drafts = [owed for owed in state.open if owed.draft is not None]
    held = sum(owed.from_balance.minor for owed in drafts if owed.from_balance is not None)
    assert life.account("customer_receivable") == sum(owed.due.minor for owed in state.open if owed.draft is None)
    assert life.account("customer_credit") == state.balance.minor + held
    if state.status in ("suspended", "cancelled"):
        assert life.account("deferred_revenue") == 0


def test_the_house_is_the_platforms_own_book() -> None:
    assert HOUSE == PLATFORM


def test_it_begins_once_its_first_invoice_is_paid(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    assert not visible(life) and [c.state for c in life.charges()] == ["wanted"]
    assert [d.state for d in life.documents()] == ["draft"] and life.account("customer_receivable") == 0
    life.answer(NOVEMBER)
    assert visible(life) and [c.state for c in life.charges()] == ["received"]
    (payment,) = life.payments()
    assert (payment.captured_minor, payment.fee_minor, payment.state, payment.available_at) == (300, 0, "succeeded", None)
    assert [d.state for d in life.documents()] == ["final"]
    assert (life.account("customer_receivable"), life.account("deferred_revenue")) == (0, 300)
    check_books(life)
    life.to(date(2026, 12, 1))
    assert life.account("deferred_revenue") == 300  # December's; November is earned
    with unit(app):
        assert look_for_breaks(HOUSE, "test") == []


def test_one_plan_and_never_without_a_card(app: Flask) -> None:
    shop = make_shop(app)
    with pytest.raises(NoCard), unit(app):
        plan.subscribe(shop.vendor, "test", tier="pro", payer_email="nobody@example.com", by="usr_test")
    life = Life(app, NOVEMBER, shop=shop)
    with pytest.raises(HasPlan), unit(app):
        plan.subscribe(shop.vendor, "test", tier="pro", payer_email=life.email, by="usr_test")


def test_a_declined_beginning_is_nothing_and_can_be_tried_again(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER, "no")
    assert life.state().status == "cancelled" and not visible(life) and life.account("customer_receivable") == 0
    again = Life(app, NOVEMBER, shop=life.shop)
    again.answer(NOVEMBER)
    assert visible(again) and again.state().status == "active"


def test_an_upgrade_is_charged_and_booked_to_the_penny(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 11))
    life.wish(date(2026, 11, 11), ChooseTier("pro"))
    assert [c.amount_minor for c in life.charges()] == [100, 133] and life.state().tier == "pro"
    assert life.account("deferred_revenue") == 233
    check_books(life)


def test_ec_54_and_55_a_suspension_owes_the_days_of_service_and_coming_back_pays_them(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    life.to(date(2026, 12, 20), pays="no")
    assert life.state().status == "suspended" and not visible(life)
    assert life.account("customer_receivable") == 155 and life.account("deferred_revenue") == 0  # 16 of 31 days
    check_books(life)
    life.wish(date(2026, 12, 25), Reactivate())
    assert life.state().status == "active" and visible(life)
    check_books(life)


def test_a_payer_whose_bank_asks_is_behind_and_pays_once_by_the_letter(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    life.to(date(2026, 12, 1), pays="ask")
    assert life.state().status == "past_due" and [c.state for c in life.charges()] == ["received", "refused"]
    charge = life.charges()[-1]
    life.tell(date(2026, 12, 1), charge, "yes")
    assert life.state().status == "active" and life.account("customer_receivable") == 0
    with life.unit(date(2026, 12, 1), 20):
        charges.hear_charge(HOUSE, "test", charge.payment_id, "succeeded")  # told twice
    assert life.state().balance.minor == 0
    check_books(life)


def test_both_paid_is_too_much_and_becomes_balance(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    life.to(date(2026, 12, 1), pays="ask")
    first = life.charges()[-1]
    life.to(date(2026, 12, 2))
    assert life.state().status == "active"
    with unit(app):
        earlier = db.session.get_one(Payment, (HOUSE, "test", first.payment_id))
        assert earlier.state == "requires_action" and earlier.expires_at < earlier.created_at + timedelta(days=2)
    life.tell(date(2026, 12, 2), first, "yes")
    assert life.state().balance.minor == 100 and life.account("customer_credit") == 100
    check_books(life)


def test_without_a_card_it_counts_as_refused_and_a_new_card_pays_at_once(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    with life.unit(date(2026, 11, 20)):
        db.session.execute(
            db.text("UPDATE saved_cards SET put_away_at = now(), is_default = false WHERE email = :email"), {"email": life.email}
        )
    life.to(date(2026, 12, 3))
    assert life.state().status == "past_due" and [c.state for c in life.charges()] == ["received", "refused"]
    save_card(app, life.email)
    with life.unit(date(2026, 12, 3)):
        charges.use_new_card(HOUSE, "test", email=life.email)
    life.answer(date(2026, 12, 3))
    assert life.state().status == "active"
    check_books(life)


@pytest.mark.parametrize(
    ("answer", "ends", "paid"), [("yes", ["received", "received", "stopped"], 2), ("no", ["received", "refused", "received"], 2)]
)
def test_a_new_card_while_a_charge_is_out_waits_for_its_answer(app: Flask, answer: str, ends: list[str], paid: int) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 30))
    life.to(date(2026, 12, 1), pays="")
    (out,) = life.sent()
    save_card(app, life.email, "1111")
    with life.unit(date(2026, 12, 1), 20):
        charges.use_new_card(HOUSE, "test", email=life.email)
    life.answer(date(2026, 12, 1), "", hour=20)
    assert [charge.id for charge in life.sent()] == [out.id] and len(life.payments()) == 2, "nothing is asked for twice"
    life.tell(date(2026, 12, 1), out, answer, hour=20)
    life.answer(date(2026, 12, 1), hour=21)
    assert [charge.state for charge in life.charges()] == ends
    assert sum(payment.captured_minor for payment in life.payments()) == 100 * paid
    assert life.state().status == "active" and life.state().balance.minor == 0
    check_books(life)


def test_an_upgrade_pressed_again_while_its_charge_is_out_is_refused_and_paid_once(app: Flask) -> None:
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 11))
    life.wish(date(2026, 11, 11), ChooseTier("pro"), pays="")
    for again in ("pro", "enterprise"):
        with pytest.raises(PaymentOut):
            life.wish(date(2026, 11, 11), ChooseTier(again), pays="")
    life.answer(date(2026, 11, 11))
    assert life.state().tier == "pro" and [payment.captured_minor for payment in life.payments()] == [100, 133]
    life.wish(date(2026, 11, 11), ChooseTier("enterprise"))
    assert life.state().tier == "enterprise"
    check_books(life)


def upgrading(app: Flask) -> Life:
    """From Starter to Pro on 11 November, and the card has not answered yet."""
    life = Life(app, NOVEMBER)
    life.answer(NOVEMBER)
    life.to(date(2026, 11, 11))
    life.wish(date(2026, 11, 11), ChooseTier("pro"), pays="")
    return life


def test_who_cancels_while_an_upgrade_is_being_paid_has_it_until_the_end(app: Flask) -> None:
    life = upgrading(app)
    life.wish(date(2026, 11, 11), Cancel(), pays="")
    assert [charge.state for charge in life.sent()] == ["sent"] and life.state().awaiting is not None
    life.answer(date(2026, 11, 11))
    state = life.state()
    assert (state.tier, state.balance.minor, state.planned and state.planned.kind) == ("pro", 0, "cancel")
    check_books(life)
    life.to(date(2026, 12, 1))
    assert (life.state().status, life.state().balance.minor) == ("cancelled", 0), "the days that were paid were served"
    check_books(life)


def test_who_cancels_at_once_gets_the_unused_days_of_the_upgrade_back(app: Flask) -> None:
    life = upgrading(app)
    life.wish(date(2026, 11, 11), Cancel(now=True), pays="yes")
    assert life.state().tier == "pro"
    life.to(date(2026, 11, 12))
    state = life.state()
    assert (state.status, state.balance.minor) == ("cancelled", 190), "19 of 30 days of Pro"
    assert sum(document.gross_minor for document in life.documents() if document.state == "final") == 233 - 190
    check_books(life)


def test_an_upgrade_that_is_declined_after_cancelling_is_dropped_and_asked_for_no_more(app: Flask) -> None:
    life = upgrading(app)
    life.wish(date(2026, 11, 11), Cancel(), pays="no")
    state = life.state()
    assert (state.tier, state.awaiting, state.planned and state.planned.kind) == ("starter", None, "cancel")
    assert [document.state for document in life.documents()] == ["final", "dropped"]
    life.to(date(2026, 12, 1))
    assert life.state().status == "cancelled" and [payment.captured_minor for payment in life.payments()] == [100, 0]
    check_books(life)


def test_money_for_an_upgrade_that_comes_a_day_after_cancelling_still_buys_it(app: Flask) -> None:
    life = upgrading(app)
    life.wish(date(2026, 11, 11), Cancel(), pays="")
    life.to(date(2026, 11, 12), pays="")
    life.answer(date(2026, 11, 12), hour=20)
    state = life.state()
    assert (state.tier, state.planned and state.planned.kind) == ("pro", "cancel") and state.balance.minor == 133 - 127, "a day less"
    check_books(life)


def test_hibernating_is_out_of_sight_and_waking_up_is_back(app: Flask) -> None:
    life = Life(app, NOVEMBER, "pro")
    life.answer(NOVEMBER)
    life.wish(date(2026, 11, 10), Hibernate(now=True))
    life.to(date(2026, 11, 11))
    assert not visible(life) and life.account("customer_credit") == 167
    check_books(life)
    life.wish(date(2026, 11, 20), Resume())
    assert visible(life)
    check_books(life)


WISHES = st.sampled_from(
    [
        AddBranches(1), AddBranches(-1), AddBranches(3), AddProducts(9), AddProducts(-5), AddProducts(60), ChooseTier("pro"),
        ChooseTier("starter"), ChooseTier("starter", now=True), ChooseTier("enterprise"), Hibernate(), Hibernate(now=True), Resume(),
        Cancel(), Cancel(now=True), Keep(), Reactivate(),
    ]
)  # fmt: skip
DAYS = st.lists(st.tuples(st.integers(1, 20), WISHES, st.sampled_from(["yes", "yes", "yes", "no", "hard", "ask"])), min_size=1, max_size=8)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(days=DAYS, anchor=st.integers(0, 30))
def test_whatever_happens_the_books_say_what_billing_says(app: Flask, days: list[tuple[int, object, str]], anchor: int) -> None:
    on = NOVEMBER + timedelta(days=anchor)
    life = Life(app, on, "pro")
    life.answer(on)
    for wait, wish, pays in days:
        on += timedelta(days=wait)
        life.to(on, pays=pays)
        check_books(life)
        with suppress(Refusal):
            life.wish(on, wish, pays=pays)  # type: ignore[arg-type]
        check_books(life)
    assert sum(payment.captured_minor for payment in life.payments()) == sum(
        c.amount_minor for c in life.charges() if c.state == "received"
    )
