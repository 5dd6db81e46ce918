"""News of the plan among the notices and in the daily letter, and what may be chosen about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select

from core.billing.wishes import Cancel
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.notifications.daily import Manner, choose_manner
from core.notifications.models import Message
from core.notifications.team import Choice, choices_of, choose
from tests.browser import Browser
from tests.core.subscriptions.told import NOVEMBER, OCTOBER, Life, the_house
from tests.factories import Shop, make_colleague, out_of_sight, unit
from tests.portal.german import in_german
from workers.due_letters import send_due


def behind(shop: Shop) -> Life:
    return Life(the_house(shop.app), shop.vendor, OCTOBER, "pro").go(NOVEMBER).pay(False)


def test_a_notice_says_the_sentence_of_the_letter_and_leads_to_the_plan(shop: Shop, owner: Browser) -> None:
    behind(shop)
    page = owner.get("/portal/notices")
    sentence = "On 1 November 2026 we asked your card for £3.00 for your plan, and the bank declined it."
    assert "We could not charge £3.00" in page.text and sentence in page.text
    german = in_german(shop.browser()).get("/portal/notices")
    assert "Wir konnten 3,00" in german.text and "1. November 2026" in german.text and sentence not in german.text
    opening = next(e.attrs["action"] for e in page.all("form") if e.attrs.get("action", "").endswith("/open"))
    opened = owner.client.post(opening, data=page.form(opening).values)
    assert (opened.status_code, opened.headers["Location"]) == (303, "/portal/plan")


def test_what_stops_the_plan_has_no_box_to_untick(shop: Shop, owner: Browser) -> None:
    page = owner.get("/portal/settings/notifications")
    names = page.form("/portal/settings/notifications").values
    assert "shown_plan_news" in names and "mailed_plan_news" in names and not {"shown_plan_urgent", "mailed_plan_urgent"} & set(names)
    form = page.form("/portal/settings/notifications")
    form.values.pop("mailed_plan_news")
    owner.submit(form)
    with unit(shop.app):
        mine = choices_of(shop.vendor, "test", shop.user.public_id)
        assert (mine["plan_news"].shown, mine["plan_news"].mailed, mine["plan_urgent"].mailed) == (True, False, True)


def test_who_may_not_change_the_plan_is_asked_nothing_about_it(shop: Shop) -> None:
    page = make_colleague(shop, "manager").browser().get("/portal/settings/notifications")
    assert "Your plan" not in page.text and "mailed_refund_failed" in page.html


def test_the_daily_letter_holds_the_news_of_the_plan_that_did_not_come_at_once(shop: Shop, work: Callable[[], int]) -> None:
    with unit(shop.app):
        choose(shop.vendor, "test", shop.user.public_id, {"plan_news": Choice(True, True, daily=True)})
        choose_manner(shop.vendor, "test", shop.user.public_id, Manner())
    life = Life(the_house(shop.app), shop.vendor, now().date(), "pro").do(Cancel())
    assert life.letters() == []
    with unit(shop.app):
        out_of_sight(shop.vendor)  # a day of everybody else's work
    with shifted(timedelta(days=1)):
        with shop.app.app_context():
            send_due("daily_news")
        work()
    with unit(shop.app):
        mine = select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == "daily_news")
        letter = db.session.scalars(mine).one()
    assert "Your plan ends:" in letter.text and "As you asked:" in letter.html and "/portal/plan" in letter.text, json.dumps(letter.params)
