"""Making a link in a real browser: the picture follows what is typed, the keyboard is enough, a phone is wide enough, German is read."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import FrameLocator, Page, expect

from tests.factories import Shop, make_link
from tests.portal.test_in_a_browser import enter
from tests.sight import barriers_in_both, wider_than_screen

Visit = Callable[..., Page]


def picture(page: Page) -> FrameLocator:
    return page.frame_locator("#picture iframe:not(.picture-coming)")


def test_the_picture_follows_what_is_typed_and_the_back_button_still_leads_back(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/links")
    page.get_by_role("link", name="New link").first.click()
    page.get_by_label("Title").press_sequentially("Evening class", delay=20)
    expect(picture(page).get_by_text("Evening class").first).to_be_visible()
    page.get_by_label("Amount", exact=True).fill("45")
    expect(picture(page).get_by_text("Continue to pay £45.00")).to_be_visible()
    page.get_by_role("button", name="Next: How it is paid").click()
    expect(page.get_by_label("Most payments")).to_be_hidden()
    page.get_by_label("Again and again").check()
    page.get_by_label("Most payments").fill("12")
    page.get_by_role("button", name="Next: Questions and sharing").click()
    page.get_by_text("Ask the payer for a reference").click()
    page.get_by_label("Ask the payer for", exact=False).first.fill("Member number")
    expect(picture(page).get_by_text("Member number")).to_be_visible()
    page.get_by_role("button", name="What and how much").click()
    expect(page.get_by_label("Title")).to_have_value("Evening class")
    page.go_back()
    expect(page).to_have_url(f"{live_server}/portal/links")
    page.go_forward()
    page.get_by_label("Title").wait_for()


def test_the_keyboard_is_enough(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/links/new")
    page.get_by_label("Title").focus()
    page.keyboard.type("Loaf")
    page.get_by_label("Amount", exact=True).focus()
    page.keyboard.type("4.50")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Once")).to_be_visible()
    assert page.evaluate("document.activeElement.value") == "2", "whoever listens hears which step it is"
    page.get_by_label("Once").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Readable address")).to_be_visible()
    page.get_by_label("Readable address").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Loaf")).to_be_visible()


def test_a_step_that_the_line_lost_can_be_sent_again(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/links/new")
    page.get_by_label("Title").fill("Loaf")
    page.get_by_label("Amount", exact=True).fill("4.50")
    page.route("**/portal/links/new", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda lost: lost.method == "POST" and lost.url.endswith("/portal/links/new")):
        page.get_by_role("button", name="Next: How it is paid").click()
    page.unroute("**/portal/links/new")
    page.get_by_role("button", name="Next: How it is paid").click()
    expect(page.get_by_label("Once")).to_be_visible()


# htmx takes its time to settle what has come, as on a busy machine, and tells when it has
SLOW = """addEventListener("DOMContentLoaded", () => { if (top === self) htmx.config.defaultSettleDelay = 1500 });
addEventListener("htmx:afterSettle", () => { document.documentElement.dataset.settled = "yes" });"""


def test_whoever_is_faster_than_htmx_keeps_their_field_and_loses_no_press(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    page.add_init_script(SLOW)
    page.goto("/portal/links/new")
    page.get_by_label("Title").fill("Loaf")
    page.get_by_label("Amount", exact=True).fill("4.50")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Once")).to_be_visible()
    page.get_by_label("Once").focus()
    expect(page.locator("html")).to_have_attribute("data-settled", "yes")
    expect(page.get_by_label("Once")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Readable address")).to_be_visible()


def test_without_scripts_a_button_shows_the_picture_and_the_steps_lose_nothing(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(scripts=False, phone=True), shop, live_server)
    page.goto("/portal/links/new")
    page.get_by_label("Title").fill("Evening class")
    page.get_by_label("Amount", exact=True).fill("45")
    page.get_by_role("button", name="Preview").click()
    expect(picture(page).get_by_text("Continue to pay £45.00")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value("Evening class")
    page.get_by_role("button", name="Next: How it is paid").click()
    expect(picture(page).get_by_text("Continue to pay £45.00")).to_be_visible()
    page.get_by_role("button", name="Next: Questions and sharing").click()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="Evening class")).to_be_visible()


def test_every_step_is_free_of_barriers_and_whole_on_a_phone_in_german(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(phone=True), shop, live_server)
    page.goto("/portal/links/new?lang=de")
    page.get_by_label("Titel").fill("Abendkurs")
    page.get_by_label("Betrag", exact=True).fill("45")
    for number in (1, 2, 3):
        page.locator(f"button.step[value='{number}']").click()
        page.locator(f"button.step[value='{number}'][aria-current]").wait_for()
        expect(picture(page).get_by_text("Abendkurs").first).to_be_visible()
        assert not wider_than_screen(page)
        assert barriers_in_both(page) == []


def test_a_refused_step_takes_the_reader_to_what_is_wrong(visitor: Visit, shop: Shop, live_server: str) -> None:
    page = enter(visitor(), shop, live_server)
    page.goto("/portal/links/new")
    page.get_by_role("button", name="Next: How it is paid").click()
    expect(page.locator(".error-summary")).to_be_focused()
    page.get_by_role("link", name="Say what the payment is for.").click()
    expect(page.get_by_label("Title")).to_be_focused()


def test_editing_has_the_picture_too(visitor: Visit, shop: Shop, live_server: str) -> None:
    link = make_link(shop, title="Course", amount="25.00")
    page = enter(visitor(), shop, live_server)
    page.goto(f"/portal/links/{link.public_id}/edit")
    page.get_by_label("Amount", exact=True).fill("30")
    expect(picture(page).get_by_text("Continue to pay £30.00")).to_be_visible()
