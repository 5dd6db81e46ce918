"""The network of a simulated world: every request of ours reaches the real sandbox in this very process, or does not, as the weather has it."""

from __future__ import annotations

import email.message
import io
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3
from flask import Flask
from werkzeug.test import Client

from core.web.wire.signature import sign
from tests.killed import Killed
from tests.simulation.weather import Clock, Weather

BASE = "http://processor.simulated"
Answer = tuple[bytes, int, Mapping[str, str]]


class Net:
    """Lines in both directions. Only the network is played: on both ends stands the real code."""

    def __init__(self, weather: Weather, clock: Clock, sandbox: Flask) -> None:
        self.weather, self.clock, self.sandbox = weather, clock, Client(sandbox)
        self.portal: Flask | None = None

    def send(self, method: str, url: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        """A request that arrives, and its answer."""
        parts = urlsplit(url)
        raw = body.encode() if isinstance(body, str) else body
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        answer = self.sandbox.open(path, base_url=BASE, method=method.upper(), headers=dict(headers or {}), data=raw)
        return answer.data, answer.status_code, dict(answer.headers)

    # --- from us to the processor -------------------------------------------------------------------------------------

    def ask(self, _line: Any, method: str, url: str, headers: Mapping[str, str] | None, body: Any = None) -> Answer:
        """In place of core/providers/line.py: Line.ask."""
        told = self._through_the_weather(method, url, headers, body)
        if told is None:
            raise urllib3.exceptions.ProtocolError("the line was cut")
        return told

    def urlopen(self, request: Any, *_: Any, **__: Any) -> Any:
        """In place of urllib's, over which the bank is asked."""
        told = self._through_the_weather(request.get_method(), request.full_url, dict(request.header_items()), request.data)
        if told is None:
            raise urllib.error.URLError("the line was cut")
        body, status, _headers = told
        if status >= 400:
            raise urllib.error.HTTPError(request.full_url, status, "refused", email.message.Message(), io.BytesIO(body))
        return io.BytesIO(body)

    def _through_the_weather(self, method: str, url: str, headers: Mapping[str, str] | None, body: Any) -> Answer | None:
        fate = self.weather.fate()
        if fate == "dies before":
            raise Killed("before it asked")
        if fate == "lost":
            self.clock.sleep(20)
            return None
        if fate == "busy":
            return b'{"error": {"type": "api_error", "message": "busy"}}', 500, {"Content-Type": "application/json"}
        told = self.send(method, url, headers, body)
        if fate == "twice" and "idempotency-key" in {name.lower() for name in headers or {}}:
            told = self.send(method, url, headers, body)  # the first answer was too slow for something in between
        if fate == "dies after":
            raise Killed("before it heard the answer")
        if fate == "answer lost":
            self.clock.sleep(20)
            return None
        return told

    # --- from the processor to us -------------------------------------------------------------------------------------

    def post(self, url: str, body: bytes | str, secret: str) -> tuple[int | None, str | None]:
        """In place of the sandbox's own: one delivery of a webhook."""
        assert self.portal is not None
        fate = self.weather.delivery()
        if fate == "news lost":
            return None, "the line was cut"
        raw = body.encode() if isinstance(body, str) else body
        headers = {"Content-Type": "application/json", "Stripe-Signature": sign(secret, raw, int(self.clock.time()))}
        status: int | None = None
        for _ in range(2 if fate == "news twice" else 1):
            try:
                status = self.portal.test_client().post(urlsplit(url).path, data=raw, headers=headers).status_code
            except Killed:
                return None, "the receiver died"
        return (None, "the answer was lost") if fate == "receipt lost" else (status, None if status == 200 else f"answered {status}")
