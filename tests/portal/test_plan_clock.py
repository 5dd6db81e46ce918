"""The time machine's page: the clock is moved, days are read in words, and live mode has none of it."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from core.billing.advance import find_running, list_advances
from core.billing.clock import clock_of
from core.billing.models import KeptSubscription
from core.kernel.clock import now
from core.kernel.config import settings
from core.notifications.notify import notify
from core.subscriptions.plan import find_plan
from tests.core.subscriptions.plans import Life, publish
from tests.factories import Shop, make_colleague, make_shop, unit
from workers.clock import advance_clock

PLACE = "/portal/plan/clock"


class Now(Life):
    """A plan that lives at this very moment."""

    def unit(self, on: date, hour: int = 12) -> Any:
        return unit(self.app)


LIVES: dict[str, Now] = {}


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A business with the middle plan, whose first invoice is paid."""
    publish(app)
    return begin(make_shop(app, business="Harbour Bakery"))


def begin(shop: Shop) -> Shop:
    life = LIVES[shop.vendor.public_id] = Now(shop.app, now().date(), "pro", shop=shop)
    life.answer(now().date())
    return shop


def plan(shop: Shop) -> KeptSubscription:
    found = find_plan(shop.vendor, "test")
    assert found
    return found


def ride(shop: Shop, *, pays: bool = True) -> None:
    """What the workers do, until the clock stands."""
    for _ in range(60):
        with unit(shop.app):
            running = find_running(plan(shop))
            if running is None:
                return
            key = running.vendor_id, running.mode, str(running.id)
        with shop.app.app_context():
            advance_clock(key[0], mode=key[1], advance=key[2])
        LIVES[shop.vendor.public_id].answer(now().date(), "yes" if pays else "no")
    raise AssertionError("the clock never arrives")


def press(shop: Shop, goal: str, **more: str) -> object:
    browser = shop.browser()
    return browser.post(PLACE, {"csrf_token": browser.get(PLACE).form(PLACE).values["csrf_token"], "goal": goal, **more})


def test_before_anything_is_moved_the_page_says_what_it_is_for(shop: Shop) -> None:
    page = shop.browser().get(PLACE)
    assert page.heading == "Time machine" and "The same as the real one" in page.text
    assert "Nothing has been moved yet" in page.text and any(link.endswith("/portal/plan/card") for link in page.links())


def test_a_month_on_its_invoice_its_charge_and_its_day_are_read(shop: Shop) -> None:
    # a day more than a month: in the first hour of a day the invoice of that day is still a draft
    press(shop, "date", day=(now().date() + timedelta(days=33)).isoformat())
    waiting = shop.browser().get(PLACE)
    assert "It is on its way." in waiting.text and waiting.all("progress") and 'http-equiv="refresh"' in waiting.html
    ride(shop)
    page = shop.browser().get(PLACE)
    assert "days ahead of the real one" in page.text and "TEST-INV-" in page.text
    assert "The card is asked" in page.text and "Paid" in page.text and "£3.00" in page.text
    assert "For a whole period" in page.text, "each line unfolds"
    with unit(shop.app):
        row = plan(shop)
        assert clock_of(row) >= now() + timedelta(days=28) and row.ahead_seconds > 0


def test_while_the_card_is_asked_the_page_says_what_it_waits_for(shop: Shop) -> None:
    press(shop, "charge")
    for _turn in range(60):  # a busy machine does not come as far as the charge in one turn
        with unit(shop.app):
            running = find_running(plan(shop))
            assert running
        if running.waits_for:
            break
        with shop.app.app_context():
            advance_clock(running.vendor_id, mode="test", advance=str(running.id))
    page = shop.browser().get(PLACE)
    assert "It waits for the card’s answer to £3.00." in page.text
    part = shop.browser().part(PLACE)
    assert part.all("progress") and not part.all("h1")


def test_declines_and_the_suspension_are_told(shop: Shop) -> None:
    press(shop, "date", day=(now().date() + timedelta(days=60)).isoformat())
    ride(shop, pays=False)
    page = shop.browser().get(PLACE)
    assert "Declined" in page.text and "Running → Payment overdue" in page.text and "Payment overdue → Stopped" in page.text
    assert "Told: The card was declined for £3.00." in page.text and "Out of the directory" in page.text


