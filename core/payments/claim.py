"""The whole life of a refund link for its vendor: made for what cannot go back the way it came, approved or refused once its payer has named
an account, taken back, run out. The money leaves as a refund of the same payment, and never before somebody has approved it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Select, func, select

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import Sentence, said
from core.ledger.book import PLATFORM
from core.payments.claim_answer import lock_claim
from core.payments.claim_follow import BANK
from core.payments.claim_models import RefundClaim
from core.payments.history import note
from core.payments.lists import get_refund
from core.payments.models import Payment
from core.payments.refund import NOT_THERE, request_refund
from core.payments.refund_models import Refund
from core.payments.start import lock_payment
from core.payments.states import CLAIM, check_move
from core.payments.to_payer import write_to_payer
from core.providers.bank_accounts import accounts
from core.providers.bank_orders import knows_a_way_back

LIFE = timedelta(days=30)  # in which the payer names an account
LONGEST_REASON = 300
WAITS = ("open", "claimed")
RAIL = "EUR"  # what a SEPA transfer carries
PAYS_ONCE = ("open", "claimed", "approved", "paid")
PAYS_TWICE = said(
    "The processor says that this money is not there any more: it has gone back already, or is disputed. A transfer would pay twice."
)


class NoRefundLink(Refusal):
    """There can be none for this."""

    code = "no_refund_link"


class ClaimMovedOn(Conflict):
    """It is not where it was when it was looked at."""

    code = "refund_link_moved_on"


def list_claims(vendor: Vendor, payment: Payment) -> list[RefundClaim]:
    """A payment's links, oldest first."""
    return list(db.session.scalars(_mine(vendor, payment.mode).where(RefundClaim.payment_id == payment.id).order_by(RefundClaim.id)))


def get_claim(vendor: Vendor, mode: str, number: str) -> RefundClaim:
    """One by its number; refuses with 404."""
    found = db.session.scalar(_mine(vendor, mode).where(RefundClaim.public_id == number)) if is_public_id("rcl", number) else None
    if found is None:
        raise NotFound("There is no such refund link.")
    return found


def payment_of_claim(claim: RefundClaim) -> Payment:
    """Whose refund it is."""
    return db.session.get_one(Payment, (claim.vendor_id, claim.mode, claim.payment_id))


def claims_to_decide(vendor: Vendor, mode: str) -> tuple[int, RefundClaim | None]:
    """How many wait for the vendor, and the one that has waited longest."""
    waiting = _mine(vendor, mode).where(RefundClaim.state == "claimed")
    count = int(db.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0)
    return count, db.session.scalar(waiting.order_by(RefundClaim.id).limit(1)) if count else None


def _mine(vendor: Vendor, mode: str) -> Select[tuple[RefundClaim]]:
    return select(RefundClaim).where(RefundClaim.vendor_id == vendor.id, RefundClaim.mode == mode)


def can_have_links(vendor: Vendor, rows: Sequence[tuple[Refund, Payment]]) -> set[uuid.UUID]:
    """Of these refunds the ids of those that a link can be made for, in one question."""
    stuck = [(refund, payment) for refund, payment in rows if is_stuck(payment, refund)]
    if not stuck:
        return set()
    asked = select(RefundClaim).where(RefundClaim.vendor_id == vendor.id, RefundClaim.refund_id.in_([refund.id for refund, _ in stuck]))
    known = list(db.session.scalars(asked))
    return {refund.id for refund, payment in stuck if why_no_link(payment, refund, known) is None}


# --- making one ----------------------------------------------------------------------------------------------------------


def find_stuck(vendor: Vendor, payment: Payment, number: str) -> Refund | None:
    """The refund of this payment that a link is to be made for; None without a number. Refuses with 404."""
    if not number:
        return None
    refund = get_refund(vendor, payment.mode, number)
    if refund.payment_id != payment.id:
        raise NotFound("There is no such refund of this payment.")
    return refund


def is_stuck(payment: Payment, refund: Refund | None) -> bool:
    """Whether money cannot go back the way it came: this refund failed, or, without one, nobody knows from where a transfer came."""
    if refund is None:
        return payment.provider == BANK and payment.state == "succeeded" and not knows_a_way_back(payment.mode, payment.public_id)
    ended_badly = refund.state == "failed" or (refund.state == "canceled" and refund.sent_at is not None)
    return refund.of_sale and ended_badly and refund.provider != BANK  # one that a link was to pay is asked for by the first refund again


