"""The pictures of listings that are shown."""

from __future__ import annotations

from flask import Response, make_response

from core.directory.images import find_file, read_width
from core.directory.public import is_public_image
from core.kernel.errors import NotFound
from core.web.guard import public
from portal.directory.blueprint import directory


@directory.get("/directory/pictures/<image>-<width>.webp")
@public
def picture(image: str, width: str) -> Response:
    """Kept by browsers for some minutes only: a picture goes with its listing."""
    data = find_file(image, read_width(width)) if is_public_image(image) else None
    if data is None:
        raise NotFound("There is nothing at this address.")
    answer = make_response(data)
    answer.content_type = "image/webp"
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
