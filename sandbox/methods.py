"""Payment methods: cards by published token or number; nothing of the number is ever kept."""

import datetime

from core.web.wire.errors import bad_parameter, card_refused, missing_parameter, not_found, wrong_state
from sandbox import published
from sandbox.calls import call
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import new_id


def _billing(params):
    details = params.inner("billing_details")
    kept = {
        "address": details.loose("address"),
        "email": details.text("email", longest=512),
        "name": details.text("name"),
        "phone": details.text("phone", longest=40),
        "tax_id": details.text("tax_id", longest=40),
    }
    details.finish()
    if kept["address"]:
        lines = kept["address"] if isinstance(kept["address"], dict) else {}
        kept["address"] = {part: lines.get(part) for part in ("city", "country", "line1", "line2", "postal_code", "state")}
    return kept


def _expiry(card_params, now):
    month, year = card_params.integer("exp_month", required=True), card_params.integer("exp_year", required=True)
    year += 2000 if 0 <= year < 100 else 0
    today = datetime.datetime.fromtimestamp(now, datetime.UTC)
    if not 1 <= month <= 12:
        raise card_refused("Your card's expiration month is invalid.", "invalid_expiry_month", param="exp_month")
    if (year, month) < (today.year, today.month) or year > today.year + 50:
        raise card_refused("Your card's expiration year is invalid.", "invalid_expiry_year", param="exp_year")
    return month, year


def check_cvc(card, cvc):
    """None when no CVC was given, else the result of the bank's check; refuses what cannot be a CVC. Of an unknown card (None) only that is said."""
    if cvc is None:
        return None
    lengths = (3, 4) if card is None else (4,) if card.brand == "amex" else (3,)
    if not (cvc.isascii() and cvc.isdigit() and len(cvc) in lengths):
        raise card_refused("Your card's security code is invalid.", "invalid_cvc", param="cvc")
    return card.cvc_check if card else None


def make_method(shelf, card, month, year, cvc_check, billing, metadata=None, wallet=None):
    """A payment method of a published card; only its token, brand and last four digits are written down."""
    body = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": billing,
        "created": int(shelf.now),
        "customer": None,
        "livemode": False,
        "metadata": metadata or {},
        "type": "card",
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": cvc_check},
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": card.fingerprint,
            "funding": card.funding,
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": card.brand != "amex"},
            "wallet": wallet,
        },
    }
    return shelf.put(body, {"token": card.token})


def method_from_params(shelf, params):
    """Reads `type`, `card[...]` and `billing_details`; the number is checked against the published ones first of all."""
    params.choice("type", ("card",), required=True)
    given = params.inner("card", required=True)
    if given.has("token"):
        token = given.text("token", required=True)
        card = published.card_by_token("pm_card_" + token.removeprefix("tok_"))
        if not card:
            raise not_found("token", token, "card[token]")
        month, year, check = 12, _next_year(shelf), None
    else:
        if not given.values.get("number"):
            raise missing_parameter("card[number]")
        card = published.card_by_number(given.text("number", required=True, longest=40))
        month, year = _expiry(given, shelf.now)
        check = check_cvc(card, given.text("cvc", longest=10))
    given.finish()
    return make_method(shelf, card, month, year, check, _billing(params), params.metadata())


def resolve_method(shelf, identity, param="payment_method"):
    """The stored method of that id; a published pm_card_* token makes a new one each time it is used."""
    card = published.card_by_token(identity)
    if card:
        return make_method(
            shelf, card, 12, _next_year(shelf), card.cvc_check, dict.fromkeys(("address", "email", "name", "phone", "tax_id"))
        )
    return get(shelf, "payment_method", identity, param)


def check_owner(shelf, method, customer):
    """A saved method pays for its own customer alone, and for nobody once it was detached."""
    if shelf.private(method["id"]).get("detached"):
        raise wrong_state(
            "The provided PaymentMethod was previously detached from a Customer. It may not be used again.",
            "payment_method_unexpected_state",
        )
    if method["customer"] and method["customer"] != customer:
        raise wrong_state(
            "The provided PaymentMethod belongs to a Customer: include the Customer in the `customer` parameter.",
            "payment_method_unexpected_state",
        )


def card_of(shelf, method):
    return published.card_by_token(shelf.private(method["id"])["token"])


