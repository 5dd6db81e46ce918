"""Payment links in the portal: making, showing, editing, pausing, ending, and their codes."""

from __future__ import annotations

import io
import re

import pytest
import segno
from PIL import Image

from core.kernel.db import db
from core.payments.models import PaymentLink
from tests.browser import Browser, Page
from tests.factories import Shop, make_link, make_paid

TERMS = {"title": "Sourdough course", "currency": "GBP", "amount_kind": "fixed", "amount": "45.00", "kind": "single"}


def make(browser: Browser, *, status: int = 200, **changes: str) -> Page:
    return browser.submit(browser.get("/portal/links/new").form(), status=status, **{**TERMS, **changes})


def newest(shop: Shop) -> PaymentLink:
    with shop.app.app_context():
        mine = db.select(PaymentLink).where(PaymentLink.vendor_id == shop.vendor.id).order_by(PaymentLink.id.desc())
        found = db.session.scalars(mine).first()
        assert found
        return found


def test_a_fixed_link_is_made_and_shows_its_address(shop: Shop, owner: Browser) -> None:
    page = make(owner, description="Two hours.\n<b>Bring an apron.</b>")
    assert page.heading == "Sourdough course" and "£45.00" in page.text
    address = page.all("input", id="link-address")[0].attrs["value"]
    assert "/pay/" in address
    assert "&lt;b&gt;Bring" in page.html and "<b>Bring" not in page.html


def test_an_open_link_keeps_its_limits_and_suggestions(shop: Shop, owner: Browser) -> None:
    page = make(
        owner,
        amount_kind="open",
        amount="",
        minimum="2",
        maximum="500",
        step="1",
        suggestions="5, 10;25 ,5",
        kind="reusable",
        max_payments="12",
    )
    link = newest(shop)
    assert (link.amount_minor, link.minimum_minor, link.maximum_minor, link.max_payments) == (None, 200, 50_000, 12)
    assert link.step_minor == 100
    assert link.suggestions_minor == [500, 1000, 2500]
    assert "£5.00, £10.00, £25.00" in page.text


