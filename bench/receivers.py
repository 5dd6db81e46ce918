"""Receivers of webhooks in a process of their own: they note what arrives and when, and the dead among them take everything and never answer."""

from __future__ import annotations

import json
import multiprocessing
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.load import LENGTH

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Came:
    """One delivery: to which receiver, of what, and when it was there, in nanoseconds of the machine's own clock."""

    receiver: int
    subject: str
    at: int


class Receivers:
    """Told apart by their ports; `dead` may change between two legs."""

    def __init__(self, ports: list[int], line: Any) -> None:
        self.ports, self.line = ports, line

    def address(self, receiver: int) -> str:
        return f"http://localhost:{self.ports[receiver]}/webhooks"

    def begin(self, dead: Iterable[int] = ()) -> None:
        """Forget what came; from now on these never answer."""
        self.line.send(("begin", list(dead)))
        self.line.recv()

    def count(self) -> int:
        """How much the living ones got."""
        self.line.send(("count", []))
        return int(self.line.recv())

    def came(self) -> list[Came]:
        """What the living ones got, in the order in which it came."""
        self.line.send(("came", []))
        found: list[Came] = self.line.recv()
        return found


@contextmanager
def receiving(count: int) -> Iterator[Receivers]:
    """So many receivers on this machine, for as long as the block lasts."""
    doors = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(count)]
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(doors, there))
    process.start()
    try:
        yield Receivers([door.getsockname()[1] for door in doors], here)
    finally:
        process.kill()
        process.join(10)
        for door in doors:
            door.close()


def _serve(doors: list[socket.socket], line: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Server(doors, line).run()
    os._exit(0)


class _Server:
    def __init__(self, doors: list[socket.socket], line: Any) -> None:
        self.line, self.dead, self.got = line, set[int](), list[Came]()
        self.waiting = selectors.DefaultSelector()
        self.waiting.register(line, selectors.EVENT_READ, None)
        for number, door in enumerate(doors):
            door.setblocking(False)
            self.waiting.register(door, selectors.EVENT_READ, number)

    def run(self) -> None:
        while True:
            for key, _ in self.waiting.select():
                if key.data is None:
                    self._obey()
                elif isinstance(key.data, int):
                    self._open(key)
                else:
                    self._read(key)

    def _obey(self) -> None:
        word, dead = self.line.recv()
        if word == "begin":
            self.dead, self.got = set(dead), []
        self.line.send({"begin": None, "count": len(self.got), "came": self.got}[word])

    def _open(self, key: selectors.SelectorKey) -> None:
        door: Any = key.fileobj
        try:
            line, _ = door.accept()
        except BlockingIOError:
            return
        line.setblocking(False)
        self.waiting.register(line, selectors.EVENT_READ, [key.data, b""])

    def _read(self, key: selectors.SelectorKey) -> None:
        line: Any = key.fileobj
        try:
            part = line.recv(65536)
        except BlockingIOError:
            return
        except ConnectionError:
            part = b""
        key.data[1] += part
        head, _, body = key.data[1].partition(b"\r\n\r\n")
        found = LENGTH.search(head)
        if part and (not found or len(body) < int(found[1])):
            return
        if part and key.data[0] in self.dead:
            return  # it has heard everything, and says nothing until the other end gives up
        self.waiting.unregister(line)
        if part:
            self.got.append(Came(key.data[0], json.loads(body)["data"]["object"]["id"], time.monotonic_ns()))
            line.sendall(ANSWER)
        line.close()
