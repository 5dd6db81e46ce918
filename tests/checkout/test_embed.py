"""Payment pages inside other websites: who may show them, that no cookie is needed, and that what leaves the frame comes out whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask

from core.accounts.embed_origins import allow_origin
from core.accounts.embed_refusals import list_refusals
from core.accounts.vendor_slug import slug_of
from core.admission.stops import let_go_on, stop
from core.kernel.db import db
from core.payments.link import link_token
from core.payments.models import Payment
from core.payments.slug import set_link_slug
from core.payments.start import payment_token
from tests.browser import Browser, Page, _sent
from tests.factories import Shop, again, link_address, make_link, make_payment, make_shop, unit

SITE = "https://shop.example"
FRAME = {"Sec_Fetch_Dest": "iframe", "Sec_Fetch_Site": "cross-site", "Referer": f"{SITE}/"}
INSIDE = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
NONCE = "abcdefghijklmnop1234"


@pytest.fixture
def embedding(shop: Shop) -> Shop:
    """A shop that has named its website."""
    with unit(shop.app):
        allow_origin(shop.vendor, "test", SITE, by="usr_x")
    return shop


def said(**more: str) -> str:
    return urlencode({"origin": SITE, "nonce": NONCE, **more})


def opened(payer: Browser, path: str, **more: Any) -> Page:
    return payer.get(f"/embed{path}?{said(**more)}", **FRAME)


def ancestors(page: Page) -> str:
    policy = page.response.headers["Content-Security-Policy"]
    found = re.search(r"frame-ancestors ([^;]*)", policy)
    assert found
    return found[1]


def send(payer: Browser, form: Any, status: int = 303, headers: dict[str, str] | None = None, **changes: str) -> Any:
    answer = payer.client.post(form.action, data={**form.values, **changes}, headers=headers or INSIDE)
    assert answer.status_code == status, answer.get_data(as_text=True)[:300]
    assert "Set-Cookie" not in answer.headers or headers
    return answer


def refused(shop: Shop) -> list[tuple[str, str]]:
    with shop.app.app_context():
        return [(row.origin, row.reason) for row in list_refusals(shop.vendor, "test")]


def test_a_named_website_shows_the_page_and_every_other_one_is_told_no(
    embedding: Shop, payer: Browser, new_path: Callable[..., str]
) -> None:
    path = new_path()
    page = opened(payer, path)
    assert page.heading == "Pay Blue Door Bakery: An evening at the wheel" and ancestors(page) == SITE
    assert "X-Frame-Options" not in page.response.headers and page.response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert page.response.headers["Cache-Control"] == "no-store" and page.response.headers["Referrer-Policy"] == "no-referrer"

    other = payer.get(f"/embed{path}", status=403, Sec_Fetch_Dest="iframe", Referer="https://other.example/x")
    assert ancestors(other) == "'none'" and other.response.headers["X-Frame-Options"] == "DENY"
    lied = payer.get(f"/embed{path}?{said()}", status=403, Sec_Fetch_Dest="iframe", Referer="https://third.example/")
    assert ancestors(lied) == "'none'"
    payer.get(f"/embed{path}?origin=null", status=403, Sec_Fetch_Dest="iframe")
    payer.get(f"/embed{path}?origin=http://shop.example", status=403, Sec_Fetch_Dest="iframe")
    assert set(refused(embedding)) == {
        ("https://other.example", "unlisted"), ("https://third.example", "unlisted"), ("null", "opaque"), ("http://shop.example", "insecure"),
    }  # fmt: skip


def test_nothing_is_shown_anywhere_until_a_website_is_named(shop: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    page = payer.get(f"/embed{new_path()}?{said()}", status=404, **FRAME)
    assert ancestors(page) == "'none'" and refused(shop) == [(SITE, "off")]


def test_practice_and_live_have_lists_of_their_own_and_so_has_every_vendor(embedding: Shop, payer: Browser) -> None:
    from dataclasses import replace

    other = make_shop(embedding.app)
    payer.get(f"/embed{link_address(other, make_link(other))}?{said()}", status=404, **FRAME)
    live = replace(embedding, mode="live")
    payer.get(f"/embed{link_address(live, make_link(live))}?{said()}", status=404, **FRAME)


def test_every_ordinary_page_still_refuses_every_frame(embedding: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    page = payer.get(new_path(), **FRAME)
    assert ancestors(page) == "'none'" and page.response.headers["X-Frame-Options"] == "DENY"


def test_it_is_paid_from_the_form_to_the_fields_without_any_cookie(embedding: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    page = opened(payer, new_path(), theme="dark", lang="de")
    assert "Set-Cookie" not in page.response.headers and "Cookie" not in page.response.headers.get("Vary", "")
    assert page.all("html")[0].attrs["lang"] == "de" and 'name="color-scheme" content="dark"' in page.html
    begun = send(payer, page.form(), email="sam@example.com")
    target = begun.headers["Location"]
    assert urlsplit(target).path.startswith("/embed/checkout/")
    assert parse_qs(urlsplit(target).query) == {"origin": [SITE], "nonce": [NONCE], "theme": ["dark"], "lang": ["de"]}

    till = payer.get(target, **{name.replace("-", "_"): value for name, value in INSIDE.items()})
    assert till.heading == "Mit Karte zahlen" and ancestors(till) == SITE and "Set-Cookie" not in till.response.headers
    place = next(e for e in till.elements if e.attrs.get("id") == "card-fields")
    token = re.search(r'"X-CSRFToken": "([^"]+)"', place.attrs["hx-headers"])
    assert token
    fields = payer.client.post(
        place.attrs["hx-post"],
        data={"surface": "fields", "method": "card"},
        headers={"X-CSRFToken": token[1], "HX-Request": "true", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"},
    )
    text = fields.get_data(as_text=True)
    assert fields.status_code == 200 and "around=https%3A%2F%2Fshop.example" in text and 'data-back="/embed/checkout/' in text
    assert not fields.request.cookies and "Set-Cookie" not in fields.headers


def test_two_sendings_of_one_form_are_one_payment(embedding: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    form = opened(payer, new_path()).form()
    first, second = (send(payer, form, email="sam@example.com").headers["Location"] for _ in range(2))
    assert first == second


def test_a_form_counts_under_its_own_address_only(embedding: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    form, other = opened(payer, new_path()).form(), opened(payer, new_path(title="Another")).form()
    send(payer, form, 400, email="sam@example.com", csrf_token=other.values["csrf_token"])
    send(payer, form, 400, email="sam@example.com", csrf_token="")
    ordinary = payer.get(new_path()).form()
    send(payer, form, 400, email="sam@example.com", csrf_token=ordinary.values["csrf_token"])
    sneaked = payer.client.post(
        ordinary.action, data={**ordinary.values, "email": "x@example.com", "csrf_token": form.values["csrf_token"]}
    )
    assert sneaked.status_code == 400
    with embedding.app.app_context():
        assert db.session.scalars(db.select(Payment).where(Payment.vendor_id == embedding.vendor.id)).all() == []


def test_a_form_from_another_site_is_refused(embedding: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    form = opened(payer, new_path()).form()
    send(payer, form, 400, headers={**INSIDE, "Sec-Fetch-Site": "cross-site"}, email="sam@example.com")


def test_what_leads_to_the_processor_leaves_for_the_top_window_and_comes_back_to_an_ordinary_page(
    embedding: Shop, payer: Browser, new_path: Callable[..., str], live_server: str
) -> None:
    begun = send(payer, opened(payer, new_path()).form(), email="sam@example.com").headers["Location"]
    till = payer.get(begun, Sec_Fetch_Dest="iframe", Sec_Fetch_Site="same-origin")
    (leave,) = (form for form in till.all("form") if form.attrs.get("id") == "card-leave")
    assert leave.attrs["target"] == "_top"
    form = till.form(urlsplit(begun).path + "/attempts")
    sent = send(payer, form, headers={"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"})
    assert "/c/pay/" in sent.headers["Location"] and "/embed/" not in sent.headers["Location"]
    back = payer.get(urlsplit(begun).path.removeprefix("/embed"))
    assert back.heading == "Not finished yet" and "/embed/" not in back.html and ancestors(back) == "'none'"


def test_a_framed_page_opened_by_itself_leads_to_the_ordinary_one(embedding: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    path = new_path()
    answer = payer.client.get(f"/embed{path}?{said(email='sam@example.com')}", headers={"Sec-Fetch-Dest": "document"})
    assert answer.status_code == 303 and answer.headers["Location"] == f"{path}?email=sam%40example.com"


def test_a_frame_without_our_script_works_and_is_silent(embedding: Shop, payer: Browser, new_path: Callable[..., str]) -> None:
    """Pasted by hand: it pays, on the processor's own page, because nobody has said whose page is around it."""
    page = payer.get(f"/embed{new_path()}", **FRAME)
    assert "framed.js" not in page.html and ancestors(page) == SITE
    begun = send(payer, page.form(), email="sam@example.com").headers["Location"]
    till = payer.get(begun, Sec_Fetch_Dest="iframe")
    assert not any(e.attrs.get("id") == "card-fields" for e in till.elements) and till.form(urlsplit(begun).path + "/attempts")