def why_no_link(payment: Payment, refund: Refund | None, claims: list[RefundClaim]) -> Sentence | None:
    """Why no link can be made for what is stuck; None when one can. `claims` are the payment's."""
    wanted = refund.amount if refund else payment.refundable
    if payment.currency != RAIL or RAIL not in accounts(settings().bank_accounts.get(payment.mode, "")):
        return said(
            "A refund to another account goes by SEPA transfer, which carries euros only; this payment was in %(currency)s.",
            currency=payment.currency,
        )
    if not payment.email:
        return said("The payer left no e-mail address, so there is nobody to ask for an account.")
    if payment.disputed_minor:
        return said("It cannot be refunded while it is disputed: the payer’s bank holds the money.")
    if refund and refund.failure_reason in NOT_THERE:
        return PAYS_TWICE
    if not payment.refundable or payment.refundable < wanted:
        return said("That much is not left of the payment: the money has gone back in another way.")
    if any(one.refund_id == (refund.id if refund else None) and one.state in _hinders(refund) for one in claims):
        return said("There is a refund link for this already.")
    return None


def _hinders(refund: Refund | None) -> tuple[str, ...]:
    """What refuses another link beside it. Parts of a payment whose way back nobody knows go one after the other."""
    return PAYS_ONCE if refund else ("open", "claimed", "approved")


def make_claim(
    vendor: Vendor, payment: Payment, refund: Refund | None, *, amount: Money | None, by: str, wish: str | None = None
) -> RefundClaim:
    """Write to the payer, in the language they paid in, and ask for an account. For a refund that failed: of exactly that much; `amount` is for
    a transfer whose way back nobody knows. With a `wish` it is known again: the same one makes nothing twice. Refuses NoRefundLink."""
    payment = lock_payment(payment)
    if wish is not None and (known := db.session.scalar(_mine(vendor, payment.mode).where(RefundClaim.wish == wish))) is not None:
        return known
    if payment.vendor_id == PLATFORM or not is_stuck(payment, refund):
        raise NoRefundLink("This money can go back the way it came. Refund it there.")
    if (problem := why_no_link(payment, refund, list_claims(vendor, payment))) is not None:
        raise NoRefundLink(problem)
    wanted = refund.amount if refund else amount
    if wanted is None or wanted.currency != payment.currency or wanted.minor <= 0:
        raise NoRefundLink(said("Enter an amount in %(currency)s above zero.", currency=payment.currency), field="amount")
    if payment.refundable < wanted:
        raise NoRefundLink(said("At most %(refundable)s can still be refunded.", refundable=payment.refundable), field="amount")
    at = now()
    claim = RefundClaim(
        vendor_id=vendor.id, mode=payment.mode, id=uuid7(), public_id=public_id("rcl"), payment_id=payment.id,
        refund_id=refund.id if refund else None, token_id=public_id("tok"), state="open", currency=wanted.currency,
        amount_minor=wanted.minor, made_by=by, created_at=at,
        expires_at=at + LIFE, wish=wish,
    )  # fmt: skip
    db.session.add(claim)
    db.session.flush()
    _say(payment, claim, "claim.opened", by)
    record(vendor.id, actor=by, action="claim.opened", subject=claim.public_id, **_facts(payment, claim))
    write_to_payer(vendor, "refund_claim", payment, claim=claim.public_id)
    return claim


def _facts(payment: Payment, claim: RefundClaim) -> dict[str, str | int]:
    return {"payment": payment.public_id, "mode": claim.mode, "amount_minor": claim.amount_minor, "currency": claim.currency}


def _say(payment: Payment, claim: RefundClaim, kind: str, actor: str, **more: str) -> None:
    note(payment, kind, actor=actor, claim=claim.public_id, amount_minor=claim.amount_minor, currency=claim.currency, **more)


# --- what ends it --------------------------------------------------------------------------------------------------------


