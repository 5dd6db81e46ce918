"""Discount codes: made, ended, and used no more often than the vendor allows, whoever presses first."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.currency import OFFERED
from core.kernel.db import db, locked
from core.kernel.errors import NotFound, Refusal
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.money import Money
from core.kernel.percent import WHOLE
from core.kernel.sentence import said
from core.payments.cart import Reduction
from core.payments.models import Payment
from core.payments.sale_models import DiscountCode, DiscountUse

GRAMMAR = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,29}")
MOST_CARDS = 50  # of one customer that are looked at
_UNDOTTED = ("gmail.com", "googlemail.com")


class BadDiscount(Refusal):
    """A code whose terms contradict themselves."""

    code = "bad_discount"


class CodeRefused(Refusal):
    """The code cannot be used, and why."""

    code = "code_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="code")


@dataclass(frozen=True)
class DiscountTerms:
    """What a vendor decides about a code: a share in basis points or a sum, from when to when, and how often."""

    code: str
    bps: int | None = None
    amount: Money | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    most_uses: int | None = None
    most_each: int | None = None


def one_code(text: str) -> str:
    """The one spelling of a code: no blanks, capitals."""
    return "".join(text.split()).upper()


def one_customer(email: str) -> str:
    """The one spelling under which a person is counted: what mail providers deliver to one box is one customer."""
    name, _, host = email.strip().lower().rpartition("@")
    name = name.partition("+")[0] or name
    if host in _UNDOTTED:
        name, host = name.replace(".", ""), "gmail.com"
    return f"{name}@{host}"


def make_code(vendor: Vendor, mode: str, *, by: str, terms: DiscountTerms) -> DiscountCode:
    """A code that payers may use from now on (or from its first day). Refuses BadDiscount at its field."""
    code = one_code(terms.code)
    _check(terms, code)
    if find_code(vendor, mode, code) is not None:
        raise BadDiscount("You have used this code before. Choose another, so that old letters do not bring it back.", field="code")
    row = DiscountCode(
        vendor_id=vendor.id,
        mode=mode,
        id=uuid7(),
        public_id=public_id("dsc"),
        code=code,
        bps=terms.bps,
        amount_minor=terms.amount.minor if terms.amount else None,
        currency=terms.amount.currency if terms.amount else None,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        most_uses=terms.most_uses,
        most_each=terms.most_each,
        created_by=by,
        created_at=now(),
    )
    db.session.add(row)
    record(vendor.id, actor=by, action="discount.made", subject=row.public_id, code=code)
    return row


def _check(terms: DiscountTerms, code: str) -> None:
    if not GRAMMAR.fullmatch(code):
        raise BadDiscount("Three to thirty letters and digits, like SPRING20.", field="code")
    if (terms.bps is None) == (terms.amount is None):
        raise BadDiscount("Enter either a percentage or a sum.", field="percent")
    if terms.bps is not None and not 1 <= terms.bps <= WHOLE:
        raise BadDiscount("Above 0 and up to 100 %.", field="percent")
    if terms.amount is not None and (terms.amount.minor <= 0 or terms.amount.currency not in OFFERED):
        raise BadDiscount("Enter a sum above zero.", field="amount")
    if terms.starts_at and terms.ends_at and terms.starts_at >= terms.ends_at:
        raise BadDiscount("It must end after it begins.", field="ends_at")
    if terms.ends_at and terms.ends_at <= now():
        raise BadDiscount("This time has passed. Choose a later one.", field="ends_at")
    if terms.most_uses is not None and not 1 <= terms.most_uses <= 1_000_000:
        raise BadDiscount("Between 1 and 1,000,000 uses; leave it empty for no limit.", field="most_uses")
    if terms.most_each is not None and not 1 <= terms.most_each <= 1000:
        raise BadDiscount("Between 1 and 1,000 uses; leave it empty for no limit.", field="most_each")


def end_code(vendor: Vendor, mode: str, discount: str, *, by: str) -> DiscountCode:
    """Nobody may use it any more; payments begun with it keep their price. Repeating it changes nothing."""
    row = get_code(vendor, mode, discount)
    if row.ended_at is None:
        row.ended_at = now()
        record(vendor.id, actor=by, action="discount.ended", subject=row.public_id)
    return row


def get_code(vendor: Vendor, mode: str, discount: str) -> DiscountCode:
    """This vendor's code by public id; refuses with 404."""
    if is_public_id("dsc", discount):
        mine = select(DiscountCode).where(DiscountCode.vendor_id == vendor.id, DiscountCode.mode == mode)
        if found := db.session.scalar(mine.where(DiscountCode.public_id == discount)):
            return found
    raise NotFound("There is no such discount code.")


