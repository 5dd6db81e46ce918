"""The line to the processor: by a proxy where the environment names one, and plain about what never left the house."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import getproxies

import pytest
import stripe

from core.providers.line import Line
from core.providers.stripe import SdkLine, _never_sent


class Far(BaseHTTPRequestHandler):
    """Answers with the address it was asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", str(self.client_address[1]))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def far() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Far) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line(connect_seconds=2, read_seconds=2, ca_bundle=stripe.ca_bundle_path)
    yield made
    made.close()


def test_one_connection_serves_one_request_after_the_other(far: str, line: Line) -> None:
    answers = [line.ask("get", f"{far}/v1/charges", {}) for _ in range(3)]
    assert [(body, status) for body, status, _ in answers] == [(b"/v1/charges", 200)] * 3
    assert len({headers["request-id"] for _, _, headers in answers}) == 1


def test_it_goes_by_the_proxy_that_the_environment_names(far: str, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", far)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert getproxies()["http"] == far
    body, _, _ = line.ask("get", "http://processor.example/v1/charges", {})
    assert body == b"http://processor.example/v1/charges"


def test_but_not_to_where_it_says_that_no_proxy_leads(far: str, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert line.ask("get", f"{far}/here", {})[0] == b"/here"


def test_what_never_left_is_told_from_what_got_no_answer() -> None:
    with pytest.raises(stripe.APIConnectionError) as nobody:
        SdkLine(read_seconds=2).request("post", "http://127.0.0.1:9/v1/refunds", {}, "amount=1")
    assert _never_sent(nobody.value)
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(stripe.APIConnectionError) as silent:  # takes the call, says nothing
        SdkLine(read_seconds=1).request("post", f"http://127.0.0.1:{mute.getsockname()[1]}/v1/refunds", {}, "amount=1")
    assert not _never_sent(silent.value)
