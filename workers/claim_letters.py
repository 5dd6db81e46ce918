"""What the letters about refund links are made of."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.notifications.models import Message
from core.payments.claim import get_claim
from core.payments.claim_answer import claim_token
from core.payments.claim_models import RefundClaim
from core.web import addresses
from workers.letter import Facts, NoLongerTrue, TooLate
from workers.payment_letters import about_payment


def _facts(vendor: Vendor, message: Message, *standings: str) -> tuple[Facts, RefundClaim]:
    """Only while the link is where the letter says."""
    claim = get_claim(vendor, message.mode, message.params["claim"])
    if claim.standing not in standings:
        raise (TooLate if claim.standing == "expired" else NoLongerTrue)(f"the refund link is {claim.standing} by now")
    return about_payment(vendor, message) | {"claim": claim, "action_url": addresses.claim(claim_token(vendor, claim), vendor)}, claim


def asked(vendor: Vendor, message: Message) -> Facts:
    """To the payer: where shall the money go?"""
    return _facts(vendor, message, "open")[0]


def refused(vendor: Vendor, message: Message) -> Facts:
    """To the payer: not to that account, and why."""
    facts, claim = _facts(vendor, message, "refused")
    return facts | {"reason": claim.reason.splitlines()}


def to_decide(vendor: Vendor, message: Message) -> Facts:
    """To the vendor: an account was named."""
    facts, claim = _facts(vendor, message, "claimed")
    return facts | {"action_url": addresses.portal_claim(claim.public_id, message.mode, vendor)}
