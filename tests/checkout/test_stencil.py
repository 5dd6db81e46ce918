"""A link's page is kept as it was written for the first visitor; nobody after that sees a trace of it."""

from __future__ import annotations

import re
from datetime import timedelta
from time import sleep
from typing import Any

import pytest

from checkout import familiar, pay
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id
from tests.browser import Browser
from tests.factories import again, link_address, make_link, unit


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses whose page was written anew."""
    seen: list[str] = []
    write = pay._opened

    def noted(way: Any, *args: Any) -> Any:
        seen.append(way.link.title)
        return write(way, *args)

    monkeypatch.setattr(pay, "_opened", noted)
    return seen


def test_the_second_visitor_gets_the_same_page_with_tokens_of_their_own(shop: Any, written: list[str]) -> None:
    address = link_address(shop, make_link(shop))
    pages = [Browser(shop.app).get(address) for _ in range(3)]
    assert len(written) == 1
    tokens = [{page.form().values[name] for name in ("csrf_token", "form_token")} for page in pages]
    assert len(set.union(*tokens)) == 6
    nonces = [re.findall(r'nonce="([^"]+)"', page.html) for page in pages]
    for page, nonce, mine in zip(pages, nonces, tokens, strict=True):
        assert f"'nonce-{nonce[0]}'" in page.response.headers["Content-Security-Policy"]
        bare = page.html.replace(nonce[0], "")
        for token in mine:
            bare = bare.replace(token, "")
        written.append(bare)
    assert len(set(written[1:])) == 1 and len({nonce[0] for nonce in nonces}) == 3


def test_each_of_them_can_pay(shop: Any, written: list[str]) -> None:
    address = link_address(shop, make_link(shop))
    payers = [Browser(shop.app) for _ in range(2)]
    pages = [payer.get(address) for payer in payers]
    headings = [payer.submit(page.form(), email="sam@example.com") for payer, page in zip(payers, pages, strict=True)]
    assert [page.heading for page in headings] == ["Pay by card"] * 2 and headings[0].address != headings[1].address
    assert payers[0].get(address).heading == "Pay by card", "going back leads to the payment that was begun"


def test_what_changes_is_on_the_page_at_once(shop: Any, written: list[str]) -> None:
    link = make_link(shop)
    address = link_address(shop, link)
    Browser(shop.app).get(address)
    with unit(shop.app):
        again(link).title = "A morning at the wheel"
    assert "A morning at the wheel" in Browser(shop.app).get(address).text
    with unit(shop.app):
        db.session.get(Vendor, shop.vendor.id).name = "Green Door Bakery"
    assert "Green Door Bakery" in Browser(shop.app).get(address).text
    with unit(shop.app):
        again(link).state = "paused"
    assert "form_token" not in Browser(shop.app).get(address).html
    assert len(written) == 3


def test_a_page_with_something_of_its_visitor_is_never_kept(shop: Any, written: list[str]) -> None:
    address = link_address(shop, make_link(shop, amount=None))
    for amount in ("12.00", "13.00", None):
        page = Browser(shop.app).get(address + (f"?amount={amount}&email=sam@example.com" if amount else ""))
        assert page.form().values["amount"] == (amount or "")
    assert len(written) == 3


def test_whose_rows_are_kept_is_asked_about_each_time(shop: Any, written: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a link that is opened often nothing is read but whether it is the same; what was changed in between is read anew."""
    read: list[str] = []
    by_token = familiar.by_token
    monkeypatch.setattr(familiar, "by_token", lambda token: read.append(token) or by_token(token))
    link = make_link(shop)
    address = link_address(shop, link)
    for _ in range(5):
        Browser(shop.app).get(address)
    before = len(read)
    assert before <= 4, "the first two, and two more for the moment it was first opened"
    with unit(shop.app):
        again(link).description = "Bring an apron."
    assert "Bring an apron." in Browser(shop.app).get(address).text and len(read) == before + 1
    with unit(shop.app):
        again(link).archived_at = now()
    assert "form_token" not in Browser(shop.app).get(address).html
    with unit(shop.app):
        again(link).token_id = public_id("tok")
    Browser(shop.app).get(address, status=404)


def test_a_payment_begins_from_rows_that_are_kept_and_its_place_is_counted_all_the_same(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    by_token = familiar.by_token
    address = link_address(shop, make_link(shop, max_payments=1))
    browsers = [Browser(shop.app) for _ in range(5)]
    forms = [browser.get(address).form() for browser in browsers]
    monkeypatch.setattr(familiar, "by_token", lambda token: read.append(token) or by_token(token))
    typed = {"email": "ada@example.com", "name": "Ada Payer"}
    assert browsers[0].submit(forms[0], **typed).heading == "Pay by card"
    assert browsers[1].submit(forms[1], status=409, **typed).heading == "Sold out"
    assert read == []


def test_a_kept_link_runs_out_by_the_clock(shop: Any) -> None:
    """No row changes when a link's last moment passes."""
    link = make_link(shop)
    address = link_address(shop, link)
    with unit(shop.app):
        again(link).expires_at = now() + timedelta(seconds=2)
    for _ in range(4):
        assert "form_token" in Browser(shop.app).get(address).html
    sleep(2.1)
    assert "form_token" not in Browser(shop.app).get(address).html
