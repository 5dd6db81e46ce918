"""Refund links for the vendor's own software: asked for, read, approved or refused, taken back. The account is the payer's to name."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.kernel.money import Money
from core.payments.claim import (
    LONGEST_REASON,
    approve_claim,
    find_stuck,
    get_claim,
    make_claim,
    payment_of_claim,
    refuse_claim,
    revoke_claim,
)
from core.payments.claim_list import SeenClaim, feed_claims, refunds_behind
from core.payments.claim_models import RefundClaim
from core.payments.queries import get_payment
from core.payments.states import CLAIM
from portal.api.endpoint import endpoint
from portal.api.guard import acting, check_signed_in_now, wish_token
from portal.api.kinds import Amount, Currency, Fields, Text
from portal.api.objects import REFUND_LINK, SeenRefundLink
from portal.api.paging import Asked, list_of
from portal.api.reading import BodyRefused

ASKED: Fields = {
    "payment": Text(about="The payment that is given back, pay_...", most=60),
    "refund": Text(
        about="The refund of it that failed, ref_...; left out for a transfer of which nobody knows from where it came.", usual="", most=60
    ),
    "amount": Amount(
        about="How much, for such a transfer; left out: all that is left. A refund that failed is asked for whole.", usual=None
    ),
    "currency": Currency(about="The payment's currency. Needed beside a decimal text only.", usual=None, example="EUR"),
}


@endpoint("POST", "/refund-links", gives=REFUND_LINK, takes=ASKED, status=201)
def make_refund_link(vendor: Vendor, mode: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Ask a payer for an account

    For money that cannot go back the way it came: a refund that failed, or a transfer of which nobody knows from where it came. The payer gets
    a letter with the link, and names an account there. No money moves before it is approved.
    """
    payment = get_payment(vendor, mode, sent["payment"])
    if sent["currency"] and sent["currency"] != payment.currency:
        raise BodyRefused("The payment has another currency.", field="currency")
    refund = find_stuck(vendor, payment, sent["refund"])
    if refund is not None and sent["amount"] is not None:
        raise BodyRefused("A refund that failed is asked for whole: leave the amount out.", field="amount")
    amount = payment.refundable if sent["amount"] is None else Money(sent["amount"], payment.currency)
    return _told(vendor, make_claim(vendor, payment, refund, amount=amount, by=acting(), wish=wish_token()))


@endpoint(
    "GET", "/refund-links", gives=REFUND_LINK, many=True,
    query={
        "status": Text(about="How they stand.", usual="", one_of=tuple(sorted(CLAIM))),
        "payment": Text(about="Of one payment.", usual="", most=60),
    },
)  # fmt: skip
def all_refund_links(vendor: Vendor, mode: str, asked: Asked) -> dict[str, Any]:
    """List refund links"""
    payment = get_payment(vendor, mode, asked.filters["payment"]) if asked.filters["payment"] else None
    found = feed_claims(vendor, mode, asked.span, payment=payment, status=asked.filters["status"])
    numbers = refunds_behind(vendor, mode, [claim for claim, _payment in found.rows])

    def see(row: SeenClaim) -> SeenRefundLink:
        claim, paid = row
        return SeenRefundLink(claim, paid, numbers.get(claim.refund_id), numbers.get(claim.paid_by))

    return list_of(REFUND_LINK, found, see)


@endpoint("GET", "/refund-links/<number>", gives=REFUND_LINK)
def show_refund_link(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Read a refund link

    The account stands there masked; whole it is nobody's but the bank's.
    """
    return _told(vendor, get_claim(vendor, mode, number))


@endpoint("POST", "/refund-links/<number>/approve", gives=REFUND_LINK)
def approve_refund_link(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Approve the account that was named

    `paid_by` is the refund that pays it, which is like any other from here on. To repeat it changes nothing.
    """
    check_signed_in_now()
    return _told(vendor, approve_claim(vendor, get_claim(vendor, mode, number), by=acting()))


@endpoint(
    "POST", "/refund-links/<number>/refuse", gives=REFUND_LINK,
    takes={"reason": Text(about="Why; the payer reads it in a letter.", least=1, most=LONGEST_REASON, lines=True)},
)  # fmt: skip
def refuse_refund_link(vendor: Vendor, mode: str, sent: dict[str, Any], number: str) -> dict[str, Any]:
    """Do not approve the account that was named

    No money moves, and another link can be made.
    """
    return _told(vendor, refuse_claim(vendor, get_claim(vendor, mode, number), reason=sent["reason"], by=acting()))


@endpoint("POST", "/refund-links/<number>/revoke", gives=REFUND_LINK)
def revoke_refund_link(vendor: Vendor, mode: str, number: str) -> dict[str, Any]:
    """Take a refund link back

    As long as its payer has named no account.
    """
    return _told(vendor, revoke_claim(vendor, get_claim(vendor, mode, number), by=acting()))


def _told(vendor: Vendor, claim: RefundClaim) -> dict[str, Any]:
    numbers = refunds_behind(vendor, claim.mode, [claim])
    return REFUND_LINK.encode(SeenRefundLink(claim, payment_of_claim(claim), numbers.get(claim.refund_id), numbers.get(claim.paid_by)))
