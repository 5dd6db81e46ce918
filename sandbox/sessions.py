"""Checkout Sessions: a hosted page for one payment, with an end."""

from core.web.wire import lists
from core.web.wire.errors import bad_parameter, wrong_state
from sandbox import ways
from sandbox.calls import call
from sandbox.confirming import BEFORE_PAYMENT, blank_intent, cancel_intent, end_processing, unexpected_state
from sandbox.currencies import check_amount
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import letters, new_id
from sandbox.methods import card_of, cards_only
from sandbox.setups import blank_setup, cancel_setup
from sandbox.ways import check_currency, read_types

SHORTEST_SECONDS, LONGEST_SECONDS = 1_800, 86_400


def _lines(params):
    """The line items as (currency, [item, ...]); only prices given in place are known here."""
    items, currencies = [], set()
    for row in params.rows("line_items", required=True):
        price, quantity = row.inner("price_data", required=True), row.integer("quantity", least=1, most=10_000, default=1)
        product = price.inner("product_data", required=True)
        name, description = product.text("name", required=True), product.text("description")
        product.metadata(), product.texts("images"), product.finish()
        currency = price.text("currency", required=True).lower()
        unit = price.integer("unit_amount", required=True, least=0)
        price.finish(), row.finish()
        currencies.add(currency)
        items.append(
            {
                "id": new_id("li"),
                "object": "item",
                "amount_discount": 0,
                "amount_subtotal": unit * quantity,
                "amount_tax": 0,
                "amount_total": unit * quantity,
                "currency": currency,
                "description": name,
                "price": None,
                "quantity": quantity,
                "metadata": {},
                "about": description,
                "unit": unit,
            }
        )
    if len(currencies) != 1:
        raise bad_parameter("parameter_invalid", "line_items", "All line items of a session have one currency.")
    return currencies.pop(), items


def _intent_fields(params):
    data = params.inner("payment_intent_data")
    fields = {
        "metadata": data.metadata(),
        "capture_method": data.choice("capture_method", ("automatic", "automatic_async", "manual"), default="automatic"),
    }
    for name in (
        "description",
        "receipt_email",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "setup_future_usage",
        "transfer_group",
    ):
        fields[name] = data.text(name)
    data.finish()
    return fields


def _expiry(shelf, params):
    now = int(shelf.now)
    end = params.integer("expires_at", default=now + LONGEST_SECONDS)
    if not now + SHORTEST_SECONDS - 5 <= end <= now + LONGEST_SECONDS + 5:
        raise bad_parameter("parameter_invalid", "expires_at", "The expires_at time must be between 30 minutes and 24 hours from now.")
    return end


# what every session of this processor says of the features it does not have
_PLAIN = {
    "adaptive_pricing": {"enabled": False},
    "after_expiration": None,
    "allow_promotion_codes": None,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": None,
    "client_secret": None,
    "consent": None,
    "consent_collection": None,
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {"after_submit": None, "shipping_address": None, "submit": None, "terms_of_service_acceptance": None},
    "discounts": [],
    "invoice": None,
    "invoice_creation": None,
    "payment_link": None,
    "payment_method_collection": "if_required",
    "payment_method_configuration_details": None,
    "payment_method_options": {},
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "subscription": None,
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted_page",
    "wallet_options": None,
}


def _payer(email, name=None):
    return {"address": None, "email": email, "name": name, "phone": None, "tax_exempt": "none", "tax_ids": None}


