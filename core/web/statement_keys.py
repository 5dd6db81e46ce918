"""The public keys under which our statements are signed, where programs look for them."""

from __future__ import annotations

from flask import Flask, Response, jsonify

from core.kernel.attest import public_keys
from core.web.guard import public


@public
def statement_keys() -> Response:
    """With these anybody checks a statement without asking us. An hour old is new enough: a key is told long before it signs."""
    answer = jsonify(public_keys())
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


def install(app: Flask) -> None:
    app.add_url_rule("/.well-known/jwks.json", view_func=statement_keys)
