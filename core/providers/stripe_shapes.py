"""What Stripe's objects mean in the words of the contract: pure functions from the wire's dicts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.kernel.money import Money
from core.providers.contract import Outcome, ProviderEvent, RefundOutcome, ThreeDSecure
from core.providers.disputes import REASONS, DisputeOutcome, Withdrawal
from core.providers.exponents import fee_from_gateway, from_gateway
from core.providers.saved import SavedMethod, SavingOutcome
from core.providers.signature import text_map
from core.providers.stripe_methods import paid_with

Wire = dict[str, Any]
_WORD = re.compile("[a-z0-9_.]{1,40}")
_INTENT_STATES = {
    "succeeded": "succeeded",
    "processing": "processing",
    "requires_capture": "processing",
    "requires_action": "requires_action",
    "requires_confirmation": "requires_method",
    "canceled": "canceled",
}
_REFUND_STATES = {"succeeded": "succeeded", "pending": "pending", "requires_action": "pending", "failed": "failed", "canceled": "canceled"}
_REFUND_TYPES = ("refund.", "charge.refund.")
_SETTLING = frozenset(("payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing",
                       "payment_intent.requires_action"))  # fmt: skip

# What an account's webhook endpoint is made for (docs/how-to/stripe.md says the same). Every event is a request, a row and a task, so each fact
# is heard once: that a payment was made, from its charge, which names the card as well; the intent and the session would say it twice more.
HEARD = (
    "charge.succeeded", "charge.captured", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing",
    "payment_intent.requires_action", "checkout.session.expired",
    "setup_intent.succeeded", "setup_intent.setup_failed", "setup_intent.canceled",
    "refund.created", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
    "transfer.created", "transfer.updated", "transfer.reversed",
)  # fmt: skip
HEARD_OF_SELLERS = ("account.updated", "payout.created", "payout.updated", "payout.paid", "payout.failed", "payout.canceled")

# Written into the metadata of a charge made without the payer: the intent itself does not say it, and no other card can be tried on it.
OFF_SESSION = {"off_session": "1"}
# Another day will not help: the card is gone, closed, or its holder has said no for good.
HARD_DECLINES = frozenset(("card_not_supported", "currency_not_supported", "do_not_try_again", "expired_card", "fraudulent", "incorrect_number",
                           "invalid_account", "lost_card", "merchant_blacklist", "pickup_card", "restricted_card",
                           "revocation_of_all_authorizations", "revocation_of_authorization", "stolen_card", "stop_payment_order",
                           "transaction_not_allowed"))  # fmt: skip


def instant(seconds: int) -> datetime:
    """An instant from the wire's whole seconds."""
    return datetime.fromtimestamp(seconds, UTC)


def session_outcome(session: Wire) -> Outcome:
    """What a Checkout Session has come to; its intent is expanded, or absent when nobody pressed the button yet."""
    intent = session.get("payment_intent")
    if isinstance(intent, dict):
        found = intent_outcome(intent, session["id"])
        if session["status"] == "expired" and found.state in ("declined", "requires_method", "requires_action"):
            return Outcome("canceled", session["id"], payment_intent=intent["id"])
        # A session is complete when the payer was done with it, though the bank had not answered: it is not opened again.
        return replace(found, closed=found.state == "declined" and session["status"] == "complete")
    state = "canceled" if session["status"] == "expired" else "requires_method" if session["status"] == "open" else "unknown"
    return Outcome(state, session["id"], payment_intent=intent)


