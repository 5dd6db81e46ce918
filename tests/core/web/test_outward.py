"""Looking at a stranger's address: nothing inside is knocked at, whatever the name says, and no answer is believed too far."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from core.web import outward
from core.web.outward import LARGEST, NotReached, is_outside, look_at, post_to

INSIDE = [
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "192.0.0.8",
    "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1",
    "::1", "::", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1",
    "2001:db8::1", "fc00::1", "fd00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1", "3fff::1", "3ffe::1", "100::1", "localhost", "", "0x7f000001",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_lies_inside_is_never_knocked_at(address: str) -> None:
    assert not is_outside(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_the_public_internet_is_outside(address: str) -> None:
    assert is_outside(address)


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[tuple[int, ssl.SSLContext, list[str]]]:
    """A stranger's web server with a certificate for shop.example: its port, whom to trust, and what it was asked."""
    folder: Path = tmp_path_factory.mktemp("shop")
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=shop.example",
    ]
    made += ["-addext", "subjectAltName=DNS:shop.example", "-keyout", str(folder / "k.pem"), "-out", str(folder / "c.pem")]
    subprocess.run(made, check=True, capture_output=True)  # Debian's ca-certificates brings openssl
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.headers['Host']} {self.path}")
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "http://169.254.169.254/")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 1_000_000 if self.path == "/endless" else b"payment-return=abc\n")

        def do_POST(self) -> None:
            told = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(f"{self.headers['Host']} {self.path} {told.decode()} {self.headers['X-Sign']}")
            self.send_response(429)
            self.send_header("Retry-After", "7")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answers)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(folder / "c.pem", folder / "k.pem")
    server.socket = theirs.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port, ssl.create_default_context(cafile=str(folder / "c.pem")), asked
    server.shutdown()
    server.server_close()


def ask(shop, path: str, host: str = "shop.example", numeric: str = "127.0.0.1", **more):
    port, trust, _ = shop
    return look_at(host, path, port=port, resolve=lambda *_: [numeric], may_reach=lambda a: a == "127.0.0.1", trust=trust, **more)


def test_an_answer_is_read(shop) -> None:
    answer = ask(shop, "/.well-known/payment-return.txt")
    assert (answer.status, answer.body) == (200, b"payment-return=abc\n")
    assert shop[2][-1].endswith("/.well-known/payment-return.txt") and shop[2][-1].startswith("shop.example")


def test_a_redirect_is_an_answer_and_not_followed(shop) -> None:
    assert ask(shop, "/moved").status == 302


def test_no_more_is_read_than_a_small_answer_has(shop) -> None:
    assert len(ask(shop, "/endless").body) == LARGEST


def test_a_certificate_of_another_name_is_not_believed(shop) -> None:
    with pytest.raises(NotReached, match="certificate"):
        ask(shop, "/", host="other.example")


def test_a_name_with_any_address_inside_is_not_asked(shop) -> None:
    port, trust, asked = shop
    before = len(asked)
    for found in (["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], []):
        with pytest.raises(NotReached, match="public internet"):
            look_at("shop.example", "/", port=port, resolve=lambda *_, found=found: found, trust=trust)
    assert len(asked) == before


def test_a_name_that_changes_its_mind_gains_nothing(shop) -> None:
    """It is looked up once; the second answer of a rebinding name is never asked for."""
    port, trust, _ = shop
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    look_at("shop.example", "/", port=port, resolve=lambda *_: next(answers), may_reach=lambda a: a == "127.0.0.1", trust=trust)
    assert next(answers) == ["10.0.0.1"]


def test_who_answers_drop_by_drop_is_hung_up_on(monkeypatch) -> None:
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(outward, "SECONDS", 1)
    with pytest.raises(NotReached):  # it takes the connection and says nothing
        look_at("shop.example", "/", port=listener.getsockname()[1], resolve=lambda *_: ["127.0.0.1"], may_reach=lambda _: True)
    listener.close()


def send(shop, url: str, **more):
    _, trust, _ = shop
    return post_to(
        url,
        b'{"a":"\xc3\xbc"}',
        {"X-Sign": "v1,x"},
        resolve=lambda *_: ["127.0.0.1"],
        may_reach=lambda a: a == "127.0.0.1",
        trust=trust,
        **more,
    )


def test_the_very_bytes_are_posted_with_their_headers_to_the_name_that_was_given(shop) -> None:
    answer = send(shop, f"https://shop.example:{shop[0]}/hooks?a=1")
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert shop[2][-1] == f'shop.example:{shop[0]} /hooks?a=1 {{"a":"ü"}} v1,x'


def test_a_post_believes_no_certificate_of_another_name(shop) -> None:
    with pytest.raises(NotReached, match="certificate"):
        send(shop, f"https://other.example:{shop[0]}/")


def test_a_post_wants_a_certificate_that_somebody_vouches_for(shop) -> None:
    with pytest.raises(NotReached, match="certificate"):
        post_to(f"https://shop.example:{shop[0]}/", b"{}", {}, resolve=lambda *_: ["127.0.0.1"], may_reach=lambda _: True)


def test_who_takes_a_post_and_says_nothing_is_hung_up_on(monkeypatch) -> None:
    import socket
    import time

    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(outward, "LONGEST", 1)
    began = time.monotonic()
    for scheme in ("http", "https"):
        with pytest.raises(NotReached, match="in time"):
            post_to(
                f"{scheme}://shop.example:{listener.getsockname()[1]}/",
                b"{}",
                {},
                resolve=lambda *_: ["127.0.0.1"],
                may_reach=lambda _: True,
            )
    assert time.monotonic() - began < 25
    listener.close()


def test_the_peer_is_looked_at_before_anything_is_said(shop) -> None:
    """What resolves to an allowed address and is connected elsewhere hears nothing."""
    port, trust, asked = shop
    before, answers = len(asked), iter([True, False])
    with pytest.raises(NotReached, match="public internet"):
        post_to(
            f"https://shop.example:{port}/", b"{}", {}, resolve=lambda *_: ["127.0.0.1"], may_reach=lambda _: next(answers), trust=trust
        )
    assert len(asked) == before


def test_the_next_address_is_tried_when_one_takes_no_connection(shop) -> None:
    port, trust, _ = shop
    answer = post_to(
        f"https://shop.example:{port}/x", b"{}", {}, resolve=lambda *_: ["127.0.0.9", "127.0.0.1"], may_reach=lambda _: True, trust=trust
    )
    assert answer.status == 429
