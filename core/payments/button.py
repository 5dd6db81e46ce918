"""Buttons for websites, e-mails and paper: a signed address with its price behind it, which nobody can change on the page it stands on.

The signature says which button it is; the row says what it costs, for what, until when, and whether it still counts
(docs/decisions/0005-tokens-prove-rows-decide.md). What a page shows beside it is compared with the row and never believed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from core.accounts.models import Vendor
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import locked
from core.kernel.errors import Conflict, NotFound
from core.kernel.money import BadAmount, Money, parse_amount
from core.payments.basket import offer_of
from core.payments.link import lock_link
from core.payments.locked_price import price_now
from core.payments.models import PaymentLink
from core.payments.prefill import Answers, AsButton, BadPrefill, get_prefill, make_prefill, withdraw_prefill
from core.payments.sharing_models import LinkPrefill

SHOWN = ("popup", "inline", "link")
SIZES = ("medium", "small", "large")
THEMES = ("", "light", "dark")


@dataclass(frozen=True)
class Look:
    """How a button looks, and what it does on a page with our script."""

    text: str = ""
    shown: str = "popup"
    size: str = "medium"
    theme: str = ""


def make_button(
    vendor: Vendor, link: PaymentLink, *, by: str, answers: Answers, look: Look, expires_at: datetime | None, form_token: str
) -> LinkPrefill:
    """Make one. The price is worked out now and promised: when the link's is another one later, the button says so and takes nothing."""
    if answers.email or answers.name:
        raise BadPrefill("A button stands where anybody reads it, so it names nobody.")
    if expires_at is not None and expires_at <= now():
        raise BadPrefill("This time has passed. Choose a later one.", field="expires_at")
    if not look.text.strip():
        raise BadPrefill("Say what stands on the button.", field="text")
    link = lock_link(link)  # the price is in the currency of this moment
    quantities = {item.id: answers.quantities.get(item.id, max(item.least, 1)) for item in offer_of(link).items if item.adjustable}
    answers = Answers(reference=answers.reference, amount=answers.amount, locale=answers.locale, quantities=quantities)
    costs = price_now(vendor, link, answers.amount, quantities)
    kept = AsButton(look=asdict(look), price_minor=costs.minor if costs else None, expires_at=expires_at)
    return make_prefill(vendor, link, by=by, answers=answers, form_token=form_token, button=kept)


def get_button(vendor: Vendor, mode: str, public_id: str) -> tuple[PaymentLink, LinkPrefill]:
    """This vendor's button with its link; refuses with 404."""
    link, prefill = get_prefill(vendor, mode, public_id)
    if prefill.look is None:
        raise NotFound("There is no such button.")
    return link, prefill


def look_of(prefill: LinkPrefill) -> Look:
    """As it was chosen."""
    return Look(**(prefill.look or {}))


def price_of(link: PaymentLink, prefill: LinkPrefill) -> Money | None:
    """What it promises to cost; None where whoever presses it says how much."""
    return Money(prefill.price_minor, link.currency) if prefill.price_minor else None


def pause_button(prefill: LinkPrefill, *, by: str) -> None:
    """Whoever presses it reads that payments are paused. Repeating it changes nothing."""
    row = _lock(prefill)
    if row.paused_at is None:
        row.paused_at = now()
        record(row.vendor_id, actor=by, action="link.button_paused", subject=row.public_id)


def resume_button(prefill: LinkPrefill, *, by: str) -> None:
    """It works again, at the price it promised."""
    row = _lock(prefill)
    if row.paused_at is not None:
        row.paused_at = None
        record(row.vendor_id, actor=by, action="link.button_resumed", subject=row.public_id)


def renew_button(vendor: Vendor, link: PaymentLink, prefill: LinkPrefill, *, by: str, form_token: str) -> LinkPrefill:
    """The same button under a new address, at the price of today; the old one, wherever it stands, opens nothing any more."""
    if prefill.withdrawn_at is not None:
        raise Conflict("This button was taken back.")
    withdraw_prefill(prefill, by=by)
    answers = Answers(
        reference=prefill.payer_reference,
        amount=Money(prefill.amount_minor, link.currency) if prefill.amount_minor else None,
        locale=prefill.locale,
        quantities=prefill.quantities or {},
    )
    return make_button(vendor, link, by=by, answers=answers, look=look_of(prefill), expires_at=prefill.expires_at, form_token=form_token)


def is_as_issued(link: PaymentLink, prefill: LinkPrefill, *, amount: str, currency: str, reference: str) -> bool:
    """Whether what a page says of a button is what the button is for. What it does not say is not compared."""
    if currency and currency != link.currency:
        return False
    if reference and reference != prefill.payer_reference:
        return False
    if not amount:
        return True
    promised = price_of(link, prefill)
    try:
        return promised is None or parse_amount(amount[:64].strip(), link.currency) == promised
    except BadAmount:
        return False


def _lock(prefill: LinkPrefill) -> LinkPrefill:
    row = locked(LinkPrefill, prefill.vendor_id, prefill.mode, prefill.id)
    if row is None or row.withdrawn_at is not None:
        raise Conflict("This button was taken back.")
    return row
