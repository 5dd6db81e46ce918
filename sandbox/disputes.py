"""Disputes: a card holder asks the bank for the money back, some time after the payment; the account answers, and the bank decides."""

from core.web.wire.errors import bad_parameter, not_found, wrong_state
from sandbox import published
from sandbox.calls import call
from sandbox.events import emit
from sandbox.finding import get, list_page
from sandbox.ids import new_id
from sandbox.money import DISPUTE_FEE, transact

EVIDENCE = [
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
FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
ANSWER_SECONDS = 7 * 86_400
LONGEST_TEXT, MOST_TEXT, MOST_BYTES = 20_000, 150_000, 4_500_000
# Words that decide the case in test mode, as they are published.
DECIDING = {"winning_evidence": "won", "losing_evidence": "lost"}
CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "product_unacceptable": "13.3", "duplicate": "12.6", "subscription_canceled": "13.2",
         "credit_not_processed": "13.6"}  # fmt: skip
OPEN = ("needs_response", "under_review")
ASKING = ("warning_needs_response", "warning_under_review")


def open_later(shelf, charge_id):
    """What the clock does with a charge whose card is disputed: money and fee leave the balance, the account is told."""
    charge = shelf.find("charge", charge_id)
    card = published.card_by_token(shelf.private(charge_id)["token"])
    if not charge["disputed"] and charge["amount_captured"] > charge["amount_refunded"]:
        begin(shelf, charge, card.dispute, inquiry=card.inquiry)


