"""The API's web process is killed with -9 while software asks for payments and repeats what it heard no answer to: each wish is done once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from core.accounts.api_keys import make_key
from core.kernel.db import db
from core.payments.models import Payment, PaymentLink
from ops.folder import free_port
from tests.factories import Shop, make_shop, unit
from tests.flows.stack import fetch

ROOT = Path(__file__).resolve().parents[2]
WISHES, CALLERS, KILLS = 48, 4, 3
PATIENCE = 300  # seconds for all wishes, kills and starts included
BACK = 120  # seconds within which a web process answers


class Web:
    """A web process of its own, that can be killed and comes back."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process = self._start()
        self.kills = 0
        self.asked = threading.Event()  # somebody is about to ask

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "wsgi:create_app()", "--workers", "1", "--threads", "4", "--bind", f"127.0.0.1:{self.port}"],
            cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def ask(self, secret: str, path: str, body: Any = None, *, key: str = "") -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        sent = json.dumps(body) if body is not None else None
        self.asked.set()
        status, _, text = fetch("POST" if key else "GET", f"http://127.0.0.1:{self.port}/api/v1{path}", sent, headers=headers)
        return status, json.loads(text)

    def kill(self) -> None:
        """Master and worker at once; nobody is told."""
        with suppress(ProcessLookupError):  # it had ended by itself
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        self.kills += 1

    def storm(self, over: threading.Event, lost: list[int]) -> None:
        """Some kills, each within the milliseconds in which somebody asks, and more until an answer was lost."""
        dice = random.Random(6)
        while (self.kills < KILLS or not lost) and not over.is_set():
            self.wait(over)
            time.sleep(dice.uniform(0.05, 0.2))
            self.asked.clear()
            self.asked.wait(1)
            time.sleep(dice.uniform(0, 0.004))
            self.kill()
            self.process = self._start()

    def wait(self, over: threading.Event) -> None:
        """Until it answers again. One that ended instead, because somebody had its port at that moment, is started once more."""
        until = time.monotonic() + BACK
        while not over.is_set():
            assert time.monotonic() < until, "the web process does not come back"
            if self.process.poll() is not None:
                self.process = self._start()
            try:
                if fetch("GET", f"http://127.0.0.1:{self.port}/healthz", timeout=2)[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)


def test_each_wish_is_done_once_however_often_its_answer_is_lost(app: Flask) -> None:
    shop: Shop = make_shop(app)
    with unit(app):
        _, secret = make_key(shop.vendor, "test", name="Shop", by="usr_x")
    web, over = Web(), threading.Event()
    lost: list[int] = []

    def wish(until: float, number: int) -> str:
        body = {"amount": 1000 + number, "currency": "GBP", "payer": {"email": "ada@example.com"}, "description": f"Order {number}"}
        while time.monotonic() < until:
            try:
                status, told = web.ask(secret, "/payments", body, key=f"order-{number}")
            except ConnectionRefusedError:  # it is only starting
                time.sleep(0.05)
                continue
            except (OSError, ValueError):  # hung up, or cut in the middle: nobody knows whether it was done
                lost.append(number)
                continue
            if status == 201:
                time.sleep(0.05)
                return str(told["id"])
            assert status in (409, 429, 503), told
            time.sleep(0.2)
        raise AssertionError(f"order {number} was never answered")

    try:
        storm = threading.Thread(target=web.storm, args=(over, lost), daemon=True)
        storm.start()
        with ThreadPoolExecutor(CALLERS) as callers:
            answered = list(callers.map(partial(wish, time.monotonic() + PATIENCE), range(WISHES)))
            over.set()
            storm.join(30)
            web.wait(threading.Event())
            again = list(callers.map(partial(wish, time.monotonic() + PATIENCE), range(WISHES)))
    finally:
        over.set()
        web.kill()
    assert web.kills >= 2 and lost, "nothing was killed while somebody asked"
    assert answered == again and len(set(answered)) == WISHES
    with unit(app):
        kept = db.session.query(Payment.public_id).filter_by(vendor_id=shop.vendor.id).all()
        links = db.session.query(PaymentLink).filter_by(vendor_id=shop.vendor.id)
        assert sorted(one for (one,) in kept) == sorted(answered)
        assert links.count() == WISHES and links.filter_by(archived_at=None).count() == 0
