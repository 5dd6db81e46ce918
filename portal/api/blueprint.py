"""The API's blueprint: the same acts as JSON under /api/v1, and what is true of every answer."""

from __future__ import annotations

from flask import Blueprint, Response

api = Blueprint("api", __name__, url_prefix="/api/v1")


@api.after_request
def _private(response: Response) -> Response:
    """An answer is for whoever holds the key, and for nobody in between."""
    response.headers["Cache-Control"] = "no-store"
    return response
