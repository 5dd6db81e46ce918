"""A vendor's own software asks somebody for one sum: a payment with its own page, written down before anybody is asked for money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import and_, bindparam, select

from core.accounts.models import Vendor
from core.accounts.standing import check_open
from core.customers.meet import KNOWN, as_kept, rows_to_meet
from core.customers.models import Customer
from core.kernel.ask import Question
from core.kernel.errors import Conflict, Refusal
from core.kernel.money import Money
from core.kernel.sentence import said
from core.kernel.write import Unwritten, new_row
from core.methods.rules import rules_of, rules_told
from core.payments.charge import find_by_token
from core.payments.link import LinkTerms, new_link
from core.payments.models import Payment, PaymentLink
from core.payments.offer import Offer
from core.payments.queries import find_link_of
from core.payments.sharing import Sharing, check_sharing
from core.payments.start import only_payment

USUAL_MINUTES, LEAST_MINUTES, MOST_MINUTES = 24 * 60, 10, 30 * 24 * 60
# All that decides, in one journey: whether the wish was written down before, the vendor's rules for ways to pay, and what is known of the payer.
_BEFORE = Question(
    select(Payment.id, rules_told(Vendor.id, bindparam("mode")), *KNOWN)
    .select_from(Vendor)
    .outerjoin(Payment, and_(Payment.vendor_id == Vendor.id, Payment.mode == bindparam("mode"), Payment.form_token == bindparam("token")))
    .outerjoin(Customer, and_(Customer.vendor_id == Vendor.id, Customer.mode == bindparam("mode"), Customer.email == bindparam("email")))
    .where(Vendor.id == bindparam("vendor"))
)


class WishDiffers(Conflict):
    """The same wish was written down before, with something else in it."""

    code = "payment_differs"


@dataclass(frozen=True, kw_only=True)
class PaymentWish:
    """What is asked for. `key_values` are the vendor's own; `minutes` is for how long the page takes the payment."""

    amount: Money
    email: str
    name: str = ""
    description: str
    methods: tuple[str, ...] = ()
    locale: str = ""
    success_url: str = ""
    cancel_url: str = ""
    key_values: Mapping[str, str] = field(default_factory=dict)
    minutes: int = USUAL_MINUTES


def ask_for_payment(
    vendor: Vendor, mode: str, wish: PaymentWish, *, by: str, token: str
) -> tuple[Payment, PaymentLink | None, Unwritten | None]:
    """The payment as it is to be, its link, and what writes both: whoever calls this writes them in this unit, with what is kept of its answer.
    `token` is the wish's own name, held by the caller until the unit ends: the same one again answers the payment it made the first time, of which
    nothing is left to write, and refuses WishDiffers where its sum or its payer is another.

    The link is its own, for one payment, out of sight: it carries where the payer goes on to, and which ways to pay there are.
    Refuses as links and payments do, at the fields of the wish, and CustomerBlocked.
    """
    made, rules, *known = _BEFORE.first(vendor=vendor.id, mode=mode, token=token, email=as_kept(wish.email)) or (None, None)
    if made is not None:
        return *_made_before(vendor, mode, wish, token), None
    check_sharing(Sharing(key_values=dict(wish.key_values)))
    if not LEAST_MINUTES <= wish.minutes <= MOST_MINUTES:
        raise Refusal(said("Between %(least)s and %(most)s.", least=LEAST_MINUTES, most=MOST_MINUTES), field="expires_in_minutes")
    terms = LinkTerms(
        title=wish.description, currency=wish.amount.currency, kind="single", amount_minor=wish.amount.minor, methods=wish.methods,
        locale=wish.locale, offer=Offer(success_url=wish.success_url, cancel_url=wish.cancel_url),
    )  # fmt: skip
    check_open(vendor, mode)
    link, rows = new_link(vendor, mode=mode, by=by, terms=terms, key_values=wish.key_values, out_of_sight=True, rules=rules_of(rules or []))
    rows += rows_to_meet(vendor, mode, tuple(known), email=wish.email, name=wish.name)
    life = timedelta(minutes=wish.minutes)
    unwritten = only_payment(vendor, link, email=wish.email, name=wish.name, form_token=token, locale=wish.locale, life=life, before=rows)
    return new_row(Payment, unwritten.row), link, unwritten


def _made_before(vendor: Vendor, mode: str, wish: PaymentWish, token: str) -> tuple[Payment, PaymentLink | None]:
    again = find_by_token(vendor, mode, token)
    if again is None or again.amount != wish.amount or again.email != as_kept(wish.email):
        raise WishDiffers("This wish was written down before, with another sum or for somebody else.", field="amount")
    return again, find_link_of(vendor, again)
