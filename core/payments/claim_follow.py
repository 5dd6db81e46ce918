"""What becomes of a refund link when the refund that pays it ends, and to which account that refund goes."""

from __future__ import annotations

from sqlalchemy import select

from core.kernel.clock import now
from core.kernel.db import db
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.payments.states import CLAIM, may_move

BANK = "bank"  # the provider of a refund that our bank pays: to where a transfer came from, or to an account its payer named
ENDS = {"succeeded": "paid", "failed": "failed", "canceled": "failed"}


def by_transfer(payment: Payment, refund: Refund) -> bool:
    """Whether our own bank transfers it: it takes a transfer's days then, and not a card's."""
    return (refund.provider or payment.provider) == BANK


def claim_paid_by(refund: Refund) -> RefundClaim | None:
    """The link whose money this refund is; None for a refund that goes back the way it came."""
    if refund.provider != BANK:
        return None
    mine = (RefundClaim.vendor_id == refund.vendor_id, RefundClaim.mode == refund.mode, RefundClaim.paid_by == refund.id)
    return db.session.scalar(select(RefundClaim).where(*mine))


def follow_claim(refund: Refund) -> None:
    """The refund has ended, in the present transaction and with its payment locked. One that came back leaves its payer unpaid again."""
    claim, to = claim_paid_by(refund), ENDS.get(refund.state)
    if claim is not None and to is not None and may_move(CLAIM, claim.state, to):
        claim.state, claim.settled_at = to, now()