@call("POST", "checkout/sessions")
def create_session(shelf, params):
    mode = params.choice("mode", ("payment", "setup"), required=True)
    params.choice("ui_mode", ("hosted_page", "hosted"))
    if mode == "setup":
        return _create_setup_session(shelf, params)
    types, options = read_types(params)
    currency, items = _lines(params)
    check_currency(types, currency)
    total = sum(item["amount_total"] for item in items)
    check_amount(total, currency, "line_items")
    session = _blank_session(
        shelf,
        params,
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        mode="payment",
        payment_method_options=options,
        payment_method_types=types,
        payment_status="unpaid",
        submit_type=params.choice("submit_type", ("auto", "pay", "book", "donate")),
    )
    private = {"items": items, "intent": _intent_fields(params)}
    params.finish()
    _check_customer(shelf, session)
    shelf.put(session, private)
    shelf.later("session_end", session["id"], session["expires_at"] - shelf.now)
    return session


def _blank_session(shelf, params, **fields):
    """What every session has, read from the request and not yet written down."""
    identity, email = new_id("cs_test"), params.text("customer_email", longest=512)
    return {
        "id": identity,
        "object": "checkout.session",
        **_PLAIN,
        "cancel_url": params.url("cancel_url"),
        "client_reference_id": params.text("client_reference_id", longest=200),
        "created": int(shelf.now),
        "customer": params.text("customer"),
        "customer_creation": params.choice("customer_creation", ("always", "if_required"), default="if_required"),
        "customer_details": _payer(email) if email else None,
        "customer_email": email,
        "expires_at": _expiry(shelf, params),
        "livemode": False,
        "locale": params.text("locale", longest=10),
        "metadata": params.metadata(),
        "payment_intent": None,
        "status": "open",
        "success_url": params.url("success_url", required=True),
        "url": f"{shelf.public_url}/c/pay/{identity}",
        **fields,
    }


def _check_customer(shelf, session):
    """A customer that is named exists; a page that has one asks nobody for an e-mail address."""
    if not session["customer"]:
        return
    if session["customer_email"]:
        raise bad_parameter(
            "parameter_invalid", "customer_email", "You may only specify one of these parameters: customer, customer_email."
        )
    customer = get(shelf, "customer", session["customer"], "customer")
    session["customer_creation"] = None
    if session["mode"] == "setup":
        session["customer_details"] = _payer(customer.get("email"), customer.get("name"))


def _create_setup_session(shelf, params):
    """A page on which a card is saved: nothing is sold, so there are no lines and no amount; its SetupIntent is there from the start."""
    session = _blank_session(
        shelf,
        params,
        amount_subtotal=None,
        amount_total=None,
        currency=(params.text("currency") or "").lower() or None,
        mode="setup",
        payment_method_collection="always",
        payment_method_types=cards_only(params),
        payment_status="no_payment_required",
        submit_type=None,
    )
    data = params.inner("setup_intent_data")
    fields = {"metadata": data.metadata(), "description": data.text("description")}
    data.finish(), params.finish()
    _check_customer(shelf, session)
    intent = blank_setup(shelf, customer=session["customer"], **fields)
    session["setup_intent"] = intent["id"]
    emit(shelf, "setup_intent.created", shelf.put(intent, {"session": session["id"]}))
    shelf.put(session, {"items": []})
    shelf.later("session_end", session["id"], session["expires_at"] - shelf.now)
    return session


@call("GET", "checkout/sessions/<id>")
def read_session(shelf, params, identity):
    params.finish()
    return get(shelf, "checkout.session", identity)


@call("GET", "checkout/sessions")
def list_sessions(shelf, params):
    equal = {"payment_intent": params.text("payment_intent"), "customer": params.text("customer"), "status": params.text("status")}
    return list_page(shelf, params, "checkout.session", "/v1/checkout/sessions", equal=equal, created=params.between("created"))


def line_items(shelf, session):
    """What is being paid for, as the wire shows it."""
    return [{key: value for key, value in item.items() if key not in ("about", "unit")} for item in shelf.private(session["id"])["items"]]


@call("GET", "checkout/sessions/<id>/line_items")
def list_line_items(shelf, params, identity):
    query = lists.page_query(params)
    params.finish()
    rows = line_items(shelf, get(shelf, "checkout.session", identity))
    return lists.envelope(f"/v1/checkout/sessions/{identity}/line_items", rows[: query.limit], len(rows) > query.limit)


