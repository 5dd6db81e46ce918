"""The staff's blueprint: pages under /staff, which no search engine lists and no cache keeps."""

from __future__ import annotations

from flask import Blueprint, Response

staff_door = Blueprint("staff", __name__)


@staff_door.after_request
def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
