"""What stories of jobs begin with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import dns.resolver
import pytest

from core.kernel.config import settings
from core.kernel.db import db, unit_of_work
from tests.cards import processor
from tests.factories import out_of_sight
from tests.workers.asked import Jobs, empty
from tests.workers.inbox import AnyPort, Inbox
from tests.workers.names import Names
from workers.jobs import INSIDE, OUTSIDE


@pytest.fixture
def nobody_elses(unit: None) -> Iterator[None]:
    """Without anybody else's tasks, and with nobody else's payments to look after."""
    with unit_of_work():
        out_of_sight()
    yield
    db.session.rollback()


@pytest.fixture
def story(environment: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Lets the processor play one of its stories from now on; none of them when the test is over."""

    def choose(name: str, **more: Any) -> None:
        processor(environment, "POST", "_sandbox/stories", json.dumps({"story": name, **more}))

    yield choose
    processor(environment, "DELETE", "_sandbox/stories")


@pytest.fixture
def inbox(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """Letters leave to it, and come back to returned+...@portal.example."""
    box = Inbox()
    controller = AnyPort(box, hostname="127.0.0.1", port=0)
    controller.start()
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{controller.port}")
    monkeypatch.setenv("MAIL_FROM", "Portal <pay@portal.example>")
    monkeypatch.setenv("MAIL_RETURN", "returned@portal.example")
    monkeypatch.setenv("MAIL_RETURN_TOKEN", "a-secret-of-the-relay")
    settings.cache_clear()
    yield box
    controller.stop()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """The resolver of this process asks this server, as it would ask the one in /etc/resolv.conf."""
    server = Names()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.timeout = ["127.0.0.1"], server.line.getsockname()[1], 0.3
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    yield server
    server.close()


@pytest.fixture
def jobs(unit: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """On an outbox without anybody else's tasks."""
    made = Jobs()
    monkeypatch.setitem(INSIDE, "inside", made.inside)
    monkeypatch.setitem(OUTSIDE, "outside", made.outside)
    empty()
    yield made
    db.session.rollback()
    empty()
