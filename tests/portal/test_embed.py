"""The business's own website in the portal: naming it, who was refused and one press that mends it, the doctor, and buttons to paste."""

from __future__ import annotations

import re
from html import unescape

import pytest

from core.accounts.embed_origins import allow_origin, allowed_origins
from core.accounts.embed_refusals import note_refusal
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.link import edit_link
from core.payments.link_terms import LinkTerms
from core.payments.models import PaymentLink
from core.payments.prefill import list_prefills
from core.payments.sharing_models import LinkPrefill
from portal.embed import REASONS
from tests.browser import Browser, Page
from tests.factories import Shop, again, make_colleague, make_link, make_shop, unit

SITE = "https://shop.example"


def allowed(shop: Shop) -> list[str]:
    with shop.app.app_context():
        return allowed_origins(shop.vendor, "test")


def press(owner: Browser, page: Page, action: str, **values: str) -> Page:
    """The button whose form goes there with these values."""
    for form in page.all("form"):
        inside = {e.attrs.get("name"): e.attrs.get("value") for e in page.elements if e.name == "input" and e.within("form") is form}
        if form.attrs.get("action", "").split("#")[0] == action and values.items() <= inside.items():
            return owner.post(action, {name: value for name, value in inside.items() if name}, status=200)
    raise AssertionError(f"no button to {action} with {values}")


def test_the_empty_page_teaches_and_a_website_is_named_and_removed(shop: Shop, owner: Browser) -> None:
    page = owner.get("/portal/embed")
    assert "Shown nowhere yet" in page.text and "Put it on your website" in page.text
    named = owner.submit(page.form("/portal/embed"), origin="shop.example/basket")
    assert f"{SITE} may show your payment pages from now on." in named.text and allowed(shop) == [SITE]
    action = next(f.attrs["action"] for f in named.all("form") if f.attrs.get("action", "").endswith("/remove"))
    gone = press(owner, named, action)
    assert "shows your payment pages no more" in gone.text and allowed(shop) == []


@pytest.mark.parametrize("text", ["", "http://shop.example", "https://*.com", "x y"])
def test_what_cannot_be_named_is_said_at_the_field_and_kept(shop: Shop, owner: Browser, text: str) -> None:
    page = owner.submit(owner.get("/portal/embed").form("/portal/embed"), status=422, origin=text)
    assert page.errors and page.form("/portal/embed").values["origin"] == text and allowed(shop) == []


def test_a_refused_website_is_listed_with_its_reason_and_let_in_by_one_press(shop: Shop, owner: Browser) -> None:
    with unit(shop.app):
        for origin, reason in ((SITE, "off"), ("http://shop.example", "insecure"), ("null", "opaque")):
            note_refusal(shop.vendor, "test", origin, reason)
    page = owner.get("/portal/embed")
    for reason in ("off", "insecure", "opaque"):
        assert str(REASONS[reason]) in page.text
    assert [e.attrs["value"] for e in page.all("input", type="hidden") if e.attrs.get("name") == "origin"] == [SITE]
    mended = press(owner, page, "/portal/embed", origin=SITE)
    assert allowed(shop) == [SITE] and str(REASONS["off"]) not in mended.text and str(REASONS["insecure"]) in mended.text


def test_the_doctor_names_the_trouble_and_offers_to_mend_it(shop: Shop, owner: Browser) -> None:
    page = owner.get("/portal/embed")
    sick = owner.submit(page.form("/portal/embed/doctor"), place="https://www.shop.example/x", headers="default-src 'self'")
    assert "Your list is empty" in sick.text and f"add {settings().public_url} to its frame-src" in sick.text
    well = press(owner, sick, "/portal/embed", origin="https://www.shop.example")
    line = well.all("input", id="policy-line")[0].attrs["value"]
    fine = owner.submit(well.form("/portal/embed/doctor"), place="https://www.shop.example", headers=f"default-src 'self'; {line}")
    assert "is on your list" in fine.text and "keeps us out" not in fine.text
    nowhere = owner.submit(well.form("/portal/embed/doctor"), status=422, place="")
    assert nowhere.errors


@pytest.mark.parametrize("role", ["viewer", "support", "accountant", "developer"])
def test_who_may_not_change_settings_sees_the_list_and_no_buttons(shop: Shop, role: str) -> None:
    with unit(shop.app):
        allow_origin(shop.vendor, "test", SITE, by="usr_x")
        note_refusal(shop.vendor, "test", "https://other.example", "unlisted")
    colleague = make_colleague(shop, role).browser()
    page = colleague.get("/portal/embed")
    assert SITE in page.text and "Allow it" not in page.text and "Remove it" not in page.text
    colleague.post(
        "/portal/embed", {"origin": "x.example", "csrf_token": page.form("/portal/embed/doctor").values["csrf_token"]}, status=403
    )
    assert allowed(shop) == [SITE]


def test_another_vendors_website_is_not_removed(shop: Shop, owner: Browser) -> None:
    other = make_shop(shop.app)
    with unit(shop.app):
        row = allow_origin(other.vendor, "test", SITE, by="usr_x")
    token = owner.get("/portal/embed").form("/portal/embed").values["csrf_token"]
    owner.post(f"/portal/embed/{row.public_id}/remove", {"csrf_token": token}, status=404)
    assert allowed(other) == [SITE]


