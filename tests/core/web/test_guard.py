"""Where a redirect may lead, and what every answer carries."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.web.guard import safe_path, unguarded
from core.web.statics import JOINED, compress, join


@pytest.mark.parametrize("path", ["/portal/", "/portal/payments?status=succeeded&q=a%40b.c", "/portal/links/lnk_1"])
def test_a_path_of_ours_may_be_followed(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x",
        "/\t/evil",
        "portal",
        "/a b",
        "/a\\b",
        "\\/x",
    ],
)
def test_anything_else_may_not(path: str | None) -> None:
    assert safe_path(path) is None


def test_every_route_says_who_may_use_it(app: Flask) -> None:
    assert unguarded(app) == []


def test_every_page_carries_a_strict_policy_and_a_fresh_nonce(client: FlaskClient) -> None:
    first, second = client.get("/sign-in"), client.get("/sign-in")
    policy = first.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    nonces = [re.findall(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])[0] for answer in (first, second)]
    assert nonces[0] != nonces[1] and f'nonce="{nonces[0]}"' in first.text
    for name, value in {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store"}.items():
        assert first.headers[name] == value


def test_an_error_page_carries_them_too(client: FlaskClient) -> None:
    answer = client.get("/there-is-no-such-page")
    assert answer.status_code == 404
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_machine_gets_a_problem_as_json(client: FlaskClient) -> None:
    answer = client.get("/there-is-no-such-page", headers={"Accept": "application/json"})
    assert answer.status_code == 404 and answer.content_type == "application/problem+json"
    assert answer.json and answer.json["status"] == 404


def test_a_body_that_is_too_large_is_refused_with_a_page(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"email": "x" * 10_000_000})
    assert answer.status_code == 413 and "too large" in answer.text


def test_a_post_without_its_token_is_refused(client: FlaskClient) -> None:
    assert client.post("/sign-in", data={"email": "a@example.com", "password": "x"}).status_code == 400


def test_a_post_from_another_site_is_refused_even_with_a_token(client: FlaskClient) -> None:
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)[0]
    data = {"csrf_token": token, "email": "a@example.com", "password": "x"}
    assert client.post("/sign-in", data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 400


def test_text_among_the_static_files_goes_compressed_to_whoever_can_read_that(client: FlaskClient) -> None:
    with client.get("/static/css/checkout.css") as answer:
        plain = answer.data
    with client.get("/static/css/checkout.css", headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed.headers["Vary"]
        assert gzip.decompress(packed.data) == plain and len(packed.data) < len(plain) / 3


def test_sheets_are_joined_without_their_comments_and_anew_when_one_has_changed(tmp_path: Path) -> None:
    [(name, parts)] = JOINED.items()
    (tmp_path / "css").mkdir()
    for part in parts:
        (tmp_path / part).write_text(f'/* what {part}\n   is for */\n.a\n.b {{\n  content: "{part}";\n}}\n')
    join(tmp_path)
    joined = tmp_path / name
    assert joined.read_text() == "".join(f'.a\n.b {{content: "{part}";}}' for part in parts), "a line ends where it parts two words"
    (tmp_path / parts[0]).write_text("b {}")
    os.utime(joined, (1, 1))
    join(tmp_path)
    assert joined.read_text().startswith("b {}") and not list((tmp_path / "css").glob(".*"))


def test_a_file_that_has_changed_is_compressed_anew(tmp_path: Path) -> None:
    sheet, packed = tmp_path / "a.css", tmp_path / "a.css.gz"
    sheet.write_text("a {}")
    compress(tmp_path)
    sheet.write_text("b {}")
    os.utime(sheet, ns=(packed.stat().st_mtime_ns + 10**9,) * 2)
    compress(tmp_path)
    assert gzip.decompress(packed.read_bytes()) == b"b {}" and sorted(path.name for path in tmp_path.iterdir()) == ["a.css", "a.css.gz"]


def test_static_files_may_be_kept_for_ever_under_their_digest(client: FlaskClient) -> None:
    address = re.findall(r'href="(/static/css/base\.css\?v=[0-9a-f]+)"', client.get("/sign-in").text)[0]
    with client.get(address) as answer:
        assert answer.status_code == 200 and "max-age=31536000" in answer.headers["Cache-Control"]


def test_health_and_readiness_answer(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready", "database": "up"}
