"""Attack mode as the vendor and the staff see and switch it, and how the team is told that it switched itself on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.kernel.db import db
from core.notifications.models import Message
from core.payments.screen import act_on_decline, hold_payment
from core.risk.attack import find_attack
from core.risk.score import LIMITS, Verdict
from tests.browser import Browser
from tests.factories import Shop, again, make_colleague, make_payment, make_shop, unit
from tests.portal.admin.people import look_into, make_staff

PAGE = "/portal/settings/protection"


def is_on(shop: Shop, mode: str = "test") -> bool:
    with shop.app.app_context():
        return find_attack(shop.vendor.id, mode) is not None


def surge(shop: Shop, declines: int = 14) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        act_on_decline(shop.vendor, again(payment), Verdict(), declines)


def test_it_is_switched_on_for_a_while_and_off_again(shop: Shop, owner: Browser) -> None:
    page = owner.get(PAGE)
    assert "Attack mode is off" in page.text and not is_on(shop)
    page = owner.submit(page.form(f"{PAGE}/on"), hours="6")
    assert "Attack mode is on until" in page.text and is_on(shop) and not is_on(shop, "live")
    page = owner.submit(page.form(f"{PAGE}/off"))
    assert "Attack mode is off" in page.text and "It was ended by hand" in page.text and not is_on(shop)
    log = owner.get("/portal/settings/audit-log").text
    assert "Switched attack mode on" in log and "Switched attack mode off" in log


@pytest.mark.parametrize("hours", ["", "0", "48", "many", "-1"])
def test_a_span_that_is_not_offered_is_refused_at_its_field(shop: Shop, owner: Browser, hours: str) -> None:
    refused = owner.submit(owner.get(PAGE).form(f"{PAGE}/on"), status=422, hours=hours)
    assert refused.error_summary and not is_on(shop)


def test_a_surge_tells_the_team_once_with_a_notice_a_letter_and_a_task(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    surge(shop)
    surge(shop)
    work()
    with shop.app.app_context():
        letters = list(db.session.scalars(select(Message).where(Message.vendor_id == shop.vendor.id, Message.kind == "attack_mode")))
    assert [letter.recipient for letter in letters] == [shop.vendor.support_email]
    assert "14 cards were declined within ten minutes" in letters[0].text and PAGE in letters[0].text
    page = owner.get(PAGE)
    assert "after 14 declined cards within ten minutes" in page.text
    assert "Attack mode is on" in owner.get("/portal/").text
    notices = owner.get("/portal/notices")
    form = next(f for f in notices.all("form") if f.attrs.get("action", "").endswith("/open"))
    opened = owner.submit(notices.form(form.attrs["action"]))
    assert opened.heading == "Protection"


def test_what_was_held_stands_there_with_its_payment(shop: Shop, owner: Browser) -> None:
    assert "Nobody was held" in owner.get(PAGE).text
    payment = make_payment(shop, email="held@example.com")
    with unit(shop.app):
        hold_payment(again(payment), Verdict(100, LIMITS[1]))
    page = owner.get(PAGE)
    assert "held@example.com" in page.text and f"/portal/payments/{payment.public_id}" in page.links()


def test_whoever_may_not_change_settings_sees_it_and_cannot_switch_it(shop: Shop, owner: Browser) -> None:
    support = make_colleague(shop, "support").browser()
    page = support.get(PAGE)
    assert "An owner or manager can change this." in page.text
    token = owner.get(PAGE).form(f"{PAGE}/on").values["csrf_token"]
    for act in ("on", "off"):
        assert support.client.post(f"{PAGE}/{act}", data={"csrf_token": token, "hours": "1"}).status_code in (400, 403)
    assert not is_on(shop)


@pytest.mark.parametrize("role", ["reviewer", "superuser"])
def test_staff_say_why_then_see_and_switch_it_and_the_vendor_reads_of_it(app, shop: Shop, owner: Browser, role: str) -> None:
    desk, path = make_staff(app, role).browser(), f"/staff/vendors/{shop.vendor.public_id}/protection/test"
    page = look_into(desk, path)
    assert page.heading == f"Protection of {shop.vendor.name}"
    page = desk.submit(page.form(f"{path}/on"), hours="1")
    assert "Attack mode is on" in page.text and is_on(shop) and not is_on(make_shop(app))
    assert "Switched attack mode on" in owner.get("/portal/settings/audit-log").text
    desk.submit(page.form(f"{path}/off"))
    assert not is_on(shop)
    desk.get(path.replace("/test", "/elsewhere"), status=404)


def test_staff_who_have_not_said_why_switch_nothing(app, shop: Shop) -> None:
    desk, other = make_staff(app).browser(), make_shop(app)
    token = look_into(desk, f"/staff/vendors/{other.vendor.public_id}/protection/test").form().values["csrf_token"]
    answer = desk.client.post(f"/staff/vendors/{shop.vendor.public_id}/protection/test/on", data={"csrf_token": token, "hours": "1"})
    assert answer.status_code == 303 and "/visits/new" in answer.headers["Location"] and not is_on(shop)