# --- buttons -------------------------------------------------------------------------------------------------------------


def made(shop: Shop, link: PaymentLink) -> LinkPrefill:
    with shop.app.app_context():
        return list_prefills(shop.vendor, again(link), buttons=True)[0]


def test_a_button_is_made_and_what_to_paste_leads_to_it(shop: Shop, owner: Browser, stranger: Browser) -> None:
    link = make_link(shop, amount=None)
    page = owner.get(f"/portal/links/{link.public_id}/buttons")
    assert "No buttons yet" in page.text and "No website is named yet" in page.text
    page = owner.submit(
        page.form(f"/portal/links/{link.public_id}/buttons"),
        text='Pay <now> & "here"',
        amount="12.50",
        shown="inline",
        theme="dark",
        locale="de",
    )
    assert page.errors == [] and "£12.50" in page.text
    codes = {e.attrs["id"].partition("-")[0]: "".join(e.words) for e in page.all("textarea") if "id" in e.attrs}
    assert set(codes) == {"scripted", "plain", "form"}
    for code in codes.values():
        assert "Pay &lt;now&gt; &amp; &quot;here&quot;" in code and "<now>" not in code
    assert 'data-pay="inline" data-theme="dark" data-locale="de"' in codes["scripted"] and 'integrity="sha384-' in codes["scripted"]
    assert "<script" not in codes["plain"] + codes["form"]
    (href,) = re.findall(r'href="([^"]+)"', codes["plain"])
    address = unescape(href)
    assert "12,50" in stranger.get(address.removeprefix(settings().public_url)).text
    sent = dict(re.findall(r'name="(\w+)" value="([^"]*)"', codes["form"]))
    assert (sent["amount"], sent["currency"], sent["lang"]) == ("12.50", "GBP", "de")
    assert "12,50" in stranger.post("/buy", sent, status=200).text


def test_a_button_that_may_not_be_is_said_at_its_field(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, amount=None)
    form = owner.get(f"/portal/links/{link.public_id}/buttons").form(f"/portal/links/{link.public_id}/buttons")
    for changes in ({"text": ""}, {"amount": "0.01"}, {"amount": "x"}, {"expires_at": "2020-01-01T00:00"}, {"reference": "INV"}):
        assert owner.submit(form, status=422, **changes).errors or "reference" in changes
    with shop.app.app_context():
        assert list_prefills(shop.vendor, again(link), buttons=True) == []


def test_a_button_is_paused_renewed_and_taken_back(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    path = f"/portal/links/{link.public_id}/buttons"
    page = owner.submit(owner.get(path).form(path), text="Pay now")
    first = made(shop, link)
    page = press(owner, page, f"/portal/buttons/{first.public_id}/pause")
    assert "Paused" in page.text
    page = press(owner, page, f"/portal/buttons/{first.public_id}/resume")
    with unit(shop.app):
        terms = LinkTerms(title=link.title, currency="GBP", amount_minor=Money.of("30.00", "GBP").minor)
        edit_link(again(link), by="usr_x", terms=terms)
    assert "The price of the link has changed" in owner.get(path).text
    page = press(owner, page, f"/portal/buttons/{first.public_id}/renew")
    second = made(shop, link)
    assert second.public_id != first.public_id and second.price_minor == 3000 and "Works" in page.text
    page = press(owner, page, f"/portal/buttons/{second.public_id}/withdraw")
    assert "No buttons yet" in page.text
    token = page.form(path).values["csrf_token"]
    owner.post(f"/portal/buttons/{second.public_id}/resume", {"csrf_token": token}, status=409)


def test_a_button_has_a_picture_and_codes_for_paper(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    path = f"/portal/links/{link.public_id}/buttons"
    owner.submit(owner.get(path).form(path), text="<b>Pay")
    number = made(shop, link).public_id
    picture = owner.client.get(f"/portal/buttons/{number}/picture")
    assert picture.status_code == 200 and "&lt;b&gt;Pay" in picture.get_data(as_text=True)
    assert picture.headers["Content-Security-Policy"].endswith("sandbox") and "X-Frame-Options" not in picture.headers
    assert owner.client.get(f"/portal/buttons/{number}/qr.svg").mimetype == "image/svg+xml"
    assert owner.client.get(f"/portal/buttons/{number}/qr.png").mimetype == "image/png"
    assert owner.client.get(f"/portal/buttons/{number}/qr.exe").status_code == 404
    other = make_shop(shop.app).browser()
    assert {other.client.get(f"/portal/buttons/{number}/{what}").status_code for what in ("picture", "qr.svg", "qr.png")} == {404}


def test_a_filled_in_address_is_no_button_and_a_button_no_filled_in_address(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, amount=None)
    path = f"/portal/links/{link.public_id}/filled"
    owner.submit(owner.get(path).form(path), email="ada@example.com")
    assert "No buttons yet" in owner.get(f"/portal/links/{link.public_id}/buttons").text
    with shop.app.app_context():
        number = db.session.scalars(db.select(LinkPrefill.public_id).where(LinkPrefill.vendor_id == shop.vendor.id)).one()
    assert owner.client.get(f"/portal/buttons/{number}/picture").status_code == 404