def test_what_does_not_apply_is_left_out(shop: Shop, owner: Browser) -> None:
    make(owner, minimum="1", maximum="2", suggestions="5", max_payments="3")
    link = newest(shop)
    assert (link.amount_minor, link.minimum_minor, link.suggestions_minor, link.max_payments) == (4500, None, [], None)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"title": ""}, "title", "what the payment is for"),
        ({"amount": ""}, "amount", "Enter the amount"),
        ({"amount": "12.345"}, "amount", "2 decimals"),
        ({"amount": "1,000"}, "amount", "digits and a point"),
        ({"amount": "0.05"}, "amount", "Between"),
        ({"amount": "999999999999"}, "amount", "Between"),
        ({"currency": "JPY", "amount": "12.50"}, "amount", "no decimals"),
        ({"currency": "XXX"}, "currency", "from the list"),
        ({"amount_kind": "open", "minimum": "20", "maximum": "10"}, "maximum", "below the minimum"),
        ({"amount_kind": "open", "suggestions": "5, ten"}, "suggestions", "ten"),
        ({"amount_kind": "open", "suggestions": "1 2 3 4 5"}, "suggestions", "4 amounts"),
        ({"amount_kind": "open", "minimum": "10", "suggestions": "5"}, "suggestions", "may choose"),
        ({"amount_kind": "neither"}, "amount_kind", "Choose one"),
        ({"kind": "reusable", "max_payments": "0"}, "max_payments", "from 1 to"),
        ({"expires_at": "2001-01-01T00:00"}, "expires_at", "passed"),
        ({"expires_at": "tomorrow"}, "expires_at", "like 2026"),
        ({"hours_after_opening": "1.5"}, "hours_after_opening", "digits only"),
        ({"description": "x" * 2001}, "description", "2000 characters"),
        ({"title": "Invoice \u202efdp.exe"}, "title", "turns the direction"),
        ({"description": "Pay \u2066nobody\u2069 else"}, "description", "turns the direction"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_nothing_typed_is_lost(
    shop: Shop, owner: Browser, changes: dict[str, str], field: str, said: str
) -> None:
    page = make(owner, status=422, **changes)
    assert any(said in error for error in page.errors), page.errors
    assert any(e.attrs.get("id") == f"{field}-error" for e in page.elements), "the error stands at its field"
    kept = page.form().values
    for name, value in {**TERMS, **changes}.items():
        if name in ("currency", "amount_kind") and name == field:
            continue
        assert kept[name] == value, name


def test_editing_shows_what_is_there_and_saves_what_changes(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, amount=None, minimum_minor=100, suggestions_minor=[500, 1050], kind="reusable")
    form = owner.get(f"/portal/links/{link.public_id}/edit").form()
    assert form.values["suggestions"] == "5.00, 10.50" and form.values["minimum"] == "1.00" and form.values["amount_kind"] == "open"
    page = owner.submit(form, title="Tip jar", maximum="20")
    assert page.heading == "Tip jar" and "At most" in page.text
    assert newest(shop).token_id == link.token_id, "the address stays"


def test_a_link_is_paused_with_words_and_resumed(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    show = f"/portal/links/{link.public_id}"
    page = owner.submit(owner.get(show).form(f"{show}/pause"), message="Back in <January>.")
    assert "Back in <January>." in page.text and "Paused" in page.text
    page = owner.submit(page.form(f"{show}/resume"))
    assert "takes payments again" in page.text


def test_ending_a_link_asks_once_more_and_is_final(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    show = f"/portal/links/{link.public_id}"
    question = owner.get(f"{show}/expire")
    assert question.heading == "End this link?"
    page = owner.submit(question.form(f"{show}/expire"))
    assert "has ended" in page.text
    assert owner.submit(question.form(f"{show}/expire")).status == 200, "ending twice is ending once"
    token = page.form("/sign-out").values["csrf_token"]
    assert owner.post(f"{show}/resume", {"csrf_token": token}, status=409).heading == "That was not possible"


def test_the_code_says_the_address_with_its_quiet_zone(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    svg = owner.client.get(f"/portal/links/{link.public_id}/qr.svg")
    assert svg.mimetype == "image/svg+xml" and b"<svg" in svg.data
    png = owner.client.get(f"/portal/links/{link.public_id}/qr.png")
    picture = Image.open(io.BytesIO(png.data)).convert("L")
    assert picture.width >= 1000 and picture.width == picture.height
    dark = [x for x in range(picture.width) if picture.getpixel((x, picture.height // 2)) < 128]
    module = picture.width // 60
    assert dark[0] >= 4 * module - 4, "white all around"

    address = re.search(r'value="(http[^"]+/pay/[\w.-]{40,})"', owner.get(f"/portal/links/{link.public_id}").html)
    assert address
    code = segno.make(f"{address.group(1)}?ref=code", error="m", micro=False)
    side = picture.width / code.symbol_size(border=4)[0]
    middles = [int((4.5 + number) * side) for number in range(code.symbol_size(border=0)[0])]
    assert [[picture.getpixel((x, y)) < 128 for x in middles] for y in middles] == [[bool(one) for one in row] for row in code.matrix]
    assert re.findall(r' d="[^"]+"', svg.text)[-1] in code.svg_inline(border=4, scale=8)


def test_the_page_of_a_link_lists_what_was_paid_through_it(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, kind="reusable", max_payments=3)
    paid = make_paid(shop, link)
    page = owner.get(f"/portal/links/{link.public_id}")
    assert paid.reference in page.text and "Places left 2" in page.text


def test_a_paid_single_link_says_so(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, kind="single")
    make_paid(shop, link)
    assert "This link was paid" in owner.get(f"/portal/links/{link.public_id}").text


def test_the_list_walks_by_key_and_filters_in_the_address(shop: Shop, owner: Browser) -> None:
    for number in range(27):
        make_link(shop, title=f"Course {number:02}")
    first = owner.get("/portal/links")
    assert "Course 26" in first.text and "Course 01" not in first.text
    second = owner.get(next(link for link in first.links() if "after=" in link))
    assert "Course 01" in second.text and "Course 26" not in second.text
    found = owner.get("/portal/links?q=course+13")
    assert "Course 13" in found.text and "Course 14" not in found.text
    assert "No link fits" in owner.get("/portal/links?q=100%25_off").text


def test_htmx_gets_the_table_alone(shop: Shop, owner: Browser) -> None:
    make_link(shop)
    part = owner.part("/portal/links?q=sour")
    assert part.html.strip().startswith('<div id="links">') and "<html" not in part.html
    assert "HX-Request" in part.response.headers["Vary"]
    whole = owner.client.get("/portal/links", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in whole.text
