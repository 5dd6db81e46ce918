"""A code that each customer may use so often: the card is known only once it was typed, so it is authorised first, looked at, and then charged or let go."""

from __future__ import annotations

from sqlalchemy import func, select, update

from core.accounts.models import Vendor
from core.kernel.db import db, locked
from core.payments.attempt import lock_both, move_attempt
from core.payments.charge_news import hear_charge
from core.payments.discount import still_counts
from core.payments.discount_cards import mark_of
from core.payments.hear import tell_payer_it_failed
from core.payments.history import move, note
from core.payments.lockout import BY_CARD
from core.payments.models import Attempt, Payment
from core.payments.sale_models import DiscountCode, DiscountUse
from core.payments.states import LIVE_ATTEMPT, may_move
from core.payments.states import PAYMENT as PAYMENT_MOVES
from core.providers.contract import Outcome
from core.providers.registry import provider_named

CODE_USED_UP = "code_used_with_this_card"  # the decline's code; its words: checkout/declines.py


def is_held_first(vendor: Vendor, payment: Payment, method: str) -> bool:
    """Whether money is only authorised to begin with: a card (out of a wallet or not), and a code that the same card may not use without end."""
    code = _code_of(vendor, payment) if method in BY_CARD and payment.itemised else None
    return code is not None and code.most_each is not None


def may_be_taken(vendor: Vendor, payment: Payment, fingerprint: str | None) -> bool:
    """The card is that use's card from now on. False when it has had the code as often as it may; two cards at once are counted one after the other."""
    code = _code_of(vendor, payment)
    if code is None or code.most_each is None or not fingerprint:
        return True
    locked(DiscountCode, code.vendor_id, code.mode, code.id)
    mine = (DiscountUse.vendor_id == vendor.id, DiscountUse.mode == payment.mode)
    card = mark_of(vendor, payment.mode, fingerprint)
    db.session.execute(update(DiscountUse).where(*mine, DiscountUse.payment_id == payment.id).values(card=card))
    same = (Payment.vendor_id == DiscountUse.vendor_id) & (Payment.mode == DiscountUse.mode) & (Payment.id == DiscountUse.payment_id)
    others = select(func.count()).select_from(DiscountUse).join(Payment, same).where(*mine, DiscountUse.payment_id != payment.id)
    used = db.session.scalar(others.where(DiscountUse.discount_id == code.id, DiscountUse.card == card, still_counts())) or 0
    return int(used) < code.most_each


def take(payment: Payment, attempt: Attempt) -> Outcome:
    """Charge what was authorised. Call it outside any transaction; asked twice it charges once."""
    return provider_named(attempt.provider, payment.mode).capture(attempt.provider_reference or "")


def record_let_go(vendor: Vendor, attempt: Attempt, outcome: Outcome, *, code: str = CODE_USED_UP) -> None:
    """The authorisation is gone, and no money was taken: the payer may go on with another card. Told twice it is written once.

    `code` says why, in words of checkout/declines.py.
    """
    payment, attempt = lock_both(attempt)
    if attempt.state not in LIVE_ATTEMPT:
        return
    if attempt.surface == "saved":  # nobody is there to try another card: whoever wished the charge is told
        over = Outcome("declined", attempt.provider_reference or "", charge=outcome.charge, decline_code=code, closed=True)
        hear_charge(vendor, payment, attempt, over, cause="poll", actor="system")
        return
    note(payment, "attempt.declined", actor="system", charge=outcome.charge or "", decline_code=code)
    attempt.decline_code = payment.decline_code = code
    move_attempt(attempt, "declined")
    tell_payer_it_failed(vendor, payment)
    if may_move(PAYMENT_MOVES, payment.state, "requires_method"):
        move(payment, "requires_method", "payment.requires_method", actor="system")


def _code_of(vendor: Vendor, payment: Payment) -> DiscountCode | None:
    """The code this payment was begun with."""
    use = db.session.get(DiscountUse, (vendor.id, payment.mode, payment.id))
    return db.session.get(DiscountCode, (vendor.id, payment.mode, use.discount_id)) if use else None
