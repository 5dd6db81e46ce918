"""A try to pay: opened at the processor, whose page or fields then take the payment. No card number ever comes here."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request, url_for
from flask_babel import gettext as _

from checkout.blueprint import door, log
from checkout.processor_pages import origin_of
from checkout.result import card_page
from checkout.screening import screened
from checkout.till import Till, at
from checkout.ways import choices_for, chosen_among
from core.kernel.config import settings
from core.kernel.errors import Conflict
from core.kernel.sentence import said
from core.methods.eligible import MethodNotOffered
from core.payments.attempt import (
    PaymentOver,
    Seen,
    TriedTooOften,
    begin_attempt,
    close_at_provider,
    drop_unopened,
    open_at_provider,
    record_opening,
)
from core.payments.choose import ways_to_pay
from core.payments.hold import is_held_first
from core.payments.models import Attempt
from core.payments.review import asks_bank, is_held_by_rules
from core.payments.screen import Screened
from core.payments.settle import settle
from core.payments.start import note_locale
from core.payments.states import LIVE_ATTEMPT
from core.payments.weigh import Weighed, keep_weighed, refuse_try, weigh_try
from core.providers.contract import ProviderBusy, ProviderRefused, ProviderUnreachable
from core.web.brand import button_look
from core.web.framed import framed
from core.web.guard import public
from core.web.languages import language, written
from core.web.page import page, see_other, step_outside
from core.web.theme import forced_scheme
from core.web.throttle import by_address


class NotHere(Conflict):
    """The payment is under way elsewhere, and nobody has asked to end that."""

    code = "under_way_elsewhere"


AWAY = said("The card processor cannot be reached just now. No money was taken. Please try again in a moment.")
CLOSED = said("This payment was called off in another window. No money was taken.")
REFUSED = said("The card processor did not accept this payment. No money was taken. Please ask the seller.")


@door.post("/checkout/<token>/attempts")
@public
@by_address("120 per 10 minutes", scope="attempts")
@at("pay", "challenge", "failed", "held")
def try_card(till: Till) -> Response:
    """Without scripts: on to the processor's page. With scripts (`surface=fields`): the processor's fields for this page."""
    note_locale(till.payment, language())
    surface, method = "fields" if request.form.get("surface") == "fields" else "hosted", _method(till)
    if isinstance(found := screened(till, surface, method), Response):
        return found
    try:
        weighed = weigh(till, surface, method)
        if weighed is not None and weighed.refused:
            return not_accepted(till, surface, method, weighed)
        attempt = open_attempt(till, surface, method, switch=surface == "hosted" or "switch" in request.form, weighed=weighed, found=found)
    except (PaymentOver, TriedTooOften, NotHere) as over:
        return _not_opened(till, surface, written(over.message))
    except MethodNotOffered:
        return _not_opened(till, surface, _("This way to pay is not open to this payment. Please choose another one."))
    except ProviderUnreachable as problem:
        if isinstance(problem, ProviderBusy) and problem.same_request and surface == "hosted":
            return see_other(till.page_url)  # pressed twice: the first press is opening the card page at this moment
        return _not_opened(till, surface, written(AWAY))
    except ProviderRefused as refused:
        log.warning("processor_refused", code=refused.code, payment=till.payment.public_id)
        return _not_opened(till, surface, written(REFUSED))
    if surface == "fields":
        return _fields(till, attempt)
    return see_other(attempt.redirect_url or till.page_url)


def weigh(till: Till, surface: str, method: str) -> Weighed | None:
    """What the house's rules say of a new try; looking again at one that is under way is none."""
    if till.attempt is not None and (till.attempt.method, till.attempt.surface) == (method, surface):
        return None
    return weigh_try(till.vendor, till.payment, method, address=request.remote_addr or "")


def not_accepted(till: Till, surface: str, method: str, weighed: Weighed) -> Response:
    """Nobody is asked for money. Fields that do not open leave the button, and whoever presses it reads a neutral sentence."""
    if surface == "fields":
        return page("checkout/_no_fields.html")
    if till.attempt is not None and till.attempt.provider_reference is not None:
        with step_outside():
            outcome = close_at_provider(till.payment, till.attempt)
        settle(till.vendor, till.payment, till.attempt, outcome, cause="close")
    refuse_try(till.vendor, till.payment, weighed, surface=surface, method=method)
    return see_other(till.page_url)


def _method(till: Till) -> str:
    """What the payer chose; a form without a choice goes on with what is under way, or with the first in the list."""
    chosen = request.form.get("method")
    if chosen is not None:
        return chosen
    return chosen_among(
        choices_for(ways_to_pay(till.vendor, till.payment, till.link, written=till.written), till.attempt), till.payment, till.attempt
    )


def _not_opened(till: Till, surface: str, why: object) -> Response:
    """The reason above the button; fields that do not open just leave the button, which says the reason when pressed."""
    if till.stage not in ("pay", "challenge", "failed"):
        return see_other(till.page_url)
    if surface == "fields":
        return page("checkout/_no_fields.html")
    return card_page(till, notice=why, status=409)


