"""What a payer does with a refund link: opens it, and names the account that the money is to go to."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.queries import find_vendor
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, Refusal
from core.kernel.sentence import said
from core.kernel.signing import Claims, TokenRefused, make_token, read_token
from core.notifications.team import tell_team
from core.payments.claim_models import RefundClaim
from core.payments.history import note
from core.payments.models import Payment
from core.payments.states import CLAIM, check_move
from core.providers.bank_accounts import accounts, check_iban
from core.providers.pain import LONGEST_NAME, SEPA, can_be_written

READABLE = timedelta(days=365)  # for so long the address says what became of it


class BadClaim(Refusal):
    """Not an account to which anybody could transfer."""

    code = "bad_claim"


class ClaimOver(Conflict):
    """The link does not take an account any more."""

    code = "refund_link_over"


def claim_token(vendor: Vendor, claim: RefundClaim) -> str:
    """The signed text of the page's address. It can be read for long after the link has run out: the row says what still counts."""
    return make_token("claim", vendor=vendor.public_id, mode=claim.mode, token_id=claim.token_id, expires_at=claim.created_at + READABLE)


def open_claim(text: str) -> tuple[Vendor, Payment, RefundClaim]:
    """Whose refund this is. Raises TokenRefused for anything we did not issue."""
    claims = read_token("claim", text)
    vendor = find_vendor(claims.vendor)
    claim = _named(vendor, claims) if vendor else None
    if vendor is None or claim is None:
        raise TokenRefused("revoked")
    return vendor, db.session.get_one(Payment, (claim.vendor_id, claim.mode, claim.payment_id)), claim


def standing_of_claim(vendor: Vendor, claims: Claims) -> str:
    """genuine, expired or revoked: looked at without opening it."""
    claim = _named(vendor, claims)
    standing = claim.standing if claim else "revoked"
    return standing if standing in ("expired", "revoked") else "genuine"


def _named(vendor: Vendor, claims: Claims) -> RefundClaim | None:
    mine = select(RefundClaim).where(RefundClaim.vendor_id == vendor.id, RefundClaim.mode == claims.mode)
    return db.session.scalar(mine.where(RefundClaim.token_id == claims.token_id))


def lock_claim(claim: RefundClaim) -> tuple[Payment, RefundClaim]:
    """The payment and then the link, in the order in which everybody locks."""
    payment = locked(Payment, claim.vendor_id, claim.mode, claim.payment_id)
    fresh = locked(RefundClaim, claim.vendor_id, claim.mode, claim.id)
    if payment is None or fresh is None:
        raise RuntimeError("a refund link is never deleted")
    return payment, fresh


def answer_claim(vendor: Vendor, claim: RefundClaim, *, holder: str, iban: str) -> RefundClaim:
    """The payer names the account, once. Nothing moves yet: the vendor is told, and approves it or not.

    Refuses BadClaim at the field, ClaimOver when the link takes no account any more. The same answer twice is one.
    """
    holder, number = check_account(claim.mode, holder, iban)
    payment, claim = lock_claim(claim)
    if claim.state == "claimed" and (claim.holder, claim.iban) == (holder, number):
        return claim
    if claim.standing != "open" or payment.disputed_minor:
        raise ClaimOver("This link does not take an account any more. Open it again to see why.")
    check_move(CLAIM, claim.state, "claimed")
    claim.state, claim.holder, claim.iban, claim.claimed_at = "claimed", holder, number, now()
    note(payment, "claim.answered", actor="payer", claim=claim.public_id, amount_minor=claim.amount_minor, currency=claim.currency)
    tell_team(vendor, "refund_claimed", mode=claim.mode, amount=claim.amount, payment=payment.public_id, claim=claim.public_id)
    return claim


def check_account(mode: str, holder: str, iban: str) -> tuple[str, str]:
    """The name and the IBAN as they are kept. Refuses with BadClaim at the field."""
    holder, number = " ".join(holder.split()), check_iban(iban)
    if not 1 <= len(holder) <= LONGEST_NAME or not can_be_written(holder):
        raise BadClaim(said("Enter the name on the account, %(most)s characters at most.", most=LONGEST_NAME), field="holder")
    if not number:
        raise BadClaim("This is not an IBAN. Compare it with your bank’s papers, sign by sign.", field="iban")
    if number[:2] not in SEPA:
        raise BadClaim("A transfer in euros does not reach this country. Name an account in the SEPA area.", field="iban")
    if number in {account.iban for account in accounts(settings().bank_accounts.get(mode, "")).values()}:
        raise BadClaim("The transfer would come from this very account. Name one of your own.", field="iban")
    return holder, number
