"""Payers' pages on a vendor's own host name: that vendor's and no other's, from the link to the receipt, and nothing else of the house."""

from __future__ import annotations

import re
import secrets
import urllib.request
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask import Flask, request
from sqlalchemy import event

from checkout.till import open_till
from core.accounts.pay_domains import remove_pay_domain, use_pay_domain
from core.kernel.clock import frozen, now
from core.kernel.config import settings
from core.kernel.db import db
from core.kernel.signing import PURPOSES, make_token
from core.payments.link import link_token
from core.payments.slug import set_link_slug
from core.payments.start import payment_token, receipt_token
from core.web import addresses
from tests.browser import Browser, Page
from tests.factories import Shop, again, link_address, make_link, make_paid, make_payment, make_shop, unit
from tests.pay_domains import look, make_pay_host, name_host, vendor_of

NOT_HERE = "This link is not valid"
LATER = timedelta(seconds=16)  # a process has forgotten by then whose a name was


@pytest.fixture
def other(app: Flask) -> Shop:
    return make_shop(app, business="Other Shop")


@pytest.fixture
def payer(app: Flask) -> Browser:
    return Browser(app)


def not_here(page: Page) -> None:
    assert page.status == 404 and page.heading == NOT_HERE, (page.address, page.status, page.heading)


# --- what stands there -----------------------------------------------------------------------------------------------------


def test_a_payer_who_came_by_the_vendors_name_stays_there_until_the_receipt(shop: Shop, payer: Browser) -> None:
    home = make_pay_host(shop)
    page = payer.get(home + link_address(shop, make_link(shop)))
    page = payer.submit(page.form(), email="sam@example.com", name="Sam Whitlock")
    assert page.address.startswith(f"{home}/checkout/") and "Pay by card" in page.text
    form = page.form(urlsplit(page.address).path + "/attempts")
    gone = payer.submit(form, status=303, follow=False)
    with urllib.request.urlopen(gone.response.headers["Location"]) as at_processor:
        assert f"{page.address}/return" in at_processor.read().decode(), "the processor leads back to the host the payer came by"
    back = payer.get(f"{page.address}/return")
    assert back.address == page.address and back.status == 200
    paid = make_paid(shop)
    receipt = payer.get(f"{home}/receipt/{receipt_token(shop.vendor, paid)}")
    assert "Blue Door Bakery" in receipt.text
    for link in receipt.links():
        assert not urlsplit(link).netloc.endswith(urlsplit(home).hostname or "") or payer.get(link).status == 200


def test_the_processors_fields_may_stand_on_that_page_and_on_no_other(shop: Shop, payer: Browser) -> None:
    home, token = make_pay_host(shop), payment_token(shop.vendor, make_payment(shop))
    page = payer.get(f"{home}/checkout/{token}")
    form = page.form(f"/checkout/{token}/attempts")
    opened = payer.client.post(form.action, data={**form.values, "surface": "fields"}, headers={"HX-Request": "true"})
    (frame,) = Page(opened, form.action).all("iframe")
    with urllib.request.urlopen(frame.attrs["src"]) as fields:
        assert home in fields.headers["Content-Security-Policy"] and settings().public_url not in fields.headers["Content-Security-Policy"]


def test_every_page_of_the_vendor_that_a_signed_address_opens_is_there(shop: Shop, payer: Browser) -> None:
    home, link, paid = make_pay_host(shop), make_link(shop), make_paid(shop)
    with unit(shop.app):
        slug = set_link_slug(vendor_of(shop), again(link), by="usr_x", text="summer-course")
    signed, receipt = payment_token(shop.vendor, make_payment(shop)), receipt_token(shop.vendor, paid)
    name = payer_name(shop)
    for path in (f"/pay/{link_token(shop.vendor, link)}", f"/pay/test/{name}/{slug}", f"/checkout/{signed}", f"/status/{signed}", f"/receipt/{receipt}", f"/receipt/{receipt}/history", f"/receipt/{receipt}/statement.jwt", f"/receipt/{receipt}/mine", "/verify"):  # fmt: skip
        assert payer.get(home + path).status == 200, path


