"""Headers that no browser sends: whoever makes them up gets a page, a refusal, and never a fault of ours."""

from __future__ import annotations

import pytest
from flask import Flask

from core.kernel.network import one_network
from core.payments.link import link_token
from tests.factories import make_link, make_shop, unit

REFERERS = ["http://[", "http://[::1", "//[", "http://[x]/", "http://a]b/", "http://\x7f/", "\\\\["]


@pytest.mark.parametrize("referer", REFERERS)
def test_an_address_that_is_none_leads_nowhere(app: Flask, referer: str) -> None:
    shop = make_shop(app)
    owner = shop.browser()
    with unit(app):
        link = make_link(shop)
        embedded = f"/embed/pay/{link_token(shop.vendor, link)}"
    stranger, headers = app.test_client(), {"Referer": referer}
    assert stranger.get("/portal/payments", headers={**headers, "HX-Request": "true"}).status_code < 500
    assert stranger.get(embedded, headers=headers).status_code < 500
    token = owner.get("/portal/payments").form("/sign-out").values["csrf_token"]
    assert owner.client.post("/portal/mode", data={"csrf_token": token, "mode": "test"}, headers=headers).status_code < 500
    assert stranger.post("/portal/mode", data={"mode": "test"}, headers=headers).status_code < 500


@pytest.mark.parametrize("said", [b"Basic \xff", "Basic é".encode(), b"basic \xe9==", b"Basic =", b"Bearer \xff", b"Basic"])
def test_a_secret_that_is_none_opens_nothing(app: Flask, said: bytes) -> None:
    for path in ("/api/v1/payments", "/api/v1/users/me"):
        assert app.test_client().get(path, headers={"Authorization": said.decode("latin-1")}).status_code == 401


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("nobody", "nobody"),
    ],
)
def test_who_has_a_whole_network_is_counted_as_one(address: str, counted: str) -> None:
    assert one_network(address) == counted
