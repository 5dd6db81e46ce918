"""The guard in front of a try to pay: most payers never notice it, some prove that they mean it, card testers are held."""

from __future__ import annotations

from flask import Response, request, url_for

from checkout.processor_pages import allow_processor
from checkout.remembered import browser_id
from checkout.result import payment_page
from checkout.till import Till
from core.accounts.models import Vendor
from core.memberships.models import Member
from core.memberships.screen import count_joining, screen_joining
from core.payments.lockout import BY_CARD
from core.payments.screen import Screened, count_try, hold_payment, screen_try, source
from core.risk import proof
from core.web.face import face_of
from core.web.page import page, see_other


def screened(till: Till, surface: str, method: str) -> Response | Screened | None:
    """What the payer is shown instead of the next step; else what was seen of the try, or None where none was looked at.

    Looking again at a try that is under way is no new one. Where there is no card to be tested nothing is asked: a held payment may still be paid that way.
    """
    if method not in BY_CARD:
        return None
    if till.stage == "held":
        return see_other(till.page_url)
    if till.attempt is not None and (till.attempt.method, till.attempt.surface) == (method, surface):
        return None
    place = source(request.remote_addr or "", browser_id())
    found = screen_try(till.vendor, till.payment, place)
    if found.verdict.step == "stop":
        hold_payment(till.payment, found.verdict)
        return see_other(till.page_url)
    if found.verdict.step == "prove":
        subject = f"{till.payment.token_id}.{found.tries}"
        answer = proof.check(
            request.form.get("proof", ""), request.form.get("nonce", ""), subject=subject, hard=found.under_attack, address=place.address
        )
        if not answer.good:
            asked = answer.again or proof.ask(till.vendor.public_id, till.payment.mode, subject, hard=found.under_attack)
            return _ask(till, surface, method, asked, early=answer.again is not None)
    count_try(till.payment, place, number=found.tries)
    return found


def screened_joining(vendor: Vendor, member: Member, *, action: str, back: str, shown: str, title: str) -> Response | None:
    """The same in front of a page on which a member saves a card. The question is for this one try of this one person."""
    place = source(request.remote_addr or "", browser_id())
    found, face = screen_joining(vendor, member, place), face_of(vendor, member.mode)
    values = {"face": face, "title": title, "description": "", "amount_due": None, "page_url": back}
    if found.verdict.step == "stop":
        return page("checkout/member_held.html", status=429, **values)
    if found.verdict.step == "prove":
        subject = f"{member.token_id}.{member.tries}"
        said = request.form.get("proof", ""), request.form.get("nonce", "")
        answer = proof.check(*said, subject=subject, hard=found.under_attack, address=place.address)
        if not answer.good:
            asked = answer.again or proof.ask(vendor.public_id, member.mode, subject, hard=found.under_attack)
            question = {"question": asked, "early": answer.again is not None, "surface": "hosted", "method": "card", "switch": False}
            return page("checkout/proof.html", **values, **question, attempts_url=action, shown=shown)
    count_joining(member, place)
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