def payer_name(shop: Shop) -> str:
    from core.accounts.vendor_slug import slug_of

    with shop.app.app_context():
        return str(slug_of(shop.vendor))


# --- what does not ---------------------------------------------------------------------------------------------------------


def test_nothing_else_of_the_house_is_there(shop: Shop, app: Flask) -> None:
    """Every address there is, asked for as a signed-in owner would: the seat of our own host opens nothing on the vendor's."""
    home, known = make_pay_host(shop), Browser(app)
    known.client.set_cookie("seat", shop.secret, domain=urlsplit(home).hostname or "")
    served = app.extensions["pay_hosts"].views
    tried = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in served:
            continue
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in rule.methods - {"OPTIONS"}:
            answer = known.client.open(home + path, method=method)
            assert answer.status_code == 404, (method, path)
            assert method == "HEAD" or NOT_HERE in answer.text, (method, path)
            answer.close()
            tried += 1
    assert tried > 700
    for path in (
        "/",
        "/nowhere",
        "/sign-in",
        "/portal/",
        "/api/v1/payments",
        "/hooks/sandbox/test",
        "/healthz",
        "/metrics",
        "/embed/pay/x",
    ):
        not_here(known.get(home + path, status=404))


def test_what_stands_there_is_what_was_thought_of(app: Flask) -> None:
    """After a change on purpose: payers' pages that a signed address opens stand on vendors' host names by themselves; nothing else does."""
    served = app.extensions["pay_hosts"].views
    assert served <= set(app.view_functions)
    assert not [name for name in served if name.split(".")[0] not in ("checkout", "static", "logo")]
    others = {name for name in app.view_functions if name.startswith("checkout.")} - served
    assert others == {f"checkout.{name}" for name in ("several", "several_state", "pay_several", "back_to_several", "letters", "stop", "buy", "hook", "returned_mail", "relay_news")}  # fmt: skip


def test_another_vendors_pages_are_not_there(shop: Shop, other: Shop, payer: Browser) -> None:
    """On its own host and on ours the same addresses open."""
    home, theirs, link, paid = make_pay_host(shop), make_pay_host(other), make_link(other), make_paid(other)
    with unit(other.app):
        slug = set_link_slug(vendor_of(other), again(link), by="usr_x", text="their-link")
    signed, receipt = payment_token(other.vendor, make_payment(other)), receipt_token(other.vendor, paid)
    paths = [link_address(other, link), f"/pay/test/{payer_name(other)}/{slug}", f"/checkout/{signed}", f"/checkout/{signed}/history", f"/checkout/{signed}/return", f"/status/{signed}", f"/receipt/{receipt}", f"/receipt/{receipt}.pdf", f"/receipt/{receipt}/statement.jwt"]  # fmt: skip
    for path in paths:
        not_here(payer.get(home + path, status=404))
        for place in (theirs, ""):
            assert payer.get(place + path, status=None).status in (200, 202), (place, path)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_token_of_another_vendor_is_refused_whatever_it_is_for(purpose: str, shop: Shop, other: Shop, payer: Browser) -> None:
    """Before any row is looked at: also one that has run out, and one under an address of another kind."""
    home = make_pay_host(shop)
    for age in (timedelta(days=1), timedelta(days=-1)):
        token = make_token(purpose, vendor=other.vendor.public_id, mode="test", token_id="tok_x", expires_at=now() + age)
        for place in ("pay", "checkout", "receipt", "cards", "mine", "j", "m", "claim", "status"):
            not_here(payer.get(f"{home}/{place}/{token}", status=404))


