"""Asking the card's bank: one charge for one answer, and the money it moves."""

from dataclasses import replace

from core.web.wire.errors import bad_parameter
from sandbox import published
from sandbox.calls import call
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import new_id
from sandbox.money import fee_of, transact

_AUTHENTICATED = {
    "authentication_flow": "challenge",
    "electronic_commerce_indicator": "05",
    "exemption_indicator": None,
    "result": "authenticated",
    "result_reason": None,
    "transaction_id": None,
    "version": "2.2.0",
}


def _three_d_secure(card, authenticated):
    if authenticated:
        return dict(_AUTHENTICATED)
    return {**_AUTHENTICATED, "authentication_flow": "frictionless"} if card.frictionless else None


def _outcome(card):
    if not card.decline:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": "try_again_later" if card.decline in ("insufficient_funds", "processing_error") else "do_not_try_again",
        "network_advice_code": None,
        "network_decline_code": None if card.blocked else "05",
        "network_status": "not_sent_to_network" if card.blocked else "declined_by_network",
        "reason": "highest_risk_level" if card.blocked else card.decline,
        "risk_level": "highest" if card.blocked else "normal",
        "risk_score": 99 if card.blocked else 12,
        "seller_message": "The payment was stopped as fraudulent." if card.blocked else "The bank did not give its approval.",
        "type": "blocked" if card.blocked else "issuer_declined",
    }


def charge_intent(shelf, intent, method, card, *, authenticated):
    """Makes the charge of one try: succeeded (captured or only authorised), failed, or pending when the bank answers later.

    The intent itself is not touched.
    """
    good, delayed = card.decline is None, card.decline is None and card.delayed is not None
    captured = good and not delayed and intent["capture_method"] != "manual"
    code, message = (None, None) if good else published.DECLINES[card.decline]
    kept = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")
    details = {
        **{key: method["card"][key] for key in kept},
        "amount_authorized": intent["amount"] if good else None,
        "network": card.brand,
        "installments": None,
        "mandate": None,
        "three_d_secure": _three_d_secure(card, authenticated),
    }
    charge = blank_charge(
        shelf,
        intent,
        method,
        amount_captured=intent["amount"] if captured else 0,
        captured=captured,
        failure_code=code,
        failure_message=message,
        outcome=_outcome(card),
        paid=good and not delayed,
        payment_method_details={"type": "card", "card": details},
        status="pending" if delayed else "succeeded" if good else "failed",
    )
    if captured:
        charge["balance_transaction"] = take(shelf, charge, intent["amount"], at_once=card.at_once)
    shelf.put(charge, {"token": card.token})
    emit(shelf, f"charge.{charge['status']}", charge)
    if captured:
        _aftermath(shelf, charge, card)
    return charge


def blank_charge(shelf, intent, method, **fields):
    """A charge of this intent by this method, not yet written down; `fields` say what came of it."""
    return {
        "id": new_id("ch"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": method["billing_details"],
        "calculated_statement_descriptor": intent["statement_descriptor"] or "SANDBOX",
        "captured": False,
        "created": int(shelf.now),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": None,
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": intent["shipping"],
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": intent["transfer_group"],
        **fields,
    }


def finish_charge(shelf, charge, *, good):
    """The bank's late word on a pending charge: all of it is taken, or nothing."""
    card = published.card_by_token(shelf.private(charge["id"])["token"])
    if good:
        done = {**charge, "status": "succeeded", "paid": True, "captured": True, "amount_captured": charge["amount"]}
        done["balance_transaction"] = take(shelf, done, done["amount"], at_once=card.at_once)
    else:
        code, message = published.DECLINES[published.DELAYED_DECLINE]
        refused = _outcome(replace(card, decline=published.DELAYED_DECLINE))
        done = {**charge, "status": "failed", "failure_code": code, "failure_message": message, "outcome": refused}
    emit(shelf, f"charge.{done['status']}", shelf.put(done), charge)
    return done


def take(shelf, charge, amount, *, at_once=False):
    """Writes the movement of the balance that a captured charge makes; answers its id."""
    return transact(
        shelf,
        "charge",
        amount,
        charge["currency"],
        charge["id"],
        fee=fee_of(amount),
        at_once=at_once,
        description=charge["description"],
    )["id"]


def _aftermath(shelf, charge, card):
    if card.dispute:
        shelf.later("dispute", charge["id"], shelf.pace)


def capture_charge(shelf, charge, amount):
    """Takes `amount` of an authorised charge; the rest is let go."""
    card = published.card_by_token(shelf.private(charge["id"])["token"])
    captured = {
        **charge,
        "captured": True,
        "amount_captured": amount,
        "balance_transaction": take(shelf, charge, amount, at_once=card.at_once),
    }
    emit(shelf, "charge.captured", shelf.put(captured), charge)
    _aftermath(shelf, captured, card)
    return captured


def release_charge(shelf, charge):
    """Lets an authorisation go: nothing was taken, so no balance transaction is written."""
    released = {**charge, "refunded": True, "amount_refunded": charge["amount"]}
    emit(shelf, "charge.refunded", shelf.put(released), charge)
    return released


@call("GET", "charges/<id>")
def read_charge(shelf, params, identity):
    params.finish()
    return get(shelf, "charge", identity)


@call("GET", "charges")
def list_charges(shelf, params):
    equal = {
        "customer": params.text("customer"),
        "payment_intent": params.text("payment_intent"),
        "transfer_group": params.text("transfer_group"),
    }
    return list_page(shelf, params, "charge", "/v1/charges", equal=equal, created=params.between("created"))


@call("POST", "charges/<id>")
def update_charge(shelf, params, identity):
    charge = get(shelf, "charge", identity)
    changed = {
        **charge,
        "metadata": params.metadata(charge["metadata"]),
        "description": params.text("description", default=charge["description"]),
        "receipt_email": params.text("receipt_email", default=charge["receipt_email"]),
    }
    params.finish()
    emit(shelf, "charge.updated", shelf.put(changed), charge)
    return changed


@call("POST", "charges")
def create_charge(shelf, params):
    raise bad_parameter(
        "parameter_unknown", None, "Charges are made by confirming a PaymentIntent; creating one directly is not offered here."
    )
