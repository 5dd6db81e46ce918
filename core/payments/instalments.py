"""A request that may be paid in parts: how much of it is paid, being paid and still open, and which part may be paid next.

The parts are counted under the link's lock, by payments that hold a place: those that are paid, and those that somebody is paying
right now. So two payers at once can never bring more than the total; only a vendor who takes a late bank transfer on purpose can go
beyond it. A refund does not open the request again: the vendor gave that money back on purpose. What a transfer fell short of its
part, within what the vendor lets go of transfers (core/payments/bank_terms.py), is not asked for again either.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, exists, func, select, update

from core.kernel.db import db
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.payments.models import Payment, PaymentEvent, PaymentLink
from core.payments.states import PAID, PAID_OR_OVER


class PartNotOffered(Refusal):
    """This part would be more than is left, less than the vendor takes, or would leave a rest that nobody could pay."""

    code = "part_not_offered"


class TotalBelowPaid(Conflict):
    """A request cannot ask for less than has been paid, or is being paid, towards it."""

    code = "total_below_paid"


# Paid by transfers that brought less than the part.
_SHORT = (Payment.state == "succeeded") & (Payment.provider == "bank") & (Payment.captured_minor < Payment.amount_minor)
# Taken without anybody's decision, because no more was missing than the vendor lets go. Of a gap that somebody looked at and took the rest stays open.
_BY_ITSELF = exists().where(
    PaymentEvent.vendor_id == Payment.vendor_id, PaymentEvent.mode == Payment.mode, PaymentEvent.payment_id == Payment.id,
    PaymentEvent.kind == "payment.succeeded", PaymentEvent.actor == "bank",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Progress:
    """How a request stands. `being_paid` is locked for whoever is paying it; `open` is what somebody else may pay now.

    `let_go` is what transfers fell short of their parts within the vendor's tolerance: it was not paid, and nobody owes it.
    """

    total: Money
    paid: Money
    being_paid: Money
    let_go: Money

    @property
    def open(self) -> Money:
        left = self.unpaid - self.being_paid
        return left if left.minor > 0 else Money(0, self.total.currency)

    @property
    def unpaid(self) -> Money:
        left = self.total - self.paid - self.let_go
        return left if left.minor > 0 else Money(0, self.total.currency)

    @property
    def complete(self) -> bool:
        return not self.unpaid

    @property
    def percent(self) -> int:
        """For a bar: whole percents, 100 only when nothing is owed any more."""
        return min(100, (self.paid + self.let_go).minor * 100 // self.total.minor)


def progress_of(link: PaymentLink) -> Progress | None:
    """How the request stands; None for a link of another kind."""
    if link.total is None:
        return None
    mine = Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.holds_place
    paid, held, short = db.session.execute(
        select(
            func.coalesce(func.sum(case((Payment.state == "marked_paid", Payment.amount_minor), else_=Payment.captured_minor)), 0),
            func.coalesce(func.sum(case((Payment.state.not_in(PAID), Payment.amount_minor), else_=0)), 0),
            func.count().filter(_SHORT),
        ).where(*mine)
    ).one()
    let_go = (
        db.session.scalar(select(func.sum(Payment.amount_minor - Payment.captured_minor)).where(*mine, _SHORT, _BY_ITSELF)) if short else 0
    )
    return Progress(link.total, *(Money(int(minor or 0), link.currency) for minor in (paid, held, let_go)))


def request_state(link: PaymentLink) -> str | None:
    """paid, sold_out (the rest is being paid this very moment), or None while something is open."""
    how = progress_of(link)
    if how is None or how.open:
        return None
    return "paid" if how.complete else "sold_out"


def least_part(link: PaymentLink, left: Money, smallest: int) -> Money:
    """The smallest part that may be paid now: the vendor's minimum, or all that is left when that is less."""
    return Money(min(left.minor, max(smallest, link.minimum_minor or 0)), link.currency)


def check_part(link: PaymentLink, amount: Money, *, smallest: int) -> None:
    """Refuse a part that does not fit. The link must be locked. `smallest` is the least any payment may be, in minor units."""
    how = progress_of(link)
    if how is None:
        return
    if amount.minor > how.open.minor:
        words = said("Only %(open)s is open.", open=how.open)
        if how.being_paid:
            words = said("Only %(open)s is open. %(busy)s is being paid by somebody right now.", open=how.open, busy=how.being_paid)
        raise PartNotOffered(words, field="amount")
    least = least_part(link, how.open, smallest)
    if amount.minor < least.minor:
        raise PartNotOffered(said("The smallest part is %(least)s.", least=least), field="amount")
    rest = how.open - amount
    if 0 < rest.minor < smallest:
        words = said("That would leave %(rest)s, which is too little to be paid. Pay %(open)s, or a little less.", rest=rest, open=how.open)
        raise PartNotOffered(words, field="amount")


def check_total(link: PaymentLink, total_minor: int | None, currency: str) -> None:
    """Refuse a change of the total below what is paid or being paid, and a change of kind or currency once something is."""
    taken = _taken(link)
    if not taken:
        return
    if (total_minor is None) != (link.total_minor is None):
        raise TotalBelowPaid("Payments came in already, so the kind of the link stays as it is.", field="kind")
    if total_minor is not None and currency != link.currency:
        raise TotalBelowPaid("Payments came in already, so the currency stays as it is.", field="currency")
    if total_minor is not None and total_minor < taken:
        raise TotalBelowPaid(said("%(taken)s is paid or being paid already.", taken=Money(taken, link.currency)), field="amount")


def count_under_way(link: PaymentLink) -> None:
    """A locked link that had no limit is about to have one: who is paying through it right now takes from it as well."""
    mine = Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id
    under_way = update(Payment).where(*mine, ~Payment.holds_place, Payment.state.not_in(PAID_OR_OVER))
    db.session.execute(under_way.values(holds_place=True).execution_options(synchronize_session="fetch"))


def _taken(link: PaymentLink) -> int:
    """What is paid, or being paid right now, through the link."""
    mine = Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.holds_place
    counted = case((Payment.state == "succeeded", Payment.captured_minor), else_=Payment.amount_minor)
    return int(db.session.scalar(select(func.coalesce(func.sum(counted), 0)).where(*mine)) or 0)