def intent_outcome(intent: Wire, reference: str | None = None) -> Outcome:
    """What a PaymentIntent has come to; the charge may be whole, an id, or missing."""
    charge = intent.get("latest_charge")
    whole: Wire = charge if isinstance(charge, dict) else {}
    charge_id = whole.get("id") or (charge if isinstance(charge, str) else None)
    error = intent.get("last_payment_error") or {}
    state = _INTENT_STATES.get(intent["status"], "unknown")
    if intent["status"] == "requires_payment_method":
        state = "declined" if error else "requires_method"
    card, (method, method_kind) = _card(whole, error), paid_with(_details(whole, error))
    fee, fee_reference, available_on = _fee(whole)
    at = whole.get("created") if whole else None
    found = Outcome(
        state=state,
        provider_reference=reference or intent["id"],
        payment_intent=intent["id"],
        charge=error.get("charge") if state == "declined" else charge_id,
        tried=(error.get("payment_method") or {}).get("id") if state == "declined" else None,
        captured=from_gateway(intent["amount_received"], intent["currency"]) if state == "succeeded" else None,
        decline_code=(error.get("decline_code") or error.get("code") or "declined") if state == "declined" else None,
        decline_message=error.get("message") if state == "declined" else None,
        card_brand=card.get("brand"),
        card_last4=card.get("last4"),
        card_fingerprint=card.get("fingerprint"),
        card_funding=card.get("funding"),
        card_country=card.get("country"),
        method=method,
        kind=method_kind,
        fee=fee if state == "succeeded" else None,
        fee_reference=fee_reference if state == "succeeded" else None,
        occurred_at=instant(at) if at else None,
        available_on=available_on if state == "succeeded" else None,
        secured=_secured(card) if state == "succeeded" else None,
        held=intent["status"] == "requires_capture",
        hard=state == "declined"
        and (error.get("advice_code") == "do_not_try_again" or (error.get("decline_code") or error.get("code")) in HARD_DECLINES),
    )
    return _unattended(found, error) if (intent.get("metadata") or {}).items() >= OFF_SESSION.items() else found


def _unattended(found: Outcome, error: Wire) -> Outcome:
    """Nobody was there to be asked, and nobody has a page to try again on: what did not work is over."""
    if found.state == "declined" and "authentication_required" in (error.get("code"), error.get("decline_code")):
        return replace(found, state="requires_action", decline_code=None, decline_message=None, hard=False, closed=True)
    return replace(found, closed=True) if found.state in ("declined", "requires_action") else found


def saving_outcome(session: Wire) -> SavingOutcome:
    """What a Checkout Session that saves a card has come to; its SetupIntent and the method in it are whole."""
    setup = session.get("setup_intent")
    method = setup.get("payment_method") if isinstance(setup, dict) else None
    if isinstance(setup, dict) and setup["status"] == "succeeded" and isinstance(method, dict) and method.get("card"):
        card, customer = method["card"], setup.get("customer") or session.get("customer")
        dates = card["exp_month"], card["exp_year"]
        known = card.get("funding"), card.get("fingerprint"), card.get("country")
        kept = SavedMethod(customer, method["id"], card["brand"], card["last4"], *dates, *known)
        return SavingOutcome("saved", session["id"], kept)
    return SavingOutcome("canceled" if session["status"] == "expired" else "open", session["id"])


def charge_outcome(charge: Wire) -> Outcome:
    """What a charge that took money says of its payment: the same success as its intent's, and the card as well."""
    card, (method, method_kind) = _card(charge, {}), paid_with(_details(charge, {}))
    return Outcome(
        state="succeeded",
        provider_reference=charge.get("payment_intent") or charge["id"],
        payment_intent=charge.get("payment_intent"),
        charge=charge["id"],
        captured=from_gateway(charge["amount_captured"], charge["currency"]),
        card_brand=card.get("brand"),
        card_last4=card.get("last4"),
        card_fingerprint=card.get("fingerprint"),
        card_funding=card.get("funding"),
        card_country=card.get("country"),
        method=method,
        kind=method_kind,
        occurred_at=instant(charge["created"]),
        secured=_secured(card),
    )


def _details(charge: Wire, error: Wire) -> Wire:
    """What the wire says of the method: the charge's own details, or the method whose try failed."""
    return charge.get("payment_method_details") or error.get("payment_method") or {}


def _card(charge: Wire, error: Wire) -> Wire:
    return (charge.get("payment_method_details") or {}).get("card") or (error.get("payment_method") or {}).get("card") or {}


def _secured(card: Wire) -> ThreeDSecure | None:
    """What a charge's card says of 3-D Secure; nothing where it was no part of the payment."""
    told = card.get("three_d_secure")
    if not isinstance(told, dict) or not (result := _word(told.get("result"))):
        return None
    return ThreeDSecure(result, _word(told.get("authentication_flow")), _word(told.get("version")))


def _word(told: object) -> str:
    """A word of the wire's, as it may be kept."""
    return told if isinstance(told, str) and _WORD.fullmatch(told) else ""


def _fee(charge: Wire) -> tuple[Money | None, str | None, datetime | None]:
    line = charge.get("balance_transaction")
    return fee_line(line) if isinstance(line, dict) else (None, None, None)


