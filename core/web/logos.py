"""The address of a vendor's logo: our own drawing of it, under the digest of its bytes, so that it may be kept for ever."""

from __future__ import annotations

import re

from flask import Flask, Response, make_response

from core.accounts.branding import find_logo_by_address
from core.kernel.errors import NotFound
from core.web.guard import public
from core.web.statics import FOR_EVER

_DIGEST = re.compile(r"[0-9a-f]{32}")


@public
def logo(vendor: str, digest: str) -> Response:
    """Whoever knows a vendor's page knows this address; it says nothing that the page does not."""
    png = find_logo_by_address(vendor, digest) if _DIGEST.fullmatch(digest) else None
    if png is None:
        raise NotFound
    answer = make_response(png)
    answer.content_type = "image/png"
    answer.headers["Cache-Control"] = f"public, max-age={FOR_EVER}, immutable"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def install(app: Flask) -> None:
    app.add_url_rule("/logo/<vendor>/<digest>.png", view_func=logo)