def approve_claim(vendor: Vendor, claim: RefundClaim, *, by: str) -> RefundClaim:
    """Pay it: a refund of the same payment, to the account that was named. To approve it again changes nothing, however many do at once.

    Refuses ClaimMovedOn when there is nothing to approve, and whatever request_refund refuses: a dispute, or less that is left.
    """
    payment, claim = lock_claim(claim)
    if claim.paid_by is not None:
        return claim
    if claim.state != "claimed":
        raise ClaimMovedOn("This refund link does not wait for your approval.")
    failed = locked(Refund, claim.vendor_id, claim.mode, claim.refund_id) if claim.refund_id else None
    if failed is not None and failed.failure_reason in NOT_THERE:
        raise ClaimMovedOn(PAYS_TWICE)
    refund = request_refund(
        vendor, payment, amount=claim.amount, reason=failed.reason if failed else "other", by=by, form_token=f"claim:{claim.public_id}",
        on_settled=failed.on_settled if failed else None, through=BANK,
    )  # fmt: skip
    if refund.provider != BANK or refund.amount != claim.amount:  # a browser may send any number of a form, this one's too
        raise ClaimMovedOn("This refund link was paid in another way. Take a look at the refunds of the payment.")
    check_move(CLAIM, claim.state, "approved")
    claim.state, claim.decided_by, claim.decided_at, claim.paid_by = "approved", by, now(), refund.id
    _say(payment, claim, "claim.approved", by, refund=refund.public_id)
    record(vendor.id, actor=by, action="claim.approved", subject=claim.public_id, refund=refund.public_id, **_facts(payment, claim))
    return claim


def refuse_claim(vendor: Vendor, claim: RefundClaim, *, reason: str, by: str) -> RefundClaim:
    """Do not pay to that account. The payer is written to, with the reason; another link can be made. Refuses ClaimMovedOn."""
    reason = reason.strip()[:LONGEST_REASON]
    if not reason:
        raise Refusal("Say why: the payer reads it.", field="reason")
    payment, claim = lock_claim(claim)
    if claim.state == "refused":
        return claim
    if claim.state != "claimed":
        raise ClaimMovedOn("This refund link does not wait for your approval.")
    claim.reason = reason
    _end(payment, claim, "refused", by=by)
    record(vendor.id, actor=by, action="claim.refused", subject=claim.public_id, **_facts(payment, claim))
    write_to_payer(vendor, "refund_claim_refused", payment, claim=claim.public_id)
    return claim


def revoke_claim(vendor: Vendor, claim: RefundClaim, *, by: str) -> RefundClaim:
    """Take a link back that no account was named for. Refuses ClaimMovedOn."""
    payment, claim = lock_claim(claim)
    if claim.state == "revoked":
        return claim
    if claim.state != "open":
        raise ClaimMovedOn("This refund link is not open any more.")
    _end(payment, claim, "revoked", by=by)
    record(vendor.id, actor=by, action="claim.revoked", subject=claim.public_id, **_facts(payment, claim))
    return claim


def list_waiting(vendor: Vendor, mode: str) -> list[RefundClaim]:
    """Every link that waits, for its payer or for the vendor."""
    return list(db.session.scalars(_mine(vendor, mode).where(RefundClaim.state.in_(WAITS)).order_by(RefundClaim.id)))


def end_practised(vendor: Vendor, claim: RefundClaim, *, by: str) -> None:
    """Take one back that waits, also one that an account was named for: the business has closed, and nobody will be there to decide."""
    payment, claim = lock_claim(claim)
    if claim.state in WAITS:
        _end(payment, claim, "revoked", by=by)
        record(vendor.id, actor=by, action="claim.revoked", subject=claim.public_id, **_facts(payment, claim))


def list_claims_to_expire(limit: int = 100) -> list[tuple[uuid.UUID, str, uuid.UUID]]:
    """Open ones whose time is over: vendor, mode and id. For the clock."""
    over = select(RefundClaim).where(RefundClaim.state == "open", RefundClaim.expires_at <= now())
    return [(one.vendor_id, one.mode, one.id) for one in db.session.scalars(over.order_by(RefundClaim.expires_at).limit(limit))]


def expire_claim(vendor_id: uuid.UUID, mode: str, claim_id: uuid.UUID) -> None:
    """End it, unless its payer was faster."""
    payment, claim = lock_claim(db.session.get_one(RefundClaim, (vendor_id, mode, claim_id)))
    if claim.state == "open" and claim.standing == "expired":
        _end(payment, claim, "expired", by="system")


def _end(payment: Payment, claim: RefundClaim, to: str, *, by: str) -> None:
    check_move(CLAIM, claim.state, to)
    claim.state, claim.decided_by, claim.decided_at = to, by, now()
    _say(payment, claim, f"claim.{to}", by, **({"reason_text": claim.reason} if claim.reason else {}))
