"""What the clauses of the provider contract ask for: a payment that is opened, paid and given back, and the events that tell of it."""

from dataclasses import replace
from datetime import timedelta

from core.kernel import clock
from core.kernel.ids import public_id
from core.kernel.money import Money
from core.providers.contract import OpenPayment
from tests.sandbox.running import answer_challenge, pay


def wish(minor=2500, currency="GBP", surface="hosted", **changes):
    reference = public_id("att")
    made = OpenPayment(
        reference=reference,
        mode="test",
        amount=Money(minor, currency),
        description="A pot",
        email="ada@example.com",
        return_url="http://shop.test/return",
        cancel_url="http://shop.test/cancel",
        expires_at=clock.now() + timedelta(hours=2),
        surface=surface,
        metadata={"vendor": "vnd_1", "mode": "test", "payment": "pay_1", "attempt": reference},
    )
    return replace(made, **changes)


def paid(provider, sandbox, number="4242424242424242", **wishes):
    """Opens and pays; gives the outcome."""
    opening = provider.open_payment(wish(**wishes))
    _, location, _ = pay(opening.redirect_url, number)
    if location and "/3ds/" in location:
        answer_challenge(sandbox, location, "approve")
    return provider.inquire(opening.provider_reference)


def refund(provider, outcome, minor, reference=None, reason="requested_by_customer"):
    amount = Money(minor, outcome.captured.currency)
    return provider.refund(reference or public_id("ref"), outcome.charge, amount, reason, {"payment": "pay_1"})


def read_all(provider, catcher):
    return [provider.read_event(body, headers, "test") for headers, body, _, _ in list(catcher.caught)]