def test_the_vendors_own_pages_for_people_who_sign_in_are_not_there(shop: Shop, payer: Browser) -> None:
    home = make_pay_host(shop)
    for purpose, path in (("invitation", "invitation"), ("export", "export"), ("email-verify", "verify-email"), ("password-reset", "reset-password"), ("closing", "closing"), ("checkout", "o"), ("letters", "letters")):  # fmt: skip
        token = make_token(purpose, vendor=shop.vendor.public_id, mode="test", token_id="tok_x", expires_at=now() + timedelta(days=1))
        not_here(payer.get(f"{home}/{path}/{token}", status=404))


def test_another_vendors_logo_is_not_there(shop: Shop, other: Shop, payer: Browser) -> None:
    home = make_pay_host(shop)
    not_here(payer.get(f"{home}/logo/{other.vendor.public_id}/{'0' * 32}.png", status=404))
    assert payer.get(f"{home}/static/css/base.css").status == 200


@pytest.mark.parametrize("spelt", ["upper", "dot", "port", "dot and port"])
def test_however_the_name_is_spelt_it_is_the_same_host(spelt: str, shop: Shop, other: Shop, app: Flask) -> None:
    host = urlsplit(make_pay_host(shop)).hostname or ""
    said = {"upper": host.upper(), "dot": f"{host}.", "port": f"{host}:8443", "dot and port": f"{host}.:443"}[spelt]
    client = app.test_client()
    for path in ("/sign-in", link_address(other, make_link(other))):
        answer = client.get(path, headers={"Host": said})
        assert answer.status_code == 404 and NOT_HERE in answer.text
    assert client.get(link_address(shop, make_link(shop)), headers={"Host": said}).status_code == 200


def test_what_a_proxy_may_be_told_of_hosts_is_not_believed(shop: Shop, app: Flask) -> None:
    """Neither gets a stranger's header anybody off the vendor's host, nor onto it."""
    home = make_pay_host(shop)
    for name in ("X-Forwarded-Host", "Forwarded", "X-Original-Host", "X-Host"):
        said = f"host={urlsplit(settings().public_url).netloc}" if name == "Forwarded" else urlsplit(settings().public_url).netloc
        assert app.test_client().get(f"{home}/sign-in", headers={name: said}).status_code == 404
        assert app.test_client().get("/sign-in", headers={name: urlsplit(home).netloc}).status_code == 200


# --- forms, cookies and headers --------------------------------------------------------------------------------------------


def test_a_form_is_taken_from_the_vendors_own_page_and_from_no_sibling_of_it(shop: Shop, payer: Browser) -> None:
    home, token = make_pay_host(shop), payment_token(shop.vendor, make_payment(shop))
    form = payer.get(f"{home}/checkout/{token}").form(f"/checkout/{token}/cancel")
    for site in ("cross-site", "same-site"):
        not_here(payer.post(form.action, form.values, status=404, Sec_Fetch_Site=site))
    assert payer.post(form.action, {}, Sec_Fetch_Site="same-origin").status == 400, "and with no token from nowhere"
    assert payer.post(form.action, form.values, Sec_Fetch_Site="same-origin").heading == "Payment cancelled"


def test_a_forms_token_is_good_on_the_host_it_was_written_for(shop: Shop, payer: Browser) -> None:
    """It stands in a cookie, and a browser gives that to no other host."""
    home, token = make_pay_host(shop), payment_token(shop.vendor, make_payment(shop))
    form = payer.get(f"{home}/checkout/{token}").form(f"/checkout/{token}/cancel")
    assert payer.post(f"/checkout/{token}/cancel", form.values).status == 400
    ours = payer.get(f"/checkout/{token}").form(f"/checkout/{token}/cancel")
    assert payer.post(f"{home}/checkout/{token}/cancel", ours.values).status == 400


