"""The token in every form against forged requests. Flask-WTF reads it back; writing it is done here, with a key derived once."""

from __future__ import annotations

import secrets
from functools import cache

from flask import current_app, g, session
from flask_wtf.csrf import _FlaskFormCSRF
from itsdangerous import URLSafeTimedSerializer
from wtforms import Field

from core.kernel.signing import keep_key

NAME = "csrf_token"  # in the session, in `g` and in the form


@cache
def _serializer(key: str) -> URLSafeTimedSerializer:
    """As flask_wtf.csrf.validate_csrf builds it."""
    return keep_key(URLSafeTimedSerializer(key, salt="wtf-csrf-token"))


def csrf_token() -> str:
    """The token of this answer: what the session keeps, signed. The same for all forms of a page."""
    if NAME not in g:
        if not isinstance(session.get(NAME), str):
            session[NAME] = secrets.token_hex(20)
        setattr(g, NAME, _serializer(str(current_app.secret_key)).dumps(session[NAME]))
    return str(getattr(g, NAME))


class FormToken(_FlaskFormCSRF):
    """The field of that name in a form."""

    def generate_csrf_token(self, csrf_token_field: Field) -> str:
        return csrf_token()