def find_code(vendor: Vendor, mode: str, text: str) -> DiscountCode | None:
    """This vendor's code as a payer types it, or None."""
    mine = select(DiscountCode).where(DiscountCode.vendor_id == vendor.id, DiscountCode.mode == mode)
    return db.session.scalar(mine.where(DiscountCode.code == one_code(text)[:40]))


def list_codes(vendor: Vendor, mode: str, *, limit: int = 200) -> list[DiscountCode]:
    """The newest codes first."""
    mine = select(DiscountCode).where(DiscountCode.vendor_id == vendor.id, DiscountCode.mode == mode)
    return list(db.session.scalars(mine.order_by(DiscountCode.id.desc()).limit(limit)))


def code_state(code: DiscountCode) -> str:
    """active, waiting (its first day has not come) or ended."""
    if code.ended_at or (code.ends_at and now() >= code.ends_at):
        return "ended"
    return "waiting" if code.starts_at and now() < code.starts_at else "active"


# --- using one --------------------------------------------------------------------------------------------------------------


def reduction_for(vendor: Vendor, mode: str, text: str, currency: str, *, email: str, hold: bool) -> tuple[DiscountCode, Reduction]:
    """What this code takes off a cart now. Refuses CodeRefused with the reason, for the payer.

    `hold`: the payment is about to be written. A limited code is then locked until the unit ends, so that two people cannot both
    have its last use. Without an e-mail address the limit per customer is not looked at yet.
    """
    code = find_code(vendor, mode, text)
    if code is None:
        raise CodeRefused("We do not know this code. Check how it is spelt.")
    if hold and code.limited:
        code = locked(DiscountCode, code.vendor_id, code.mode, code.id) or code
    state = code_state(code)
    if state != "active":
        raise CodeRefused(said("This code cannot be used yet.") if state == "waiting" else said("This code has ended."))
    if code.amount is not None and code.amount.currency != currency:
        raise CodeRefused(said("This code is for payments in %(currency)s.", currency=code.currency))
    _check_uses(code, email)
    if hold and code.most_each is not None and not email:
        raise CodeRefused("This code counts how often each person uses it. Enter your e-mail address with it.")
    return code, Reduction(code.code, code.bps, code.amount)


def _check_uses(code: DiscountCode, email: str) -> None:
    if code.most_uses is not None and _count(code, None) >= code.most_uses:
        raise CodeRefused("This code has been used up.")
    if code.most_each is not None and email and _count(code, one_customer(email)) >= code.most_each:
        raise CodeRefused(
            "This code has been used as often as it may with this e-mail address or card. A payment under way counts until it ends."
        )


def hold_use(code: DiscountCode, payment_id: uuid.UUID, email: str) -> None:
    """Write the use down beside its payment."""
    db.session.add(
        DiscountUse(vendor_id=code.vendor_id, mode=code.mode, payment_id=payment_id, discount_id=code.id, customer=one_customer(email))
    )


def still_counts() -> ColumnElement[bool]:
    """A use counts while its payment may still be paid, and once it is, until all of the money has gone back."""
    over = Payment.state.in_(("canceled", "expired"))
    gone_back = and_(Payment.captured_minor > 0, Payment.refunded_minor == Payment.captured_minor)
    return not_(or_(over, gone_back))


def _uses(vendor_id: uuid.UUID, mode: str) -> Select[tuple[uuid.UUID, int]]:
    mine = (Payment.vendor_id == DiscountUse.vendor_id) & (Payment.mode == DiscountUse.mode) & (Payment.id == DiscountUse.payment_id)
    query = select(DiscountUse.discount_id, func.count()).join(Payment, mine)
    return query.where(DiscountUse.vendor_id == vendor_id, DiscountUse.mode == mode, still_counts()).group_by(DiscountUse.discount_id)


def _count(code: DiscountCode, customer: str | None) -> int:
    query = _uses(code.vendor_id, code.mode).where(DiscountUse.discount_id == code.id)
    if customer is not None:
        query = query.where((DiscountUse.customer == customer) | DiscountUse.card.in_(_cards_of(code, customer)))
    found = db.session.execute(query).first()
    return int(found[1]) if found else 0


def _cards_of(code: DiscountCode, customer: str) -> Select[tuple[str | None]]:
    """The cards that this customer has paid with, where a code of the vendor's was used: another address with the same card is no other customer."""
    mine = (DiscountUse.vendor_id == code.vendor_id, DiscountUse.mode == code.mode, DiscountUse.customer == customer)
    return select(DiscountUse.card).where(*mine, DiscountUse.card.is_not(None)).limit(MOST_CARDS)


def uses_of(vendor: Vendor, codes: list[DiscountCode]) -> dict[uuid.UUID, int]:
    """How often each of these codes is in use or was used, by its id."""
    if not codes:
        return {}
    query = _uses(vendor.id, codes[0].mode).where(DiscountUse.discount_id.in_([code.id for code in codes]))
    return {discount_id: int(count) for discount_id, count in db.session.execute(query)}
