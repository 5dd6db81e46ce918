"""Buttons that need no script: a form on anybody's page posts its signed button here, and the payer goes on at the link's page."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request, url_for

from checkout.blueprint import door
from checkout.pay import closed
from checkout.way_in import by_token
from core.kernel.signing import TokenRefused
from core.payments.button import is_as_issued
from core.web.guard import machine
from core.web.page import see_other
from core.web.throttle import by_address

PASSED_ON = ("email", "name", "lang", "theme")  # what the page may know of its reader: proposed, and theirs to change


@door.post("/buy")
@machine
@by_address("240 per 10 minutes", scope="buy")
def buy() -> Response:
    """Begins nothing and takes nothing: the next page says what it costs. What the form says beside its button must be the button's own."""
    token = request.form.get("button", "")
    way = by_token(token)
    if way.prefill is None or way.prefill.look is None:
        raise TokenRefused("foreign")
    said = {name: request.form.get(name, "")[:64].strip() for name in ("amount", "currency", "reference")}
    if not is_as_issued(way.link, way.prefill, **said):
        return closed(way, "button_altered", status=409)
    passed = {name: value for name in PASSED_ON if (value := request.form.get(name, "")[:254].strip())}
    return see_other(url_for("checkout.choose", token=token) + (f"?{urlencode(passed)}" if passed else ""))
