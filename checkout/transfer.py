"""Paying by bank transfer: what to enter at the bank, a code to scan, and the truth about what has come so far."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, url_for
from flask_babel import gettext as _

from checkout.blueprint import door
from checkout.result import NOT_CANCELED, payment_page
from checkout.till import Till, at
from core.kernel.config import settings
from core.payments.attempt import close_at_provider, live_attempt
from core.payments.choose import ways_to_pay
from core.payments.settle import settle
from core.payments.transfer_queries import instructions_of, list_transfers
from core.providers.bank import spell_iban, spell_reference
from core.providers.contract import Instructions, ProviderError
from core.providers.registry import sandbox_pages
from core.web.epc import epc_svg
from core.web.guard import public
from core.web.page import see_other, step_outside
from core.web.throttle import by_address

LOOK_SECONDS = 20  # statements come in the course of a day; nobody waits by the second
REFRESH_SECONDS = 60  # for browsers without scripts


@door.post("/checkout/<token>/transfer/leave")
@public
@by_address("120 per 10 minutes", scope="attempts")
@at("transfer")
def leave_transfer(till: Till) -> Response:
    """The payer would rather pay another way. A transfer that is on its way all the same is late, and is not lost."""
    attempt = live_attempt(till.payment)
    if till.payment.unapplied or attempt is None:
        return see_other(till.page_url)
    try:
        with step_outside():
            outcome = close_at_provider(till.payment, attempt)
    except ProviderError:
        return transfer_page(till, notice=NOT_CANCELED, status=409)
    settle(till.vendor, till.payment, attempt, outcome, cause="close")
    return see_other(till.page_url)


@door.get("/checkout/<token>/transfer/state")
@public
@at("transfer")
def transfer_state(till: Till) -> Response:
    """What has come so far, again; once it is paid the guard sends the browser to its page."""
    return transfer_page(till, part=True)


def transfer_page(till: Till, *, notice: str | None = None, status: int = 200, part: bool = False) -> Response:
    payment, told = till.payment, instructions_of(till.vendor, till.payment)
    if told is None:
        raise RuntimeError("a transfer that is waited for has its instructions")
    return payment_page(
        "checkout/_transfer_state.html" if part else "checkout/transfer.html",
        till,
        status=status,
        notice=notice,
        told=told,
        payer_reference=payment.payer_reference,
        reference_label=payment.reference_label,
        iban=spell_iban(told.iban),
        spelt=spell_reference(told.reference),
        code=None if part else _code(told),
        came=[transfer for transfer in list_transfers(till.vendor, payment) if transfer.taken_back_at is None],
        received=payment.unapplied,
        ends_on=payment.expires_at,
        state_url=url_for("checkout.transfer_state", token=till.token),
        look_seconds=LOOK_SECONDS,
        refresh_seconds=REFRESH_SECONDS,
        leave_url=url_for("checkout.leave_transfer", token=till.token) if _has_other_ways(till) else None,
        cancel_url=url_for("checkout.cancel", token=till.token),
        practice_url=_practice_bank(till, told),
    )


def _code(told: Instructions) -> object:
    title = _("Code for your banking app")
    return epc_svg(holder=told.holder, iban=told.iban, bic=told.bic, amount=told.amount, reference=told.reference, title=title)


def _has_other_ways(till: Till) -> bool:
    return any(way.method != "bank_transfer" for way in ways_to_pay(till.vendor, till.payment, till.link).shown)


def _practice_bank(till: Till, told: Instructions) -> str | None:
    """In the demo a pretend bank of the payer's stands beside it, with the form filled in."""
    if till.payment.mode != "test" or not settings().demo or not settings().sandbox_url:
        return None
    typed = {
        "iban": told.iban,
        "amount": told.amount.decimal_text,
        "reference": told.reference,
        "name": till.payment.payer_name or "Ada Payer",
        "back": till.outside("checkout.show"),
    }
    return f"{sandbox_pages()}/bank?{urlencode(typed)}"