@call("POST", "checkout/sessions/<id>/expire")
def expire_call(shelf, params, identity):
    params.finish()
    session = get(shelf, "checkout.session", identity)
    if session["status"] != "open":
        raise wrong_state(
            f"Only Checkout Sessions with a status of open can be expired; this one is {session['status']}.", "resource_invalid_state"
        )
    return expire_session(shelf, session)


def expire_session(shelf, session):
    """Ends an open session, and with it the payment nobody finished."""
    intent = shelf.find("payment_intent", session["payment_intent"])
    if intent and intent["status"] in BEFORE_PAYMENT:
        cancel_intent(shelf, intent, "abandoned")
    setup = shelf.find("setup_intent", session["setup_intent"])
    if setup and setup["status"] in BEFORE_PAYMENT:
        cancel_setup(shelf, setup, "abandoned")
    ended = shelf.put({**session, "status": "expired", "url": None})
    emit(shelf, "checkout.session.expired", ended, session)
    return ended


def finish_later(shelf, identity):
    session = shelf.find("checkout.session", identity)
    if session["status"] == "open":
        expire_session(shelf, session)


def intent_of(shelf, session, email, name):
    """The session's PaymentIntent: made when the payer first presses the button, the same one for every further try."""
    found = shelf.find("payment_intent", session["payment_intent"])
    if found:
        return found, session
    fields = {key: value for key, value in shelf.private(session["id"])["intent"].items() if value is not None}
    fields |= {name: session[name] for name in ("payment_method_types", "payment_method_options")}
    intent = blank_intent(shelf, session["amount_total"], session["currency"], customer=session["customer"], **fields)
    emit(shelf, "payment_intent.created", shelf.put(intent, {"session": session["id"], "key": letters()}))
    return intent, shelf.put({**session, "payment_intent": intent["id"], "customer_details": _payer(email, name)})


def complete_session(shelf, session, *, paid=True):
    """The payer is done here: the session is over and says so in the same transaction. `paid` is false while the bank makes up its mind."""
    payment = "no_payment_required" if session["mode"] == "setup" else "paid" if paid else "unpaid"
    done = shelf.put({**session, "status": "complete", "payment_status": payment, "url": None})
    emit(shelf, "checkout.session.completed", done, session)
    return done


def end_payment_later(shelf, identity):
    """What the clock does with a payment that was left processing: it ends as its card says, or as was chosen at the bank."""
    intent = shelf.find("payment_intent", identity)
    method = shelf.find("payment_method", intent["payment_method"])
    if intent["status"] != "processing":
        return
    if method["type"] != "card":
        finish_payment(shelf, intent, good=ways.promised(shelf, intent))
    elif card_of(shelf, method).delayed in ("succeeds", "fails"):
        finish_payment(shelf, intent, good=card_of(shelf, method).delayed == "succeeds")


def end_by_hand(shelf, identity, outcome):
    """A person plays the bank: a payment that is processing is `succeeded` or `failed` at once."""
    intent = get(shelf, "payment_intent", identity)
    if intent["status"] != "processing":
        raise unexpected_state(intent, "ended")
    return finish_payment(shelf, intent, good=outcome == "succeeded")


def finish_payment(shelf, intent, *, good):
    """The bank's late word on a payment, told about the intent and about the session it was made in."""
    by_card = shelf.find("payment_method", intent["payment_method"])["type"] == "card"
    done = (end_processing if by_card else ways.end_processing)(shelf, intent, good=good)
    session = shelf.find("checkout.session", shelf.private(intent["id"]).get("session"))
    if session:
        ended = shelf.put({**session, "payment_status": "paid"}) if good else session
        emit(shelf, f"checkout.session.async_payment_{'succeeded' if good else 'failed'}", ended, session)
    return done
