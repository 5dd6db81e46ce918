"""Questions about links and payments. The vendor (and the mode) come first, always: nobody reads another's book."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, exists, func, select

from core.accounts.models import Vendor
from core.directory.models import Branch
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.payments.attempt import live_attempt
from core.payments.lockout import BY_CARD, is_held, locked_until
from core.payments.models import Attempt, Payment, PaymentEvent, PaymentLink
from core.payments.refund_models import Refund
from core.payments.seen import seen
from core.payments.sharing_models import LinkLabel
from core.payments.states import PAID

Row = TypeVar("Row")
MOST_ROWS = 100
AFTERWARDS = ("refunded", "partly_refunded", "disputed")  # what a payment that was paid is shown as later
AMOUNT_KINDS = {
    "fixed": PaymentLink.amount_minor.is_not(None),
    "open": PaymentLink.amount_minor.is_(None) & PaymentLink.total_minor.is_(None),
    "request": PaymentLink.total_minor.is_not(None),
}


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, newest first, and the public id to ask the older ones after (None at the end)."""

    rows: list[Row]
    next: str | None


def get_link(vendor: Vendor, mode: str, public_id: str) -> PaymentLink:
    """This vendor's link; refuses with 404."""
    if is_public_id("lnk", public_id):
        mine = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, *seen(PaymentLink))
        link = db.session.scalar(mine.where(PaymentLink.public_id == public_id))
        if link:
            return link
    raise NotFound("There is no such payment link.")


def find_link_of(vendor: Vendor, payment: Payment) -> PaymentLink | None:
    """The link a payment came through."""
    return db.session.get(PaymentLink, (vendor.id, payment.mode, payment.link_id)) if payment.link_id else None


