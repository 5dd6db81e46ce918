"""The calls about PaymentIntents; what an intent may become stands in `confirming`."""

from core.web.wire.errors import bad_parameter, wrong_state
from sandbox.calls import call
from sandbox.charging import capture_charge
from sandbox.confirming import BEFORE_PAYMENT, blank_intent, cancel_intent, confirm_intent, unexpected_state
from sandbox.currencies import check_amount
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.methods import automatic_methods, card_options, cards_only, check_owner, method_from_params, resolve_method

_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def _descriptive(params, current):
    """The fields that create and update share; absent ones stay as they are."""
    changed = {"metadata": params.metadata(current.get("metadata"))}
    for field, longest in (
        ("description", 1000),
        ("receipt_email", 512),
        ("statement_descriptor", 22),
        ("statement_descriptor_suffix", 22),
        ("transfer_group", 500),
        ("customer", 100),
        ("setup_future_usage", 20),
    ):
        if params.has(field):
            changed[field] = params.text(field, longest=longest)
    if params.has("shipping"):
        changed["shipping"] = params.loose("shipping")
    return changed


def _method(shelf, params):
    """The payment method named or described by a request; None when it brings none."""
    if params.has("payment_method_data"):
        data = params.inner("payment_method_data")
        method = method_from_params(shelf, data)
        data.finish()
        return method
    named = params.text("payment_method")
    return resolve_method(shelf, named) if named else None


@call("POST", "payment_intents")
def create_intent(shelf, params):
    currency = (params.text("currency", required=True) or "").lower()
    amount = params.integer("amount", required=True, least=1)
    check_amount(amount, currency)
    fields = {
        **_descriptive(params, {}),
        "capture_method": params.choice("capture_method", ("automatic", "automatic_async", "manual"), default="automatic"),
        "confirmation_method": params.choice("confirmation_method", ("automatic", "manual"), default="automatic"),
        "automatic_payment_methods": automatic_methods(params),
    }
    cards_only(params)
    options = params.inner("payment_method_options")
    fields["payment_method_options"] = card_options(options)
    options.finish()
    confirm, off_session, return_url = params.boolean("confirm", False), params.boolean("off_session", False), params.url("return_url")
    params.boolean("use_stripe_sdk"), params.boolean("error_on_requires_action")
    if fields.get("customer"):
        get(shelf, "customer", fields["customer"], "customer")
    method = _method(shelf, params)
    params.finish()
    if method:
        check_owner(shelf, method, fields.get("customer"))
    intent = blank_intent(shelf, amount, currency, **fields)
    if method:
        intent.update(payment_method=method["id"], status="requires_confirmation")
    emit(shelf, "payment_intent.created", shelf.put(intent, {"return_url": return_url}))
    return confirm_intent(shelf, intent, off_session=off_session) if confirm else intent


@call("GET", "payment_intents/<id>")
def read_intent(shelf, params, identity):
    secret = params.text("client_secret")
    params.finish()
    intent = get(shelf, "payment_intent", identity)
    if secret and secret != intent["client_secret"]:
        raise bad_parameter("payment_intent_invalid_parameter", "client_secret", "The client_secret does not belong to this PaymentIntent.")
    return intent


@call("GET", "payment_intents")
def list_intents(shelf, params):
    customer = params.text("customer")
    if customer:
        get(shelf, "customer", customer, "customer")
    return list_page(
        shelf, params, "payment_intent", "/v1/payment_intents", equal={"customer": customer}, created=params.between("created")
    )


@call("POST", "payment_intents/<id>")
def update_intent(shelf, params, identity):
    intent = get(shelf, "payment_intent", identity)
    changed = {**intent, **_descriptive(params, intent)}
    moving = params.has("amount") or params.has("currency") or params.has("payment_method") or params.has("payment_method_data")
    if moving:
        _refuse_session_owned(shelf, intent)
        if intent["status"] not in BEFORE_PAYMENT:
            raise unexpected_state(intent, "updated")
    if params.has("amount") or params.has("currency"):
        changed["amount"] = params.integer("amount", least=1, default=intent["amount"])
        changed["currency"] = (params.text("currency") or intent["currency"]).lower()
        check_amount(changed["amount"], changed["currency"])
    method = _method(shelf, params)
    if method:
        changed.update(payment_method=method["id"], status="requires_confirmation", next_action=None)
    params.finish()
    return shelf.put(changed)


@call("POST", "payment_intents/<id>/confirm")
def confirm_call(shelf, params, identity):
    intent = get(shelf, "payment_intent", identity)
    _refuse_session_owned(shelf, intent)
    method, off_session, return_url = _method(shelf, params), params.boolean("off_session", False), params.url("return_url")
    params.boolean("use_stripe_sdk"), params.text("client_secret"), params.boolean("error_on_requires_action")
    if params.has("receipt_email"):
        intent = {**intent, "receipt_email": params.text("receipt_email")}
    params.finish()
    if method:
        check_owner(shelf, method, intent["customer"])
    if return_url:
        shelf.put(intent, {**shelf.private(identity), "return_url": return_url})
    return confirm_intent(shelf, intent, method, off_session=off_session)


def _refuse_session_owned(shelf, intent):
    session = shelf.find("checkout.session", shelf.private(intent["id"]).get("session"))
    if session and session["status"] != "complete":  # a session that is complete has let go of its intent
        raise wrong_state(
            "This PaymentIntent belongs to a Checkout Session: expire the session instead.", "payment_intent_unexpected_state"
        )


@call("POST", "payment_intents/<id>/capture")
def capture_intent(shelf, params, identity):
    intent = get(shelf, "payment_intent", identity)
    amount = params.integer("amount_to_capture", least=1, default=intent["amount_capturable"])
    metadata = params.metadata(intent["metadata"])
    params.text("statement_descriptor"), params.text("statement_descriptor_suffix")
    params.finish()
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "captured")
    if amount > intent["amount_capturable"]:
        raise wrong_state("The amount to capture is greater than what was authorised.", "amount_too_large", param="amount_to_capture")
    capture_charge(shelf, get(shelf, "charge", intent["latest_charge"]), amount)
    done = shelf.put({**intent, "status": "succeeded", "amount_received": amount, "amount_capturable": 0, "metadata": metadata})
    emit(shelf, "payment_intent.succeeded", done, intent)
    return done


@call("POST", "payment_intents/<id>/cancel")
def cancel_call(shelf, params, identity):
    intent, reason = get(shelf, "payment_intent", identity), params.choice("cancellation_reason", _REASONS)
    params.finish()
    _refuse_session_owned(shelf, intent)
    return cancel_intent(shelf, intent, reason)