def test_letters_about_the_plan_stand_on_their_day_with_their_page(shop: Shop) -> None:
    press(shop, "charge")
    ride(shop)
    with unit(shop.app):
        message = notify(shop.vendor, "payment_failed", mode="test", to="owner@example.com", payment=plan(shop).public_id)
        name = message.public_id
    page = shop.browser().get(PLACE)
    assert any(link.endswith(f"/portal/outbox/{name}") for link in page.links())


def test_an_earlier_move_can_be_read_again(shop: Shop) -> None:
    press(shop, "charge")
    ride(shop)
    press(shop, "day")
    ride(shop)
    page = shop.browser().get(PLACE)
    assert "Nothing happened" in page.text and "Earlier moves" in page.text
    with unit(shop.app):
        earlier = next(move for move in list_advances(plan(shop)) if move.goal == "charge")
    assert "TEST-INV-" in shop.browser().get(f"{PLACE}?move={earlier.public_id}").text


def test_pressed_twice_it_is_one_journey_and_it_can_be_stopped(shop: Shop) -> None:
    browser = shop.browser()
    pressed = {"csrf_token": browser.get(PLACE).form(PLACE).values["csrf_token"], "goal": "month"}
    browser.post(PLACE, pressed)
    again = browser.post(PLACE, pressed, status=422)
    assert "The clock is on its way already. Wait for it, or stop it first." in again.error_summary
    with unit(shop.app):
        assert len(list_advances(plan(shop))) == 1
    stopped = browser.submit(browser.get(PLACE).form(f"{PLACE}/stop"))
    assert "It was stopped. The clock stands where it was." in stopped.text
    browser.post(f"{PLACE}/stop", {"csrf_token": pressed["csrf_token"]}, status=200)  # nothing to stop is no mistake


@pytest.mark.parametrize("day", ["", "2020-01-01", "2099-12-31", "1e400", "soon", "2027-02-30", "\x00"])
def test_a_day_that_is_none_is_refused_at_the_field_and_stays_there(shop: Shop, day: str) -> None:
    browser = shop.browser()
    token = browser.get(PLACE).form(PLACE).values["csrf_token"]
    page = browser.post(PLACE, {"csrf_token": token, "goal": "date", "day": day}, status=422)
    assert page.errors and (day == "\x00" or day in [e.attrs.get("value") for e in page.all("input", name_="day")])
    with unit(shop.app):
        assert find_running(plan(shop)) is None


def test_what_is_no_goal_is_no_page(shop: Shop) -> None:
    browser = shop.browser()
    token = browser.get(PLACE).form(PLACE).values["csrf_token"]
    assert browser.post(PLACE, {"csrf_token": token, "goal": "century"}).status == 404


def test_live_mode_has_no_time_machine_and_says_so(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        settings().stripe, "live", dict.fromkeys(("secret_key", "publishable_key", "webhook_secret"), "sk_live_for_this_test")
    )
    browser = shop.browser()
    token = browser.get(PLACE).form(PLACE).values["csrf_token"]
    browser.submit(browser.get("/portal/live").form("/portal/live"))
    assert "The time machine exists in test mode only" in browser.get(PLACE).text
    for path, given in ((PLACE, {"goal": "month"}), (f"{PLACE}/stop", {})):
        answer = browser.post(path, {"csrf_token": token, **given}, status=200)
        assert "The time machine exists in test mode only" in answer.text
    with unit(shop.app):
        assert find_running(plan(shop)) is None and plan(shop).ahead_seconds == 0


def test_without_a_plan_it_leads_to_one(app: Flask) -> None:
    page = make_shop(app).browser().get(PLACE)
    assert "No test plan yet" in page.text and any(link.endswith("/portal/plan") for link in page.links())


def test_who_may_not_change_settings_looks_on(shop: Shop) -> None:
    browser = make_colleague(shop, "viewer").browser()
    page = browser.get(PLACE)
    assert "Owners and managers can move it." in page.text
    token = page.form("/portal/mode").values["csrf_token"]
    assert browser.post(PLACE, {"csrf_token": token, "goal": "day"}).status == 403


def test_another_businesss_clock_is_not_moved_with_it(app: Flask, shop: Shop) -> None:
    other = begin(make_shop(app, business="Corner Books"))
    press(shop, "day")
    ride(shop)
    with unit(app):
        assert plan(other).ahead_seconds == 0 and plan(shop).ahead_seconds > 0


def test_a_job_for_a_journey_that_nobody_knows_does_nothing(app: Flask) -> None:
    with app.app_context():
        advance_clock(uuid.UUID(int=0), mode="test", advance=str(uuid.uuid4()))
