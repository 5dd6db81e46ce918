"""A letter to a payer as it would be written now, about a payment that is nobody's: for the picture beside its settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _

from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.money import Money
from core.payments.link import draft_link
from core.payments.link_terms import LinkTerms
from core.payments.models import Payment
from core.payments.refund_models import Refund
from core.web.brand import LetterLook, letter_look
from core.web.languages import language
from core.web.mail import Letter, write_letter
from core.web.reader import Reader


def example_letter(vendor: Vendor, mode: str, kind: str, paragraph: str, look: LetterLook | None = None) -> Letter:
    """The letter with the vendor's own words in it, in the language of whoever looks at it; `look` in the place of what is saved."""
    payment, link = example_payment(vendor, mode), draft_link(vendor, mode=mode, terms=_terms(vendor))
    facts: dict[str, Any] = {
        "vendor": vendor, "practice": mode == "test", "enclosed": True, "look": look or letter_look(vendor, carries_logo=False), "payment": payment,
        "cart": None, "refund": _refund(payment), "account_ends": None, "by_transfer": False, "customer_was_told": False, "days": 3, "link": link, "progress": None, "words": [],
        "ends_at": None, "action_url": f"{settings().public_url}/", "vendors_words": paragraph.splitlines(),
    }  # fmt: skip
    return write_letter(kind, Reader(language(), vendor.time_zone), **facts)


def _terms(vendor: Vendor) -> LinkTerms:
    return LinkTerms(title=_("An example"), currency=vendor.currency, amount_minor=Money.of("24", vendor.currency).minor)


def example_payment(vendor: Vendor, mode: str) -> Payment:
    """Half of it given back, and nobody's."""
    minor, at = Money.of("24", vendor.currency).minor, now()
    return Payment(
        vendor_id=vendor.id, mode=mode, public_id="pay_example", reference="ABCDE-23456", description=_("An example"), state="succeeded",
        provider="stripe", currency=vendor.currency, amount_minor=minor, captured_minor=minor, refunded_minor=minor // 2, refunding_minor=0,
        email="ada@example.com", payer_name="Ada", method="card", card_brand="visa", card_last4="4242", captured_at=at - timedelta(days=2),
        created_at=at - timedelta(days=2), locale="",
    )  # fmt: skip


def _refund(payment: Payment) -> Refund:
    return Refund(
        amount_minor=payment.refunded_minor, currency=payment.currency, state="succeeded", taken_from="seller_available", settled_at=now()
    )
