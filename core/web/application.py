"""The application: Flask, with what it works out anew for every request worked out once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.globals import request_ctx
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from jinja2 import StrictUndefined
from werkzeug.routing import Rule

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
        self._addresses: dict[str, Rule | None] = {}

    def url_for(self, /, endpoint: str, **values: Any) -> str:
        """As Flask's. A view with one plain address, which is nearly every one, needs no search for the address that fits."""
        given = {name: value for name, value in values.items() if value is not None}
        rule = self._one_address(endpoint)
        adapter = request_ctx.url_adapter if rule and given.keys() == rule.arguments and request_ctx else None
        built = rule.build(given) if rule and adapter else None
        return adapter.script_name.rstrip("/") + built[1] if adapter and built else super().url_for(endpoint, **values)

    def _one_address(self, endpoint: str) -> Rule | None:
        """The rule of a view that has exactly one, with nothing to fill in but what is passed."""
        if endpoint not in self._addresses:
            rules = [rule for rule in self.url_map.iter_rules() if rule.endpoint == endpoint]
            alone = len(rules) == 1 and endpoint != "static" and not rules[0].defaults and not rules[0].subdomain
            self._addresses[endpoint] = rules[0] if alone else None
        return self._addresses[endpoint]

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view and no hook of ours is asynchronous, so none has to be asked whether it is."""
        return func