def open_attempt(
    till: Till, surface: str, method: str, *, switch: bool, weighed: Weighed | None = None, found: Screened | None = None
) -> Attempt:
    """The try this payer is in the middle of, or a new one; written down before and after the processor is asked.

    A try that was opened for another way to pay, or in fields that cannot be used without scripts, is closed at its provider
    before another begins; only when the payer asked for that (`switch`), for somebody may be at their bank with it right now.
    """
    vendor, payment = till.vendor, till.payment
    # What the rules have decided is written in one unit with the try; where they said nothing, the try is one by itself.
    plain = found is not None and weighed is None and till.attempt is None and till.written is not None
    seen = Seen(found.tries, till.written) if plain else None
    attempt = begin_attempt(vendor, payment, surface=surface, method=method, seen=seen)
    if _is_other(attempt, surface, method):
        if not switch:
            raise NotHere("This payment is being made in another way at the moment.")
        attempt = _switch(till, attempt, surface, method)
    if attempt.provider_reference is None:
        keep_weighed(payment, attempt, weighed)
        try:
            attempt = _open(till, attempt)
        except ProviderUnreachable as problem:
            if not problem.kept:
                raise
            drop_unopened(attempt)  # asked again it would fail for a day; under a new name it may be opened
            attempt = begin_attempt(vendor, payment, surface=surface, method=method)
            keep_weighed(payment, attempt, weighed)
            attempt = _open(till, attempt) if attempt.provider_reference is None else attempt
        if attempt.state not in LIVE_ATTEMPT:
            _close_late(till, attempt)
    if attempt.state not in LIVE_ATTEMPT:
        raise PaymentOver("This payment has ended meanwhile. No money was taken.")  # another tab was faster
    return attempt


def _is_other(attempt: Attempt, surface: str, method: str) -> bool:
    """Whether the try under way cannot serve this wish: another way to pay, or fields here and a page there."""
    return (
        attempt.method != method
        or (surface == "hosted" and attempt.surface == "fields")
        or (surface == "fields" and attempt.surface == "hosted")
    )


def _switch(till: Till, attempt: Attempt, surface: str, method: str) -> Attempt:
    """Closes the try under way at its provider, settles what had become of it, and begins the one that is wanted.

    Looked at twice: a try that had no name at its provider yet, because the card's fields were just being opened, has one by then.
    """
    for _again in range(2):
        with step_outside():
            outcome = close_at_provider(till.payment, attempt)
        settle(till.vendor, till.payment, attempt, outcome, cause="close")
        attempt = begin_attempt(till.vendor, till.payment, surface=surface, method=method)
        if not _is_other(attempt, surface, method):
            return attempt
    raise NotHere(AWAY)  # the provider could not say, or another tab has chosen in this very moment


def _open(till: Till, attempt: Attempt) -> Attempt:
    """Ask the processor for the page or the fields of a try that was written down, and write down where they are."""
    hold, secure = is_held_first(till.vendor, till.payment, attempt.method) or is_held_by_rules(attempt), asks_bank(attempt)
    with step_outside():
        back = till.outside("checkout.come_back")
        opening = open_at_provider(till.vendor, till.payment, attempt, return_url=back, cancel_url=back, hold=hold, secure=secure)
    return record_opening(till.vendor, attempt, opening)


def _close_late(till: Till, attempt: Attempt) -> None:
    """The try ended while the processor was opening it (another tab cancelled): its page is closed again and nobody is sent there."""
    with step_outside():
        outcome = close_at_provider(till.payment, attempt)
    settle(till.vendor, till.payment, attempt, outcome, cause="close")
    raise PaymentOver(CLOSED)


def _fields(till: Till, attempt: Attempt) -> Response:
    """The part of the page that holds the processor's fields, or nothing when this try lives on the hosted page."""
    stripe = attempt.provider == "stripe" and attempt.client_secret is not None
    if not stripe and not attempt.fields_url:
        return page("checkout/_no_fields.html")
    return page(
        "checkout/_card_fields.html",
        fields_url=None if stripe else _fields_url(till, attempt),
        fields_origin=origin_of(attempt.fields_url),
        client_secret=attempt.client_secret if stripe else None,
        publishable_key=settings().stripe[till.payment.mode]["publishable_key"] if stripe else None,
        back_url=url_for("checkout.come_back", token=till.token),
        back_outside=till.outside("checkout.come_back"),
        amount_due=till.payment.amount,
    )


def _fields_url(till: Till, attempt: Attempt) -> str:
    """The processor's fields in the vendor's colours. Inside another site's page they are told whose, for a browser asks that of every frame."""
    around = framed()
    look = button_look(till.vendor, till.colours, forced_scheme())
    told = request.form.get("told", "")[:60]  # the decline that the page around them speaks of: they need not say it a second time
    more = {"around": around.origin if around else "", "told": told}
    return "&".join([attempt.fields_url or "", f"appearance={look}", *(urlencode({name: said}) for name, said in more.items() if said)])