def test_no_cookie_reaches_beyond_the_host(shop: Shop, payer: Browser) -> None:
    home = make_pay_host(shop)
    page = payer.get(f"{home}{link_address(shop, make_link(shop))}?lang=de")
    cookies = page.response.headers.getlist("Set-Cookie")
    assert cookies and not [cookie for cookie in cookies if "domain=" in cookie.lower()]


def test_the_policy_is_the_hosts_own_and_the_page_is_framed_nowhere(shop: Shop, payer: Browser) -> None:
    page = payer.get(make_pay_host(shop) + link_address(shop, make_link(shop)))
    policy = page.response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy and "form-action 'self';" in policy and settings().public_url not in policy
    assert page.response.headers["X-Frame-Options"] == "DENY"


def test_what_does_not_stand_there_is_linked_on_our_own_host(shop: Shop, payer: Browser) -> None:
    home = make_pay_host(shop)
    page = payer.get(f"{home}/verify")
    assert f"{settings().public_url}/.well-known/jwks.json" in [link.attrs["href"] for link in page.all("a")]
    assert f"{settings().public_url}/.well-known/jwks.json" not in payer.get("/verify").html


def test_a_page_kept_for_one_host_is_not_shown_on_another(shop: Shop, payer: Browser) -> None:
    """Pages are kept as they were written once (core/web/stencil.py), with the addresses that stand in them."""
    home, path = make_pay_host(shop), link_address(shop, make_link(shop))
    token = payment_token(shop.vendor, make_payment(shop))
    for _ in range(2):
        for place in ("", home):
            for address in (path, f"/checkout/{token}"):
                page = payer.get(place + address)
                assert settings().public_url not in page.html and (not place or place not in page.html)


# --- what it costs ---------------------------------------------------------------------------------------------------------


def asked_of_database(app: Flask, browser: Browser, address: str) -> int:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        browser.get(address)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len([statement for statement in asked if "pay_hosts" in statement])


def test_on_our_own_host_nobody_is_asked_whose_it_is_and_of_another_once(app: Flask, shop: Shop, payer: Browser) -> None:
    path, home = link_address(shop, make_link(shop)), make_pay_host(shop)
    for ours in ("", settings().public_url, "http://127.0.0.1:9999", "http://portal-web-1"):
        assert asked_of_database(app, payer, ours + path) == 0, ours
    assert [asked_of_database(app, payer, home + path) for _ in range(3)] == [1, 0, 0]
    with frozen(now() + LATER):
        assert asked_of_database(app, payer, home + path) == 1
    unknown = f"http://{secrets.token_hex(4)}.example"
    assert [asked_of_database(app, payer, unknown + path) for _ in range(3)] == [1, 0, 0]


def test_a_host_that_is_nobodys_shows_what_it_always_did(app: Flask, shop: Shop, payer: Browser) -> None:
    domain = name_host(shop)  # named, and not proved
    for host in (domain.host, f"{secrets.token_hex(4)}.example"):
        assert payer.get(f"http://{host}/sign-in").heading == "Sign in"


# --- while it comes and goes -----------------------------------------------------------------------------------------------


def test_a_name_that_is_lost_or_removed_never_shows_the_rest_of_the_house(shop: Shop, other: Shop, payer: Browser) -> None:
    """The DNS still leads here, and who holds the name could take it, with its cookies, elsewhere."""
    domain = look(shop, name_host(shop))
    home, path = f"http://{domain.host}", link_address(shop, make_link(shop))
    with unit(shop.app):
        use_pay_domain(vendor_of(shop), domain.public_id, on=True, by="usr_x")
        remove_pay_domain(vendor_of(shop), domain.public_id, by="usr_x")
    with frozen(now() + LATER):
        not_here(payer.get(f"{home}/sign-in", status=404))
        not_here(payer.get(home + link_address(other, make_link(other)), status=404))
        assert payer.get(home + path).status == payer.get(path).status == 200, "addresses that were handed out go on working"
        assert payer.client.get(f"/tls/allowed?domain={domain.host}").status_code == 404
        assert addresses_begin(shop) == settings().public_url
    look(other, name_host(other, domain.host))
    with frozen(now() + 3 * LATER):
        not_here(payer.get(home + path, status=404))
        assert payer.get(home + link_address(other, make_link(other))).status == 200