def list_links(
    vendor: Vendor,
    mode: str,
    *,
    state: str | None = None,
    text: str | None = None,
    label: str | None = None,
    amount_kind: str | None = None,
    branch: str | None = None,
    after: str | None = None,
    limit: int = 25,
) -> Page[PaymentLink]:
    """The vendor's links, newest first, by keyset; archived ones only where `state` asks for them.

    `amount_kind` is fixed, open (the payer chooses) or request (a total, paid in parts).
    """
    query = select(PaymentLink).where(
        PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, ~PaymentLink.session, *seen(PaymentLink)
    )
    query = query.where(PaymentLink.archived_at.is_not(None) if state == "archived" else PaymentLink.archived_at.is_(None))
    if state and state != "archived":
        query = query.where(PaymentLink.state == state)
    if text:
        query = query.where(PaymentLink.title.icontains(text, autoescape=True))
    if label:
        filed = select(LinkLabel.link_id).where(LinkLabel.vendor_id == vendor.id, LinkLabel.mode == mode, LinkLabel.label == label)
        query = query.where(PaymentLink.id.in_(filed))
    if branch:
        there = select(Branch.id).where(Branch.vendor_id == vendor.id, Branch.mode == mode, Branch.public_id == branch)
        query = query.where(PaymentLink.branch_id == there.scalar_subquery())
    if amount_kind:
        query = query.where(AMOUNT_KINDS[amount_kind])
    if after:
        query = query.where(PaymentLink.id < get_link(vendor, mode, after).id)
    limit = min(limit, MOST_ROWS)
    rows = list(db.session.scalars(query.order_by(PaymentLink.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def label_words(vendor: Vendor, mode: str, *, at_most: int = 100) -> list[str]:
    """Every label this vendor uses, by the alphabet."""
    used = select(LinkLabel.label).where(LinkLabel.vendor_id == vendor.id, LinkLabel.mode == mode).distinct()
    return sorted(db.session.scalars(used.limit(at_most)), key=str.casefold)


def labels_by_link(vendor: Vendor, mode: str, links: list[PaymentLink]) -> dict[uuid.UUID, list[str]]:
    """The labels of several links in one look."""
    found: dict[uuid.UUID, list[str]] = {link.id: [] for link in links}
    filed = select(LinkLabel.link_id, LinkLabel.label).where(LinkLabel.vendor_id == vendor.id, LinkLabel.mode == mode)
    for link_id, label in db.session.execute(filed.where(LinkLabel.link_id.in_(list(found))).order_by(LinkLabel.label)):
        found[link_id].append(label)
    return found


def paid_through(link: PaymentLink, *, at_most: int = 1000) -> int:
    """How many payments succeeded through a link, counted up to `at_most` (a page says "1,000 or more" beyond it)."""
    some = (
        select(Payment.id)
        .where(Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.state.in_(PAID))
        .limit(at_most)
    )
    return int(db.session.scalar(select(func.count()).select_from(some.subquery())) or 0)


def get_payment(vendor: Vendor, mode: str, public_id: str) -> Payment:
    """This vendor's payment; refuses with 404."""
    payment = find_payment(vendor, mode, public_id)
    if payment is None:
        raise NotFound("There is no such payment.")
    return payment


def find_payment(vendor: Vendor, mode: str, public_id: str) -> Payment | None:
    """This vendor's payment by its public id, or None."""
    if not is_public_id("pay", public_id):
        return None
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.public_id == public_id)
    return db.session.scalar(mine.where(*seen(Payment)))


def payment_of(vendor: Vendor, refund: Refund) -> Payment:
    """The payment a refund belongs to."""
    return db.session.get_one(Payment, (vendor.id, refund.mode, refund.payment_id))


def timeline(vendor: Vendor, payment: Payment) -> list[PaymentEvent]:
    """Everything that ever happened to a payment, oldest first."""
    mine = select(PaymentEvent).where(
        PaymentEvent.vendor_id == vendor.id, PaymentEvent.mode == payment.mode, PaymentEvent.payment_id == payment.id
    )
    return list(db.session.scalars(mine.order_by(PaymentEvent.seq)))


def list_refunds(vendor: Vendor, payment: Payment) -> list[Refund]:
    """A payment's refunds, oldest first, also the returns of money it did not ask for."""
    mine = select(Refund).where(Refund.vendor_id == vendor.id, Refund.mode == payment.mode, Refund.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(Refund.id)))


def refunds_of_sale(vendor: Vendor, payment: Payment) -> list[Refund]:
    """The refunds of what was sold, oldest first: those that a receipt and the payment's sums speak of."""
    return [refund for refund in list_refunds(vendor, payment) if refund.of_sale]


def list_attempts(vendor: Vendor, payment: Payment) -> list[Attempt]:
    """A payment's attempts, oldest first."""
    mine = select(Attempt).where(Attempt.vendor_id == vendor.id, Attempt.mode == payment.mode, Attempt.payment_id == payment.id)
    return list(db.session.scalars(mine.order_by(Attempt.number)))


def page_state(payment: Payment) -> str:
    """Which page of the checkout tells the truth now: pay, challenge, transfer, checking, paid, failed, locked, held, canceled, expired or marked.

    `challenge`: the provider has opened its page and waits for the payer. `transfer`: the payer has what to enter at their bank, and
    we wait for the bank's statement. `checking`: the payer may have paid and we do
    not know yet. Failure is only shown when the provider has said so.
    """
    if payment.state in ("canceled", "expired"):
        return payment.state
    if payment.state == "succeeded":
        return "paid"
    if payment.state == "marked_paid":
        return "marked"
    if payment.state in ("processing", "unknown"):
        return "checking"
    if payment.state == "requires_method":
        return _between_tries(payment)
    attempt = live_attempt(payment) if payment.state == "requires_action" else None
    if attempt is not None:
        if attempt.provider == "bank" and attempt.provider_reference:
            return "transfer"
        return "held" if attempt.method in BY_CARD and is_held(payment) else "challenge"
    if now() >= payment.expires_at and live_attempt(payment) is None:
        return "expired"
    return "held" if is_held(payment) else "pay"


def _between_tries(payment: Payment) -> str:
    """After a decline, or a page that was closed: it may be tried again, unless it rests."""
    if locked_until(payment):
        return "locked"
    return "held" if is_held(payment) else "failed" if payment.decline_code else "pay"


def shown_state(payment: Payment) -> str:
    """The word for a payment on every page that tells of it: its state, that its bank has taken it back for now, or how much of it has gone back."""
    if payment.state == "succeeded" and payment.disputed:
        return "disputed"
    if payment.state != "succeeded" or not payment.refunded:
        return payment.state
    return "refunded" if payment.refunded == payment.captured else "partly_refunded"


def is_shown_as(status: str) -> ColumnElement[bool]:
    """The same as a condition, for lists: a payment's state, or what became of the money of one that was paid. `succeeded` is all that were
    paid, whatever came after."""
    if status not in AFTERWARDS:
        return Payment.state == status
    if status == "disputed":
        return (Payment.state == "succeeded") & (Payment.disputed_minor > 0)
    whole = Payment.refunded_minor == Payment.captured_minor
    # Few payments have refunds: they are looked up from there, and not each payment is looked at.
    of_it = (Refund.vendor_id == Payment.vendor_id) & (Refund.mode == Payment.mode) & (Refund.payment_id == Payment.id)
    given_back = exists().where(of_it, Refund.state == "succeeded") & (Payment.refunded_minor > 0) & (Payment.disputed_minor == 0)
    return (Payment.state == "succeeded") & given_back & (whole if status == "refunded" else ~whole)


def milestones(vendor: Vendor, mode: str) -> dict[str, bool]:
    """Whether this vendor has any link and any payment yet: for the checklist on the home page."""
    has_link = select(PaymentLink.id).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode).limit(1)
    has_paid = select(Payment.id).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.state == "succeeded").limit(1)
    return {"link": db.session.scalar(has_link) is not None, "paid": db.session.scalar(has_paid) is not None}


