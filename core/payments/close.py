"""Ending an unpaid payment: its attempt is closed at the provider first, and what the provider answers decides."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.payments.attempt import live_attempt, lock_both
from core.payments.charge_news import tell_over
from core.payments.models import Attempt, Payment
from core.payments.recover import ask_back
from core.payments.settle import settle
from core.payments.start import give_up, lock_payment
from core.payments.transfer_receive import judge
from core.providers.contract import Outcome


def record_close(vendor: Vendor, payment: Payment, attempt: Attempt | None, outcome: Outcome | None, *, to: str, actor: str) -> str:
    """Write down the end of a payment nobody paid: `to` is canceled or expired. Answers the state the payment is in now.

    `outcome` is what the provider said when it was asked to close the attempt (None when there was no attempt). If the
    payer was faster, the payment is paid and stays so; if the provider does not know yet, or has been asked for another
    attempt in the meantime, nothing ends.
    """
    if attempt is not None and outcome is not None:
        if outcome.state == "canceled":
            payment, attempt = lock_both(attempt)
            if attempt.provider_reference and not outcome.provider_reference:
                return payment.state  # it was taken for never opened, and has been opened since
        settle(vendor, payment, attempt, outcome, cause="close")
        if outcome.state != "canceled" and not outcome.closed:
            return payment.state
    payment = lock_payment(payment)
    if live_attempt(payment) is not None:
        return payment.state
    if give_up(payment, to=to, actor=actor):
        tell_over(payment, to)
        if payment.unapplied:
            judge(vendor, payment)  # part of it has come: somebody has to say what becomes of that
        elif to == "expired":
            ask_back(vendor, payment)
    return payment.state
