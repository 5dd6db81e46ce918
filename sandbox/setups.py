"""SetupIntents: a card is saved for later, with the bank's consent where the card asks for it."""

from core.web.wire.errors import bad_parameter, card_refused, missing_parameter, wrong_state
from sandbox import published
from sandbox.calls import call
from sandbox.confirming import BEFORE_PAYMENT, CHALLENGE_FAILED, ask_for_challenge
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import letters, new_id
from sandbox.methods import attach, automatic_methods, card_of, cards_only, resolve_method


@call("POST", "setup_intents")
def create_setup(shelf, params):
    customer, method = params.text("customer"), params.text("payment_method")
    body = blank_setup(
        shelf,
        automatic_payment_methods=automatic_methods(params),
        customer=customer,
        description=params.text("description"),
        metadata=params.metadata(),
        payment_method_types=cards_only(params),
        usage=params.choice("usage", ("on_session", "off_session"), default="off_session"),
    )
    confirm, return_url = params.boolean("confirm", False), params.url("return_url")
    params.finish()
    if customer:
        get(shelf, "customer", customer, "customer")
    if method:
        body.update(payment_method=resolve_method(shelf, method)["id"], status="requires_confirmation")
    emit(shelf, "setup_intent.created", shelf.put(body, {"return_url": return_url}))
    return confirm_setup(shelf, body) if confirm else body


def blank_setup(shelf, **fields):
    """A new intent, not yet written down."""
    identity = new_id("seti")
    return {
        "id": identity,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{identity}_secret_{letters()}",
        "created": int(shelf.now),
        "customer": None,
        "description": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": None,
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
        **fields,
    }


def confirm_setup(shelf, intent):
    """Tries to save the intent's card. A decline is written down and raised as card_error 402."""
    if intent["status"] not in BEFORE_PAYMENT:
        raise wrong_state(f"This SetupIntent's status is {intent['status']}.", "setup_intent_unexpected_state")
    if not intent["payment_method"]:
        raise missing_parameter("payment_method")
    method = get(shelf, "payment_method", intent["payment_method"])
    card = card_of(shelf, method)
    if not card.attaches:
        return _refuse(shelf, intent, method, *published.DECLINES[card.decline], card.decline)
    if card.challenge:
        return ask_for_challenge(shelf, {**intent, "last_setup_error": None})
    return _succeed(shelf, intent, method)


def _succeed(shelf, intent, method):
    done = shelf.put({**intent, "status": "succeeded", "last_setup_error": None, "next_action": None})
    shelf.put(method, {**shelf.private(method["id"]), "set_up": True})  # the bank has agreed to later charges
    if intent["customer"]:
        attach(shelf, method, intent["customer"])
    emit(shelf, "setup_intent.succeeded", done, intent)
    return done


def _refuse(shelf, intent, method, code, message, decline=None):
    failure = {"type": "card_error", "code": code, "decline_code": decline, "message": message, "payment_method": method}
    changes = {"status": "requires_payment_method", "payment_method": None, "next_action": None, "last_setup_error": failure}
    failed = shelf.put({**intent, **changes})
    emit(shelf, "setup_intent.setup_failed", failed, intent)
    raise card_refused(message, code, decline, setup_intent=failed)


def answer_setup_challenge(shelf, intent, answer):
    """The 3-D Secure page's answer for a card that is only being saved."""
    if intent["status"] != "requires_action":
        raise wrong_state(f"This SetupIntent's status is {intent['status']}.", "setup_intent_unexpected_state")
    method = get(shelf, "payment_method", intent["payment_method"])
    if answer == "approve":
        return _succeed(shelf, intent, method)
    return _refuse(shelf, intent, method, "setup_intent_authentication_failure", CHALLENGE_FAILED[answer])


@call("GET", "setup_intents/<id>")
def read_setup(shelf, params, identity):
    secret = params.text("client_secret")
    params.finish()
    intent = get(shelf, "setup_intent", identity)
    if secret and secret != intent["client_secret"]:
        raise bad_parameter("parameter_invalid", "client_secret", "The client_secret does not belong to this SetupIntent.")
    return intent


@call("POST", "setup_intents/<id>/confirm")
def confirm_call(shelf, params, identity):
    method, url = params.text("payment_method"), params.url("return_url")
    params.finish()
    intent = get(shelf, "setup_intent", identity)
    _refuse_session_owned(shelf, intent)
    if url:
        shelf.put(intent, {**shelf.private(identity), "return_url": url})
    return confirm_setup(shelf, {**intent, "payment_method": resolve_method(shelf, method)["id"]} if method else intent)


def _refuse_session_owned(shelf, intent):
    if shelf.private(intent["id"]).get("session"):
        raise wrong_state("This SetupIntent belongs to a Checkout Session: expire the session instead.", "setup_intent_unexpected_state")


@call("POST", "setup_intents/<id>/cancel")
def cancel_call(shelf, params, identity):
    reason = params.text("cancellation_reason")
    params.finish()
    intent = get(shelf, "setup_intent", identity)
    _refuse_session_owned(shelf, intent)
    return cancel_setup(shelf, intent, reason)


def cancel_setup(shelf, intent, reason=None):
    """Ends an intent that saved nothing."""
    if intent["status"] in ("succeeded", "canceled"):
        raise wrong_state(f"This SetupIntent's status is {intent['status']}; it cannot be cancelled.", "setup_intent_unexpected_state")
    canceled = shelf.put({**intent, "status": "canceled", "cancellation_reason": reason, "next_action": None})
    emit(shelf, "setup_intent.canceled", canceled, intent)
    return canceled


@call("GET", "setup_intents")
def list_setups(shelf, params):
    equal = {"customer": params.text("customer"), "payment_method": params.text("payment_method")}
    return list_page(shelf, params, "setup_intent", "/v1/setup_intents", equal=equal, created=params.between("created"))
