"""Named styles: made, changed, worn by links, put away; a link's colours go before its style's, and those before the branding's."""

from __future__ import annotations

import pytest

from core.accounts.branding import Look, change_look
from core.accounts.styles import find_style, list_styles, make_style, put_away_style
from core.payments.archive import clone_link
from core.payments.queries import list_links
from core.payments.start import payment_token
from tests.browser import Browser
from tests.factories import Shop, fresh, link_address, make_link, make_payment, make_shop, unit

STYLES, NEW = "/portal/settings/styles", "/portal/links/new"
RED, GREEN, BLUE, PALE = "#a4133c", "#1b5e20", "#0d47a1", "#fff3b0"


def make(shop: Shop, name: str = "Autumn", accent: str = RED) -> str:
    with unit(shop.app):
        return make_style(shop.vendor, shop.mode, name=name, accent=accent, accent_dark="", by=shop.user.public_id).public_id


def wear(shop: Shop, **terms: str):
    return make_link(shop, title="Class", amount="25.00", **terms)


def colours(shop: Shop, link) -> str:
    return Browser(shop.app).client.get(link_address(shop, link)).text.rpartition("<style")[2].partition("</style>")[0]


def branded(shop: Shop, accent: str = BLUE) -> None:
    with unit(shop.app):
        change_look(shop.vendor, Look(accent=accent), by=shop.user.public_id)


def test_a_links_own_colours_go_before_its_styles_and_those_before_the_brandings(shop: Shop) -> None:
    branded(shop)
    style = make(shop)
    assert BLUE in colours(shop, wear(shop)) and RED not in colours(shop, wear(shop))
    assert RED in colours(shop, wear(shop, style=style))
    assert GREEN in colours(shop, wear(shop, accent=GREEN))


def test_the_payments_page_wears_what_its_link_wears(shop: Shop) -> None:
    link = wear(shop, style=make(shop))
    payment = make_payment(shop, link)
    with shop.app.app_context():
        path = f"/checkout/{payment_token(shop.vendor, payment)}"
    assert RED in Browser(shop.app).get(path).response.text


def test_a_style_that_is_changed_changes_every_link_that_wears_it_and_no_other(shop: Shop, owner: Browser) -> None:
    style = make(shop)
    worn, own = wear(shop, style=style), wear(shop, accent=RED)
    page = owner.get(f"{STYLES}/{style}")
    owner.submit(page.form(), accent=GREEN)
    assert GREEN in colours(shop, worn) and fresh(shop, own).accent == RED


def test_a_colour_that_cannot_be_read_is_refused_with_what_would_do(shop: Shop, owner: Browser) -> None:
    refused = owner.submit(owner.get(STYLES).form(STYLES), status=422, name="Pale", accent=PALE)
    assert "The nearest colour that works is" in refused.error_summary[0] and refused.form(STYLES).values["name"] == "Pale"
    refused = owner.submit(owner.get(NEW).form(NEW), status=422, title="Loaf", amount="4.50", look="own", accent=PALE)
    assert "The nearest colour that works is" in refused.error_summary[0]
    assert next(e.text for e in refused.all("button") if e.attrs.get("aria-current")).endswith("Questions and sharing")


def test_the_link_maker_offers_the_styles_and_its_picture_wears_them(shop: Shop, owner: Browser) -> None:
    style = make(shop)
    typed = {**owner.get(NEW).form(NEW).values, "title": "Class", "amount": "25"}
    for look, colour in ((style, RED), ("own", GREEN)):
        drawn = owner.client.post("/portal/links/preview", data={**typed, "look": look, "accent": GREEN})
        assert colour in drawn.text
    assert PALE not in owner.client.post("/portal/links/preview", data={**typed, "look": "own", "accent": PALE}).text
    owner.submit(owner.get(NEW).form(NEW), title="Class", amount="25", look=style)
    with shop.app.app_context():
        (link,) = list_links(shop.vendor, shop.mode).rows
    assert (link.style, link.accent) == (style, RED)
    form = owner.get(f"/portal/links/{link.public_id}/edit").form(f"/portal/links/{link.public_id}/edit")
    assert form.values["look"] == style
    owner.submit(form, look="")
    assert fresh(shop, link).accent is None


def test_a_style_that_was_put_away_is_kept_by_who_wears_it_and_given_to_nobody_else(shop: Shop, owner: Browser) -> None:
    style = make(shop)
    link = wear(shop, style=style)
    with unit(shop.app):
        put_away_style(shop.vendor, shop.mode, style, by=shop.user.public_id)
    edit = f"/portal/links/{link.public_id}/edit"
    owner.submit(owner.get(edit).form(edit), title="Another title")
    assert fresh(shop, link).accent == RED
    refused = owner.submit(owner.get(NEW).form(NEW), status=422, title="Loaf", amount="4.50", look=style)
    assert "Choose a style from the list." in refused.error_summary[0]


def test_a_copy_wears_the_same(shop: Shop) -> None:
    link = wear(shop, style=make(shop))
    with unit(shop.app):
        twin = clone_link(link, by=shop.user.public_id)
    assert fresh(shop, twin).accent == RED


def test_names_are_told_apart_and_a_style_has_a_colour(shop: Shop, owner: Browser) -> None:
    make(shop)
    for typed in ({"name": "autumn", "accent": GREEN}, {"name": "", "accent": GREEN}, {"name": "Spring", "accent": ""}):
        owner.submit(owner.get(STYLES).form(STYLES), status=422, **typed)
    with shop.app.app_context():
        assert [style.name for style in list_styles(shop.vendor, shop.mode)] == ["Autumn"]


def test_nobody_elses_style_is_worn_or_changed(shop: Shop, owner: Browser) -> None:
    other = make_shop(shop.app)
    theirs = make(other)
    owner.get(f"{STYLES}/{theirs}", status=404)
    refused = owner.submit(owner.get(NEW).form(NEW), status=422, title="Loaf", amount="4.50", look=theirs)
    assert "Choose a style from the list." in refused.error_summary[0]
    with shop.app.app_context():
        assert find_style(shop.vendor.id, "test", theirs) is None and find_style(other.vendor.id, "live", theirs) is None


@pytest.mark.parametrize("accent", ["red", "#12345", "javascript:", "#ggg000", "#0a5560;}body{display:none}"])
def test_what_is_no_colour_never_reaches_a_style_sheet(shop: Shop, owner: Browser, accent: str) -> None:
    owner.submit(owner.get(STYLES).form(STYLES), status=422, name="Bad", accent=accent[:20])
    drawn = owner.client.post(
        "/portal/links/preview", data={**owner.get(NEW).form(NEW).values, "title": "x", "amount": "5", "look": "own", "accent": accent}
    )
    assert drawn.status_code == 200 and "display:none}" not in drawn.text
