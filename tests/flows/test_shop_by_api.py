"""The demo shop asks for money by the API: its own server says what it costs, and believes the portal and a signed webhook, no browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from core.accounts.api_keys import make_key
from core.hooks.endpoints import change_endpoint, make_endpoint, secrets_of
from core.hooks.relay import relay
from core.hooks.sign import secret_text
from core.payments.lists import list_payments
from tests.checkout.desk import APPROVED
from tests.factories import Shop, make_paid, unit
from tests.flows.site import Site, demo_shop
from workers.hooks import take_turn

Visit = Callable[..., Page]
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


def key_of(shop: Shop) -> str:
    with unit(shop.app):
        return make_key(shop.vendor, "test", name="Shop", by="usr_x")[1]


def asked(address: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    """As a browser without a face: what came at the end of all redirects."""
    data = urlencode(form).encode() if form is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data=data)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_order_is_paid_and_the_shop_asks_the_portal_before_it_says_so(
    visitor: Visit, site: Callable[..., Site], shop: Shop, scripts: bool
) -> None:
    here = site(KEY=key_of(shop))
    page = visitor(scripts=scripts)
    page.goto(here.address)
    page.locator("#by-api").get_by_label("Your e-mail").fill("sam@example.com")
    page.locator("#by-api button").click()
    card: Any = page.frame_locator("[data-frame]") if scripts else page
    if not scripts:
        page.get_by_role("button", name=re.compile("^Pay £")).click()
    for label, value in (("Card number", APPROVED), ("Expiry date", "12/34"), ("Security code", "123"), ("Name on card", "S Whitlock")):
        card.get_by_label(label).fill(value)
    card.get_by_role("button", name=re.compile("^Pay")).first.click()
    page.get_by_role("heading", name="Paid", exact=True).wait_for()
    page.get_by_role("link", name=re.compile("^Back to")).first.click()
    page.get_by_role("heading", name="Paid, thank you").wait_for()
    assert page.url.startswith(here.address) and here.payments() == ["succeeded"]


def test_an_order_that_is_sent_twice_is_one_and_what_is_refused_is_said(site: Callable[..., Site], shop: Shop) -> None:
    here = site(named=False, KEY=key_of(shop))
    form = {"order": "4711", "email": "ada@example.com"}
    assert [asked(f"{here.address}/orders", form)[0] for _ in range(2)] == [200, 200]
    assert len(here.payments()) == 1
    status, said = asked(f"{here.address}/orders", {"order": "4712", "email": "nobody"})
    assert status == 422 and "Send an e-mail address like name@example.com." in said
    assert len(here.payments()) == 1


def test_whoever_comes_back_unpaid_or_with_another_payment_is_not_believed(site: Callable[..., Site], shop: Shop) -> None:
    here, elsewhere = site(named=False, KEY=key_of(shop)), make_paid(shop)
    asked(f"{here.address}/orders", {"order": "4711", "email": "ada@example.com"})
    with shop.app.app_context():
        mine = next(one.public_id for one in list_payments(shop.vendor, "test").rows if one.public_id != elsewhere.public_id)
    assert "Not paid yet" in asked(f"{here.address}/orders/{mine}")[1]
    assert asked(f"{here.address}/orders/{elsewhere.public_id}")[0] == 404
    assert asked(f"{here.address}/orders/pay_x")[0] == 404 and asked(f"{here.address}/orders/..%2Fkeys")[0] == 404


def test_a_shop_without_a_key_or_without_a_portal_says_so(site: Callable[..., Site], shop: Shop) -> None:
    form = {"order": "4711", "email": "ada@example.com"}
    status, said = asked(f"{site(named=False).address}/orders", form)
    assert status == 503 and "has no key" in said
    gone = site(named=False, KEY="portal_sk_test_x", PORTAL="http://127.0.0.1:9")
    status, said = asked(f"{gone.address}/orders", form)
    assert status == 502 and "nothing is done twice" in said


def test_the_webhook_tells_the_shop_and_only_what_is_signed_counts(site: Callable[..., Site], shop: Shop) -> None:
    with unit(shop.app):
        endpoint, _ = make_endpoint(shop.vendor, "test", address="http://localhost:1/webhooks", name="", types=["payment.*"], by="usr_x")
        (row,) = secrets_of(endpoint)
        secret = secret_text(row)
    here = site(named=False, KEY=key_of(shop), WEBHOOK_SECRET=secret)
    with unit(shop.app):
        change_endpoint(shop.vendor, endpoint, by="usr_x", address=f"{here.address}/webhooks", name="", types=["payment.*"])
    asked(f"{here.address}/orders", {"order": "4711", "email": "ada@example.com"})
    with unit(shop.app):
        while relay(shop.vendor.id, "test"):
            pass
    with shop.app.app_context():
        take_turn((endpoint.vendor_id, endpoint.mode, endpoint.id))
        (mine,) = [one.public_id for one in list_payments(shop.vendor, "test").rows]
    assert "The webhook has heard: created" in asked(f"{here.address}/orders/{mine}")[1]


def signed(body: bytes, *, secret: str = SECRET, at: int | None = None, number: str = "evt_1") -> dict[str, str]:
    at = int(time.time()) if at is None else at
    key = base64.b64decode(secret.removeprefix("whsec_"))
    sign = base64.b64encode(hmac.digest(key, f"{number}.{at}.".encode() + body, hashlib.sha256)).decode()
    return {"webhook-id": number, "webhook-timestamp": str(at), "webhook-signature": f"v1,{sign}"}


def test_the_shop_knows_a_signature_from_anything_else() -> None:
    demo, body = demo_shop(), json.dumps({"a": 1}).encode()
    good = signed(body)
    assert demo.is_genuine(SECRET, good, body)
    assert demo.is_genuine(SECRET, good | {"webhook-signature": "v1,AAAA " + good["webhook-signature"]}, body)  # while it is rolled
    assert demo.is_genuine(SECRET, signed(body, at=int(time.time()) - 299), body)
    wrong = [
        {}, good | {"webhook-signature": ""}, good | {"webhook-signature": "v1,é"}, good | {"webhook-id": "evt_2"},
        good | {"webhook-timestamp": "now"}, good | {"webhook-timestamp": "9" * 40}, signed(body, at=int(time.time()) - 301),
        signed(body, at=int(time.time()) + 400), signed(body, secret="whsec_" + base64.b64encode(b"x" * 24).decode()),
    ]  # fmt: skip
    assert not any(demo.is_genuine(SECRET, one, body) for one in wrong)
    assert not demo.is_genuine(SECRET, good, body + b" ") and not demo.is_genuine("", good, body)