def test_the_page_speaks_to_one_origin_and_says_a_number_and_a_state(embedding: Shop, payer: Browser) -> None:
    payment = make_payment(embedding, email="ada@example.com")
    page = payer.get(f"/embed/checkout/{payment_token(embedding.vendor, payment)}?{said()}", **FRAME)
    (script,) = page.all("script", data_frame_of=SITE)
    said_of = {name: value for name, value in script.attrs.items() if name.startswith("data-")}
    assert said_of == {"data-frame-of": SITE, "data-frame-nonce": NONCE, "data-payment": payment.public_id, "data-state": "pay"}


@pytest.mark.parametrize("nonce", ["short", '"><script>', "x" * 65])
def test_a_word_that_is_none_is_not_repeated(embedding: Shop, payer: Browser, new_path: Callable[..., str], nonce: str) -> None:
    page = payer.get(f"/embed{new_path()}?{urlencode({'origin': SITE, 'nonce': nonce})}", **FRAME)
    assert "data-frame-nonce" not in page.html


def test_a_readable_address_leads_into_the_frame_too(embedding: Shop, payer: Browser) -> None:
    link = make_link(embedding)
    with unit(embedding.app):
        set_link_slug(embedding.vendor, again(link), by="usr_x", text="framed-course")
        name = slug_of(embedding.vendor)
    page = payer.get(f"/embed/pay/test/{name}/framed-course?{said(name='Sam')}", follow=False, status=303, **FRAME)
    target = urlsplit(page.response.headers["Location"])
    assert target.path == f"/embed/pay/{link_token(embedding.vendor, link)}"
    assert parse_qs(target.query) == {"origin": [SITE], "nonce": [NONCE], "name": ["Sam"]}


