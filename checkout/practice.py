"""Test mode's own button: let the hour be over now, to see what a payer sees who comes too late."""

from __future__ import annotations

from flask import Response

from checkout.blueprint import door
from checkout.result import NOT_CANCELED, card_page
from checkout.till import Till, at
from core.kernel.errors import NotFound
from core.payments.attempt import close_at_provider, live_attempt
from core.payments.close import record_close
from core.providers.contract import ProviderError
from core.web.guard import public
from core.web.page import see_other, step_outside
from core.web.throttle import by_address


@door.post("/checkout/<token>/expire")
@public
@by_address("60 per 10 minutes", scope="expire")
@at("pay", "challenge", "failed")
def expire_now(till: Till) -> Response:
    """As the clock would do it: what is open at the processor is closed first. In live mode there is no such address."""
    if till.payment.mode != "test":
        raise NotFound
    attempt, outcome = live_attempt(till.payment), None
    if attempt is not None:
        try:
            with step_outside():
                outcome = close_at_provider(till.payment, attempt)
        except ProviderError:
            return card_page(till, notice=NOT_CANCELED, status=409)
    record_close(till.vendor, till.payment, attempt, outcome, to="expired", actor="payer")
    return see_other(till.page_url)
