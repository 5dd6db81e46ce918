"""The pages of a vendor's plan: every state, every act, and the promise that what was shown is what is charged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from flask import Flask

from core.billing.terms import POLICY
from core.billing.wishes import ChooseTier
from core.fx.feed import Published
from core.fx.rates import record_rates
from core.kernel.money import Money
from portal.plan_view import grace_words
from tests.core.billing.story import Story
from tests.core.subscriptions.plans import save_card
from tests.factories import make_colleague, make_shop, unit
from tests.portal.plan_pages import DAY, STATES, in_state, life_of, looking

ACTS = (
    "tier?tier=starter", "tier?tier=pro", "tier?tier=enterprise", "tier?tier=starter&when=now", "hibernate", "hibernate?when=now", "resume",
    "confirm-resume", "wake-on", "wake-on?until=2026-12-20", "wake-off", "reactivate", "cancel", "cancel?when=now", "keep",
)  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_a_page_and_every_act_a_preview_or_a_reason(app: Flask, state: str) -> None:
    life, on = in_state(app, state)
    with looking(life.shop, on) as browser:
        page = browser.get("/portal/plan")
        assert page.status == 200
        assert ("Choose a plan" if state == "cancelled" else "Plan:") in page.heading
        assert browser.get("/portal/plan/card").status == 200
        assert browser.get("/portal/plan/details").status == 200
        events = life.kept().events
        for act in ACTS:
            shown = browser.get(f"/portal/plan/change/{act}", status=None)
            if state == "cancelled":
                assert shown.status == 404, act
                continue
            assert shown.status in (200, 409), (act, shown.status)
            assert shown.status == 200 or shown.error_summary, act
        assert life.kept().events == events, "a preview keeps nothing"


@pytest.mark.parametrize("state", STATES)
def test_in_german_too(app: Flask, state: str) -> None:
    life, on = in_state(app, state)
    with looking(life.shop, on) as browser:
        assert browser.get("/portal/plan?lang=de").status == 200


# --- beginning -----------------------------------------------------------------------------------------------------------------


def test_a_plan_begins_with_exactly_what_was_shown(app: Flask) -> None:
    shop = make_shop(app)
    save_card(app, shop.email)
    with looking(shop, DAY) as browser:
        assert "£3.00" in browser.get("/portal/plan").text
        shown = browser.get("/portal/plan/start/pro")
        assert "Begin and pay £3.00" in shown.text
        form = shown.form()
        paying = browser.submit(form)
        assert "£3.00 is being charged" in paying.text
        again = browser.submit(form)
        assert "£3.00 is being charged" in again.text, "sent twice it is one plan and one charge"
        assert browser.get("/portal/plan").text.count("is being charged") == 1
        assert "first invoice is being paid" in browser.get("/portal/plan").text


def test_without_a_card_one_is_asked_for_first(app: Flask) -> None:
    shop = make_shop(app)
    with looking(shop, DAY) as browser:
        shown = browser.get("/portal/plan/start/pro")
        assert "First save a card" in shown.text
        saving = browser.submit(browser.get("/portal/plan/card?tier=pro").form("/portal/plan/card"), follow=True)
        assert "Nothing is charged now" in saving.text
        assert "/portal/plan/card" in saving.html, "there is a way back"


def test_a_tier_that_is_not_there_is_not_found(app: Flask) -> None:
    shop = make_shop(app)
    with looking(shop, DAY) as browser:
        for name in ("gold", "x" * 300, "%00", "starter%0a"):
            assert browser.get(f"/portal/plan/start/{name}", status=None).status == 404


# --- changes -------------------------------------------------------------------------------------------------------------------


def test_an_upgrade_charges_what_was_shown_and_twice_is_once(app: Flask) -> None:
    life = life_of(app)
    on = date(2026, 11, 11)
    with looking(life.shop, on) as browser:
        shown = browser.get("/portal/plan/change/tier?tier=pro")
        assert "Confirm and pay £1.33" in shown.text and "20/30" in shown.text
        form = shown.form()
        assert "£1.33 is being charged" in browser.submit(form).text
        assert "£1.33 is being charged" in browser.submit(form).text
    assert [charge.amount_minor for charge in life.charges()] == [100, 133]
    life.answer(on)
    with looking(life.shop, on) as browser:
        assert "Plan: Pro" in browser.get("/portal/plan").heading
        paid = browser.get(f"/portal/plan/charges/{life.charges()[-1].public_id}")
        assert "Paid: £1.33" in paid.text


def test_after_midnight_the_new_sum_is_shown_before_it_is_charged(app: Flask) -> None:
    life = life_of(app)
    with looking(life.shop, date(2026, 11, 11), 23) as browser:
        form = browser.get("/portal/plan/change/tier?tier=pro").form()
    with looking(life.shop, date(2026, 11, 12), 0) as browser:
        form.values["csrf_token"] = browser.get("/portal/plan/change/tier?tier=pro").form().values["csrf_token"]
        shown = browser.submit(form, status=409)
        assert "has changed since you looked" in shown.error_summary[0]
        assert "Confirm and pay £1.27" in shown.text
        assert len(life.charges()) == 1
        assert "£1.27 is being charged" in browser.submit(shown.form()).text


def test_two_tabs_make_one_change(app: Flask) -> None:
    life = life_of(app)
    with looking(life.shop, date(2026, 11, 11)) as browser:
        one = browser.get("/portal/plan/change/tier?tier=pro").form()
        other = browser.get("/portal/plan/change/tier?tier=enterprise").form()
        browser.submit(one)
        shown = browser.submit(other, status=None)
        assert shown.status == 409 and shown.error_summary, "the other tab's sum is not what it was"
    assert life.state().awaiting is not None and life.state().awaiting.tier == "pro"


def test_a_declined_upgrade_says_so_and_changes_nothing(app: Flask) -> None:
    life = life_of(app)
    on = date(2026, 11, 11)
    life.wish(on, ChooseTier("pro"), pays="no")
    with looking(life.shop, on) as browser:
        page = browser.get(f"/portal/plan/charges/{life.charges()[-1].public_id}")
        assert "insufficient funds" in page.text and "Save another card" in page.text
        assert "Plan: Starter" in browser.get("/portal/plan").heading


def test_the_bank_wants_its_customer(app: Flask) -> None:
    life = life_of(app)
    on = date(2026, 11, 11)
    life.wish(on, ChooseTier("pro"), pays="ask")
    with looking(life.shop, on) as browser:
        page = browser.get(f"/portal/plan/charges/{life.charges()[-1].public_id}")
        assert "Your bank wants you to confirm" in page.text and "/checkout/" in page.html
        assert "/checkout/" in browser.get("/portal/plan").html


@pytest.mark.parametrize(
    "act", ["hibernate", "hibernate?when=now", "cancel", "cancel?when=now", "tier?tier=starter", "tier?tier=starter&when=now"]
)
def test_what_is_planned_is_kept_and_taken_back(app: Flask, act: str) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        browser.submit(browser.get(f"/portal/plan/change/{act}").form())
        assert len(life.charges()) == 1, "nothing of this is charged at once"
        if act != "tier?tier=starter&when=now":
            assert life.state().planned is not None
            browser.submit(browser.get("/portal/plan/change/keep").form())
        assert life.state().planned is None


def test_coming_back_pays_debt_and_stub(app: Flask) -> None:
    life, on = in_state(app, "suspended")
    with looking(life.shop, on) as browser:
        shown = browser.get("/portal/plan/change/reactivate")
        assert "What is owed already" in shown.text
        asked = browser.submit(shown.form())
        assert "is being charged" in asked.text
    life.answer(on)
    assert life.state().status == "active"


def test_who_may_not_manage_reads_only(app: Flask) -> None:
    life, on = in_state(app, "active")
    viewer = make_colleague(life.shop, "viewer")
    with looking(viewer, on) as browser:
        page = browser.get("/portal/plan")
        assert "can change the plan" in page.text and "/portal/plan/change/" not in page.html
        for path in ("/portal/plan/change/cancel", "/portal/plan/start/pro", "/portal/plan/card"):
            assert browser.get(path, status=None).status == 403


def test_the_only_card_of_a_plan_is_not_removed_silently(app: Flask) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        remove = next(
            e.attrs["action"] for e in browser.get("/portal/plan/card").all("form") if e.attrs.get("action", "").endswith("/remove")
        )
        asked = browser.submit(browser.get("/portal/plan/card").form(remove), status=409)
        assert "the next charge counts as declined" in asked.text
        browser.submit(asked.form(remove))
        assert "None is saved yet" in browser.get("/portal/plan/card").text
        assert "No card is saved" in browser.get("/portal/plan").text


# --- details and hints -----------------------------------------------------------------------------------------------------------


def test_billing_details_are_kept_and_checked(app: Flask) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        form = browser.get("/portal/plan/details").form("/portal/plan/details")
        wrong = browser.submit(form, status=422, legal_name="", street="1 High Street", city="Bristol", vat_id="GB123")
        assert wrong.errors and "1 High Street" in wrong.html
        browser.submit(form, legal_name="Plan Ltd", street="1 High Street", city="Bristol", vat_id="GB980780684")
        assert 'value="GB980780684"' in browser.get("/portal/plan/details").html


def test_currency_and_zone_count_from_the_next_period(app: Flask) -> None:
    life, on = in_state(app, "active")
    with unit(app):
        record_rates([Published("GBP", on, 87, 2)], source="sandbox")
    with looking(life.shop, on) as browser:
        page = browser.get("/portal/plan/details")
        browser.submit(page.form("/portal/plan/zone"), zone="Asia/Tokyo")
        refused = browser.submit(page.form("/portal/plan/zone"), status=422, zone="Mars/Base")
        assert refused.errors
        browser.submit(page.form("/portal/plan/currency"), currency="EUR")
        assert browser.submit(page.form("/portal/plan/currency"), status=422, currency="XXX").errors
    assert life.state().next_currency == "EUR" and life.state().zone.name == "Asia/Tokyo"
    assert life.state().currency == "GBP"


def test_the_home_page_and_the_plan_say_what_is_unpaid(app: Flask) -> None:
    life, on = in_state(app, "past_due")
    with looking(life.shop, on) as browser:
        assert "Your plan is not paid" in browser.get("/portal/").text
        page = browser.get("/portal/plan")
        assert "the card is tried again" in page.text and "your listings are taken out" in page.text


def test_over_the_limit_the_day_and_the_sum_are_told(app: Flask) -> None:
    life, on = in_state(app, "over")
    with looking(life.shop, on) as browser:
        text = browser.get("/portal/plan").text
        assert "3 days of grace are left" in text and "the plan becomes Pro on" in text and "£1.20" in text


def test_the_days_that_are_left_stand_on_home_and_over_the_listings_too(app: Flask) -> None:
    life, on = in_state(app, "over")
    with looking(life.shop, on) as browser:
        for path in ("/portal/", "/portal/listings"):
            text = browser.get(path).text
            assert "More products than the plan holds" in text and "3 days of grace are left" in text and "£1.20" in text, path
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        assert "More products" not in browser.get("/portal/").text + browser.get("/portal/listings").text


def test_bad_input_is_never_a_fault(app: Flask) -> None:
    life, on = in_state(app, "active")
    with looking(life.shop, on) as browser:
        for path in ("/portal/plan/change/tier?tier=%00", "/portal/plan/change/tier", "/portal/plan/change/nothing", "/portal/plan/charges/x",
                     "/portal/plan/charges/chg_aaaaaaaaaaaaaaaaaaaaaa?tries=-9999999999999999", "/portal/plan?all=%ff"):  # fmt: skip
            assert browser.get(path, status=None).status < 500
        form = browser.get("/portal/plan/change/cancel").form()
        for wrong in ("", "1-zz", "99999999999999-" + "a" * 32, "\x00"):
            assert browser.submit(form, status=None, expects=wrong).status == 409
    assert life.state().planned is None


def test_the_page_tells_the_sum_of_the_price_list_that_counts_on_that_day_as_the_letter_does(app: Flask) -> None:
    story = Story("starter", date(2026, 11, 1))
    dearer = replace(POLICY, version=2, tiers=tuple(replace(tier, price=tier.price + tier.price) for tier in POLICY.tiers))
    story.offer = replace(story.offer, terms=dearer)
    story.to(date(2026, 11, 28))
    story.products(11)
    assert story.notice("limit_breached").amount == Money(335, "GBP")
    with app.test_request_context("/portal/plan"):
        words = " ".join(grace_words(story.state, story.offer.local(story.state)))
    assert "the plan becomes Pro on 6 December 2026 and £3.35 are charged for it that day" in words
