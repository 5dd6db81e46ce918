"""Writing off what a seller owes: a person of the staff with a reason, above a limit a second one, and a posting that says so for ever."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.accounts.queries import hold_vendor
from core.disputes.models import WriteOff
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NeedsASecondPerson, Refusal
from core.kernel.ids import public_id, uuid7
from core.kernel.money import Money
from core.kernel.sentence import said
from core.ledger import book
from core.ledger.post import post
from core.ledger.queries import balance
from core.payments.refund_books import debt_of
from core.payments.refund_models import Refund
from core.payments.taken_beyond import beyond_under_way

LONGEST_REASON = 300
TOGETHER = timedelta(days=30)  # write-offs by one person within this time count as one


class WriteOffWaits(Conflict):
    """One of the same debt waits for a second person already."""

    code = "write_off_waits"


def request_write_off(vendor: Vendor, mode: str, *, amount: Money, reason: str, by: str, form_token: str) -> WriteOff:
    """Take so much of the debt out of the books: at once up to the limit, above it (and in a currency without one) when a second person
    says so too. The same form sent twice is one. Refuses at the field what is more than is owed, or has no reason."""
    hold_vendor(vendor.id)
    mine = select(WriteOff).where(WriteOff.vendor_id == vendor.id, WriteOff.mode == mode)
    again = db.session.scalar(mine.where(WriteOff.form_token == form_token))
    if again is not None:
        return again
    _check(vendor, mode, amount)
    if not (reason := " ".join(reason.split())[:LONGEST_REASON]):
        raise Refusal(said("Say why nobody asks for it any more."), field="reason")
    if db.session.scalar(mine.where(WriteOff.currency == amount.currency, WriteOff.state == "requested").limit(1)):
        raise WriteOffWaits("A write-off of this debt waits for a second person already.")
    made = WriteOff(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("wof"), form_token=form_token, state="requested", currency=amount.currency,
        amount_minor=amount.minor, reason=reason, requested_by=by, created_at=now(),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    record(vendor.id, actor=by, action="write_off.requested", subject=made.public_id, mode=mode, amount=str(amount), reason=reason)
    if amount.minor + _booked_alone(vendor, mode, amount.currency) <= settings().write_off_limits.get(amount.currency, 0):
        _book(vendor, made, by=by)
    return made


def _booked_alone(vendor: Vendor, mode: str, currency: str) -> int:
    """What one person has written off of this debt lately: a large sum in small pieces is a large sum."""
    mine = (WriteOff.vendor_id == vendor.id, WriteOff.mode == mode, WriteOff.currency == currency, WriteOff.state == "booked")
    alone = (WriteOff.decided_by == WriteOff.requested_by, WriteOff.decided_at > now() - TOGETHER)
    return int(db.session.scalar(select(func.coalesce(func.sum(WriteOff.amount_minor), 0)).where(*mine, *alone)) or 0)


def approve_write_off(vendor: Vendor, row: WriteOff, *, by: str) -> None:
    """A second person says so too. Refuses the first one, and a debt that has become smaller meanwhile; booked already, nothing happens."""
    hold_vendor(vendor.id)
    row = lock_again(row)
    if row.state != "requested":
        return
    if row.requested_by == by:
        raise NeedsASecondPerson("Somebody else has to let a write-off be booked that you asked for.")
    _check(vendor, row.mode, row.amount)
    _book(vendor, row, by=by)


def decline_write_off(vendor: Vendor, row: WriteOff, *, by: str) -> None:
    """It is not written off: the debt stays as it is."""
    row = lock_again(row)
    if row.state == "requested":
        row.state, row.decided_by, row.decided_at = "declined", by, now()
        record(vendor.id, actor=by, action="write_off.declined", subject=row.public_id, mode=row.mode, amount=str(row.amount))


def _check(vendor: Vendor, mode: str, amount: Money) -> None:
    owed = debt_of(vendor.id, mode, amount.currency)
    if amount.minor <= 0:
        raise Refusal(said("Enter an amount in %(currency)s above zero.", currency=amount.currency), field="amount")
    if owed < amount:
        raise Refusal(said("At most %(owed)s is owed.", owed=owed), field="amount")
    held = balance(vendor, mode, "seller_hold", amount.currency)
    if owed - held < amount:
        # A dispute that is won gives what it holds to the seller: whoever owes nothing any more would have it twice.
        words = said("%(held)s of it may come back by itself: a dispute is open. Wait until it is decided.", held=min(held, owed))
        raise Refusal(words, field="amount")
    lent = _lent_to_refunds(vendor, mode, amount.currency) + beyond_under_way(vendor.id, mode, amount.currency)
    if owed - held - lent < amount:  # one that does not arrive goes back to the seller, as far as nothing is owed
        words = said("%(lent)s of it may come back by itself: a refund is under way. Wait until it has arrived.", lent=min(lent, owed))
        raise Refusal(words, field="amount")


def _lent_to_refunds(vendor: Vendor, mode: str, currency: str) -> Money:
    """The seller's share of refunds that were given on credit and have not arrived yet."""
    mine = (Refund.vendor_id == vendor.id, Refund.mode == mode, Refund.currency == currency, Refund.taken_from == "seller_receivable")
    under_way = Refund.state.in_(("requested", "submitted", "pending", "unknown"))
    share = func.coalesce(func.sum(Refund.amount_minor - Refund.fee_returned_minor), 0)
    return Money(int(db.session.scalar(select(share).where(*mine, under_way)) or 0), currency)


def _book(vendor: Vendor, row: WriteOff, *, by: str) -> None:
    row.state, row.decided_by, row.decided_at = "booked", by, now()
    post([book.debt_written_off(vendor.id, row.mode, number=row.public_id, amount=row.amount, at=now())])
    record(vendor.id, actor=by, action="write_off.booked", subject=row.public_id, mode=row.mode, amount=str(row.amount))
