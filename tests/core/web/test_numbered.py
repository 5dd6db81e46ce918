"""Every request has a number: on its answer, on its error page, in its log lines, and the proxy's own where one of ours stands in front."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core.kernel.config import settings
from core.web import numbered
from core.web.this_request import request_number


def test_every_answer_has_a_number_of_its_own(client: FlaskClient) -> None:
    given = [client.get(path).headers["X-Request-Id"] for path in ("/sign-in", "/sign-in", "/healthz", "/there-is-no-such-page")]
    assert len(set(given)) == 4 and all(re.fullmatch(r"req_[0-9A-Za-z]{22}", number) for number in given)


def test_the_error_page_and_the_log_say_the_number_of_the_answer(client: FlaskClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/there-is-no-such-page")
    assert answer.status_code == 404 and answer.headers["X-Request-Id"] in answer.text
    number = client.get("/receipt/not-a-token").headers["X-Request-Id"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert number in {line.get("request") for line in lines if line["event"] == "token_refused"}


def test_a_stranger_cannot_choose_the_number(client: FlaskClient) -> None:
    assert client.get("/sign-in", headers={"X-Request-Id": "chosen-by-me-1234"}).headers["X-Request-Id"] != "chosen-by-me-1234"


def test_outside_of_a_request_a_line_stays_as_it_is() -> None:
    assert numbered.with_number(None, "info", {"event": "x"}) == {"event": "x"}


@pytest.fixture
def behind_a_proxy(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    settings.cache_clear()
    app = Flask("behind")
    numbered.install(app)
    app.add_url_rule("/", "number", request_number)
    yield app.test_client()
    monkeypatch.undo()
    settings.cache_clear()


def test_the_number_of_a_proxy_of_ours_is_kept_when_it_is_one(behind_a_proxy: FlaskClient) -> None:
    assert behind_a_proxy.get("/", headers={"X-Request-Id": "f3a1-77.b_c"}).text == "f3a1-77.b_c"
    for bad in ("short", "x" * 65, 'a"b<script>aaaa', "with blank in it"):
        assert behind_a_proxy.get("/", headers={"X-Request-Id": bad}).text.startswith("req_"), bad
