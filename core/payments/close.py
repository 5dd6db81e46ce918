"""Ending an unpaid payment: its attempt is closed at the provider first, and what the provider answers decides."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.payments.attempt import live_attempt, lock_both, move_attempt
from core.payments.models import Attempt, Payment
from core.payments.settle import settle
from core.payments.start import give_up, lock_payment
from core.providers.contract import Outcome


def record_close(vendor: Vendor, payment: Payment, attempt: Attempt | None, outcome: Outcome | None, *, to: str, actor: str) -> str:
    """Write down the end of a payment nobody paid: `to` is canceled or expired. Answers the state the payment is in now.

    `outcome` is what the provider said when it was asked to close the attempt (None when there was no attempt). If the
    payer was faster, the payment is paid and stays so; if the provider does not know yet, nothing ends. Nor does it while
    another tab has an attempt open that nobody has closed: its payer could still pay for a place given to somebody else.
    """
    payment = lock_payment(payment)
    if attempt is not None and outcome is not None:
        if outcome.state != "canceled":
            settle(vendor, payment, attempt, outcome, cause="close")
            return payment.state
        _, attempt = lock_both(attempt)
        move_attempt(attempt, "abandoned")
    if live_attempt(payment) is not None:
        return payment.state
    give_up(payment, to=to, actor=actor)
    return payment.state
