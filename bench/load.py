"""A small HTTP load: some kept-alive connections, each with one request on the way at a time, from one process of its own."""

from __future__ import annotations

import multiprocessing
import os
import re
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """What came of it. Latencies in milliseconds; whatever did not answer with the expected status counts as failed."""

    done: int
    failed: int
    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def percentile(self, share: float) -> float:
        """The latency that this share of the requests stayed within."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def request(method: str, port: int, path: str, body: bytes = b"", **headers: str) -> bytes:
    """One request as it goes over the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def load(
    port: int, requests: Callable[[], Iterator[bytes]], *, connections: int = 8, seconds: float | None = None, status: bytes = b"200"
) -> Load:
    """Send what `requests` gives, in a forked process, until it ends or the time is over."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    client = context.Process(target=_client, args=(port, requests, connections, seconds, status, there))
    client.start()
    there.close()
    try:
        answer: Any = here.recv()
    finally:
        client.join(10)
    if not isinstance(answer, Load):
        raise RuntimeError(f"the load failed: {answer}")
    return answer


def _client(port: int, requests: Callable[[], Iterator[bytes]], connections: int, seconds: float | None, status: bytes, line: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        line.send(_Sender(port, requests(), status).run(connections, seconds))
    except BaseException as problem:
        line.send(repr(problem))
    os._exit(0)


class _Sender:
    """The loop over all connections."""

    def __init__(self, port: int, requests: Iterator[bytes], status: bytes) -> None:
        self.port, self.requests, self.good = port, requests, b"HTTP/1.1 " + status
        self.waiting = selectors.DefaultSelector()
        self.latencies: list[float] = []
        self.failed = 0

    def run(self, connections: int, seconds: float | None) -> Load:
        began = time.perf_counter()
        self.until = began + seconds if seconds else float("inf")
        for _ in range(connections):
            self._next(None)
        while self.waiting.get_map():
            for key, _ in self.waiting.select():
                self._hear(key)
        return Load(len(self.latencies), self.failed, time.perf_counter() - began, self.latencies)

    def _next(self, line: socket.socket | None) -> None:
        """Send the next request, if there is one, on this connection or on a new one."""
        text = next(self.requests, None) if time.perf_counter() < self.until else None
        if text is None:
            if line:
                line.close()
            return
        line = line or socket.create_connection(("127.0.0.1", self.port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.waiting.register(line, selectors.EVENT_READ, [time.perf_counter(), b""])
        line.sendall(text)

    def _hear(self, key: selectors.SelectorKey) -> None:
        line: Any = key.fileobj
        try:
            part = line.recv(65536)
        except ConnectionError:
            part = b""
        key.data[1] += part
        head, _, body = key.data[1].partition(b"\r\n\r\n")
        found = LENGTH.search(head)
        if part and (not found or len(body) < int(found[1])):
            return
        self.waiting.unregister(line)
        self.latencies.append((time.perf_counter() - key.data[0]) * 1000)
        if not head.startswith(self.good):
            self.failed += 1
        ended = not part or b"\r\nconnection: close" in head.lower()
        if ended:
            line.close()
        self._next(None if ended else line)
