"""Test mode's own button: let the hour be over now, to see what a payer sees who comes too late."""

from __future__ import annotations

from flask import Response

from checkout.blueprint import door
from checkout.result import call_off
from checkout.till import Till, at
from core.kernel.errors import NotFound
from core.web.guard import public
from core.web.throttle import by_address


@door.post("/checkout/<token>/expire")
@public
@by_address("60 per 10 minutes", scope="expire")
@at("pay", "challenge", "failed")
def expire_now(till: Till) -> Response:
    """As the clock would do it: what is open at the processor is closed first. In live mode there is no such address."""
    if till.payment.mode != "test":
        raise NotFound
    return call_off(till, to="expired")
