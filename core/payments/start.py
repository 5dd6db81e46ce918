"""A payer decides to pay: the payment is written down, and a limited link's place is taken, before anything else happens."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ARRAY, String, and_, any_, bindparam, literal, select

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.accounts.standing import check_open
from core.customers.meet import KNOWN, Known, as_kept, rows_to_meet
from core.customers.models import Customer
from core.kernel.ask import Question
from core.kernel.clock import now
from core.kernel.db import lock_again, locked
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, spoken_reference, uuid7
from core.kernel.money import Money
from core.kernel.sentence import said
from core.kernel.signing import TokenRefused, make_token, read_token
from core.kernel.write import Lot, Unwritten, add_row
from core.methods.rules import Written, rules_told
from core.notifications.notices import post_notice
from core.payments.basket import Choices, PriceChanged, Priced, offer_of, price
from core.payments.discount import CodeRefused, hold_use
from core.payments.history import move
from core.payments.instalments import check_part
from core.payments.link import LinkClosed, link_state
from core.payments.link_terms import limits
from core.payments.locked_price import button_state
from core.payments.models import Attempt, Payment, PaymentEvent, PaymentLink
from core.payments.origin import Origin, as_filled_in, check_fixed_amount, origin_columns, with_fixed_quantities
from core.payments.sale import Details, write_cart, write_details
from core.payments.states import LIVE_ATTEMPT, PAID_OR_OVER
from core.providers.registry import provider_for

SESSION = timedelta(minutes=60)  # how long a payer may take
SECOND_CHANCE = timedelta(hours=24)  # a payer whose bank said no after days is not at the page: they read it in an e-mail
# On a link with a limited number of places each payment under way keeps one from others. Somebody who only filled in the first form
# keeps it for a quarter of an hour, somebody who opened the card page for half an hour, and only a card that was tried for all of it.
FIRST_HOLD, OPEN_HOLD = timedelta(minutes=15), timedelta(minutes=30)
RECEIPT_LIFE = timedelta(days=10 * 365)

# Written down once, as in core/payments/link.py: every page of a payment begins with this question.
_OF_FORM = (
    Payment.vendor_id == bindparam("vendor"),
    Payment.mode == bindparam("mode"),
    Payment.form_token == bindparam("form"),
    Payment.link_id == bindparam("link"),
)
_BY_FORM = Question(select(Payment).where(*_OF_FORM))
_BEFORE_IT = Question(
    select(Payment, *KNOWN)
    .select_from(Vendor)
    .outerjoin(Payment, and_(*_OF_FORM))
    .outerjoin(
        Customer, and_(Customer.vendor_id == bindparam("vendor"), Customer.mode == bindparam("mode"), Customer.email == bindparam("email"))
    )
    .where(Vendor.id == bindparam("vendor"))
)
_LIVE = Attempt.state == any_(literal(sorted(LIVE_ATTEMPT), ARRAY(String)))
_BY_TOKEN = Question(
    # The link says which ways to pay it allows, the rules which ones the vendor does.
    select(Vendor, Payment, Attempt, PaymentLink, rules_told(Vendor.id, Payment.mode))
    .join(Payment, Payment.vendor_id == Vendor.id)
    .outerjoin(
        PaymentLink, and_(PaymentLink.vendor_id == Payment.vendor_id, PaymentLink.mode == Payment.mode, PaymentLink.id == Payment.link_id)
    )
    .outerjoin(Attempt, and_(Attempt.vendor_id == Payment.vendor_id, Attempt.mode == Payment.mode, Attempt.payment_id == Payment.id, _LIVE))
    .where(Vendor.public_id == bindparam("vendor"), Payment.mode == bindparam("mode"), Payment.token_id == bindparam("token_id"))
)


class EmailNeeded(Refusal):
    """The link asks for an e-mail address, and there is none."""

    code = "email_needed"


class AmountNotOffered(Refusal):
    """The link does not take this amount."""

    code = "amount_not_offered"


@dataclass(frozen=True)
class Order:
    """What a payer sends with their name: what they chose, what they answered, and the total their page showed.

    `shown` is None where no page showed one; then nothing is compared.
    """

    choices: Choices = field(default_factory=Choices)
    details: Details = field(default_factory=Details)
    shown: Money | None = None
    recovered_from: uuid.UUID | None = None
    remind: bool = False  # one letter if it is left unfinished


JUST_PAY, NO_ORIGIN = Order(), Origin()


def start_payment(
    vendor: Vendor,
    link: PaymentLink,
    *,
    amount: Money | None,
    email: str,
    name: str,
    form_token: str,
    order: Order | None = None,
    origin: Origin | None = None,
    locale: str = "",
    by_itself: bool = False,
) -> Payment:
    """Write down what the payer set out to pay. The same form posted again answers the payment it made the first time.

    A limited link is locked while its places (or what is left of its total) are counted, and a limited code while its uses are,
    so two people cannot both have the last of it. `amount` is what the payer chose or the link's own; a link that sells more than one sum is priced here.
    `locale` is the language the payer read in; every letter about the payment is written in it. `by_itself` says that this is all that the unit of
    work writes: a payment without a cart is then kept at once (core/kernel/write.py). Should its answer be lost, the same form finds it.
    Refuses LinkClosed when the link takes no payment now, EmailNeeded unless the link leaves that open, AmountNotOffered, PartNotOffered, BadChoice, BadReference and CodeRefused at
    their fields, CustomerBlocked when the vendor takes none from this address, and PriceChanged when the total is not what the payer
    was shown.
    """
    order, origin = order or JUST_PAY, origin or NO_ORIGIN
    email, name, reference = as_filled_in(origin.prefill, email=email, name=name, reference=origin.payer_reference)
    again, known = _before_it(vendor, link, form_token, email)
    if again:
        return again
    if link.limited:
        link = locked(PaymentLink, link.vendor_id, link.mode, link.id) or link
        again = _made_before(vendor, link, form_token)  # while we waited for the link; it may have taken the last place
        if again:
            return again
    check_open(vendor, link.mode)
    state = link_state(link)
    if state != "open":
        raise LinkClosed(state)
    if origin.prefill and (resting := button_state(vendor, link, origin.prefill)) != "open":
        raise LinkClosed(resting)
    check_fixed_amount(link, origin.prefill, amount)
    came = origin_columns(link, origin, reference) | {"locale": locale}
    met: list[Lot] = []
    if email.strip():
        met = rows_to_meet(vendor, link.mode, known, email=email, name=name)
    elif offer_of(link).email == "required":
        raise EmailNeeded("Enter your e-mail address: the receipt goes there.", field="email")
    try:
        fixed = with_fixed_quantities(origin.prefill, order.choices.quantities)
        order = replace(order, choices=replace(order.choices, quantities=fixed))
        priced = _price(vendor, link, amount, order, email)
    except CodeRefused:
        again = _made_before(vendor, link, form_token)  # while we waited for the code: this very form may have had its last use
        if again:
            return again
        raise
    total = priced.cart.total if priced else amount
    if total is None:
        raise AmountNotOffered("Enter an amount.", field="amount")
    if order.shown is not None and total != order.shown:
        raise PriceChanged(total)
    row = _row(vendor, link, total, email=email, name=name, form_token=form_token, order=order, priced=priced, came=came)
    return _write(vendor, link, row, order, priced, met, by_itself=by_itself and not (priced or order.details or link.limited))


def only_payment(
    vendor: Vendor, link: PaymentLink, *, email: str, name: str, form_token: str, locale: str, life: timedelta, before: Sequence[Lot]
) -> Unwritten:
    """The one payment of a link that is made for it in this very unit of work, not written yet, nor the link and what else is to stand `before` it:
    nobody else has seen the link, so there are no places to count and no form to find again. It may be paid for so long (`life`). The link has
    one sum and an address to write to.
    """
    if link.amount is None:
        raise ValueError("a link that stands behind one payment has its sum")
    came = origin_columns(link, NO_ORIGIN, "") | {"locale": locale}
    row = _row(vendor, link, link.amount, email=email, name=name, form_token=form_token, order=JUST_PAY, priced=None, came=came)
    row["expires_at"] = row["created_at"] + life
    first_line = (PaymentEvent, [_first_line(row, link, JUST_PAY, None)])
    return Unwritten(model=Payment, row=row, before=before, said_of_it=[first_line])


def _price(vendor: Vendor, link: PaymentLink, amount: Money | None, order: Order, email: str) -> Priced | None:
    """The cart, where the link sells more than one sum; None after checking the sum where it does not."""
    offer = offer_of(link)
    if amount is not None and not offer.items:
        check_amount(link, amount)
    if not offer.sells:
        return None
    return price(vendor, link, replace(order.choices, amount=amount), email=email, hold=True)


def _before_it(vendor: Vendor, link: PaymentLink, form_token: str, email: str) -> tuple[Payment | None, Known | None]:
    """The same, and what is known of the customer."""
    found = _BEFORE_IT.apart(vendor=vendor.id, mode=link.mode, form=form_token, link=link.id, email=as_kept(email))
    if found is None:
        return None, None
    return (_made_before(vendor, link, form_token) if found[0] else None), found[1:]


def _made_before(vendor: Vendor, link: PaymentLink, form_token: str) -> Payment | None:
    """The payment this very form has made already."""
    found = _BY_FORM.first(vendor=vendor.id, mode=link.mode, form=form_token, link=link.id)
    return found[0] if found else None


def check_amount(link: PaymentLink, amount: Money) -> None:
    """Refuse an amount the link does not take, saying which it does."""
    if amount.currency != link.currency:
        raise AmountNotOffered(said("This link takes %(currency)s.", currency=link.currency), field="amount")
    if link.amount is not None:
        if amount != link.amount:
            raise AmountNotOffered(said("This link takes exactly %(amount)s.", amount=link.amount), field="amount")
        return
    smallest, largest = limits(link.currency)
    if link.total is not None:
        check_part(link, amount, smallest=smallest)
        return
    low, high = max(smallest, link.minimum_minor or 0), min(largest, link.maximum_minor or largest)
    if amount.minor < low:
        raise AmountNotOffered(said("The smallest amount here is %(amount)s.", amount=Money(low, link.currency)), field="amount")
    if amount.minor > high:
        raise AmountNotOffered(said("The largest amount here is %(amount)s.", amount=Money(high, link.currency)), field="amount")
    if amount.minor % (link.step_minor or 1):
        raise AmountNotOffered(said("Choose an amount in steps of %(step)s.", step=Money(link.step_minor, link.currency)), field="amount")


def _row(
    vendor: Vendor, link: PaymentLink, amount: Money, *, email: str, name: str, form_token: str, order: Order, priced: Priced | None, came: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    at = now()
    return {
        "vendor_id": vendor.id,
        "mode": link.mode,
        "id": uuid7(),
        "public_id": public_id("pay"),
        "reference": spoken_reference(),
        "token_id": public_id("tok"),
        "form_token": form_token,
        "link_id": link.id,
        "description": link.title,
        "provider": provider_for(link.mode).name,
        "state": "created",
        "holds_place": link.limited,
        "currency": amount.currency,
        "amount_minor": amount.minor,
        "tip_minor": priced.cart.tip.minor if priced else 0,
        "itemised": priced is not None,
        "captured_minor": 0,
        "refunding_minor": 0,
        "refunded_minor": 0,
        "fee_minor": amount.share(vendor.fee_bps).minor,
        "fee_returned_minor": 0,
        "email": email.strip().lower(),
        "payer_name": name.strip(),
        "recovered_from": order.recovered_from,
        "remind": order.remind,
        "expires_at": at + (FIRST_HOLD if link.limited else SESSION),
        "created_at": at,
        "updated_at": at,
        "version": 1,
        **came,
    }


def _write(
    vendor: Vendor, link: PaymentLink, row: dict[str, Any], order: Order, priced: Priced | None, met: list[Lot], *, by_itself: bool
) -> Payment:
    # Two posts of one form at once: the second finds the first's row instead of failing on it.
    first_line = (PaymentEvent, [_first_line(row, link, order, priced)])
    made = add_row(Payment, row, unless="vendor_id, mode, form_token", within=[first_line, *met], by_itself=by_itself)
    if made is not None:
        _write_beside(made, order, priced)
        return made
    payment = _made_before(vendor, link, row["form_token"])
    if payment is None:
        raise AmountNotOffered("This form was sent before. Please open the link again.")
    return payment


def _first_line(row: dict[str, Any], link: PaymentLink, order: Order, priced: Priced | None) -> dict[str, Any]:
    """The first line of the history."""
    detail = {"amount_minor": row["amount_minor"], "currency": row["currency"], "link": link.public_id}
    if priced and priced.code is not None:
        detail["code"] = priced.code.code
    if order.details and order.details.consent:
        detail["terms"] = order.details.consent.terms.version
    return {
        "vendor_id": row["vendor_id"], "mode": row["mode"], "payment_id": row["id"], "seq": 1, "kind": "payment.created", "to_state": "created", "actor": "payer", "cause": "",
        "detail": detail, "at": row["created_at"],
    }  # fmt: skip


def _write_beside(payment: Payment, order: Order, priced: Priced | None) -> None:
    """The frozen cart, the use of the code, and what the payer answered."""
    if priced:
        write_cart(payment, priced.cart)
        if priced.code is not None:
            hold_use(priced.code, payment.id, payment.email)
    if order.details:
        write_details(payment, order.details)


def payment_token(vendor: Vendor, payment: Payment) -> str:
    """The signed text of this payment's own checkout address."""
    return make_token(
        "payment", vendor=vendor.public_id, mode=payment.mode, token_id=payment.token_id, expires_at=payment.created_at + timedelta(days=30)
    )


