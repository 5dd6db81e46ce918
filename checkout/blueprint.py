"""The checkout's blueprint: payers' pages, and what is true of every one of them (private, unlisted, silent to strangers)."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, request

from core.kernel.signing import TokenRefused
from core.web.page import page

log = structlog.get_logger()
door = Blueprint("checkout", __name__)


@door.after_request
def private(response: Response) -> Response:
    """A payer's address is a key: it is not kept, not listed, and not told to the next site."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


@door.errorhandler(TokenRefused)
def not_valid(refusal: TokenRefused) -> Response:
    """Mistyped, cut short, withdrawn, expired or another purpose's: one page, which names nobody."""
    log.info("token_refused", reason=refusal.reason, route=str(request.url_rule))
    # Behind every other address somebody may have paid already: only a way in can promise that nothing was charged.
    unpaid = str(request.url_rule).removeprefix("/embed").startswith("/pay/")
    return page("checkout/not_valid.html", status=404, face=None, unpaid=unpaid)


def nothing_here() -> Response:
    """The same page for what does not stand on a vendor's own host name: a page of ours that is no payer's, or another vendor's."""
    return private(not_valid(TokenRefused("elsewhere")))