def references_of(vendor: Vendor, mode: str, public_ids: set[str]) -> dict[str, str]:
    """How people call several of this vendor's payments, by public id. Whatever else is among the ids is left out."""
    wanted = {one for one in public_ids if one.startswith("pay_")}
    mine = (Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.public_id.in_(wanted), *seen(Payment))
    rows = db.session.execute(select(Payment.public_id, Payment.reference).where(*mine)) if wanted else ()
    return {public_id: reference for public_id, reference in rows}


def links_named(vendor: Vendor, mode: str, public_ids: set[str]) -> set[str]:
    """Those of these public ids that are links of this vendor."""
    wanted = {one for one in public_ids if one.startswith("lnk_")}
    mine = (PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, PaymentLink.public_id.in_(wanted), *seen(PaymentLink))
    return set(db.session.scalars(select(PaymentLink.public_id).where(*mine))) if wanted else set()


def payments_of_refunds(vendor: Vendor, mode: str, public_ids: set[str]) -> dict[str, str]:
    """Of several of this vendor's refunds, by public id, the payment's. Whatever else is among the ids is left out."""
    wanted = {one for one in public_ids if one.startswith("ref_")}
    its = (Payment.vendor_id == Refund.vendor_id) & (Payment.mode == Refund.mode) & (Payment.id == Refund.payment_id)
    query = select(Refund.public_id, Payment.public_id).join(Payment, its)
    rows = (
        db.session.execute(query.where(Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.public_id.in_(wanted), *seen(Payment)))
        if wanted
        else ()
    )
    return {refund: payment for refund, payment in rows}


def payments_named(vendor: Vendor, mode: str, public_ids: set[str]) -> dict[str, Payment]:
    """Several of this vendor's payments by public id, in one look."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == mode, Payment.public_id.in_(public_ids), *seen(Payment))
    return {payment.public_id: payment for payment in db.session.scalars(mine)} if public_ids else {}
