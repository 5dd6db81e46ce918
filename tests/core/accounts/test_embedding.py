"""Websites that may show payment pages: what can be named, what a name lets in, what is noted of those that were refused, and the doctor."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from core.accounts.embed_doctor import examine, line_for, read_policy
from core.accounts.embed_models import EmbedOrigin
from core.accounts.embed_origins import BadOrigin, allow_origin, allowed_origins, lets_in, read_origin, remove_origin
from core.accounts.embed_refusals import (
    KEPT,
    MOST_REFUSALS,
    forget_refusals,
    list_refusals,
    may_be_allowed,
    note_refusal,
    prune_refusals,
    why_refused,
)
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import public_id, uuid7
from tests.factories import Shop, make_shop, unit

HOME = "https://pay.example"


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://shop.example", "https://shop.example"),
        ("shop.example", "https://shop.example"),
        (" HTTPS://Shop.Example/basket?x=1#y ", "https://shop.example"),
        ("https://shop.example:443/", "https://shop.example"),
        ("https://shop.example:8443/x", "https://shop.example:8443"),
        ("https://*.shop.example", "https://*.shop.example"),
        ("*.shop.example", "https://*.shop.example"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://shop.example.", "https://shop.example"),
        ("http://localhost:8000/page", "http://localhost:8000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_a_pasted_address_is_read_as_an_origin(text: str, origin: str) -> None:
    assert read_origin(text, "test") == origin


@pytest.mark.parametrize(
    "text",
    [
        "", "http://shop.example", "ftp://shop.example", "https://", "https://com", "https://*.com", "https://*", "*", "https://a.*.example",
        "https://me:secret@shop.example", "https://shop.example:99999", "https://[::1]", "https://192.0.2.7", "javascript:alert(1)", "null",
        "https://shop.example; script-src *", "https://shop.example, https://other.example", "https://shop.example\nx", "file:///x",
        "https://" + "a" * 600,
    ],
)  # fmt: skip
def test_what_is_no_website_of_ones_own_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadOrigin) as refused:
        read_origin(text, "test")
    assert refused.value.field == "origin" and refused.value.message


def test_ones_own_machine_is_for_practice_only() -> None:
    with pytest.raises(BadOrigin):
        read_origin("http://localhost:8000", "live")


@pytest.mark.parametrize(
    ("allowed", "origin", "good"),
    [
        ("https://shop.example", "https://shop.example", True),
        ("https://shop.example", "https://www.shop.example", False),
        ("https://shop.example", "http://shop.example", False),
        ("https://shop.example", "https://shop.example:8443", False),
        ("https://*.shop.example", "https://www.shop.example", True),
        ("https://*.shop.example", "https://a.b.shop.example", True),
        ("https://*.shop.example", "https://shop.example", False),
        ("https://*.shop.example", "https://evilshop.example", False),
        ("https://*.shop.example", "https://www.shop.example:8443", False),
        ("https://*.shop.example:8443", "https://www.shop.example:8443", True),
        ("http://localhost:8000", "http://localhost:8001", False),
        ("https://shop.example", "null", False),
    ],
)
def test_a_list_lets_in_what_a_browser_would(allowed: str, origin: str, good: bool) -> None:
    assert lets_in([allowed], origin) is good


def test_websites_are_named_once_for_each_mode_and_removed(shop: Shop) -> None:
    with unit(shop.app):
        first = allow_origin(shop.vendor, "test", "https://shop.example/x", by="usr_x")
        assert allow_origin(shop.vendor, "test", "shop.example", by="usr_x").id == first.id
        allow_origin(shop.vendor, "test", "http://localhost:8000", by="usr_x")
    with unit(shop.app):
        assert allowed_origins(shop.vendor, "test") == ["https://shop.example", "http://localhost:8000"]
        assert allowed_origins(shop.vendor, "live") == []
        with pytest.raises(NotFound):
            remove_origin(shop.vendor, "live", first.public_id, by="usr_x")
        with pytest.raises(NotFound):
            remove_origin(make_shop(shop.app).vendor, "test", first.public_id, by="usr_x")
        remove_origin(shop.vendor, "test", first.public_id, by="usr_x")
    with unit(shop.app):
        assert allowed_origins(shop.vendor, "test") == ["http://localhost:8000"]


def test_there_is_an_end_to_the_list(shop: Shop) -> None:
    with unit(shop.app):
        for n in range(30):
            allow_origin(shop.vendor, "test", f"https://shop{n}.example", by="usr_x")
    with unit(shop.app), pytest.raises(BadOrigin, match="at most"):
        allow_origin(shop.vendor, "test", "https://one-more.example", by="usr_x")


def test_the_database_itself_keeps_a_website_once(shop: Shop) -> None:
    for number in (1, 2):
        row = EmbedOrigin(
            vendor_id=shop.vendor.id, mode="test", id=uuid7(), public_id=public_id("org"), origin="https://twice.example", created_by="usr_x",
            created_at=now(),
        )  # fmt: skip
        with pytest.raises(IntegrityError) if number == 2 else nullcontext(), unit(shop.app):
            db.session.add(row)


@pytest.mark.parametrize(
    ("allowed", "origin", "mode", "why"),
    [
        ([], "https://shop.example", "live", "off"),
        (["https://shop.example"], "https://shop.example", "live", ""),
        (["https://shop.example"], "https://other.example", "live", "unlisted"),
        (["https://shop.example"], "http://shop.example", "live", "insecure"),
        (["https://shop.example"], "null", "live", "opaque"),
        (["https://shop.example"], "http://localhost:8000", "test", "unlisted"),
        (["https://shop.example"], "http://localhost:8000", "live", "insecure"),
    ],
)
def test_a_refusal_has_a_reason(allowed: list[str], origin: str, mode: str, why: str) -> None:
    assert why_refused(allowed, origin, mode) == why


def test_refusals_are_counted_bounded_forgotten_when_allowed_and_let_go_of(shop: Shop) -> None:
    with unit(shop.app):
        for _ in range(3):
            note_refusal(shop.vendor, "test", "https://shop.example", "off")
        note_refusal(shop.vendor, "test", "null", "opaque")
    with unit(shop.app):
        assert {(row.origin, row.times) for row in list_refusals(shop.vendor, "test")} == {("https://shop.example", 3), ("null", 1)}
        assert list_refusals(shop.vendor, "live") == []
        forget_refusals(shop.vendor, "test", ["https://shop.example"])
    with unit(shop.app), shifted(timedelta(minutes=1)):
        assert [row.origin for row in list_refusals(shop.vendor, "test")] == ["null"]
        for n in range(MOST_REFUSALS + 5):
            with shifted(timedelta(seconds=n)):
                note_refusal(shop.vendor, "test", f"https://invented{n}.example", "unlisted")
        rows = list_refusals(shop.vendor, "test")
        assert len(rows) == MOST_REFUSALS and rows[0].origin == f"https://invented{MOST_REFUSALS + 4}.example"
    with unit(shop.app), shifted(KEPT + timedelta(hours=1)):
        assert prune_refusals(1000) >= MOST_REFUSALS
        assert list_refusals(shop.vendor, "test") == []


def test_one_press_is_offered_only_where_it_helps() -> None:
    assert may_be_allowed("https://shop.example", "live") and may_be_allowed("http://localhost:8000", "test")
    assert not any(
        may_be_allowed(origin, "live") for origin in ("null", "http://shop.example", "http://localhost:8000", "https://192.0.2.7")
    )


# --- the doctor ----------------------------------------------------------------------------------------------------------


def words(text: str, allowed: list[str], headers: str = "") -> list[tuple[bool, str, str]]:
    return [(one.good, str(one.text), one.allow) for one in examine(text, "live", allowed=allowed, headers=headers, home=HOME)]


def test_the_doctor_says_what_is_wrong_and_what_one_press_would_mend() -> None:
    assert [good for good, _, _ in words("https://shop.example/x", ["https://shop.example"])] == [True, True]
    (_, off) = words("https://shop.example", [])
    assert not off[0] and "empty" in off[1] and off[2] == "https://shop.example"
    (_, twin) = words("https://www.shop.example", ["https://shop.example"])
    assert not twin[0] and "another website" in twin[1] and twin[2] == "https://www.shop.example"
    (insecure,) = words("http://shop.example", ["https://shop.example"])
    assert not insecure[0] and "https://" in insecure[1] and insecure[2] == ""


@pytest.mark.parametrize(
    ("policy", "verdicts"),
    [
        ("default-src 'self'", [False, False]),
        ("default-src 'self'; script-src https://pay.example; frame-src https://pay.example", [True, True]),
        ("default-src *", [True, True]),
        ("frame-src 'none'", [False]),
        ("child-src https://*.example", [True]),
        ("script-src pay.example; frame-src https://other.example", [True, False]),
        ("script-src http://pay.example", [False]),
        ("script-src 'nonce-abc'", [False]),
        ("img-src 'self'", [True]),
        ("Content-Security-Policy: frame-src https://a.example\nAccess-Control-Allow-Origin: *", [False]),
        ("Content-Security-Policy:\r\n  script-src 'self'\r\n  https://pay.example;\r\n frame-src *\r\nServer: x", [True, True]),
        ("content-security-policy:\nframe-src 'self'\nhttps:\nx-frame-options:\nDENY", [True]),
        ("form-action 'self'", [False]),
        ("Content-Security-Policy: frame-src 'self'\nX-Other: 1\nContent-Security-Policy: script-src https:", [False, True]),
    ],
)
def test_the_doctor_reads_the_pages_own_policy_as_a_browser_does(policy: str, verdicts: list[bool]) -> None:
    found = words("https://shop.example", ["https://shop.example"], policy)[2:]
    assert [good for good, _, _ in found] == verdicts, found


def test_what_a_page_has_to_add_makes_the_doctor_content() -> None:
    found = words("https://shop.example", ["https://shop.example"], f"default-src 'self'; {line_for(HOME)}")
    assert all(good for good, _, _ in found)
    assert read_policy("A b;  a c ; ;D")["a"] == ["b"]
    blocked = words("https://shop.example", ["https://shop.example"], "Cross-Origin-Embedder-Policy: require-corp")
    assert [good for good, _, _ in blocked][2] is False