def _next_year(shelf):
    return datetime.datetime.fromtimestamp(shelf.now, datetime.UTC).year + 1


@call("POST", "payment_methods")
def create_method(shelf, params):
    method = method_from_params(shelf, params)
    params.finish()
    return method


@call("GET", "payment_methods/<id>")
def read_method(shelf, params, identity):
    params.finish()
    return get(shelf, "payment_method", identity)


@call("POST", "payment_methods/<id>")
def update_method(shelf, params, identity):
    method = get(shelf, "payment_method", identity)
    changed = {**method, "metadata": params.metadata(method["metadata"])}
    if params.has("billing_details"):
        changed["billing_details"] = _billing(params)
    params.finish()
    emit(shelf, "payment_method.updated", shelf.put(changed), method)
    return changed


@call("GET", "payment_methods")
def list_methods(shelf, params):
    equal = {"customer": params.text("customer", required=True), "type": params.text("type")}
    return list_page(shelf, params, "payment_method", "/v1/payment_methods", equal=equal)


@call("GET", "customers/<id>/payment_methods")
def list_customer_methods(shelf, params, customer):
    get(shelf, "customer", customer, "customer")
    equal = {"customer": customer, "type": params.text("type")}
    return list_page(shelf, params, "payment_method", f"/v1/customers/{customer}/payment_methods", equal=equal)


@call("GET", "customers/<id>/payment_methods/<id>")
def read_customer_method(shelf, params, customer, identity):
    params.finish()
    method = get(shelf, "payment_method", identity)
    if method["customer"] != customer:
        raise not_found("PaymentMethod", identity)
    return method


def attach(shelf, method, customer):
    """Saves a card for a customer; a card whose bank says no cannot be saved."""
    card = card_of(shelf, method)
    if not card.attaches:
        code, message = published.DECLINES[card.decline]
        raise card_refused(message, code, card.decline)
    attached = shelf.put({**method, "customer": customer})
    emit(shelf, "payment_method.attached", attached, method)
    return attached


@call("POST", "payment_methods/<id>/attach")
def attach_method(shelf, params, identity):
    customer = params.text("customer", required=True)
    params.finish()
    get(shelf, "customer", customer, "customer")
    method = resolve_method(shelf, identity)
    if shelf.private(method["id"]).get("detached"):
        check_owner(shelf, method, customer)
    if method["customer"] not in (None, customer):
        raise wrong_state("The payment method is already attached to another customer.", "payment_method_unexpected_state")
    return attach(shelf, method, customer)


@call("POST", "payment_methods/<id>/detach")
def detach_method(shelf, params, identity):
    params.finish()
    method = get(shelf, "payment_method", identity)
    if not method["customer"]:
        raise wrong_state("The payment method is not attached to a customer.", "payment_method_unexpected_state")
    detached = shelf.put({**method, "customer": None}, {**shelf.private(identity), "detached": True})
    emit(shelf, "payment_method.detached", detached, method)
    return detached


def automatic_methods(params):
    """Reads `automatic_payment_methods`, which changes nothing where there are only cards."""
    given = params.inner("automatic_payment_methods")
    kept = {
        "allow_redirects": given.choice("allow_redirects", ("always", "never"), default="always"),
        "enabled": given.boolean("enabled", False),
    }
    given.finish()
    return kept if params.has("automatic_payment_methods") else None


def card_options(options):
    """Reads what is wished of a card in `payment_method_options`: that its bank asks the payer, wherever it can."""
    card = options.inner("card")
    asked = card.choice("request_three_d_secure", ("any", "automatic", "challenge"))
    card.finish()
    return {"card": {"request_three_d_secure": asked}} if asked else {}


def asks_bank(intent, method):
    """Whether 3-D Secure was asked for and this card has it. A wallet has asked its owner already."""
    asked = (intent["payment_method_options"].get("card") or {}).get("request_three_d_secure")
    card = method["card"]
    return asked in ("any", "challenge") and card["three_d_secure_usage"]["supported"] and not card["wallet"]


def cards_only(params):
    """Reads `payment_method_types` where only cards are taken; other ways to pay have a hosted page (`ways.py`)."""
    types = params.texts("payment_method_types", default=["card"])
    if types != ["card"]:
        raise bad_parameter(
            "parameter_invalid", "payment_method_types", "This processor takes cards only here. Other ways to pay need a Checkout Session."
        )
    return types
