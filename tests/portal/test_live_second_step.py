"""Real money is led elsewhere, asked for or opened to software only by somebody with a second step; test money can be tried without."""

from __future__ import annotations

from urllib.parse import urlsplit

import pyotp
import pytest

from core.accounts.key_models import ApiKey
from core.accounts.models import UserSession, Vendor
from core.accounts.sessions import hash_secret
from core.kernel.db import db
from tests.browser import Browser
from tests.factories import Shop, unit
from tests.second_step import set_up


def looks_at_live(shop: Shop) -> None:
    with unit(shop.app):
        db.session.get_one(Vendor, shop.vendor.id).live_enabled = True
        db.session.get_one(UserSession, hash_secret(shop.secret)).mode = "live"


def keys_of(shop: Shop) -> list[tuple[str, str]]:
    with unit(shop.app):
        return [(key.mode, key.name) for key in db.session.query(ApiKey).filter_by(vendor_id=shop.vendor.id)]


@pytest.mark.parametrize("path", ["/portal/payouts/account?currency=USD", "/portal/payouts/new?currency=USD"])
def test_in_live_mode_who_has_no_second_step_is_led_to_set_it_up(shop: Shop, owner: Browser, path: str) -> None:
    assert owner.get(path).heading != "Two-step sign-in", "test money is there to be tried"
    looks_at_live(shop)
    page = owner.get(path)
    assert page.heading == "Two-step sign-in" and "you are led back" in page.text
    token = page.form("/sign-out").values["csrf_token"]
    sent = owner.post(urlsplit(path).path, {"holder": "X", "csrf_token": token}, follow=False)
    assert (sent.status, urlsplit(sent.response.headers["Location"]).path) == (303, "/portal/two-step")


def test_the_way_there_leads_back_and_then_a_live_key_is_made(shop: Shop, owner: Browser) -> None:
    made = owner.submit(owner.get("/portal/keys").form("/portal/keys"), name="till")
    assert "portal_sk_test_" in made.text and keys_of(shop) == [("test", "till")]
    form = owner.get("/portal/keys").form("/portal/keys")
    looks_at_live(shop)
    shut = owner.get("/portal/keys")
    way = next(link.attrs["href"] for link in shut.all("a") if "two-step" in link.attrs.get("href", ""))
    assert not [each for each in shut.all("form") if each.attrs.get("action") == "/portal/keys"]
    assert owner.submit(form, name="live till").heading == "Two-step sign-in" and keys_of(shop) == [("test", "till")]
    device = owner.submit(owner.get(way).form("/portal/two-step/devices"))
    secret = next(e.text for e in device.all("textarea") if e.attrs.get("id") == "secret").replace(" ", "")
    codes = owner.submit(device.form("/portal/two-step/devices/new"), code=pyotp.TOTP(secret).now())
    kept = next(link for link in codes.all("a") if link.text == "I have kept them")
    assert kept.attrs["href"] == "/portal/keys"
    done = owner.submit(owner.get(kept.attrs["href"]).form("/portal/keys"), name="live till")
    assert "portal_sk_live_" in done.text and ("live", "live till") in keys_of(shop)


def test_who_has_a_second_step_is_asked_nothing_more(shop: Shop, owner: Browser) -> None:
    set_up(shop.app, shop.user)
    looks_at_live(shop)
    assert owner.get("/portal/keys").form("/portal/keys").values["name"] == ""


def test_nobody_is_led_to_another_site(shop: Shop, owner: Browser) -> None:
    page = owner.get("/portal/two-step?next=//elsewhere.example/")
    assert page.form("/portal/two-step/devices").action.endswith("/portal/two-step/devices")
