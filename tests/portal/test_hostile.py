"""Whatever is sent to whatever address: a clear answer, never a fault of ours."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.browser import Browser
from tests.factories import Shop, link_address, make_link, make_paid

TEXTS = [
    "", " ", "\x00", "a\x00b", "\ufffd", "\u202eevil", "٥", "１２", "NaN", "Infinity", "-1", "1e400", "1_000", "9" * 400, "0x1f", "true", "null", "[]", "{}",
    "' OR 1=1 --", "\"><script>alert(1)</script>", "{{7*7}}", "${7*7}", "%s%n", "../../etc/passwd", "\r\nX-Evil: 1", "😀" * 200, "a" * 20_000, "2026-02-30", "9999-12-31",
]  # fmt: skip
LONG = 12  # fields; only the form of a link has so many
BODIES: list[tuple[str, bytes]] = [
    ("application/json", b'{"a":' * 5000 + b"1" + b"}" * 5000),
    ("application/json", b'{"amount": "\\ud800"}'),
    ("application/json", b'{"amount": 1e400, "b": NaN}'),
    ("application/json", b"\xff\xfe\x00"),
    ("multipart/form-data", b"no border at all"),
    ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a\x00"\r\n\r\n1\r\n--x--'),
    ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n1"),
    ("application/x-www-form-urlencoded", b"%ED%A0%80=%ED%A0%80&csrf_token=%00"),
    ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(3000))),
    ("text/xml", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>"),
    ("\x7f/??", b"x"),
    ("", b"\x00" * 1000),
]


def routes(app: Flask, parts: dict[str, str]) -> list[tuple[str, str]]:
    """Every route there is, whichever door, with its parts filled in."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            built = rule.build({name: parts.get(name, "x") for name in rule.arguments}) if rule.endpoint != "static" else None
            if built:
                found += [(method, built[1]) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return sorted(set(found))


def survives(answer, what: str) -> None:  # type: ignore[no-untyped-def]
    assert answer.status_code < 500, f"{what} answered {answer.status_code}"
    assert b"Traceback" not in answer.data, what
    answer.close()


@pytest.fixture
def signed_in(shop: Shop) -> tuple[FlaskClient, str]:
    browser = shop.browser()
    token = browser.get("/portal/").form("/sign-out").values["csrf_token"]
    return browser.client, token


@pytest.mark.parametrize("bad", ["x", "%00", "%ED%A0%80", "..%2f..", "' OR 1=1", "a" * 3000, "%F0%9F%98%80", "lnk_%00", "-1", "NaN"])
def test_every_address_survives_hostile_parts(app: Flask, shop: Shop, bad: str) -> None:
    browser = shop.browser()
    everything = routes(app, {})
    for method, path in everything:
        target = path.replace("/x", f"/{bad}")
        if target != path or bad == "x":  # an address without parts is the same however bad they are: it is tried once
            survives(browser.client.open(target, method=method), f"{method} {target}")
    for path in sorted({path for _, path in everything}):
        wish = f"after={bad}&q={bad}&status={bad}&since={bad}&next={bad}&currency={bad}&address={bad}"
        survives(browser.client.get(path, query_string=wish), path)


def fields_of(path: str, browser: Browser) -> dict[str, dict[str, str]]:
    """Every form on a page: where it posts, and what it would send."""
    page = browser.get(path)
    return {
        f.attrs.get("action") or path: page.form(f.attrs["action"].split("?")[0] if f.attrs.get("action") else path).values
        for f in page.all("form")
        if f.attrs.get("method") == "post"
    }


def test_every_field_of_every_form_survives_hostile_text(app: Flask, shop: Shop) -> None:
    """Every text at every field alone among good answers, which gets furthest. The long form of a link is there twice, read by the same
    code: of what is sent alone each of the two has half, and both have all of it at once, each field in the company of others as bad."""
    link = make_link(shop, kind="reusable", amount=None)
    payment = make_paid(shop, make_link(shop))
    pages = [
        "/sign-up", "/sign-in", "/reset-password", link_address(shop, link), "/portal/", "/portal/links/new", f"/portal/links/{link.public_id}",
        f"/portal/links/{link.public_id}/edit", f"/portal/payments/{payment.public_id}", "/portal/settings", "/portal/live",
    ]  # fmt: skip
    tried = set()
    for path in pages:
        browser = Browser(app) if path.startswith(("/sign", "/reset", "/pay/")) else shop.browser()
        for action, values in fields_of(path, browser).items():
            if action.startswith("/sign-out") or action.endswith(("/expire", "/mode")):
                continue
            names = [name for name in values if name != "csrf_token"]
            for turn in range(len(TEXTS) if len(names) >= LONG else 0):
                wild = {name: TEXTS[(at + turn) % len(TEXTS)] for at, name in enumerate(names)}
                tried |= {(action, *pair) for pair in wild.items()}
                survives(browser.client.post(action, data={**values, **wild}), f"{action}, all fields at once, turn {turn}")
            for at, name in enumerate(names):
                for text in TEXTS if len(names) < LONG else TEXTS[(at + path.endswith("/edit")) % 2 :: 2]:
                    tried.add((action, name, text))
                    survives(browser.client.post(action, data={**values, name: text}), f"{action} {name}={text[:20]!r}")
    assert len(tried) > 500


def test_every_post_survives_bodies_that_are_no_form(app: Flask, shop: Shop, signed_in: tuple[FlaskClient, str]) -> None:
    client, token = signed_in
    for method, path in routes(app, {"mode": "test", "provider": "sandbox"}):
        if method != "POST":
            continue
        for kind, body in BODIES:
            survives(client.post(path, data=body, content_type=kind, headers={"X-CSRFToken": token}), f"{path} {kind} {body[:20]!r}")


def test_ten_megabytes_are_refused_everywhere(app: Flask, signed_in: tuple[FlaskClient, str]) -> None:
    client, token = signed_in
    large = b"a=" + b"x" * 10_000_000
    for method, path in routes(app, {"mode": "test", "provider": "sandbox"}):
        if method == "POST":
            answer = client.post(path, data=large, content_type="application/x-www-form-urlencoded", headers={"X-CSRFToken": token})
            survives(answer, path)
            assert answer.status_code in (303, 400, 401, 404, 413) or path.endswith(("/logo", "/application/papers")), (
                path,
                answer.status_code,
            )  # those say it at their field


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "BREW"])
def test_other_methods_are_refused(app: Flask, shop: Shop, method: str) -> None:
    browser = shop.browser()
    for _, path in routes(app, {}):
        answer = browser.client.open(path, method=method)
        assert answer.status_code in (400, 401, 404, 405), (method, path, answer.status_code)


@pytest.mark.parametrize(
    "header",
    [
        "Cookie",
        "Referer",
        "User-Agent",
        "Accept",
        "Accept-Language",
        "HX-Current-URL",
        "HX-Target",
        "X-CSRFToken",
        "If-None-Match",
        "Range",
        "X-Forwarded-For",
    ],
)
def test_hostile_headers_are_survived(app: Flask, shop: Shop, header: str) -> None:
    browser = shop.browser()
    for value in ("\x7f", "a" * 6000, "é\xff", "'; --", "*/*;q=nonsense,,,;", "bytes=99999999999-", "//[::1", 'form=.x.y; seat="\\000"'):
        for path in ("/", "/sign-in", "/portal/", "/portal/payments", "/nothing"):
            survives(browser.client.get(path, headers={header: value}), f"{path} {header}")


def test_a_tampered_form_cookie_is_a_new_visitor(app: Flask) -> None:
    browser = Browser(app, form=json.dumps({"csrf_token": "x"}))
    assert browser.get("/sign-in").heading == "Sign in"