def fee_line(line: Wire) -> tuple[Money, str, datetime]:
    """A balance transaction as (fee, its id, when the rest is available)."""
    return fee_from_gateway(line["fee"], line["currency"]), line["id"], instant(line["available_on"])


def refund_outcome(refund: Wire) -> RefundOutcome:
    """What a refund has come to."""
    return RefundOutcome(
        state=_REFUND_STATES.get(refund.get("status") or "", "unknown"),
        provider_reference=refund["id"],
        amount=from_gateway(refund["amount"], refund["currency"]),
        failure_reason=refund.get("failure_reason"),
        charge=charge["id"] if isinstance(charge := refund.get("charge"), dict) else charge,
        reference=(refund.get("metadata") or {}).get("reference"),
        reason=refund.get("reason"),
    )


_DISPUTE_STATES = {
    "warning_needs_response": "inquiry", "warning_under_review": "inquiry", "warning_closed": "closed", "prevented": "closed",
    "needs_response": "needs_response", "under_review": "under_review", "won": "won", "lost": "lost",
}  # fmt: skip


def dispute_outcome(dispute: Wire) -> DisputeOutcome:
    """A dispute as it stands; its charge is whole, or an id."""
    charge, details = dispute["charge"], dispute.get("evidence_details") or {}
    whole: Wire = charge if isinstance(charge, dict) else {}
    due, reason = details.get("due_by"), dispute.get("reason")
    return DisputeOutcome(
        state=_DISPUTE_STATES.get(dispute["status"], "unknown"),
        provider_reference=dispute["id"],
        charge=whole.get("id") or charge,
        amount=from_gateway(dispute["amount"], dispute["currency"]),
        reason=reason if reason in REASONS else "general",
        network_code=((dispute.get("payment_method_details") or {}).get("card") or {}).get("network_reason_code") or "",
        due_at=instant(due) if due else None,
        opened_at=instant(dispute["created"]),
        withdrawals=tuple(_withdrawal(line) for line in dispute.get("balance_transactions") or ()),
        submissions=details.get("submission_count") or 0,
        metadata=text_map(whole.get("metadata")),
    )


def _withdrawal(line: Wire) -> Withdrawal:
    return Withdrawal(line["id"], from_gateway(-line["amount"], line["currency"]), fee_from_gateway(line["fee"], line["currency"]))


def event(provider: str, mode: str, body: Wire) -> ProviderEvent:
    """One event. Raises KeyError, TypeError or ValueError for a body that is none."""
    subject, kind = body["data"]["object"], body["type"]
    if not (isinstance(body["id"], str) and body["id"].startswith("evt_") and len(body["id"]) <= 80 and isinstance(kind, str)):
        raise ValueError("no event id")
    outcome, refund, dispute, receiver, room = None, None, None, None, "other"
    if kind in _SETTLING:
        room, outcome = "payment", intent_outcome(subject)
        if outcome.state == "succeeded" and outcome.charge is None:
            outcome = None
    elif kind in ("charge.succeeded", "charge.captured") and subject["captured"]:
        room, outcome = "payment", charge_outcome(subject)
    elif kind.startswith("setup_intent.") or (kind.startswith("checkout.session.") and subject.get("mode") == "setup"):
        room = "saving"
    elif kind.startswith(("payment_intent.", "checkout.session.")):
        room = "payment"
        if kind == "checkout.session.expired" and subject.get("payment_intent") is None:
            outcome = Outcome("canceled", subject["id"])
    elif kind.startswith("charge.dispute."):
        room, dispute = "dispute", str(subject["id"])
    elif kind == "account.updated":
        room, receiver = "receiver", str(subject["id"])
    elif kind.startswith("transfer.") or (kind.startswith("payout.") and body.get("account")):
        room = "payout"
    elif kind.startswith(_REFUND_TYPES):
        room, refund = "refund", refund_outcome(subject)
    return ProviderEvent(
        provider=provider,
        mode=mode,
        event_id=body["id"],
        kind=room,
        type=kind[:80],
        created_at=instant(body["created"]),
        metadata=text_map(subject.get("metadata")),
        outcome=outcome,
        refund_outcome=refund,
        dispute=dispute,
        receiver=receiver,
        raw=body,
    )
