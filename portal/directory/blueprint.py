"""The public directory's blueprint: pages anybody may read, and search engines too, in the payers' languages."""

from __future__ import annotations

from flask import Blueprint, Response

directory = Blueprint("directory", __name__)


@directory.after_request
def _fresh(response: Response) -> Response:
    """A browser may keep a page, and asks each time whether it still holds: what is hidden is gone at once."""
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
