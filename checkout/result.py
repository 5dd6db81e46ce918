"""One payment's page, in whichever state it is: to be paid, waiting for the payer's bank, being checked, paid, declined, over."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request, url_for
from flask_babel import lazy_gettext as _l

from checkout.alike import CardWords, PaidWords, card_values, paid_values, write_card, write_paid
from checkout.blueprint import door, log
from checkout.familiar import till_of
from checkout.processor_pages import allow_processor
from checkout.several import page_of_payment
from checkout.till import Till, at, open_till
from checkout.ways import choices_for, chosen_among, title_of
from core.accounts.return_addresses import return_address
from core.kernel.clock import now
from core.kernel.money import Money
from core.methods.eligible import Verdict
from core.payments.attempt import close_at_provider, live_attempt
from core.payments.basket import offer_of
from core.payments.choose import ways_to_pay
from core.payments.close import record_close
from core.payments.link import link_state, link_token
from core.payments.lockout import BY_CARD, locked_until
from core.payments.models import Attempt, PaymentLink
from core.payments.poll import inquire
from core.payments.review import is_reviewed
from core.payments.sale import find_cart
from core.payments.settle import settle_at_once
from core.payments.start import receipt_token
from core.payments.transfer_queries import list_returns
from core.providers.contract import ProviderError
from core.web.face import face_of
from core.web.filters import when
from core.web.framed import framed
from core.web.guard import public
from core.web.languages import reader
from core.web.page import page, see_other, step_outside
from core.web.stencil import from_words, may_be_kept
from core.web.throttle import by_address

QUICK_ASKS = 15  # every two seconds for half a minute, then every ten: by htmx, or by a reload where there are no scripts
DELAYED_SECONDS = 60  # an answer that may take days is not asked for every two seconds
PROCESSING_SECONDS = 30  # the bank may take days: the page looks again now and then, and the e-mail comes anyway
LAST_MINUTES = 5  # before that nobody is hurried
FRESH = ("created", "requires_action")  # nothing has happened yet that the page itself does not say
NOT_CANCELED = _l("The card processor did not answer, so we cannot promise that this payment is cancelled. Please try again in a moment.")


@door.get("/checkout/<token>")
@public
def show(token: str) -> Response:
    """The true page of the payment at this moment."""
    return page_of(till_of(token))


@door.get("/checkout/<token>/state")
@public
def state(token: str) -> Response:
    """The waiting part again, for htmx; once the outcome is known the browser is sent to its page."""
    till = till_of(token)
    if till.stage != "checking":
        return see_other(till.page_url)
    return checking_page(till, part=True)


@door.get("/checkout/<token>/return")
@public
@by_address("120 per 10 minutes", scope="return", method="GET")
def come_back(token: str) -> Response:
    """Where the provider sends the payer, paid or not. The address proves nothing: the provider is asked, and its word settled."""
    till = open_till(token)
    attempt = till.attempt
    if attempt is not None and attempt.provider_reference is not None:
        try:
            with step_outside():
                outcome = inquire(till.payment, attempt)
        except ProviderError as problem:  # refused, or too many are asking: the poller asks again
            log.warning("inquiry_failed", problem=type(problem).__name__, payment=till.payment.public_id)
        else:
            settle_at_once(till.vendor, till.payment, attempt, outcome, cause="return")
    return see_other(till.page_url)


@door.post("/checkout/<token>/cancel")
@public
@at("pay", "challenge", "failed", "locked", "held", "transfer")
def cancel(till: Till) -> Response:
    """The payer calls it off. What is open at the provider is closed first; if it was paid after all, it is paid."""
    if till.payment.unapplied:  # part of it has come: what becomes of that is between payer and seller
        return see_other(till.page_url)
    return call_off(till, to="canceled")


def call_off(till: Till, *, to: str) -> Response:
    """End the payment as `to`, canceled or expired, if nobody paid it meanwhile."""
    for _ in range(2):  # the page's own script may be opening an attempt at this very moment: that one is closed as well
        attempt, outcome = live_attempt(till.payment), None
        if attempt is not None:
            try:
                with step_outside():
                    outcome = close_at_provider(till.payment, attempt)
            except ProviderError:
                return page_of(till, notice=NOT_CANCELED, status=409)
        record_close(till.vendor, till.payment, attempt, outcome, to=to, actor="payer")
        if live_attempt(till.payment) is None or (outcome is not None and outcome.state != "canceled"):
            break
    return see_other(till.page_url)


def page_of(till: Till, **extra: object) -> Response:
    """The page of the payment's stage; `extra` may carry a `notice` above the form, and a `status`."""
    return PAGES[till.stage](till, **extra)


