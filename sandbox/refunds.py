"""Refunds: at once, later, or promised and then failed, as the test card of the payment decides."""

from core.web.wire.errors import missing_parameter, wrong_state
from sandbox import published, stories
from sandbox.calls import call
from sandbox.disputes import taken_of
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import new_id
from sandbox.money import transact


@call("POST", "refunds")
def create_refund(shelf, params):
    charge = _charge(shelf, params)
    amount = params.integer("amount", least=1, default=None)
    reason = params.choice("reason", ("duplicate", "fraudulent", "requested_by_customer"))
    metadata = params.metadata()
    params.text("instructions_email")
    params.finish()
    disputed, lost = taken_of(shelf, charge["id"]) if charge["disputed"] else (False, 0)
    left = charge["amount_captured"] - charge["amount_refunded"] - lost
    if not charge["captured"]:
        raise wrong_state("This charge has not been captured: cancel the PaymentIntent instead.", "charge_not_refundable")
    if disputed:
        raise wrong_state("This charge is disputed and cannot be refunded.", "charge_disputed")
    if left <= 0:
        raise wrong_state(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded", charge=charge["id"])
    amount = left if amount is None else amount
    if amount > left:
        raise wrong_state(
            f"Refund amount ({amount}) is greater than the unrefunded amount on the charge ({left}).", "amount_too_large", param="amount"
        )
    refund = _write(shelf, charge, amount, reason, metadata)
    if amount * 2 <= left and stories.told_about(shelf, "refund_doubled", charge["payment_intent"]):
        _write(shelf, shelf.find("charge", charge["id"]), amount, reason, metadata)
    return refund


def _charge(shelf, params):
    charge, intent = params.text("charge"), params.text("payment_intent")
    if charge:
        return get(shelf, "charge", charge, "charge")
    if not intent:
        raise missing_parameter("charge")
    latest = get(shelf, "payment_intent", intent, "payment_intent")["latest_charge"]
    if not latest:
        raise wrong_state("This PaymentIntent has no successful charge to refund.", "payment_intent_unexpected_state")
    return get(shelf, "charge", latest, "charge")


def _manner(shelf, charge):
    """How refunds of this charge go, by its test card; what was not paid by card is given back at once."""
    token = shelf.private(charge["id"]).get("token")
    return published.card_by_token(token).refund if token else None


def _write(shelf, charge, amount, reason, metadata):
    manner = _manner(shelf, charge)
    refund = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": int(shelf.now),
        "currency": charge["currency"],
        "destination_details": _destination(charge["payment_method_details"]["type"]),
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if manner == "pending" else "succeeded",
        "transfer_reversal": None,
    }
    refund["balance_transaction"] = transact(shelf, "refund", -amount, charge["currency"], refund["id"], at_once=True)["id"]
    shelf.put(refund)
    refunded = charge["amount_refunded"] + amount
    changed = shelf.put({**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount_captured"]})
    emit(shelf, "refund.created", refund)
    emit(shelf, "charge.refunded", changed, charge)
    if manner:
        shelf.later("refund", refund["id"], shelf.pace)
    return refund


def _destination(kind):
    card = {"reference": None, "reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {kind: card if kind == "card" else {}, "type": kind}


def finish_later(shelf, identity):
    """What the clock does with a refund that was promised: it arrives, or the bank sends it back."""
    refund = shelf.find("refund", identity)
    charge = shelf.find("charge", refund["charge"])
    manner = _manner(shelf, charge)
    if manner == "pending" and refund["status"] == "pending":
        done = shelf.put({**refund, "status": "succeeded"})
        emit(shelf, "refund.updated", done, refund)
        emit(shelf, "charge.refund.updated", done, refund)
    elif manner == "fails" and refund["status"] == "succeeded":
        _undo(shelf, refund, charge, status="failed", failure_reason="expired_or_canceled_card", kind="refund_failure")


def _undo(shelf, refund, charge, *, status, kind, failure_reason=None):
    back = transact(shelf, kind, refund["amount"], refund["currency"], refund["id"], at_once=True, category="refund_failure")
    undone = {**refund, "status": status, "failure_balance_transaction": back["id"]}
    if failure_reason:
        undone["failure_reason"] = failure_reason
    shelf.put(undone)
    shelf.put({**charge, "amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False})
    if status == "failed":
        emit(shelf, "refund.failed", undone, refund)
    emit(shelf, "refund.updated", undone, refund)
    emit(shelf, "charge.refund.updated", undone, refund)
    return undone


@call("POST", "refunds/<id>/cancel")
def cancel_refund(shelf, params, identity):
    params.finish()
    refund = get(shelf, "refund", identity)
    if refund["status"] != "pending":
        raise wrong_state(f"This refund has a status of {refund['status']}; only a pending one can be cancelled.", "refund_not_cancelable")
    return _undo(shelf, refund, get(shelf, "charge", refund["charge"]), status="canceled", kind="payment_failure_refund")


@call("GET", "refunds/<id>")
def read_refund(shelf, params, identity):
    params.finish()
    return get(shelf, "refund", identity)


@call("POST", "refunds/<id>")
def update_refund(shelf, params, identity):
    refund = get(shelf, "refund", identity)
    changed = {**refund, "metadata": params.metadata(refund["metadata"])}
    params.finish()
    emit(shelf, "refund.updated", shelf.put(changed), refund)
    return changed


@call("GET", "refunds")
def list_refunds(shelf, params):
    equal = {"charge": params.text("charge"), "payment_intent": params.text("payment_intent")}
    return list_page(shelf, params, "refund", "/v1/refunds", equal=equal, created=params.between("created"))
