"""The sheet inside the page: one gzip stream that any browser reads, in which only the sheet is compressed."""

from __future__ import annotations

import gzip
import secrets

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.web.inline import Sheet
from tests.factories import Shop, link_address, make_link, make_shop

SHEET = Sheet("body{color:red;background:url('../img/x.svg')}" * 200, "/static")


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 70_000))
def test_what_is_unpacked_is_the_page(before: bytes, after: bytes, more: int) -> None:
    body = before + SHEET.bytes + after + b"x" * more
    packed = SHEET.pack(body)
    assert packed is not None and gzip.decompress(packed) == body


def test_the_length_tells_nothing_of_what_stands_around_the_sheet() -> None:
    token, other = secrets.token_urlsafe(40).encode(), secrets.token_urlsafe(40).encode()
    guessed = SHEET.pack(b"<p>" + token + b"</p>" + SHEET.bytes + b"<p>" + token + b"</p>")
    missed = SHEET.pack(b"<p>" + other + b"</p>" + SHEET.bytes + b"<p>" + token + b"</p>")
    assert guessed is not None and missed is not None and len(guessed) == len(missed)


def test_the_sheet_itself_is_compressed_and_names_its_files_from_the_root() -> None:
    packed = SHEET.pack(SHEET.bytes)
    assert packed is not None and len(packed) * 10 < len(SHEET.bytes)
    assert b"url('/static/img/x.svg')" in SHEET.bytes


def test_a_page_without_the_sheet_is_left_alone() -> None:
    assert SHEET.pack(b"<p>nothing</p>") is None


def test_a_sheet_that_would_close_its_element_is_refused() -> None:
    with pytest.raises(ValueError, match="close"):
        Sheet("a{}</style>", "/static")


@pytest.fixture(scope="module")
def shop(app: Flask) -> Shop:
    return make_shop(app)


def test_a_payers_page_comes_in_one_journey_and_asks_for_no_sheet(app: Flask, shop: Shop) -> None:
    address, client = link_address(shop, make_link(shop)), app.test_client()
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers and "Accept-Encoding" in packed.headers["Vary"]
    assert packed.headers["Content-Encoding"] == "gzip" and int(packed.headers["Content-Length"]) == len(packed.data) < 14_336
    text = gzip.decompress(packed.data).decode()
    assert 'rel="stylesheet"' not in text and text.count("<style") == plain.get_data(as_text=True).count("<style") >= 1
    nonce = packed.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
    assert f'<style nonce="{nonce}">' in text
