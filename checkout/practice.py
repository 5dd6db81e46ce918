"""Test mode's own buttons: what a card would do, done with one press, and the hour over now, to see what a payer sees who comes too late."""

from __future__ import annotations

from flask import Response, request, url_for
from flask_babel import gettext as _

from checkout.blueprint import door
from checkout.result import call_off, card_page
from checkout.screening import screened
from checkout.till import Till, at
from checkout.try_card import AWAY, NotHere, not_accepted, open_attempt, weigh
from core.kernel.errors import NotFound
from core.methods.eligible import MethodNotOffered
from core.payments.attempt import PaymentOver, TriedTooOften
from core.providers.contract import ProviderError
from core.providers.practice import CARDS, practise
from core.web.guard import public
from core.web.languages import written
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
    return call_off(till, to="expired")


@door.post("/checkout/<token>/practice")
@public
@by_address("60 per 10 minutes", scope="practice")
@at("pay", "challenge", "failed")
def practise_card(till: Till) -> Response:
    """A published test card is tried on this payment as if somebody had typed it. Everything after it is as with any other payer."""
    scenario = request.form.get("scenario", "")
    if till.payment.mode != "test" or scenario not in CARDS:
        raise NotFound
    if isinstance(found := screened(till, "hosted", "card"), Response):
        return found
    try:
        weighed = weigh(till, "fields", "card")
        if weighed is not None and weighed.refused:
            return not_accepted(till, "hosted", "card", weighed)
        attempt = open_attempt(till, "fields", "card", switch=True, weighed=weighed)
        with step_outside():
            onward = practise(attempt.provider, attempt.provider_reference or "", scenario, return_url=till.outside("checkout.come_back"))
    except (PaymentOver, TriedTooOften, NotHere) as over:
        return _said(till, written(over.message))
    except MethodNotOffered:
        return _said(till, _("Cards are not open to this payment, so there is none to try."))
    except ProviderError:
        return _said(till, written(AWAY))
    return see_other(onward or url_for("checkout.come_back", token=till.token))


def _said(till: Till, why: str) -> Response:
    return card_page(till, notice=why, status=409) if till.stage in ("pay", "challenge", "failed") else see_other(till.page_url)
