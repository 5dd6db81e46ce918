"""A body that comes in pieces, as the server hands it on: pieces that do not fit together are refused, and no fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from gunicorn.config import Config
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader
from werkzeug.test import TestResponse

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def as_sent(app: Flask, path: str, sent: bytes) -> TestResponse:
    """The answer to these bytes, read by the server's own reader."""
    asked: Any = Request(Config(), IterUnreader([HEAD]), ("127.0.0.1", 1))
    body = Body(ChunkedReader(asked, IterUnreader([sent])))
    about = {"wsgi.input": body, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return app.test_client().post(path, content_type="application/json", environ_overrides=about)


@pytest.mark.parametrize("path", ["/hooks/sandbox/test", "/api/v1/leaked-keys", "/mail/returned", "/sign-in"])
@pytest.mark.parametrize(
    "sent", [b"zz\r\n", b"-1\r\nab\r\n", b"3\r\nab", b"3\r\nabcXX0\r\n\r\n", b"ffffffffffffffffffff\r\n", b"3;\x00\r\nabc\r\n0\r\n\r\n"]
)
def test_pieces_that_do_not_fit_together_are_refused(app: Flask, path: str, sent: bytes) -> None:
    assert 400 <= as_sent(app, path, sent).status_code < 500


def test_pieces_that_fit_are_read_as_one(app: Flask) -> None:
    answer = as_sent(app, "/api/v1/leaked-keys", b'8\r\n{"keys":\r\n4\r\n []}\r\n0\r\n\r\n')
    assert answer.status_code == 422 and answer.get_json()["field"] == "keys"
