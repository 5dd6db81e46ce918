"""The application: Flask, with what it works out anew for every request worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from jinja2 import StrictUndefined

from core.kernel.signing import keep_key
from core.web.templating import Environment


class FormCookie(SecureCookieSessionInterface):
    """The signed cookie that forms need, signed with a key that is derived once."""

    _serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._serializer is None:
            made = super().get_signing_serializer(app)
            self._serializer = keep_key(made) if made else None
        return self._serializer


class Application(Flask):
    """What wsgi.py puts together."""

    jinja_environment = Environment
    jinja_options = {  # noqa: RUF012 -- as in Flask
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "cache_size": -1,  # every template is kept; there are as many as there are files
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.session_interface = FormCookie()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view and no hook of ours is asynchronous, so none has to be asked whether it is."""
        return func
