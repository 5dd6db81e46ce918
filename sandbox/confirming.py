"""What a PaymentIntent may become: confirmed, challenged, paid, refused or cancelled; each change with its event."""

from core.web.wire.errors import card_refused, missing_parameter, wrong_state
from sandbox import published
from sandbox.charging import charge_intent, finish_charge, release_charge
from sandbox.events import emit
from sandbox.finding import get
from sandbox.ids import letters, new_id
from sandbox.methods import asks_bank, attach, card_of

BEFORE_PAYMENT = ("requires_payment_method", "requires_confirmation", "requires_action")
CHALLENGE_FAILED = {
    "cancel": "You did not complete the check by your bank. Try again or use another card.",
    "fail": "Your bank could not confirm that it is you. Try again or use another card.",
}


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


def confirm_intent(shelf, intent, method=None, *, off_session=False):
    """Tries to be paid with `method` (or the one the intent has). A decline is written down and raised as card_error 402."""
    if intent["status"] not in BEFORE_PAYMENT:
        raise unexpected_state(intent, "confirmed")
    method = method or (shelf.find("payment_method", intent["payment_method"]) if intent["payment_method"] else None)
    if method is None:
        raise missing_parameter("payment_method")
    intent, card = {**intent, "payment_method": method["id"]}, card_of(shelf, method)
    asked = asks_bank(intent, method)
    if (
        card.challenge
        and off_session
        and not asked
        and (card.exempt == "always" or (card.exempt == "set_up" and shelf.private(method["id"]).get("set_up")))
    ):
        return _try(shelf, intent, method, card, authenticated=False)
    if (card.challenge or asked) and off_session:
        return _fail(shelf, intent, method, "authentication_required", None)
    if card.challenge or asked:
        return ask_for_challenge(shelf, {**intent, "last_payment_error": None})
    return _try(shelf, intent, method, card, authenticated=False)


def ask_for_challenge(shelf, intent, page="3ds", *, display=None):
    """Sends the payer to the bank's page; the address of an earlier challenge stops working. Serves setup intents, too.

    `display` names the action of a way to pay that shows a code instead of sending the payer away.
    """
    private = {**shelf.private(intent["id"]), "challenge": letters(32)}
    url = f"{shelf.public_url}/{page}/{intent['id']}/{private['challenge']}"
    action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": private.get("return_url"), "url": url}}
    if display:
        data = f"{shelf.public_url}/app/{intent['id']}/{private['challenge']}"
        action = {"type": display, display: {"data": data, "hosted_instructions_url": url, "image_url_png": None, "image_url_svg": None}}
    asked = {**intent, "status": "requires_action", "next_action": action}
    emit(shelf, f"{intent['object']}.requires_action", shelf.put(asked, private), intent)
    return asked


def action_url(intent):
    """Where an intent that waits for its payer wants them to go."""
    action = intent["next_action"]
    told = action[action["type"]]
    return told.get("url") or told["hosted_instructions_url"]


def _try(shelf, intent, method, card, *, authenticated):
    charge = charge_intent(shelf, intent, method, card, authenticated=authenticated)
    if charge["status"] == "failed":
        return _fail(shelf, intent, method, card.decline, charge)
    if charge["status"] == "pending":
        return _wait_for_bank(shelf, intent, card, charge)
    paid = {**intent, "latest_charge": charge["id"], "last_payment_error": None, "next_action": None}
    if charge["captured"]:
        paid.update(status="succeeded", amount_received=charge["amount"])
    else:
        paid.update(status="requires_capture", amount_capturable=charge["amount"])
    if paid["setup_future_usage"] == "off_session":
        shelf.put(method, {**shelf.private(method["id"]), "set_up": True})
    if paid["setup_future_usage"] and paid["customer"] and not method["customer"]:
        attach(shelf, method, paid["customer"])
    emit(shelf, "payment_intent.succeeded" if charge["captured"] else "payment_intent.amount_capturable_updated", shelf.put(paid), intent)
    return paid


def _wait_for_bank(shelf, intent, card, charge):
    """The bank has been asked and answers later: nothing more can be tried until it has."""
    waiting = {**intent, "status": "processing", "latest_charge": charge["id"], "last_payment_error": None, "next_action": None}
    emit(shelf, "payment_intent.processing", shelf.put(waiting), intent)
    if card.delayed != "stays":
        shelf.later("payment", intent["id"], shelf.pace)
    return waiting


def end_processing(shelf, intent, *, good):
    """What the bank says in the end of a payment that was processing."""
    charge = finish_charge(shelf, get(shelf, "charge", intent["latest_charge"]), good=good)
    if good:
        done = shelf.put({**intent, "status": "succeeded", "amount_received": charge["amount"]})
        emit(shelf, "payment_intent.succeeded", done, intent)
        return done
    code, message = published.DECLINES[published.DELAYED_DECLINE]
    method = shelf.find("payment_method", intent["payment_method"])
    return fail_intent(shelf, intent, method, code, message, decline=published.DELAYED_DECLINE, charge=charge)


def _fail(shelf, intent, method, decline, charge):
    code, message = published.DECLINES[decline]
    return _refuse(shelf, intent, method, code, message, decline, charge)


def _refuse(shelf, intent, method, code, message, decline, charge):
    failed = fail_intent(shelf, intent, method, code, message, decline=decline, charge=charge)
    failure = failed["last_payment_error"]
    raise card_refused(message, code, decline, charge=failure["charge"], payment_intent=failed, payment_method=method)


def fail_intent(shelf, intent, method, code, message, *, decline=None, charge=None):
    """Writes down that this try did not work; the intent waits for another method."""
    failure = {
        "type": "card_error",
        "code": code,
        "decline_code": decline,
        "message": message,
        "payment_method": method,
        "charge": charge["id"] if charge else None,
        "payment_method_type": method["type"],
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
    return failed


def answer_challenge(shelf, intent, answer):
    """The 3-D Secure page's answer: 'approve' asks the bank, 'fail' and 'cancel' send the payer back for another card."""
    if intent["status"] != "requires_action":
        raise unexpected_state(intent, "authenticated")
    method = get(shelf, "payment_method", intent["payment_method"])
    if answer == "approve":
        return _try(shelf, intent, method, card_of(shelf, method), authenticated=True)
    return _refuse(shelf, intent, method, "payment_intent_authentication_failure", CHALLENGE_FAILED[answer], None, None)


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