@pytest.mark.parametrize("path", ["/embed/pay/nothing", "/embed/checkout/nothing", "/embed/pay/test/nobody/nothing"])
def test_what_is_none_of_ours_opens_nothing(payer: Browser, path: str) -> None:
    page = payer.get(path, status=404, Sec_Fetch_Dest="iframe")
    assert ancestors(page) == "'none'"


def test_receipts_and_payers_own_pages_have_no_place_in_a_frame(app: Flask) -> None:
    framed = {rule.endpoint.removeprefix("embed.") for rule in app.url_map.iter_rules() if rule.endpoint.startswith("embed.")}
    assert framed & {"receipt", "receipt_pdf", "verify", "look", "member", "payer_page", "save_card", "hook", "history", "buy"} == set()
    assert {"choose", "start", "show", "try_card", "come_back", "cancel"} <= framed


def test_our_script_may_be_loaded_by_other_sites_and_nothing_else_may(app: Flask) -> None:
    ours, theirs = (_sent(app.test_client().get(f"/static/{name}"), "/").response for name in ("embed/v1.js", "js/app.js"))
    assert ours.status_code == 200 and len(ours.get_data()) < 8000 and ours.headers["Access-Control-Allow-Origin"] == "*"
    assert ours.headers["Cross-Origin-Resource-Policy"] == "cross-origin" and "immutable" in ours.headers["Cache-Control"]
    assert theirs.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_frames_that_are_stopped_say_so_where_they_stand_and_lead_to_the_page_itself(
    embedding: Shop, payer: Browser, new_path: Callable[..., str]
) -> None:
    path = new_path()
    with unit(embedding.app):
        row = stop(embedding.vendor, "test", "embed", reason="The website sells something else.", by="stf_one")
    page = payer.get(f"/embed{path}?{said()}", status=403, **FRAME)
    assert page.heading == "Payments on this website are paused" and ancestors(page) == SITE, "the site that may show it shows this"
    assert "sells something else" not in page.html and "Blue Door" not in page.html, "a stranger reads nothing of the seller"
    (out,) = [a for a in page.all("a") if "Open it by itself" in a.text]
    assert (out.attrs["target"], out.attrs["href"]) == ("_top", path)
    assert payer.get(path).heading == "Pay Blue Door Bakery: An evening at the wheel"
    other = payer.get(f"/embed{path}", status=403, Sec_Fetch_Dest="iframe", Referer="https://other.example/x")
    assert ancestors(other) == "'none'"
    with unit(embedding.app):
        let_go_on(embedding.vendor, row, by="stf_one")
    assert opened(payer, path).status == 200


def test_a_payment_begun_in_a_frame_that_is_stopped_then_ends_on_our_own_page(embedding: Shop, payer: Browser) -> None:
    payment = make_payment(embedding)
    token = payment_token(embedding.vendor, payment)
    with unit(embedding.app):
        stop(embedding.vendor, "test", "embed", reason="The website sells something else.", by="stf_one")
    page = payer.get(f"/embed/checkout/{token}?{said()}", status=403, **FRAME)
    (out,) = [a for a in page.all("a") if "Open it by itself" in a.text]
    assert out.attrs["href"] == f"/checkout/{token}" and payer.get(out.attrs["href"]).status == 200
