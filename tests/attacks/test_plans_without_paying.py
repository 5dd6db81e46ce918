"""Whoever wants more of a plan than they pay for: what is greater counts once it is paid, whatever was bought, planned or owed before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Event

import pytest
from flask import Flask

from core.accounts.house import HOUSE
from core.billing.gate import PaymentPending
from core.billing.wishes import Cancel, ChooseTier
from core.directory.products import ProductTerms, add_product
from core.kernel.db import db
from core.memberships import member as acts
from core.memberships.join import find_subscription
from core.subscriptions import charges, plan
from core.subscriptions.counts import counted
from core.subscriptions.plan import Owes
from core.subscriptions.quote import QuoteMoved, confirm_beginning, quote_beginning
from tests.core.directory.stalls import make_listing
from tests.core.memberships.joined import Joined, make_gym, plan_named, sell
from tests.core.subscriptions.plans import Life, publish, save_card
from tests.factories import again, make_colleague, make_shop, unit
from tests.portal.plan_pages import life_of, looking

NOVEMBER = date(2026, 11, 1)
MIDDLE = date(2026, 11, 16)


@pytest.fixture(scope="module", autouse=True)
def price_list(app: Flask) -> None:
    publish(app)


# --- upgrades --------------------------------------------------------------------------------------------------------------------


def test_nothing_greater_is_sold_while_the_first_invoice_is_being_paid(app: Flask) -> None:
    life = Life(app, NOVEMBER, "starter")
    life.answer(NOVEMBER, pays="")
    with pytest.raises(PaymentPending):
        life.wish(NOVEMBER, ChooseTier("enterprise"), pays="")
    life.answer(NOVEMBER)
    assert life.state().tier == "starter" and [charge.amount_minor for charge in life.charges()] == [100]
    life.wish(NOVEMBER, ChooseTier("enterprise"), pays="no")
    assert life.state().tier == "starter"
    life.answer(NOVEMBER)


def test_a_member_gets_no_greater_plan_while_the_first_payment_is_asked_for(app: Flask) -> None:
    gym = make_gym(app)
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER, pays="ask")
    with ada.unit(NOVEMBER), pytest.raises(PaymentPending):
        row, gold = find_subscription(ada.fresh()), plan_named(gym, "Gold")
        assert row is not None
        shown = next((acts.sum_shown(choice) for choice in acts.list_choices(gym.vendor, row) if choice.plan.id == gold.id), "")
        acts.change_plan(gym.vendor, ada.fresh(), plan=gold, shown=shown, by="payer")
    assert ada.state().tier == "basic" and ada.documents()[0].gross_minor == 1000


def test_a_small_step_first_opens_no_way_to_a_great_one_unpaid(app: Flask) -> None:
    """The small step waits for the next invoice, and what is given back of it made the great one wait as well."""
    gym = make_gym(app)
    sell(gym, "Plus", "10.50")
    sell(gym, "Platinum", "1000.00")
    ada = Joined(gym, NOVEMBER)
    ada.answer(NOVEMBER)
    ada.to(MIDDLE)
    for name in ("Plus", "Platinum"):
        with ada.unit(MIDDLE):
            row, wanted = find_subscription(ada.fresh()), plan_named(gym, name)
            assert row is not None
            shown = next(acts.sum_shown(choice) for choice in acts.list_choices(gym.vendor, row) if choice.plan.id == wanted.id)
            acts.change_plan(gym.vendor, ada.fresh(), plan=wanted, shown=shown, by="payer")
        ada.answer(MIDDLE, pays="no")
    assert ada.state().tier == "plus" and ada.state().awaiting is not None
    assert [(charge.amount_minor, charge.state) for charge in ada.charges()] == [(1000, "received"), (49500, "refused")]
    with ada.unit(MIDDLE, 21):
        acts.pay_now(gym.vendor, ada.fresh(), by="payer")
    ada.answer(MIDDLE, hour=21)
    assert ada.state().tier == "platinum" and ada.state().pending == () and ada.paid() == [1000, 49500]


# --- debts -----------------------------------------------------------------------------------------------------------------------


def ended_with_a_debt(app: Flask) -> Life:
    life = life_of(app, "enterprise")
    life.to(date(2026, 12, 3), pays="no")
    life.wish(date(2026, 12, 16), Cancel(), pays="no")
    life.to(date(2026, 12, 17), pays="no")
    assert life.state().status == "cancelled" and [owed.due.minor for owed in life.state().unpaid] == [258]
    return life


def test_ending_a_plan_and_beginning_anew_leaves_no_debt_behind(app: Flask) -> None:
    life, day = ended_with_a_debt(app), date(2026, 12, 18)
    begin = {"tier": "starter", "payer_email": life.email, "by": "usr_test"}
    with pytest.raises(Owes, match=r"2\.58"), life.unit(day):
        plan.subscribe(life.shop.vendor, "test", **begin)
    with life.unit(day):
        charges.use_new_card(HOUSE, "test", email=life.email, subscriber=life.shop.vendor.public_id)
    life.answer(day)
    assert life.state().open == () and life.charges()[-1].amount_minor == 258
    with life.unit(day):
        assert plan.subscribe(life.shop.vendor, "test", **begin).status == "active"


def test_the_pages_say_what_is_owed_and_how_it_is_paid(app: Flask) -> None:
    life, day = ended_with_a_debt(app), date(2026, 12, 18)
    with looking(life.shop, day) as owner:
        page = owner.get("/portal/plan/start/starter")
        assert "£2.58" in page.text and not any(form.attrs.get("action", "").endswith("/starter") for form in page.all("form"))
        cards = owner.get("/portal/plan/card")
        assert any("£2.58" in notice for notice in cards.notices)
        (use,) = [form.attrs["action"] for form in cards.all("form") if form.attrs.get("action", "").endswith("/use")]
        owner.submit(cards.form(use))
    life.answer(day)
    assert life.state().unpaid == ()
    with looking(life.shop, day) as owner:
        assert "£2.58" not in owner.get("/portal/plan/start/starter").text


def test_what_is_written_off_is_no_debt_any_more(app: Flask) -> None:
    life = ended_with_a_debt(app)
    life.to(date(2027, 1, 16), pays="no")
    with life.unit(date(2027, 1, 16)):
        assert plan.owed_before(db.session.get_one(type(life.row), (HOUSE, "test", life.row.id))) is None
        assert plan.subscribe(life.shop.vendor, "test", tier="starter", payer_email=life.email, by="usr_test").tier == "starter"


# --- two at once -----------------------------------------------------------------------------------------------------------------


def test_what_is_published_while_a_plan_begins_is_counted_by_it(app: Flask) -> None:
    """Eleven products are being published when the starter plan is confirmed: either they are seen, or what was shown has moved."""
    shop, email = make_shop(app, business="Two Tabs"), "tabs-of-a-vendor@example.com"
    save_card(app, email)
    listing = make_listing(shop)
    with unit(app):
        expects = quote_beginning(shop.vendor, "test", tier="starter").expects
    published, begun = Event(), Event()

    def publish_eleven() -> None:
        with unit(app), counted(shop.vendor, "test", by="usr_test"):
            for n in range(11):
                add_product(again(listing), by="usr_test", terms=ProductTerms(f"Loaf {n}", "GBP"), publish=True)
            published.set()
            begun.wait(3)

    def begin() -> str:
        assert published.wait(30)
        try:
            with unit(app):
                return confirm_beginning(shop.vendor, "test", tier="starter", payer_email=email, expects=expects, by="usr_test").tier
        except QuoteMoved:
            return "moved"
        finally:
            begun.set()

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(publish_eleven), pool.submit(begin)
        first.result()
        assert second.result() == "moved"
    with unit(app):
        assert quote_beginning(shop.vendor, "test", tier="starter").after.tier == "pro"


# --- whose card ------------------------------------------------------------------------------------------------------------------


def test_the_card_of_whoever_was_taken_out_of_the_team_is_left_alone(app: Flask) -> None:
    shop = make_shop(app, business="Left Behind")
    colleague = make_colleague(shop, "manager")
    save_card(app, colleague.email)
    life = Life.__new__(Life)
    life.app, life.shop, life.email = app, shop, colleague.email
    with life.unit(NOVEMBER):
        life.row = plan.subscribe(shop.vendor, "test", tier="pro", payer_email=colleague.email, by=colleague.user.public_id)
    life.answer(NOVEMBER)
    owner, leave = shop.browser(), f"/portal/team/{colleague.user.public_id}/remove"
    owner.submit(owner.get(leave).form(leave))
    life.to(date(2026, 12, 2))
    assert life.kept().payer_email == shop.email and life.state().status == "past_due"
    assert [(charge.state, charge.payment_id is not None) for charge in life.charges()] == [("received", True), ("refused", False)]
    save_card(app, shop.email)
    with life.unit(date(2026, 12, 3)):
        charges.use_new_card(HOUSE, "test", email=shop.email, subscriber=shop.vendor.public_id)
    life.answer(date(2026, 12, 3))
    assert life.state().status == "active"