def payment_page(template: str, till: Till, *, status: int = 200, **values: object) -> Response:
    payment = till.payment
    common = {
        "face": till.face,
        "title": payment.description,
        "description": "",
        "amount_due": payment.amount,
        "reference": payment.reference,
        "email": payment.email,
        "page_url": till.page_url,
        "cart": find_cart(till.vendor, payment),
        "by_bank": payment.method == "bank_transfer",
        "history_url": url_for("checkout.history", token=till.token) if payment.state not in FRESH else None,
        "several_url": page_of_payment(payment),
        "told": {"payment": payment.public_id, "state": till.stage},
    }
    return page(template, status=status, **{**common, **values})


def card_page(till: Till, *, notice: object = None, status: int = 200) -> Response:
    """To be paid: fresh, left in the middle, or after a decline. What was typed before stays with the payment."""
    # A notice: something was tried since the till was opened.
    attempt, written = (till.attempt, till.written) if notice is None else (live_attempt(till.payment), None)
    verdict, ends_at = ways_to_pay(till.vendor, till.payment, till.link, written=written), payment_end(till)
    allow_processor(till.payment, attempt)
    if verdict.shown and notice is None and attempt is None and not ends_at["soon"] and _is_plain(till):
        words = _card_words(till, None, verdict, chosen_among(verdict.shown, till.payment, None))
        own = {"token": till.token, "reference": till.payment.reference, "seconds_left": str(ends_at["seconds_left"])}
        return from_words(words, own, write_card)
    choices = choices_for(verdict, attempt)
    if not choices:
        return payment_page("checkout/no_way.html", till, status=status, cancel_url=url_for("checkout.cancel", token=till.token))
    words = _card_words(till, attempt, verdict, chosen_among(choices, till.payment, attempt))
    values = card_values(words, till.token, choices)
    return payment_page(f"checkout/{words.template}.html", till, status=status, notice=notice, ends_at=ends_at, **values)


def _card_words(till: Till, attempt: Attempt | None, verdict: Verdict, chosen: str) -> CardWords:
    # Fields on our own page need scripts to be opened; a payer sent to the hosted page continues there.
    # Inside a frame the processor has to know the site around it, or its fields would not be shown there.
    frame, payment, stage = framed(), till.payment, till.stage
    framable = frame is None or bool(frame.origin)
    in_fields = framable and (attempt is None or attempt.surface == "fields")
    return CardWords(
        template={"pay": "pay", "failed": "failed", "challenge": "pay" if in_fields else "challenge"}[stage],
        face=face_of(till.vendor, payment.mode, colours=till.colours),
        title=payment.description,
        amount=payment.amount,
        ways=verdict.shown,
        chosen=chosen,
        by_bank=payment.method == "bank_transfer",
        framable=framable,
        in_fields=in_fields,
        asks_country=verdict.country_matters,
        country=payment.payer_country or "",
        decline_code=payment.decline_code,
        method=payment.method,
        has_history=payment.state not in FRESH,
    )


def _is_plain(till: Till) -> bool:
    """Whether the page says nothing beyond its words: no cart stands beside it, it is no part of an order, and nobody asked for more."""
    return till.link is not None and not till.payment.itemised and may_be_kept()


def locked_page(till: Till, *, notice: object = None, status: int = 200) -> Response:
    """Too many declines: said with the time at which it goes on. The guard lets no try through before."""
    return payment_page(
        "checkout/locked.html",
        till,
        status=status,
        notice=notice,
        locked_until=locked_until(till.payment) or now(),
        cancel_url=url_for("checkout.cancel", token=till.token),
    )


def held_page(till: Till, *, notice: object = None, status: int = 200) -> Response:
    """It looked like card testing: said without blame, with the time, the seller's address, and the ways to pay that need no card."""
    allow_processor(till.payment, None)
    others = [choice for choice in choices_for(ways_to_pay(till.vendor, till.payment, till.link), None) if choice.method not in BY_CARD]
    return payment_page(
        "checkout/held.html",
        till,
        status=status,
        notice=notice,
        held_until=till.payment.held_until or now(),
        others=others,
        attempts_url=url_for("checkout.try_card", token=till.token),
        cancel_url=url_for("checkout.cancel", token=till.token),
    )


def payment_end(till: Till) -> dict[str, object]:
    """When the page closes by our clock, for the words shown in its last minutes."""
    left = int((till.payment.expires_at - now()).total_seconds())
    return {"at": till.payment.expires_at, "seconds_left": left, "soon": 0 < left <= LAST_MINUTES * 60}


