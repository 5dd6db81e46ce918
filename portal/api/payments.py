"""Payments and refunds for the vendor's own software: asked for, read, called off, given back."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.invoices.queries import documents_of, printed
from core.kernel.errors import Conflict
from core.kernel.money import Money
from core.payments.ask import LEAST_MINUTES, MOST_MINUTES, USUAL_MINUTES, PaymentWish, ask_for_payment
from core.payments.attempt import close_at_provider, live_attempt
from core.payments.close import record_close
from core.payments.feeds import REALM, feed_payments, feed_refunds, links_behind
from core.payments.lists import PaymentFilter, get_refund
from core.payments.models import Payment
from core.payments.queries import find_link_of, get_link, get_payment, payment_of
from core.payments.refund import REASONS, request_refund
from core.payments.refund_queue import cancel_queued
from core.payments.start import receipt_token
from core.payments.statement import statement_of
from core.payments.states import PAYMENT, REFUND
from core.providers.contract import METHODS, ProviderError
from core.web import addresses
from core.web.page import step_outside
from portal.api.endpoint import endpoint
from portal.api.guard import acting, check_recent, wish_token, written_with_answer
from portal.api.kinds import Amount, Currency, Day, Email, Fields, Flag, Number, Pairs, Text, Within
from portal.api.objects import PAYMENT_OBJECT, REFUND_OBJECT, SALE_DOCUMENT, STATEMENT_OBJECT, SeenDocument, SeenPayment
from portal.api.paging import Asked, list_of
from portal.api.reading import BodyRefused

WISH: Fields = {
    "amount": Amount(about="What is to be paid: whole minor units, or a decimal text such as 19.99."),
    "currency": Currency(about="The currency of the amount."),
    "payer": Within(
        about="Who pays.",
        fields={
            "email": Email(about="Their e-mail address: the receipt goes there."),
            "name": Text(about="Their name.", usual="", most=120),
        },
    ),
    "description": Text(about="What it is for. The payer reads it.", least=1, most=120, example="Order 4711"),
    "payment_method": Text(about="The one way to pay it allows; left out: all you offer.", usual="", one_of=tuple(sorted(METHODS))),
    "realm": Text(about="The site it belongs to, by a name of yours: lists can be narrowed to it.", usual="", most=200),
    "date": Day(about="A day of your own beside it, such as that of your order: kept in its metadata and given back.", usual=None),
    "metadata": Pairs(about="Your own names and values.", usual=None),
    "success_url": Text(about="Where the payer may go on after paying: at an address you allow in the settings.", usual="", most=500),
    "cancel_url": Text(about="Where the payer may go back to without paying.", usual="", most=500),
    "locale": Text(about="The language of its page and letters.", usual="", most=3, example="en"),
    "expires_in_minutes": Number(about="For how long it can be paid.", usual=USUAL_MINUTES, least=LEAST_MINUTES, most=MOST_MINUTES),
}
CALLED = {"title": "description", "methods": "payment_method", "key_values": "metadata", "email": "payer.email"}  # as the acts call them
NARROW: Fields = {
    "status": Text(about="How they stand.", usual="", one_of=tuple(sorted(PAYMENT))),
    "email": Text(about="Who pays.", usual="", most=254),
    "payment_link": Text(about="The link they came by.", usual="", most=60),
    "realm": Text(about="The site they belong to.", usual="", most=200),
    "currency": Currency(about="Their currency.", usual=None),
    "method": Text(about="How they were paid.", usual="", one_of=tuple(sorted(METHODS))),
}


@endpoint("POST", "/payments", gives=PAYMENT_OBJECT, takes=WISH, status=201, called=CALLED)
def ask(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Ask for a payment

    It is written down with a page of its own: send the payer to `page`. No money moves before they pay there.
    """
    own = dict(sent["metadata"] or {}) | ({REALM: sent["realm"]} if sent["realm"] else {})
    own |= {"date": sent["date"].isoformat()} if sent["date"] else {}
    wish = PaymentWish(
        amount=Money(sent["amount"], sent["currency"]), email=sent["payer"]["email"], name=sent["payer"]["name"], description=sent["description"],
        methods=(sent["payment_method"],) if sent["payment_method"] else (), locale=sent["locale"], success_url=sent["success_url"],
        cancel_url=sent["cancel_url"], key_values=own, minutes=sent["expires_in_minutes"],
    )  # fmt: skip
    payment, link, unwritten = ask_for_payment(vendor, mode, wish, by=acting(), token=wish_token())
    written_with_answer(unwritten)
    return PAYMENT_OBJECT.encode(SeenPayment(vendor, payment, link))


