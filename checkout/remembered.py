"""What this browser has begun to pay, link by link: so that two tabs, the back button and a reload are one payment."""

from __future__ import annotations

import secrets
from typing import Any

from flask import session

from core.accounts.models import Vendor
from core.kernel.signing import TokenRefused
from core.payments.models import Payment, PaymentLink
from core.payments.start import open_payment_token

KEPT = 5  # links; the form cookie must stay small


def form_token_for(link: PaymentLink) -> str:
    """The number of this browser's next payment through the link: the same in every tab until that payment has begun."""
    mine = _of(link)
    token = mine.get("form") or secrets.token_urlsafe(24)
    _keep(link, {**mine, "form": token})
    return token


def remember(link: PaymentLink, payment_token: str) -> None:
    """This browser has begun this payment. The next form gets a new number."""
    _keep(link, {"paying": payment_token})


def begun(vendor: Vendor, link: PaymentLink) -> tuple[str, Payment] | None:
    """The payment this browser last began through the link, with its address; None when there is none."""
    token = _of(link).get("paying")
    if not isinstance(token, str):
        return None
    try:
        owner, payment = open_payment_token(token)
    except TokenRefused:
        return None
    return (token, payment) if owner.id == vendor.id and payment.link_id == link.id else None


def _all() -> dict[str, dict[str, str]]:
    kept: Any = session.get("tills")
    return kept if isinstance(kept, dict) else {}


def _of(link: PaymentLink) -> dict[str, str]:
    return _all().get(link.token_id, {})


def _keep(link: PaymentLink, mine: dict[str, str]) -> None:
    others = {name: value for name, value in _all().items() if name != link.token_id}
    session["tills"] = dict(list(others.items())[-(KEPT - 1) :]) | {link.token_id: mine}
