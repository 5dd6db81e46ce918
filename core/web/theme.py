"""Light or dark: a payer's pages follow the reader's screen, unless the address they came by has chosen (`?theme=dark`)."""

from __future__ import annotations

from flask import Flask, Response

from core.kernel.config import settings
from core.web.framed import framed
from core.web.this_request import asked

SCHEMES = ("light", "dark")
FOLLOW = "auto"  # ?theme=auto: the reader's screen decides again
OF_PAYERS = ("checkout", "embed")


def forced_scheme() -> str | None:
    """The scheme this answer is shown in, whatever the reader's screen is; None where the screen decides. Papers and the portal are never forced."""
    here = asked()
    if here.blueprint not in OF_PAYERS:
        return None
    wish = _asked_for() or (None if framed() else here.cookies.get(_cookie_name()))
    return wish if wish in SCHEMES else None


def color_scheme() -> str:
    """What the page says of itself in its head."""
    return forced_scheme() or "light dark"


def _asked_for() -> str | None:
    here = asked()
    wish = here.args.get("theme") if here.query_string else None
    return wish if wish in (*SCHEMES, FOLLOW) else None


def _cookie_name() -> str:
    return "__Host-theme" if settings().https else "theme"


def _remember(response: Response) -> Response:
    """The pages after the first are shown alike, until the browser is closed: a shop that is dark does not lead into a light till."""
    here = asked()
    wish = _asked_for() if here.query_string and here.blueprint in OF_PAYERS and not framed() else None
    if wish is None:
        return response
    kept = here.cookies.get(_cookie_name())
    if wish == FOLLOW and kept:
        response.delete_cookie(_cookie_name(), path="/", secure=settings().https, httponly=True, samesite="Lax")
    elif wish in SCHEMES and wish != kept:
        response.set_cookie(_cookie_name(), wish, secure=settings().https, httponly=True, samesite="Lax", path="/")
    return response


def install(app: Flask) -> None:
    app.after_request(_remember)
    app.jinja_env.globals["color_scheme"] = color_scheme