@endpoint("GET", "/payments", gives=PAYMENT_OBJECT, many=True, query=NARROW)
def all_payments(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List payments"""
    wanted = asked.filters
    narrow = PaymentFilter(
        status=wanted["status"] or None, email=wanted["email"].strip().lower() or None, currency=wanted["currency"],
        way=wanted["method"] or None, link=get_link(vendor, mode, wanted["payment_link"]) if wanted["payment_link"] else None,
    )  # fmt: skip
    found = feed_payments(vendor, mode, asked.span, narrow, realm=wanted["realm"])
    links = links_behind(vendor, mode, found.rows)
    return list_of(PAYMENT_OBJECT, found, lambda one: SeenPayment(vendor, one, links.get(one.link_id)))


@endpoint("GET", "/payments/<number>", gives=PAYMENT_OBJECT)
def show_payment(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a payment"""
    return _seen(vendor, get_payment(vendor, mode, number))


@endpoint("GET", "/payments/<number>/statement", gives=STATEMENT_OBJECT)
def payment_statement(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a signed statement about a payment

    How it stands at this moment, signed with Ed25519: another program of yours, or of somebody else, checks it with our public keys and needs
    no key of yours for that. It names no payer.
    """
    payment = get_payment(vendor, mode, number)
    return STATEMENT_OBJECT.encode((payment, statement_of(vendor, payment)))


@endpoint("GET", "/payments/<number>/documents", gives=SALE_DOCUMENT, many=True)
def payment_documents(vendor: Vendor, mode: str, asked: Asked, number: str) -> dict[str, Any]:
    """List the invoices and credit notes of a payment

    In the order in which they were issued, on one page.
    """
    payment = get_payment(vendor, mode, number)
    found = documents_of(vendor, payment)
    done, token = printed(vendor.id, mode, found) if found else set(), receipt_token(vendor, payment)
    pages = [addresses.sale_document(token, one.public_id, vendor) if one.public_id in done else None for one in found]
    rows = [SALE_DOCUMENT.encode(SeenDocument(one, payment, page)) for one, page in zip(found, pages, strict=True)]
    return {"object": "list", "data": rows, "has_more": False}


@endpoint("POST", "/payments/<number>/cancel", gives=PAYMENT_OBJECT)
def cancel_payment(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Call a payment off that nobody has paid

    What is open at the processor is closed first; if the payer was faster, it is paid and stays so. To repeat it changes nothing.
    """
    payment = get_payment(vendor, mode, number)
    if payment.unapplied:
        raise Conflict("Part of this payment has come by bank transfer. Decide in the portal what becomes of that.")
    for _ in range(2):  # the payer may be opening another try at this very moment: that one is closed as well
        attempt, outcome = live_attempt(payment), None
        if attempt is not None:
            try:
                with step_outside():
                    outcome = close_at_provider(payment, attempt)
            except ProviderError:
                raise Conflict("The processor does not say whether the payer has paid. Ask again in a minute.") from None
        record_close(vendor, payment, attempt, outcome, to="canceled", actor=acting())
        if live_attempt(payment) is None or (outcome is not None and outcome.state != "canceled"):
            break
    payment = get_payment(vendor, mode, number)
    if payment.state not in ("canceled", "expired"):
        raise Conflict("This payment is paid, or will be in a moment. Refund it instead.")
    return _seen(vendor, payment)


def _seen(vendor: Vendor, payment: Payment) -> dict[str, Any]:
    return PAYMENT_OBJECT.encode(SeenPayment(vendor, payment, find_link_of(vendor, payment)))


# --- refunds ----------------------------------------------------------------------------------------------------------------

BACK: Fields = {
    "payment": Text(about="The payment that is given back, pay_...", most=60),
    "amount": Amount(about="How much of it; left out: all that is left.", usual=None),
    "currency": Currency(about="The payment's currency. Needed beside a decimal text only.", usual=None),
    "reason": Text(about="Why.", one_of=REASONS, usual="requested_by_customer"),
    "note": Text(about="For your team; the payer never reads it.", usual="", most=300, lines=True),
    "tell_payer": Flag(about="Whether the payer gets a letter when the money is back.", usual=True),
}


@endpoint("POST", "/refunds", gives=REFUND_OBJECT, takes=BACK, status=201)
def give_back(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Refund a payment, or a part of it

    It is written down and booked as on its way; a worker sends it, and only the processor's word makes it succeeded.
    """
    payment = get_payment(vendor, mode, sent["payment"])
    if sent["currency"] and sent["currency"] != payment.currency:
        raise BodyRefused("The payment has another currency.", field="currency")
    amount = payment.refundable if sent["amount"] is None else Money(sent["amount"], payment.currency)
    check_recent(vendor, amount)
    made = request_refund(
        vendor, payment, amount=amount, reason=sent["reason"], by=acting(), form_token=wish_token(), note_text=sent["note"],
        tell_payer=sent["tell_payer"],
    )  # fmt: skip
    return REFUND_OBJECT.encode((made, payment))


@endpoint(
    "GET", "/refunds", gives=REFUND_OBJECT, many=True,
    query={
        "status": Text(about="How they stand.", usual="", one_of=tuple(sorted(REFUND))),
        "payment": Text(about="Of one payment.", usual="", most=60),
    },
)  # fmt: skip
def all_refunds(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List refunds"""
    payment = get_payment(vendor, mode, asked.filters["payment"]) if asked.filters["payment"] else None
    return list_of(REFUND_OBJECT, feed_refunds(vendor, mode, asked.span, payment=payment, status=asked.filters["status"]))


@endpoint("GET", "/refunds/<number>", gives=REFUND_OBJECT)
def show_refund(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a refund"""
    refund = get_refund(vendor, mode, number)
    return REFUND_OBJECT.encode((refund, payment_of(vendor, refund)))


@endpoint("POST", "/refunds/<number>/cancel", gives=REFUND_OBJECT)
def cancel_refund(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Call a refund off that still waits for your balance"""
    refund = cancel_queued(vendor, mode, number, by=acting())
    return REFUND_OBJECT.encode((refund, payment_of(vendor, refund)))
