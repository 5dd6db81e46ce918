"""Where the payer says to be: asked only when it decides which ways to pay there are."""

from __future__ import annotations

from flask import Response, request

from checkout.blueprint import door
from checkout.result import card_page
from checkout.till import Till, at
from core.payments.choose import UnknownCountry, note_country
from core.web.guard import public
from core.web.languages import written
from core.web.page import see_other
from core.web.throttle import by_address


@door.post("/checkout/<token>/country")
@public
@by_address("120 per 10 minutes", scope="country")
@at("pay", "challenge", "failed")
def country(till: Till) -> Response:
    """The page again, with the ways to pay of that country."""
    try:
        note_country(till.payment, request.form.get("country", ""))
    except UnknownCountry as refusal:
        return card_page(till, notice=written(refusal.message), status=422)
    return see_other(till.page_url)
