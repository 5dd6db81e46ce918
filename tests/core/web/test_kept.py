"""Pages kept in Redis: answered from there, never out of date, never another's; and written anew while Redis is away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask, Response
from redis import Redis

from core.kernel.clock import frozen
from core.web import kept as module
from core.web.headers import csp_nonce
from core.web.kept import kept
from tests.browser import Browser
from tests.core.directory.stalls import live_shop, make_listing, unheard

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def awake() -> Iterator[None]:
    module._rests_until = 0
    yield
    module._redis, module._rests_until = None, 0


def ask(app: Flask, name: str, html: str, *, path: str = "/directory") -> tuple[str, bool]:
    """The page, and whether it was written for this question."""
    written = []
    with app.test_request_context(path), frozen(NOON):

        def write() -> Response:
            written.append(1)
            return app.response_class(f"<p>{html}<script nonce={csp_nonce()}></script></p>")

        answer = kept((name,), write).get_data(as_text=True)
        return answer.replace(csp_nonce(), "NONCE"), bool(written)


def test_a_page_is_written_once_and_its_nonce_is_new_each_time(app: Flask) -> None:
    name = unheard()
    assert ask(app, name, "one") == ("<p>one<script nonce=NONCE></script></p>", True)
    assert ask(app, name, "two") == ("<p>one<script nonce=NONCE></script></p>", False)
    assert ask(app, f"{name}2", "two") == ("<p>two<script nonce=NONCE></script></p>", True)
    assert ask(app, name, "deux", path="/directory?lang=fr")[1], "another language is another page"


def test_a_page_with_a_form_of_its_reader_is_never_kept(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="cannot be kept"):
        ask(app, unheard(), '<input name="csrf_token">')


def test_an_error_is_not_kept(app: Flask) -> None:
    name = unheard()
    with app.test_request_context("/directory"), frozen(NOON):
        assert kept((name,), lambda: Response("no", 404)).status_code == 404
    assert ask(app, name, "yes")[1]


def test_only_so_many_new_pages_are_kept_a_minute(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_A_MINUTE", 0)
    name = unheard()
    assert ask(app, name, "one")[1] and ask(app, name, "one")[1]


def test_redis_away_is_no_error_and_is_not_waited_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Redis(host="127.0.0.1", port=1, socket_connect_timeout=1)
    monkeypatch.setattr(module, "_redis", away)
    name, word = unheard(), unheard()
    assert ask(app, name, "one")[1] and module._rests_until > 0
    make_listing(live_shop(app), title=word)
    page = Browser(app).get(f"/directory?q={word}")
    assert word in page.text and ask(app, name, "two")[0].startswith("<p>two")


def test_redis_emptied_in_between_is_noticed_by_nobody(app: Flask) -> None:
    word = unheard()
    make_listing(live_shop(app), title=word)
    browser = Browser(app)
    before = browser.get(f"/directory?q={word}").html
    module._line().flushdb()
    after = browser.get(f"/directory?q={word}").html
    plain = [re.sub(r'nonce="[^"]+"', "", html) for html in (before, after)]
    assert plain[0] == plain[1]