def begin(shelf, charge, reason, *, inquiry=False, amount=None, due_seconds=ANSWER_SECONDS):
    """A dispute of what is left of a charge, or an inquiry, which takes nothing yet."""
    amount, identity = amount or charge["amount_captured"] - charge["amount_refunded"], new_id("du")
    card, code = charge["payment_method_details"].get("card") or {}, CODES.get(reason, "10.4")
    kind = {
        "brand": card.get("brand"),
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": card.get("brand"),
        "network_reason_code": code,
    }
    dispute = shelf.put(
        {
            "id": identity,
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [] if inquiry else [_withdraw(shelf, identity, amount, charge["currency"])],
            "charge": charge["id"],
            "created": int(shelf.now),
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
            "evidence_details": {
                "due_by": int(shelf.now + due_seconds),
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "manual",
            },
            "is_charge_refundable": inquiry,
            "livemode": False,
            "metadata": {},
            "network_reason_code": code,
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
            "payment_method_details": {"type": "card", "card": kind},
        }
    )
    shelf.put({**charge, "disputed": True})
    shelf.later("dispute_due", identity, due_seconds)
    emit(shelf, "charge.dispute.created", dispute)
    if not inquiry:
        emit(shelf, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _withdraw(shelf, identity, amount, currency):
    terms = {"fee": DISPUTE_FEE, "fee_title": "Dispute fee", "category": "dispute", "at_once": True}
    return transact(shelf, "adjustment", -amount, currency, identity, **terms)


def _with(dispute, status, **details):
    return {**dispute, "status": status, "evidence_details": {**dispute["evidence_details"], **details}}


def due_later(shelf, identity):
    """Nobody answered in time: a dispute is lost, an inquiry is closed."""
    dispute = shelf.find("dispute", identity)
    if shelf.now < dispute["evidence_details"]["due_by"] - 1:
        return  # opened a second time since: its own day comes
    if dispute["status"] == "needs_response":
        end(shelf, _with(dispute, dispute["status"], past_due=True), "lost")
    elif dispute["status"] == "warning_needs_response":
        end(shelf, _with(dispute, dispute["status"], past_due=True), "closed")


def decide_later(shelf, identity):
    """The bank has read the words that decide."""
    dispute = shelf.find("dispute", identity)
    outcome = DECIDING.get(dispute["evidence"]["uncategorized_text"] or "")
    if outcome and dispute["status"] in ("under_review", "warning_under_review"):
        end(shelf, dispute, "closed" if dispute["status"] in ASKING else outcome)


def end(shelf, dispute, outcome):
    """The bank's decision. Won: the money comes back; the fee does not. What was lost may be given back all the same."""
    if dispute["status"] not in (ASKING if outcome == "closed" else (*OPEN, "lost") if outcome == "won" else OPEN):
        raise wrong_state(f"This dispute is {dispute['status']} and cannot become {outcome}.", "resource_invalid_state")
    ended = {**dispute, "status": "warning_closed" if outcome == "closed" else outcome}
    if outcome == "won":
        amount, code = dispute["amount"], dispute["currency"]
        back = transact(shelf, "adjustment", amount, code, dispute["id"], category="dispute_reversal", at_once=True)
        ended["balance_transactions"] = [*dispute["balance_transactions"], back]
    shelf.put(ended)
    if outcome == "won":
        emit(shelf, "charge.dispute.funds_reinstated", ended, dispute)
    emit(shelf, "charge.dispute.closed", ended, dispute)
    return ended


def open_again(shelf, dispute, due_seconds=ANSWER_SECONDS):
    """A second cycle: the bank takes what it had given back, and asks anew. An inquiry becomes a dispute, a closed one too."""
    if dispute["status"] not in ("won", "warning_closed", *ASKING):
        raise wrong_state(f"This dispute is {dispute['status']} and cannot be opened again.", "resource_invalid_state")
    taken = _withdraw(shelf, dispute["id"], dispute["amount"], dispute["currency"])
    again = _with(dispute, "needs_response", due_by=int(shelf.now + due_seconds), has_evidence=False, past_due=False)
    again = shelf.put({**again, "balance_transactions": [*dispute["balance_transactions"], taken], "is_charge_refundable": False})
    shelf.later("dispute_due", dispute["id"], due_seconds)
    emit(shelf, "charge.dispute.updated", again, dispute)
    emit(shelf, "charge.dispute.funds_withdrawn", again, dispute)
    return again


def by_hand(shelf, identity, outcome, due_seconds=ANSWER_SECONDS):
    """What a person decides for the bank: won, lost, closed or again."""
    dispute = shelf.find("dispute", identity)
    if dispute is None:
        raise not_found("dispute", str(identity)[:80])
    return open_again(shelf, dispute, due_seconds) if outcome == "again" else end(shelf, dispute, outcome)


def taken_of(shelf, charge_id):
    """Whether a dispute of this charge is open, and how much disputes have taken for good."""
    found = shelf.rows("dispute", equal={"charge": charge_id})
    return any(one["status"] in OPEN for one in found), sum(one["amount"] for one in found if one["status"] == "lost")


@call("GET", "disputes/<id>")
def read_dispute(shelf, params, identity):
    params.finish()
    return get(shelf, "dispute", identity)


@call("GET", "disputes")
def list_disputes(shelf, params):
    equal = {"charge": params.text("charge"), "payment_intent": params.text("payment_intent")}
    return list_page(shelf, params, "dispute", "/v1/disputes", equal=equal, created=params.between("created"))


@call("POST", "disputes/<id>")
def answer_dispute(shelf, params, identity):
    """Evidence may be kept as a draft; submitted, it goes to the bank and cannot be changed."""
    dispute = get(shelf, "dispute", identity)
    given, submit = params.inner("evidence"), params.boolean("submit", default=False)
    evidence = {**dispute["evidence"], **{name: given.text(name) for name in EVIDENCE if given.has(name)}}
    given.finish()
    metadata = params.metadata(dispute["metadata"])
    params.finish()
    _check(shelf, evidence)
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise wrong_state(f"This dispute is {dispute['status']}: evidence is not taken any more.", "resource_invalid_state")
    count = dispute["evidence_details"]["submission_count"] + (1 if submit else 0)
    asking = dispute["status"] in ASKING
    status = ("warning_under_review" if asking else "under_review") if submit else dispute["status"]
    changed = {**dispute, "evidence": evidence, "metadata": metadata}
    changed = shelf.put(_with(changed, status, has_evidence=any(evidence.values()), submission_count=count))
    emit(shelf, "charge.dispute.updated", changed, dispute)
    if submit and evidence["uncategorized_text"] in DECIDING:
        shelf.later("dispute_end", identity, shelf.pace)
    return changed


def _check(shelf, evidence):
    """The published limits: of one text, of all texts, and of all files together."""
    texts = {name: value for name, value in evidence.items() if isinstance(value, str) and name not in FILES}
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            raise bad_parameter("parameter_invalid", f"evidence[{name}]", f"evidence[{name}] has more than {LONGEST_TEXT} characters.")
    if sum(map(len, texts.values())) > MOST_TEXT:
        raise bad_parameter("parameter_invalid", "evidence", f"The evidence has more than {MOST_TEXT} characters in all.")
    files = [get(shelf, "file", evidence[name], f"evidence[{name}]") for name in FILES if evidence[name]]
    if sum(file["size"] for file in files) > MOST_BYTES:
        raise bad_parameter("parameter_invalid", "evidence", "The files of the evidence have more than 4.5 MB in all.")


@call("POST", "disputes/<id>/close")
def close_dispute(shelf, params, identity):
    """Accepting the loss: the money stays with the card holder."""
    params.finish()
    dispute = get(shelf, "dispute", identity)
    if dispute["status"] not in ("needs_response", "warning_needs_response"):
        raise wrong_state(f"This dispute is {dispute['status']} and cannot be closed.", "resource_invalid_state")
    return end(shelf, dispute, "closed" if dispute["status"] in ASKING else "lost")
