"""Every request has a number: on its answer, on its error page, and in every line that is logged while it is answered."""

from __future__ import annotations

import re

from flask import Flask, has_request_context, request
from structlog.typing import EventDict

from core.kernel.config import settings
from core.web.this_request import kept, request_number

NUMBER = re.compile(r"[A-Za-z0-9_.-]{8,64}")


def with_number(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Write the number of the request into a log line; what is logged outside of one stays as it is."""
    if has_request_context():
        line["request"] = request_number()
    return line


def _take_the_proxys() -> None:
    """A reverse proxy of ours may have given the request a number: then its log and ours speak of the same one."""
    given = request.headers.get("X-Request-Id", "")
    if NUMBER.fullmatch(given):
        kept()["request_number"] = given


def install(app: Flask) -> None:
    """After the guard, which forgets the number of the request before. From strangers none is taken."""
    if settings().proxies:
        app.before_request(_take_the_proxys)
    app.jinja_env.globals["request_number"] = request_number
