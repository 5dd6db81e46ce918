"""A payer decides to pay: the payment is written down, and a limited link's place is taken, before anything else happens."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.kernel.ids import public_id, spoken_reference, uuid7
from core.kernel.money import Money
from core.kernel.signing import TokenRefused, make_token, read_token
from core.payments.history import move
from core.payments.instalments import check_part
from core.payments.link import LinkClosed, limits, link_state
from core.payments.models import Payment, PaymentEvent, PaymentLink
from core.payments.origin import Origin, as_filled_in, check_fixed_amount, origin_columns
from core.providers.registry import provider_for

SESSION = timedelta(minutes=60)  # how long a payer may take
RECEIPT_LIFE = timedelta(days=10 * 365)


class AmountNotOffered(Refusal):
    """The link does not take this amount."""

    code = "amount_not_offered"


def start_payment(
    vendor: Vendor, link: PaymentLink, *, amount: Money, email: str, name: str, form_token: str, origin: Origin | None = None
) -> Payment:
    """Write down what the payer set out to pay. The same form posted again answers the payment it made the first time.

    A limited link is locked while its places (or what is left of its total) are counted, so two people cannot both have the
    last of it. Refuses LinkClosed when the link takes no payment now, AmountNotOffered or PartNotOffered when it does not take
    this amount, BadReference when what it asks of the payer is missing.
    """
    again = _made_before(vendor, link, form_token)
    if again:
        return again
    if link.limited:
        link = locked(PaymentLink, link.vendor_id, link.mode, link.id) or link
        again = _made_before(vendor, link, form_token)  # while we waited for the link; it may have taken the last place
        if again:
            return again
    state = link_state(link)
    if state != "open":
        raise LinkClosed(state)
    origin = origin or Origin()
    check_fixed_amount(origin.prefill, amount)
    check_amount(link, amount)
    email, name, reference = as_filled_in(origin.prefill, email=email, name=name, reference=origin.payer_reference)
    came = origin_columns(link, origin, reference)
    return _write(vendor, link, amount, email, name, form_token, came)


def _made_before(vendor: Vendor, link: PaymentLink, form_token: str) -> Payment | None:
    """The payment this very form has made already."""
    mine = select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == link.mode, Payment.form_token == form_token)
    return db.session.scalar(mine.where(Payment.link_id == link.id))


def check_amount(link: PaymentLink, amount: Money) -> None:
    """Refuse an amount the link does not take, saying which it does."""
    if amount.currency != link.currency:
        raise AmountNotOffered(f"This link takes {link.currency}.", field="amount")
    if link.amount is not None:
        if amount != link.amount:
            raise AmountNotOffered(f"This link takes exactly {link.amount}.", field="amount")
        return
    smallest, largest = limits(link.currency)
    if link.total is not None:
        check_part(link, amount, smallest=smallest)
        return
    low, high = max(smallest, link.minimum_minor or 0), min(largest, link.maximum_minor or largest)
    if amount.minor < low:
        raise AmountNotOffered(f"The smallest amount here is {Money(low, link.currency)}.", field="amount")
    if amount.minor > high:
        raise AmountNotOffered(f"The largest amount here is {Money(high, link.currency)}.", field="amount")


def _write(vendor: Vendor, link: PaymentLink, amount: Money, email: str, name: str, form_token: str, came: dict[str, object]) -> Payment:
    at = now()
    row = {
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
        "captured_minor": 0,
        "refunding_minor": 0,
        "refunded_minor": 0,
        "fee_minor": amount.share(vendor.fee_bps).minor,
        "fee_returned_minor": 0,
        "email": email.strip().lower(),
        "payer_name": name.strip(),
        "expires_at": at + SESSION,
        "created_at": at,
        "updated_at": at,
        "version": 1,
        **came,
    }
    # Two posts of one form at once: the second finds the first's row instead of failing on it.
    made = db.session.execute(
        insert(Payment).values(**row).on_conflict_do_nothing(index_elements=["vendor_id", "mode", "form_token"]).returning(Payment.id)
    ).scalar()
    payment = db.session.scalar(
        select(Payment).where(Payment.vendor_id == vendor.id, Payment.mode == link.mode, Payment.form_token == form_token)
    )
    if payment is None or payment.link_id != link.id:
        raise AmountNotOffered("This form was sent before. Please open the link again.")
    if made:
        detail = {"amount_minor": amount.minor, "currency": amount.currency, "link": link.public_id}
        db.session.add(
            PaymentEvent(
                vendor_id=vendor.id, mode=link.mode, payment_id=payment.id, seq=1, kind="payment.created", to_state="created", actor="payer", cause="", detail=detail, at=at
            )
        )  # fmt: skip
    return payment


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
    claims = read_token(purpose, text)
    named = Payment.mode == claims.mode, Payment.token_id == claims.token_id
    found = db.session.execute(
        select(Vendor, Payment).join(Payment, Payment.vendor_id == Vendor.id).where(Vendor.public_id == claims.vendor, *named)
    ).first()
    if found is None:
        raise TokenRefused("revoked")
    return found[0], found[1]


def lock_payment(payment: Payment) -> Payment:
    """The payment as it is now, locked until the unit ends."""
    fresh = locked(Payment, payment.vendor_id, payment.mode, payment.id)
    if fresh is None:
        raise RuntimeError("a payment is never deleted")
    return fresh


def give_up(payment: Payment, *, to: str, actor: str, cause: str = "") -> bool:
    """End an unpaid payment (canceled or expired) and give its place back. Its attempts must be closed at the provider first."""
    payment = lock_payment(payment)
    if payment.state in ("succeeded", "canceled", "expired", "processing", "unknown"):
        return False
    moved = move(payment, to, f"payment.{to}", actor=actor, cause=cause)
    payment.holds_place = False
    return moved