def receipt_token(vendor: Vendor, payment: Payment) -> str:
    """The signed text of the receipt's address, good long after the checkout has gone."""
    return make_token(
        "receipt", vendor=vendor.public_id, mode=payment.mode, token_id=payment.token_id, expires_at=payment.created_at + RECEIPT_LIFE
    )


def open_payment_token(text: str, *, purpose: str = "payment") -> tuple[Vendor, Payment]:
    """Whose payment this is. Raises TokenRefused for anything we did not issue for this purpose."""
    vendor, payment, *_ = open_payment(text, purpose=purpose)
    return vendor, payment


def open_payment(
    text: str, *, purpose: str = "payment", only_reads: bool = False
) -> tuple[Vendor, Payment, Attempt | None, PaymentLink | None, Written]:
    """The same, with the attempt that may still move money, as it stands at this moment, the link it came by, and the vendor's rules for ways to pay.

    Whoever `only_reads` gets rows apart from the session.
    """
    claims = read_token(purpose, text)
    ask = _BY_TOKEN.apart if only_reads else _BY_TOKEN.first
    found = ask(vendor=claims.vendor, mode=claims.mode, token_id=claims.token_id)
    if found is None:
        raise TokenRefused("revoked")
    vendor, payment, attempt, link, written = found
    return vendor, payment, attempt, link, written or []


