"""Disputes: a card holder asks the bank for the money back, some time after the payment."""

from core.web.wire.errors import wrong_state
from sandbox import published
from sandbox.calls import call
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import new_id
from sandbox.money import DISPUTE_FEE, transact

_EVIDENCE = [
    "access_activity_log",
    "appeal",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
]
ANSWER_SECONDS = 7 * 86_400


def open_later(shelf, charge_id):
    """What the clock does with a charge whose card is disputed: money and fee leave the balance, the account is told."""
    charge = shelf.find("charge", charge_id)
    amount = charge["amount_captured"] - charge["amount_refunded"]
    if charge["disputed"] or amount <= 0:
        return
    card, identity = published.card_by_token(shelf.private(charge_id)["token"]), new_id("du")
    taken = transact(
        shelf,
        "adjustment",
        -amount,
        charge["currency"],
        identity,
        fee=DISPUTE_FEE,
        fee_title="Dispute fee",
        category="dispute",
        at_once=True,
    )
    dispute = shelf.put(
        {
            "id": identity,
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [taken],
            "charge": charge_id,
            "created": int(shelf.now),
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {**dict.fromkeys(_EVIDENCE), "enhanced_evidence": {}},
            "evidence_details": {
                "due_by": int(shelf.now) + ANSWER_SECONDS,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "manual",
            },
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
            "network_reason_code": "10.4" if card.dispute == "fraudulent" else "13.1",
            "payment_intent": charge["payment_intent"],
            "reason": card.dispute,
            "status": "needs_response",
            "payment_method_details": {
                "type": "card",
                "card": {"brand": card.brand, "case_type": "chargeback", "network": card.brand, "network_reason_code": "10.4"},
            },
        }
    )
    shelf.put({**charge, "disputed": True})
    emit(shelf, "charge.dispute.created", dispute)
    emit(shelf, "charge.dispute.funds_withdrawn", dispute)


@call("GET", "disputes/<id>")
def read_dispute(shelf, params, identity):
    params.finish()
    return get(shelf, "dispute", identity)


@call("GET", "disputes")
def list_disputes(shelf, params):
    equal = {"charge": params.text("charge"), "payment_intent": params.text("payment_intent")}
    return list_page(shelf, params, "dispute", "/v1/disputes", equal=equal, created=params.between("created"))


@call("POST", "disputes/<id>/close")
def close_dispute(shelf, params, identity):
    """Accepting the loss: the money stays with the card holder."""
    params.finish()
    dispute = get(shelf, "dispute", identity)
    if dispute["status"] != "needs_response":
        raise wrong_state(f"This dispute is {dispute['status']} and cannot be closed.", "resource_invalid_state")
    lost = shelf.put({**dispute, "status": "lost"})
    emit(shelf, "charge.dispute.closed", lost, dispute)
    return lost
