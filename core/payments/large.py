"""A payment that is unusually large is news to the seller: by a sum of its own, or far above what came in lately. It holds nothing back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.currency import OFFERED
from core.kernel.db import answers, db
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.rows import in_order
from core.notifications.team import tell_team
from core.payments.history import note
from core.payments.large_models import LargeThreshold
from core.payments.models import Payment, PaymentEvent
from core.payments.start import lock_payment

KIND = "large_payment"
NOTED = "payment.large"
TIMES = 3  # odd is more than so many times the largest that came in lately
LATELY = timedelta(days=90)
ENOUGH = 20  # fewer payments than that say nothing about what is usual
MOST_COMPARED = 1_000  # the newest of that time, so that a look costs the same however much a seller takes
# Of each payment the sum its seller has set, and whether one of those before it was no less than a third of it: mostly the first one looked at.
_LOOK = in_order(f"""
SELECT k.id, t.least_minor, EXISTS (
  SELECT FROM (
    SELECT o.currency, o.captured_minor FROM payments o
    WHERE o.vendor_id = k.vendor_id AND o.mode = k.mode AND o.captured_at >= k.at - %s AND o.captured_at <= k.at AND o.id <> k.id
    ORDER BY o.captured_at DESC LIMIT {MOST_COMPARED}) before
  WHERE before.currency = k.currency AND before.captured_minor * {TIMES} >= k.minor)
FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[], %s::bigint[], %s::timestamptz[]) AS k(vendor_id, mode, id, currency, minor, at)
LEFT JOIN large_thresholds t ON t.vendor_id = k.vendor_id AND t.mode = k.mode AND t.currency = k.currency
""")


class BadThreshold(Refusal):
    """No alert is set like this."""

    code = "bad_threshold"


@dataclass(frozen=True, slots=True)
class Large:
    """A large payment, and why it is one: the sum its seller has set, or how many came lately and the largest of them."""

    vendor: Vendor
    payment: Payment
    least: int | None
    before: tuple[int, int] | None


def find_large(paid: Sequence[tuple[Vendor, Payment]]) -> list[Large]:
    """Of payments that were just paid those that are large. One question for all of them; nothing is locked yet."""
    rows = [(payment, vendor) for vendor, payment in paid if payment.captured_at is not None and payment.captured_minor]
    if not rows:
        return []
    named = zip(*((p.vendor_id, p.mode, p.id, p.currency, p.captured_minor, p.captured_at) for p, _ in rows), strict=True)
    looked = {id_: (least, usual) for id_, least, usual in answers(_LOOK, (LATELY, *(list(part) for part in named)))}
    found = []
    for payment, vendor in sorted(rows, key=lambda row: (row[0].vendor_id, row[0].mode, row[0].id)):  # everybody locks in this order
        least, usual = looked[payment.id]
        before = None if usual else _largest_before(payment)
        over = least is not None and payment.captured_minor >= least
        if over or before:
            found.append(Large(vendor, payment, least if over else None, before))
    return found


def tell_of_large(found: Sequence[Large]) -> None:
    """They are noted on their history and told to their sellers, in the transaction that tells of the payments."""
    for one in found:
        _tell(one.vendor, one.payment, least=one.least, before=one.before)


def _largest_before(payment: Payment) -> tuple[int, int] | None:
    """How many payments in its currency came before this one lately, and the largest; None where they are too few to say what is usual."""
    if payment.captured_at is None:
        return None
    span = (Payment.captured_at >= payment.captured_at - LATELY, Payment.captured_at <= payment.captured_at)
    before = _lately(payment.vendor_id, payment.mode, *span, Payment.id != payment.id)
    counted = select(func.count(), func.max(before.c.captured_minor)).where(before.c.currency == payment.currency)
    count, largest = db.session.execute(counted).one()
    return (int(count), int(largest)) if count >= ENOUGH else None


def _lately(vendor_id: UUID, mode: str, *bounds: ColumnElement[bool]) -> Subquery:
    """The newest payments of a span of time."""
    mine = select(Payment.currency, Payment.captured_minor).where(Payment.vendor_id == vendor_id, Payment.mode == mode, *bounds)
    return mine.order_by(Payment.captured_at.desc()).limit(MOST_COMPARED).subquery()


def _tell(vendor: Vendor, payment: Payment, *, least: int | None, before: tuple[int, int] | None) -> None:
    count, largest = before or (None, None)
    sums = {"amount_minor": payment.captured_minor, "currency": payment.currency}
    note(lock_payment(payment), NOTED, actor="system", least_minor=least, largest_minor=largest, compared=count, **sums)
    tell_team(vendor, KIND, mode=payment.mode, payment=payment.public_id)


def find_reason(vendor: Vendor, payment: Payment) -> PaymentEvent | None:
    """Why a payment was told as a large one: the line of its history."""
    mine = select(PaymentEvent).where(PaymentEvent.vendor_id == vendor.id, PaymentEvent.mode == payment.mode)
    return db.session.scalar(mine.where(PaymentEvent.payment_id == payment.id, PaymentEvent.kind == NOTED).limit(1))


def list_thresholds(vendor: Vendor, mode: str) -> list[LargeThreshold]:
    """What this seller has set, by currency."""
    mine = select(LargeThreshold).where(LargeThreshold.vendor_id == vendor.id, LargeThreshold.mode == mode)
    return list(db.session.scalars(mine.order_by(LargeThreshold.currency)))


def set_threshold(vendor: Vendor, mode: str, currency: str, least: Money | None, *, by: str) -> bool:
    """From now on a payment of so much or more is told; None: no sum counts for this currency. Answers whether that changed anything."""
    if currency not in OFFERED or (least is not None and (least.currency != currency or least.minor <= 0)):
        raise BadThreshold("Enter an amount above zero.", field="least")
    key = (vendor.id, mode, currency)
    row = db.session.get(LargeThreshold, key, with_for_update=True, populate_existing=True)
    if (row.least if row else None) == least:
        return False
    if least is None:
        db.session.delete(row)
    else:
        kept = {"least_minor": least.minor, "set_at": now()}
        made = insert(LargeThreshold).values(vendor_id=vendor.id, mode=mode, currency=currency, **kept)
        db.session.execute(made.on_conflict_do_update(index_elements=["vendor_id", "mode", "currency"], set_=kept))
        if row is not None:
            db.session.expire(row)
    amount = str(least) if least else ""
    record(vendor.id, actor=by, action="large_payments.set", subject=vendor.public_id, mode=mode, amount=amount, currency=currency)
    return True


def suggest(vendor: Vendor, mode: str) -> dict[str, Money]:
    """For each currency in which enough came in lately: twice the largest payment of it."""
    lately = _lately(vendor.id, mode, Payment.captured_at >= now() - LATELY)
    most = select(lately.c.currency, func.max(lately.c.captured_minor)).group_by(lately.c.currency)
    rows = db.session.execute(most.having(func.count() >= ENOUGH))
    return {code: Money(2 * int(largest), code) for code, largest in rows}