def times_asked() -> int:
    """How often this page has asked already; its own next address says so."""
    asked = request.args.get("asked", "")
    return min(int(asked), 10_000) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0


def checking_page(till: Till, *, part: bool = False) -> Response:
    attempt, asked = till.attempt, times_asked()
    if till.payment.state == "processing" and attempt is not None and attempt.delayed_days:
        return delayed_page(till, attempt, part=part)
    processing, slow = till.payment.state == "processing", asked >= QUICK_ASKS
    return payment_page(
        "checkout/_checking.html" if part else "checkout/checking.html",
        till,
        state_url=url_for("checkout.state", token=till.token, asked=asked + 1),
        again_url=url_for("checkout.show", token=till.token, asked=asked + 1),
        wait_seconds=2 if not slow else PROCESSING_SECONDS if processing else 10,
        processing=processing,
        reviewed=processing and is_reviewed(attempt),
        slow=slow,
        refresh_seconds=PROCESSING_SECONDS if processing else 10 if slow else 2,
    )


def delayed_page(till: Till, attempt: Attempt, *, part: bool) -> Response:
    """The payer has done their part and the bank may take days: said so, with the longest it may take, and never called failed before it is."""
    return payment_page(
        "checkout/_delayed.html" if part else "checkout/delayed.html",
        till,
        days=attempt.delayed_days,
        method=title_of(attempt.method),
        state_url=url_for("checkout.state", token=till.token),
        wait_seconds=DELAYED_SECONDS,
    )


def paid_page(till: Till) -> Response:
    payment, shop = till.payment, shop_url(till, till.link, "success_url")
    words = PaidWords(
        face=face_of(till.vendor, payment.mode, colours=till.colours),
        title=payment.description,
        amount=payment.captured,
        refunded=payment.refunded,
        excess=payment.unapplied,
        going_back=tuple(going_back(till)),
        by_bank=payment.method == "bank_transfer",
        writes=bool(payment.email),
    )
    own = {
        "token": till.token,
        "reference": payment.reference,
        "email": payment.email,
        "receipt": receipt_token(till.vendor, payment),
        "paid_at": when(payment.captured_at, "d MMM y, HH:mm zzz"),
        "paid_with": reader().card(payment),
    }
    if shop is None and _is_plain(till):
        return from_words(words, own, write_paid)
    return payment_page("checkout/paid.html", till, amount_due=words.amount, shop_url=shop, **paid_values(words, own))


def shop_url(till: Till, link: PaymentLink | None, which: str) -> str | None:
    """The vendor's own page to go back to, while it is on a domain that is proved to be theirs."""
    payment = till.payment
    return return_address(till.vendor.id, payment.mode, getattr(offer_of(link), which), payment=payment.public_id) if link else None


def over_page(till: Till) -> Response:
    """Cancelled or out of time: nothing was taken, and the link may be used again while it is open. A transfer may have come since."""
    if till.payment.received_minor:
        return payment_page("checkout/late.html", till, waiting=till.payment.unapplied, going_back=going_back(till))
    link = till.link
    again = (
        url_for("checkout.choose", token=link_token(till.vendor, link), again=till.token) if link and link_state(link) == "open" else None
    )
    ended = till.payment.expires_at if till.payment.expires_at <= now() else None  # later, when it was ended before its time
    shop = shop_url(till, link, "cancel_url")
    return payment_page(f"checkout/{till.stage}.html", till, again_url=again, open_until=ended, shop_url=shop, paid_note=False)


def marked_page(till: Till, **extra: object) -> Response:
    """The seller has said that it was paid in another way. A transfer that came all the same waits for the seller's decision."""
    if till.payment.received_minor:
        return over_page(till)
    link = till.link
    return payment_page("checkout/marked.html", till, shop_url=shop_url(till, link, "success_url"), paid_note=False)


def going_back(till: Till) -> list[Money]:
    """Transfers, or parts of them, that are on their way back to the payer or have gone."""
    if not till.payment.given_back_minor:  # hardly ever is there one
        return []
    return [one.amount for one in list_returns(till.vendor, till.payment) if one.state != "failed"]


PAGES: dict[str, Callable[..., Response]] = {
    "pay": card_page,
    "challenge": card_page,
    "failed": card_page,
    "locked": locked_page,
    "held": held_page,
    "checking": checking_page,
    "paid": paid_page,
    "canceled": over_page,
    "expired": over_page,
    "marked": marked_page,
}
