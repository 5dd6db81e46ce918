"""Carts in a real browser: with scripts the total follows at once, without them on a press; small screens, much zoom, no line, on paper."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from core.payments.discount import DiscountTerms, make_code
from core.payments.link import edit_link
from core.payments.link_terms import LinkTerms
from core.payments.offer import Item, Offer, Question, Terms, Tips
from core.payments.tax import make_rate
from tests.checkout.desk import APPROVED, Desk, payments_of
from tests.factories import Shop, again, link_address, make_link, unit
from tests.sight import barriers, wider_than_screen

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
LOAF, JAM = Item("itm_loaf", "Loaf", 450, 1, 10), Item("itm_jam", "Jam", 320, 0, 5)


@pytest.fixture
def link(shop: Shop):
    """A link with everything on it."""
    with unit(shop.app):
        vat = make_rate(shop.vendor, "test", name="VAT", bps=2_000, inclusive=False, by="usr_x").public_id
        make_code(shop.vendor, "test", by="usr_x", terms=DiscountTerms("SPRING", bps=1_000))
    offer = Offer(
        items=(LOAF, Item("itm_jam", "Jam", 320, 0, 5, vat)), tips=Tips((500, 1_000)), discounts=True, business=True, phone="optional",
        questions=(Question("table", "Table number", "number", True), Question("size", "Size", "select", False, ("Small", "Large"))),
        terms=Terms("I agree to the terms", "Bread is not given back."), shipping="optional",
        success_url="http://localhost:9/thanks?payment={PAYMENT}", cancel_url="http://localhost:9/basket",
    )  # fmt: skip
    return make_link(shop, title="Breakfast", amount=None, offer=offer)


def answer(page: Page) -> None:
    page.get_by_label("E-mail address").fill("sam@example.com")
    page.get_by_label("Table number").fill("7")
    page.get_by_label("I agree to the terms").check()


@BOTH
def test_a_cart_is_chosen_paid_and_found_again_on_every_page(shop: Shop, link, visitor, scripts: bool) -> None:
    desk = Desk(visitor(scripts=scripts), scripts)
    page = desk.page
    page.goto(link_address(shop, link))
    expect(page.get_by_role("button", name="Continue to pay £4.50")).to_be_visible()
    page.get_by_label("Loaf: Quantity").fill("2")
    page.get_by_label("Jam: Quantity").fill("1")
    page.get_by_role("radio", name="10%").check()
    page.get_by_label("Discount code").fill("spring")
    answer(page)
    if not scripts:
        page.get_by_role("button", name="Update the total").click()
        assert page.get_by_label("Table number").input_value() == "7" and page.get_by_label("I agree to the terms").is_checked()
    # 900 + 320 = 1220; 122 off; tip 110; tax 20 % of 320 - 32
    expect(page.get_by_role("button", name="Continue to pay £12.66")).to_be_visible()
    if scripts:
        expect(page.locator("#amount-due")).to_have_text("£12.66")
        expect(page.locator("#total-said")).to_have_text("To pay: £12.66")
    page.get_by_role("button", name="Continue to pay £12.66").click()
    desk.sees("Pay by card")
    for words in ("2 × Loaf", "Discount SPRING", "VAT 20%"):
        expect(page.get_by_text(words).first).to_be_visible()
    desk.card(APPROVED)
    desk.sees("Paid")
    (payment,) = payments_of(shop)
    assert (payment.state, payment.captured_minor, payment.tip_minor) == ("succeeded", 1_266, 110)
    back = page.get_by_role("link", name="Back to Blue Door Bakery")
    assert back.get_attribute("href") == f"http://localhost:9/thanks?payment={payment.public_id}"
    expect(page.get_by_text("You need not go back for your payment to count")).to_be_visible()
    page.get_by_role("link", name="See the receipt").click()
    for words in ("2 × Loaf (£4.50 each)", "Discount SPRING", "£12.66"):
        expect(page.get_by_text(words).first).to_be_visible()


def test_a_code_that_does_not_count_is_said_at_once(shop: Shop, link, visitor) -> None:
    page = visitor()
    page.goto(link_address(shop, link))
    page.get_by_label("Discount code").fill("NOPE")
    page.get_by_label("E-mail address").click()
    expect(page.locator("#totals .error")).to_have_text("We do not know this code. Check how it is spelt.")
    expect(page.get_by_role("button", name="Continue to pay £4.50")).to_be_visible()


@BOTH
def test_enter_in_any_field_goes_on_and_does_not_merely_update(shop: Shop, link, visitor, scripts: bool) -> None:
    page = visitor(scripts=scripts)
    page.goto(link_address(shop, link))
    answer(page)
    page.get_by_label("E-mail address").press("Enter")
    expect(page.get_by_role("heading", name="Pay by card")).to_be_visible()


@BOTH
def test_a_price_changed_meanwhile_is_told_with_the_focus_on_it(shop: Shop, link, visitor, scripts: bool) -> None:
    page = visitor(scripts=scripts)
    page.goto(link_address(shop, link))
    answer(page)
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms("Breakfast", "GBP", offer=Offer(items=(Item("itm_loaf", "Loaf", 600, 1, 10),))))
    page.get_by_role("button", name="Continue to pay £4.50").click()
    expect(page.get_by_role("alert")).to_contain_text("The total is now £6.00.")
    if scripts:
        assert page.evaluate("document.activeElement.classList.contains('error-summary')")
        for quantity, total in (("2", "£12.00"), ("1", "£6.00")):
            page.get_by_label("Loaf: Quantity").fill(quantity)
            page.get_by_label("E-mail address").click()
            expect(page.get_by_role("button", name=f"Continue to pay {total}")).to_be_visible()
            assert page.evaluate("document.activeElement.name") == "email", "whoever goes on filling in is not called back"
    page.get_by_role("button", name="Continue to pay £6.00").click()
    expect(page.get_by_role("heading", name="Pay by card")).to_be_visible()
    assert payments_of(shop)[0].amount_minor == 600


@BOTH
def test_a_page_that_ran_out_starts_again_with_the_same_cart(shop: Shop, link, visitor, scripts: bool) -> None:
    page = visitor(scripts=scripts)
    page.goto(link_address(shop, link))
    page.get_by_label("Loaf: Quantity").fill("3")
    answer(page)
    if not scripts:
        page.get_by_role("button", name="Update the total").click()
    page.get_by_role("button", name="Continue to pay £13.50").click()
    page.get_by_text("Try what can happen").click()
    page.get_by_role("button", name="Let this page run out now").click()
    expect(page.get_by_role("heading", name="This page has expired")).to_be_visible()
    expect(page.get_by_text("No money was taken.")).to_be_visible()
    if scripts:
        assert barriers(page) == []
    page.get_by_role("link", name="Start again").click()
    assert page.get_by_label("Loaf: Quantity").input_value() == "3" and page.get_by_label("Table number").input_value() == "7"
    expect(page.get_by_role("button", name="Continue to pay £13.50")).to_be_visible()
    assert not page.get_by_label("I agree to the terms").is_checked()


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
def test_no_page_of_a_cart_has_barriers(shop: Shop, link, visitor, phone: bool) -> None:
    page = visitor(phone=phone)
    page.goto(link_address(shop, link))
    page.get_by_label("I’m buying as a business").check()
    assert barriers(page) == []
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert barriers(page) == []
    page.get_by_label("I’m buying as a business").uncheck()
    answer(page)
    page.get_by_role("button", name="Continue to pay").click()
    expect(page.get_by_role("heading", name="Pay by card")).to_be_visible()
    page.get_by_text("Try what can happen").click()
    assert barriers(page) == []


@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desk"])
def test_no_page_of_the_vendors_has_barriers(shop: Shop, link, visitor, phone: bool) -> None:
    page = visitor(phone=phone)
    page.context.add_cookies([{"name": "seat", "value": shop.secret, "url": visitor.address}])
    places = (
        "links/new",
        f"links/{link.public_id}/edit",
        f"links/{link.public_id}",
        "discounts",
        "settings/taxes",
        "settings/domains",
        "settings",
    )
    for place in places:
        page.goto(f"/portal/{place}")
        page.evaluate("for (const part of document.querySelectorAll('details.more-parts')) part.open = true")
        assert barriers(page) == [], place
        assert not wider_than_screen(page), place


@pytest.mark.parametrize(("width", "height"), [(360, 640), (320, 256)], ids=["a small phone", "a desk at four hundred percent"])
def test_a_cart_fits_the_smallest_screens(shop: Shop, link, visitor, width: int, height: int) -> None:
    page = visitor()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(link_address(shop, link))
    page.get_by_label("I’m buying as a business").check()
    assert not wider_than_screen(page)
    small = [
        name
        for name, box in ((name, page.get_by_label(name).bounding_box()) for name in ("Loaf: Quantity", "Discount code", "E-mail address"))
        if not box or box["x"] < 0 or box["x"] + box["width"] > width or box["height"] < 24
    ]
    assert small == []
    assert page.evaluate("getComputedStyle(document.querySelector('[name=email]')).fontSize") == "16px"
    page.get_by_label("I’m buying as a business").uncheck()
    answer(page)
    page.get_by_role("button", name="Continue to pay £4.50").click()
    expect(page.get_by_role("heading", name="Pay by card")).to_be_visible()
    assert not wider_than_screen(page)


def test_a_lost_line_is_told_truthfully_and_nothing_chosen_is_lost(shop: Shop, link, visitor) -> None:
    page = visitor()
    page.goto(link_address(shop, link))
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline. Nothing has been sent yet.")).to_be_visible()
    with page.expect_event("requestfailed"):  # the total cannot follow just now
        page.get_by_label("Loaf: Quantity").fill("4")
        page.get_by_label("E-mail address").click()
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).not_to_be_visible()
    page.get_by_label("Loaf: Quantity").fill("5")
    page.get_by_label("E-mail address").click()
    expect(page.get_by_role("button", name="Continue to pay £22.50")).to_be_visible()


def test_on_paper_only_what_matters_is_left(shop: Shop, link, visitor) -> None:
    page = visitor()
    page.goto(link_address(shop, link))
    answer(page)
    page.get_by_role("button", name="Continue to pay").click()
    expect(page.get_by_role("heading", name="Pay by card")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_text("Try what can happen")).not_to_be_visible()
    expect(page.get_by_role("button", name="Cancel this payment")).not_to_be_visible()
    expect(page.get_by_text("Loaf").first).to_be_visible()
