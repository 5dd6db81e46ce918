"""A merchant's own server: it keeps what it is sent, and answers what it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came: headers with small names, and the very bytes."""

    address: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)  # one for each request, then 200 for ever
    hang: threading.Event | None = None  # it answers nothing before this is set
    paths: list[str] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens on this machine as long as the block lasts."""
    mine = Receiver()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            mine.paths.append(self.path)
            mine.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if mine.hang is not None:
                mine.hang.wait(30)
            status, headers = mine.answers.pop(0) if mine.answers else (200, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"noted")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    mine.address = f"http://localhost:{server.server_port}/webhooks"
    yield mine
    if mine.hang is not None:
        mine.hang.set()
    server.shutdown()
    server.server_close()
