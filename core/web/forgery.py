"""The token in every form against forged requests, written and read as Flask-WTF does it, with a key derived once."""

from __future__ import annotations

import hmac
import secrets
from functools import cache
from typing import Any

from flask import current_app, g, session
from flask_wtf.csrf import CSRFProtect, _FlaskFormCSRF
from itsdangerous import BadData, URLSafeTimedSerializer
from wtforms import Field
from wtforms.csrf.core import CSRFTokenField

from core.kernel.signing import keep_key
from core.web.form_cookie import PlainFirst, Texts
from core.web.framed import form_token, framed
from core.web.this_request import kept, opened

NAME = "csrf_token"  # in the session, in `g` and in the form


@cache
def _serializer(key: str) -> URLSafeTimedSerializer:
    """As flask_wtf.csrf.validate_csrf builds it."""
    return keep_key(Texts(key, salt="wtf-csrf-token", serializer=PlainFirst()))


def csrf_token() -> str:
    """The token of this answer: what the session keeps, signed; inside a frame, where there is none, one bound to the address. The same for
    all forms of a page."""
    mine = kept()
    if NAME not in mine:
        if framed():
            mine[NAME] = form_token()
            return str(mine[NAME])
        cookie = opened()
        if not isinstance(cookie.get(NAME), str):
            cookie[NAME] = secrets.token_hex(20)
        mine[NAME] = _serializer(str(current_app.secret_key)).dumps(cookie[NAME])
    return str(mine[NAME])


class FormGuard(CSRFProtect):
    """Looks for the token of a request that changes something where Flask-WTF looks for it."""

    def protect(self, apply_exemptions: bool = False) -> None:
        """Answers 400 unless the request brings what this browser's session keeps, signed by us. It has no term but the session's own."""
        brought, mine = self._get_csrf_token(), opened().get(NAME)
        try:
            signed = _serializer(str(current_app.secret_key)).loads(brought) if brought and isinstance(mine, str) else None
        except BadData:
            signed = None
        if not isinstance(signed, str) or not hmac.compare_digest(mine.encode(), signed.encode()):
            self._error_response("The form's token is missing, or is not the one of this session.")
        g.csrf_valid = True  # a form need not look at it again


def renew_token() -> None:
    """Forms that this browser was shown before are good no more: what they were about is another thing by now."""
    session.pop(NAME, None)
    kept().pop(NAME, None)


class TokenField(CSRFTokenField):
    """Its token is made when the form is drawn: one that was sent and taken is not drawn again."""

    @property
    def current_token(self) -> str:
        return csrf_token()

    def process(self, *args: Any, **kwargs: Any) -> None:
        super(CSRFTokenField, self).process(*args, **kwargs)


class FormToken(_FlaskFormCSRF):
    """The field of that name in a form."""

    field_class = TokenField

    def generate_csrf_token(self, csrf_token_field: Field) -> str:
        return csrf_token()
