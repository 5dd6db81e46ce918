"""The guard in front of a try to pay: most payers never notice it, some prove that they mean it, card testers are held."""

from __future__ import annotations

from flask import Response, request, url_for

from checkout.processor_pages import allow_processor
from checkout.remembered import browser_id
from checkout.result import payment_page
from checkout.till import Till
from core.payments.attempt import tries_of
from core.payments.lockout import BY_CARD
from core.payments.screen import count_try, hold_payment, screen_try, source
from core.risk import proof
from core.web.page import page, see_other


def screened(till: Till, surface: str, method: str) -> Response | None:
    """What the payer is shown instead of the next step; None where they may go on.

    Looking again at a try that is under way is no new one. Where there is no card to be tested nothing is asked: a held payment may still be paid that way.
    """
    if method not in BY_CARD:
        return None
    if till.stage == "held":
        return see_other(till.page_url)
    if till.attempt is not None and (till.attempt.method, till.attempt.surface) == (method, surface):
        return None
    place, number = source(request.remote_addr or "", browser_id()), tries_of(till.payment)
    found = screen_try(till.vendor, till.payment, place)
    if found.verdict.step == "stop":
        hold_payment(till.payment, found.verdict)
        return see_other(till.page_url)
    if found.verdict.step == "prove":
        subject = f"{till.payment.token_id}.{number}"
        answer = proof.check(
            request.form.get("proof", ""), request.form.get("nonce", ""), subject=subject, hard=found.under_attack, address=place.address
        )
        if not answer.good:
            asked = answer.again or proof.ask(till.vendor.public_id, till.payment.mode, subject, hard=found.under_attack)
            return _ask(till, surface, method, asked, early=answer.again is not None)
    count_try(till.payment, place, number=number)
    return None


def _ask(till: Till, surface: str, method: str, question: proof.Question, *, early: bool) -> Response:
    """A moment's work for the browser, or a moment's wait. What was typed stands in the payment; nothing of it is asked again."""
    values = {
        "question": question,
        "early": early,
        "surface": surface,
        "method": method,
        "switch": "switch" in request.form,
        "attempts_url": url_for("checkout.try_card", token=till.token),
    }
    if surface == "fields":
        return page("checkout/_proof.html", **values)
    allow_processor(till.payment, till.attempt)  # the form leads on to the processor's page
    return payment_page("checkout/proof.html", till, **values)
