"""PaymentIntents: from an amount to money taken, authorised or refused, with a challenge in between when the card asks for one."""

from core.web.wire.errors import bad_parameter, card_refused, missing_parameter, wrong_state
from sandbox import published
from sandbox.calls import call
from sandbox.charging import capture_charge, charge_intent, release_charge
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import letters, new_id
from sandbox.methods import attach, card_of, method_from_params, resolve_method
from sandbox.money import check_amount

BEFORE_PAYMENT = ("requires_payment_method", "requires_confirmation", "requires_action")
_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def unexpected_state(intent, wish):
    return wrong_state(
        f"This PaymentIntent could not be {wish} because it has a status of {intent['status']}.",
        "payment_intent_unexpected_state",
        payment_intent=intent,
    )


def blank_intent(shelf, amount, currency, **fields):
    """A new intent, not yet written down."""
    identity = new_id("pi")
    return {
        "id": identity,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{identity}_secret_{letters()}",
        "confirmation_method": "automatic",
        "created": int(shelf.now),
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
        **fields,
    }


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


def _automatic(params):
    if not params.has("automatic_payment_methods"):
        return None
    given = params.inner("automatic_payment_methods")
    kept = {
        "allow_redirects": given.choice("allow_redirects", ("always", "never"), default="always"),
        "enabled": given.boolean("enabled", False),
    }
    given.finish()
    return kept


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
        "automatic_payment_methods": _automatic(params),
    }
    types = params.texts("payment_method_types", default=["card"])
    if types != ["card"]:
        raise bad_parameter("parameter_invalid", "payment_method_types", "This processor takes cards only.")
    confirm, off_session, return_url = params.boolean("confirm", False), params.boolean("off_session", False), params.text("return_url")
    params.boolean("use_stripe_sdk"), params.boolean("error_on_requires_action")
    if fields.get("customer"):
        get(shelf, "customer", fields["customer"], "customer")
    method = _method(shelf, params)
    params.finish()
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
    return list_page(
        shelf,
        params,
        "payment_intent",
        "/v1/payment_intents",
        equal={"customer": params.text("customer")},
        created=params.between("created"),
    )


@call("POST", "payment_intents/<id>")
def update_intent(shelf, params, identity):
    intent = get(shelf, "payment_intent", identity)
    changed = {**intent, **_descriptive(params, intent)}
    moving = params.has("amount") or params.has("currency") or params.has("payment_method") or params.has("payment_method_data")
    if moving and intent["status"] not in BEFORE_PAYMENT:
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
    method, off_session, return_url = _method(shelf, params), params.boolean("off_session", False), params.text("return_url")
    params.boolean("use_stripe_sdk"), params.text("client_secret"), params.boolean("error_on_requires_action")
    if params.has("receipt_email"):
        intent = {**intent, "receipt_email": params.text("receipt_email")}
    params.finish()
    if return_url:
        shelf.put(intent, {**shelf.private(identity), "return_url": return_url})
    return confirm_intent(shelf, intent, method, off_session=off_session)


def _refuse_session_owned(shelf, intent):
    if shelf.private(intent["id"]).get("session"):
        raise wrong_state(
            "This PaymentIntent belongs to a Checkout Session: expire the session instead.", "payment_intent_unexpected_state"
        )


def confirm_intent(shelf, intent, method=None, *, off_session=False):
    """Tries to be paid with `method` (or the one the intent has). A decline is written down and raised as card_error 402."""
    if intent["status"] not in BEFORE_PAYMENT:
        raise unexpected_state(intent, "confirmed")
    method = method or (shelf.find("payment_method", intent["payment_method"]) if intent["payment_method"] else None)
    if method is None:
        raise missing_parameter("payment_method")
    intent, card = {**intent, "payment_method": method["id"]}, card_of(shelf, method)
    if card.challenge and off_session:
        return _fail(shelf, intent, method, "authentication_required", None)
    if card.challenge:
        return _ask_for_challenge(shelf, intent)
    return _try(shelf, intent, method, card, authenticated=False)


def _ask_for_challenge(shelf, intent):
    private = {**shelf.private(intent["id"]), "challenge": letters(32)}
    url = f"{shelf.public_url}/3ds/{intent['id']}/{private['challenge']}"
    asked = {
        **intent,
        "status": "requires_action",
        "last_payment_error": None,
        "next_action": {"type": "redirect_to_url", "redirect_to_url": {"return_url": private.get("return_url"), "url": url}},
    }
    emit(shelf, "payment_intent.requires_action", shelf.put(asked, private), intent)
    return asked


def _try(shelf, intent, method, card, *, authenticated):
    charge = charge_intent(shelf, intent, method, card, authenticated=authenticated)
    if charge["status"] == "failed":
        return _fail(shelf, intent, method, card.decline, charge)
    paid = {**intent, "latest_charge": charge["id"], "last_payment_error": None, "next_action": None}
    if charge["captured"]:
        paid.update(status="succeeded", amount_received=charge["amount"])
    else:
        paid.update(status="requires_capture", amount_capturable=charge["amount"])
    if paid["setup_future_usage"] and paid["customer"] and not method["customer"]:
        attach(shelf, method, paid["customer"])
    emit(shelf, "payment_intent.succeeded" if charge["captured"] else "payment_intent.amount_capturable_updated", shelf.put(paid), intent)
    return paid


def _fail(shelf, intent, method, decline, charge):
    code, message = published.DECLINES[decline]
    return _refuse(shelf, intent, method, code, message, decline, charge)


def _refuse(shelf, intent, method, code, message, decline, charge):
    failure = {
        "type": "card_error",
        "code": code,
        "decline_code": decline,
        "message": message,
        "payment_method": method,
        "charge": charge["id"] if charge else None,
        "payment_method_type": "card",
    }
    failed = shelf.put(
        {
            **intent,
            "status": "requires_payment_method",
            "payment_method": None,
            "next_action": None,
            "last_payment_error": failure,
            "latest_charge": charge["id"] if charge else intent["latest_charge"],
        }
    )
    emit(shelf, "payment_intent.payment_failed", failed, intent)
    raise card_refused(message, code, decline, charge=failure["charge"], payment_intent=failed, payment_method=method)


def answer_challenge(shelf, intent, answer):
    """The 3-D Secure page's answer: 'approve' asks the bank, 'fail' and 'cancel' send the payer back for another card."""
    if intent["status"] != "requires_action":
        raise unexpected_state(intent, "authenticated")
    method = get(shelf, "payment_method", intent["payment_method"])
    if answer == "approve":
        return _try(shelf, intent, method, card_of(shelf, method), authenticated=True)
    message = (
        "You did not complete the check by your bank. Try again or use another card."
        if answer == "cancel"
        else "Your bank could not confirm that it is you. Try again or use another card."
    )
    return _refuse(shelf, intent, method, "payment_intent_authentication_failure", message, None, None)


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


def cancel_intent(shelf, intent, reason=None):
    """Ends an intent that took no money; an authorisation is let go."""
    if intent["status"] not in (*BEFORE_PAYMENT, "requires_capture"):
        raise unexpected_state(intent, "cancelled")
    if intent["status"] == "requires_capture":
        release_charge(shelf, get(shelf, "charge", intent["latest_charge"]))
    canceled = shelf.put(
        {
            **intent,
            "status": "canceled",
            "canceled_at": int(shelf.now),
            "cancellation_reason": reason,
            "next_action": None,
            "amount_capturable": 0,
        }
    )
    emit(shelf, "payment_intent.canceled", canceled, intent)
    return canceled
