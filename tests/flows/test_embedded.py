"""The demo shop on an origin of its own, in a browser: money by link, by popup, by a form in the page and by a button without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from core.accounts.embed_doctor import line_for
from core.accounts.embed_origins import list_origins, remove_origin
from tests.checkout.desk import APPROVED, CHALLENGED, DECLINED
from tests.factories import unit
from tests.flows.site import Site

Visit = Callable[..., Page]


def fill(frame: FrameLocator, number: str = APPROVED) -> None:
    """From the form to the card's fields, all inside the frame."""
    frame.get_by_label("E-mail address").fill("sam@example.com")
    frame.get_by_role("button", name=re.compile("^Continue")).click()
    enter(frame, number)


def enter(frame: FrameLocator, number: str) -> None:
    fields = frame.frame_locator("[data-frame]")
    fields.get_by_label("Card number").fill(number)
    fields.get_by_label("Expiry date").fill("12/34")
    fields.get_by_label("Security code").fill("123")
    fields.get_by_label("Name on card").fill("S Whitlock")
    fields.get_by_role("button", name=re.compile("^Pay")).click()


def said(page: Page, what: str) -> None:
    expect(page.locator("#said")).to_contain_text(re.compile(what))


def was_blocked(visitor: Any) -> None:
    """The browser itself has refused to show the frame, and said so."""
    assert visitor.complaints and all("frame-ancestors 'none'" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_a_form_in_the_page_is_paid_without_leaving_it_and_without_a_cookie(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(), site()
    page.goto(here.address)
    frame = page.frame_locator("#by-embed iframe")
    fill(frame)
    frame.get_by_role("heading", name="Paid", exact=True).wait_for()
    said(page, r"success:pay_\w+:paid")
    told = page.locator("#said").inner_text().split()
    assert len(told) == len(set(told)) and [word.split(":")[0] for word in told] == ["loaded", "loaded", "submitted", "loaded", "success"]
    assert page.url.startswith(here.address) and here.payments() == ["succeeded"]
    assert page.context.cookies() == []
    height = page.locator("#by-embed iframe").evaluate("frame => frame.getBoundingClientRect().height")
    inside = frame.locator("body").evaluate("body => body.getBoundingClientRect().height")
    assert abs(height - inside) <= 1 or height == 200
    with page.expect_navigation():
        frame.get_by_role("link", name="See the receipt").click()
    assert "/receipt/" in page.url


def test_a_decline_and_the_banks_question_are_settled_inside_the_frame(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(), site()
    page.goto(here.address)
    frame = page.frame_locator("#by-embed iframe")
    fill(frame, DECLINED)
    frame.frame_locator("[data-frame]").get_by_text("did not go through").wait_for()
    enter(frame, CHALLENGED)
    frame.frame_locator("[data-frame]").get_by_role("button", name="Approve").click()
    frame.get_by_role("heading", name="Paid", exact=True).wait_for()
    assert here.payments() == ["succeeded"]


def test_a_popup_keeps_the_focus_closes_on_escape_and_gives_it_back(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(), site()
    page.goto(here.address)
    trigger = page.locator("#by-popup a")
    trigger.click()
    frame = page.frame_locator("dialog iframe")
    frame.get_by_label("E-mail address").wait_for()
    assert page.locator("dialog").evaluate("dialog => dialog.matches(':modal')")
    page.locator("dialog button").focus()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert trigger.evaluate("link => link === document.activeElement")
    trigger.click()
    frame.get_by_label("E-mail address").fill("s")
    page.keyboard.press("Escape")  # inside the frame
    page.locator("dialog").wait_for(state="detached")
    said(page, "close:")
    trigger.click()
    fill(frame, CHALLENGED)
    frame.frame_locator("[data-frame]").get_by_role("button", name="Approve").wait_for()
    expect(page.locator("dialog button")).to_be_hidden()
    page.locator("dialog").evaluate("dialog => dialog.dispatchEvent(new Event('cancel', {cancelable: true}))")
    expect(page.locator("dialog iframe")).to_be_visible()
    frame.frame_locator("[data-frame]").get_by_role("button", name="Approve").click()
    frame.get_by_role("heading", name="Paid", exact=True).wait_for()
    page.locator("dialog button").click()
    page.locator("dialog").wait_for(state="detached")
    assert here.payments() == ["succeeded"]


def test_a_site_that_is_not_named_keeps_a_link_that_pays(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(), site(named=False)
    page.goto(here.address)
    said(page, "fallback:")
    expect(page.locator("#by-embed a")).to_be_visible()
    assert page.locator("iframe").count() == 0
    with page.expect_navigation():
        page.locator("#by-embed a").click()
    page.get_by_label("E-mail address").wait_for()
    page.go_back()
    page.locator("#by-popup a").click()  # refused, so it goes there by itself
    page.get_by_label("E-mail address").wait_for()
    assert "/pay/" in page.url
    was_blocked(visitor)


def test_a_site_that_is_removed_is_refused_from_then_on(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(), site()
    page.goto(here.address)
    page.frame_locator("#by-embed iframe").get_by_label("E-mail address").wait_for()
    with unit(here.shop.app):
        (row,) = list_origins(here.shop.vendor, "test")
        remove_origin(here.shop.vendor, "test", row.public_id, by="usr_x")
    page.reload()
    said(page, "fallback:")
    was_blocked(visitor)


def test_a_page_with_a_policy_of_its_own_needs_the_line_we_print(visitor: Visit, site: Callable[..., Site], live_server: str) -> None:
    added = line_for(live_server).replace("script-src", "script-src 'self'")
    page, here = visitor(), site(POLICY=f"default-src 'self'; style-src 'self' 'unsafe-inline'; {added}")
    page.goto(here.address)
    page.frame_locator("#by-embed iframe").get_by_label("E-mail address").wait_for()


def test_an_altered_script_is_not_run_and_the_links_still_pay(visitor: Any, site: Callable[..., Site]) -> None:
    page, here = visitor(), site(INTEGRITY="sha384-" + "A" * 64)
    page.on("pageerror", lambda _error: None)
    page.goto(here.address)
    assert page.locator("iframe").count() == 0 and page.locator("#by-embed a").is_visible()
    visitor.complaints.clear()  # shop.js misses what was not run


@pytest.mark.parametrize(
    ("where", "phone"), [("#by-link a", True), ("#by-popup a", False), ("#by-embed a", True), ("#by-button button", False)]
)
def test_without_scripts_each_of_the_four_ways_is_paid(visitor: Visit, site: Callable[..., Site], where: str, phone: bool) -> None:
    page, here = visitor(scripts=False, phone=phone), site(named=False)
    page.goto(here.address)
    page.locator(where).click()
    page.get_by_label("E-mail address").fill("sam@example.com")
    page.get_by_role("button", name=re.compile("^Continue")).click()
    page.get_by_role("button", name=re.compile("^Pay £")).click()
    for label, value in (("Card number", APPROVED), ("Expiry date", "12/34"), ("Security code", "123"), ("Name on card", "S")):
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name=re.compile("^Pay")).first.click()
    page.get_by_role("heading", name="Paid", exact=True).wait_for()
    assert here.payments() == ["succeeded"]


def test_on_a_phone_every_form_is_a_link_to_the_whole_page(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(phone=True), site()
    page.goto(here.address)
    page.locator("#by-popup a").click()
    page.get_by_label("E-mail address").wait_for()
    assert "/pay/" in page.url and "/embed/" not in page.url


def test_a_button_with_another_price_in_the_page_is_refused(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(scripts=False), site(AMOUNT="0.50")
    page.goto(here.address)
    page.locator("#by-button button").click()
    page.get_by_role("heading", name="This button is not as the seller made it").wait_for()


def test_messages_of_strangers_are_not_heard(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(), site()
    page.goto(here.address)
    page.frame_locator("#by-embed iframe").get_by_label("E-mail address").wait_for()
    page.evaluate("window.postMessage({v: 1, nonce: 'x', type: 'success', payment: 'pay_x', state: 'paid'}, '*')")
    page.evaluate("document.querySelector('#by-embed iframe').contentWindow.postMessage({v: 1, nonce: 'x', type: 'ask'}, '*')")
    page.frame_locator("#by-embed iframe").get_by_label("E-mail address").fill("x@example.com")
    expect(page.locator("#said")).not_to_contain_text("success")


def test_the_same_link_is_made_once_and_what_is_made_can_be_ended(visitor: Visit, site: Callable[..., Site]) -> None:
    page, here = visitor(), site()
    page.goto(here.address)
    page.frame_locator("#by-embed iframe").get_by_label("E-mail address").wait_for()
    same = "(link => PayEmbed.create(link) === PayEmbed.create(link))(document.querySelector('#by-embed a'))"
    assert page.evaluate(same) and page.locator("#by-embed iframe").count() == 1
    page.evaluate("PayEmbed.close(document.querySelector('#by-embed a'))")
    assert page.locator("#by-embed iframe").count() == 0
    expect(page.locator("#by-embed a")).to_be_visible()