def told_of_payment(text: str) -> tuple[str | None, ...] | None:
    """Everything of which `open_payment` tells, as one text for each row: for whoever kept it, and asks whether it is still the same. Raises
    TokenRefused for what we did not issue; None when it opens nothing any more."""
    claims = read_token("payment", text)
    return _BY_TOKEN.told(vendor=claims.vendor, mode=claims.mode, token_id=claims.token_id)


def lock_payment(payment: Payment) -> Payment:
    """The payment as it is now, locked until the unit ends."""
    return lock_again(payment)


def note_locale(payment: Payment, locale: str) -> None:
    """The payer reads in another language by now: what is written to them from here on is written in that one."""
    if locale and payment.locale != locale:
        lock_payment(payment).locale = locale


def keep_place(payment: Payment, until: timedelta) -> None:
    """The payer of a locked payment has gone on: the place it holds is kept for so long after it began. Never shorter than before."""
    if payment.holds_place:
        payment.expires_at = max(payment.expires_at, payment.created_at + until)


def give_up(payment: Payment, *, to: str, actor: str, cause: str = "") -> bool:
    """End an unpaid payment (canceled or expired) and give its place back. Its attempts must be closed at the provider first."""
    payment = lock_payment(payment)
    if payment.state in PAID_OR_OVER or payment.state in ("processing", "unknown"):
        return False
    moved = move(payment, to, f"payment.{to}", actor=actor, cause=cause)
    payment.holds_place = False
    if moved:
        post_notice(get_vendor(payment.vendor_id), "payment_over", mode=payment.mode, about=payment.public_id)
    return moved