def addresses_begin(shop: Shop) -> str:
    with shop.app.app_context():
        vendor = vendor_of(shop)
        return addresses.payment_link("x", vendor).removesuffix("/pay/x")


def test_new_addresses_are_made_with_it_and_the_old_ones_work_for_ever(shop: Shop, payer: Browser) -> None:
    link, payment = make_link(shop), make_payment(shop)
    with shop.app.app_context():
        before = addresses.payment_link(link_token(shop.vendor, link), shop.vendor)
    home = make_pay_host(shop, use=True)
    with shop.app.app_context():
        vendor = vendor_of(shop)
        assert addresses.payment_link(link_token(vendor, link), vendor) == before.replace(settings().public_url, home)
        assert addresses.checkout(payment_token(vendor, payment), vendor).startswith(f"{home}/checkout/")
        assert addresses.receipt("x", vendor) == f"{home}/receipt/x" and addresses.status("x", vendor) == f"{home}/status/x"
        assert addresses.joining("x", vendor) == f"{home}/j/x" and addresses.claim("x", vendor) == f"{home}/claim/x"
        assert addresses.readable_link("test", "shop", "link", vendor) == f"{home}/pay/test/shop/link"
        assert addresses.sign_in().startswith(settings().public_url) and addresses.portal_plan("live", shop.vendor).startswith(
            settings().public_url
        )
    assert payer.get(before).status == 200


def test_the_way_back_is_of_the_host_the_payer_came_by_and_not_of_the_switch(shop: Shop, app: Flask) -> None:
    make_pay_host(shop, use=True)
    token = payment_token(shop.vendor, make_payment(shop))
    with app.test_client() as client:
        client.get(f"/checkout/{token}")
        assert (
            request.host == "localhost"
            and open_till(token).outside("checkout.come_back") == f"{settings().public_url}/checkout/{token}/return"
        )


# --- is it genuine? --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["ours", "theirs"])
def test_an_address_on_the_vendors_host_is_genuine_there_and_on_ours(place: str, shop: Shop, other: Shop, payer: Browser) -> None:
    home = make_pay_host(shop)
    where = "" if place == "ours" else home

    def says(text: str) -> str:
        return payer.submit(payer.get(f"{where}/verify").form(), what=text).html

    assert "This is a payment link of Blue Door Bakery" in says(home + link_address(shop, make_link(shop)))
    foreign = home + link_address(other, make_link(other))
    assert "Not as we issued it" in says(foreign), "it would open nothing there"
    waiting = name_host(shop)
    assert "Not as we issued it" in says(f"http://{waiting.host}{link_address(shop, make_link(shop))}")
    assert "Not as we issued it" in says(f"ftp://{urlsplit(home).netloc}{link_address(shop, make_link(shop))}")


# --- certificates ----------------------------------------------------------------------------------------------------------


def test_a_proxy_on_this_machine_learns_for_which_names_it_may_get_a_certificate(shop: Shop, payer: Browser) -> None:
    host, waiting = urlsplit(make_pay_host(shop)).hostname, name_host(shop).host
    ask = payer.client.get
    assert ask(f"/tls/allowed?domain={host}").status_code == 200
    for domain in (waiting, "", "localhost", "127.0.0.1", f"x.{host}", "a" * 400, "%00", f"{host}/x"):
        assert ask(f"/tls/allowed?domain={domain}").status_code == 404, domain
    assert ask("/tls/allowed").status_code == 404
    assert ask(f"/tls/allowed?domain={host}", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert ask(f"/tls/allowed?domain={host}", headers={name: "127.0.0.1"}).status_code == 404, name
