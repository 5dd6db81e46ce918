"""The payer's page of a checkout with several sellers: one card for all of it, then what became of each order, whatever that is."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from checkout.blueprint import door
from checkout.card_page import heed_card_page, open_card_page
from checkout.declines import explain
from checkout.processor_pages import allow_provider
from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.kernel.clock import now
from core.orders.models import Checkout
from core.orders.open import find_saving_of, note_address, open_checkout_token, payer_token, saving_of
from core.orders.pay import find_order_of
from core.orders.queries import Part, Sold, checkout_of, lines_of, parts_of
from core.orders.states import ALL_OR_NOTHING
from core.payments.attempt import live_attempt
from core.payments.models import Payment
from core.payments.review import is_reviewed
from core.payments.saved_models import Saving
from core.payments.start import payment_token, receipt_token
from core.web.face import face_of
from core.web.guard import public
from core.web.languages import suggest
from core.web.page import page, see_other
from core.web.throttle import by_address

MOVING = ("paying", "unwinding")  # the page looks again by itself
WAIT_SECONDS, REFRESH_SECONDS = 3, 5


@dataclass(frozen=True, slots=True)
class Shown:
    """One order as its payer reads it."""

    part: Part
    lines: list[Sold]
    word: str
    tone: str
    why: str
    pay_url: str | None  # where this one is confirmed or tried again
    receipt_url: str | None


@door.get("/o/<token>")
@public
def several(token: str) -> Response:
    """The true page of the checkout at this moment."""
    return _page(*_open(token), token)


@door.get("/o/<token>/state")
@public
def several_state(token: str) -> Response:
    """The part of it that changes, for htmx."""
    return _page(*_open(token), token, part=True)


@door.post("/o/<token>")
@public
@by_address("60 per 10 minutes", scope="several")
def pay_several(token: str) -> Response:
    """On to the processor's page, where the card is entered once for all orders; pressed twice, it is the same page."""
    operator, checkout = _open(token)
    if not _is_open(checkout):
        return see_other(url_for("checkout.several", token=token))
    note_address(checkout, request.remote_addr or "")
    saving = saving_of(operator, checkout)
    saving, refused = open_card_page(operator, saving, back=url_for("checkout.back_to_several", token=token))
    if refused:
        return _page(operator, checkout, token, notice=refused, status=409)
    return see_other(saving.redirect_url or url_for("checkout.several", token=token))


@door.get("/o/<token>/return")
@public
@by_address("60 per 10 minutes", scope="several-return", method="GET")
def back_to_several(token: str) -> Response:
    """Where the processor sends the payer, with a card entered or not. Workers pay the orders; the page shows how far they are."""
    _, checkout = _open(token)
    saving = find_saving_of(checkout)
    if saving is not None and _is_open(checkout):
        heed_card_page(saving)
    return see_other(url_for("checkout.several", token=token))


def page_of_payment(payment: Payment) -> str | None:
    """The payer's page of the checkout that a payment is a part of."""
    order = find_order_of(payment.vendor_id, payment.mode, payment.id) if payment.link_id is None else None
    if order is None:
        return None
    checkout = checkout_of(order)
    return url_for("checkout.several", token=payer_token(get_vendor(checkout.vendor_id), checkout))


def _open(token: str) -> tuple[Vendor, Checkout]:
    operator, checkout = open_checkout_token(token)
    suggest(checkout.locale)
    return operator, checkout


def _is_open(checkout: Checkout) -> bool:
    return checkout.state == "open" and now() < checkout.expires_at


def _stage(checkout: Checkout, saving: Saving | None) -> str:
    """As the rows stand; time that has run out counts before the clock has looked, and a card that is there before a worker has."""
    if checkout.state != "open":
        return checkout.state
    if saving is not None and saving.state == "saved":
        return "paying"
    return "open" if _is_open(checkout) else "expired"


def _page(operator: Vendor, checkout: Checkout, token: str, *, notice: str = "", status: int = 200, part: bool = False) -> Response:
    saving = find_saving_of(checkout) if checkout.state == "open" else None
    stage = _stage(checkout, saving)
    if saving is not None:
        allow_provider(saving.provider, saving.redirect_url)
    parts = parts_of(checkout)
    if stage == "done" and all(one.given_back for one in parts):
        stage = "refunded"
    return page(
        "checkout/_several.html" if part else "checkout/several.html",
        status=status,
        face=face_of(operator, checkout.mode),
        title=ngettext("%(num)s order", "%(num)s orders from %(num)s sellers", len(parts)),
        description="",
        amount_due=checkout.total,
        stage=stage,
        notice=notice,
        orders=[_shown(one, stage) for one in parts],
        paid=sum(one.is_paid for one in parts),
        keeps=checkout.rule != ALL_OR_NOTHING,
        ends_at=checkout.expires_at,
        email=checkout.email,
        action=url_for("checkout.pay_several", token=token),
        page_url=url_for("checkout.several", token=token),
        state_url=url_for("checkout.several_state", token=token),
        moving=stage in MOVING,
        wait_seconds=WAIT_SECONDS,
        refresh_seconds=REFRESH_SECONDS,
    )


def _shown(part: Part, stage: str) -> Shown:
    word, tone = _word(part)
    if part.order.state == "paying" and part.payment is not None and is_reviewed(live_attempt(part.payment)):
        word = _("Being checked")
    payment, why, pay_url = part.payment, "", None
    if part.order.state == "declined" and payment is not None:
        why = explain(payment.decline_code).reason
    if payment is not None and part.order.state in ("action", "declined") and stage in ("paying", "waiting"):
        pay_url = url_for("checkout.show", token=payment_token(part.seller, payment))
    receipt = (
        url_for("checkout.receipt", token=receipt_token(part.seller, payment)) if payment is not None and payment.captured_at else None
    )
    return Shown(part, lines_of(part.seller, part.order), word, tone, why, pay_url, receipt)


def _word(part: Part) -> tuple[str, str]:
    """What is true of one order, in the payer's words, and its tone."""
    if part.given_back:
        return _("Given back"), "quiet"
    if part.order.state == "paid" and part.going_back:
        return _("On its way back"), "info"
    return {
        "waiting": (_("Not paid yet"), "quiet"),
        "paying": (_("Being paid"), "info"),
        "action": (_("Your bank wants you to confirm"), "warn"),
        "declined": (_("Declined"), "bad"),
        "paid": (_("Paid"), "good"),
        "over": (_("Not paid, nothing taken"), "quiet"),
    }[part.order.state]
