"""What this browser has begun to pay, address by address: so that two tabs, the back button and a reload are one payment.

`key` is the token id of what was opened: the link's own, or that of a filled-in address, which is about another payment.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import request, session

from core.accounts.models import Vendor
from core.kernel.signing import TokenRefused
from core.payments.models import Payment, PaymentLink
from core.payments.start import open_payment_token
from core.web.framed import digest_of, framed
from core.web.this_request import opened

KEPT = 5  # links; the form cookie must stay small


def form_token_for(key: str) -> tuple[str, bool]:
    """The number of this browser's next payment here, and whether it is a new one: the same in every tab until that payment has begun."""
    mine = _of(key)
    token = mine.get("form") or secrets.token_urlsafe(24)
    _keep(key, {**mine, "form": token})
    return token, "form" not in mine


def remember(key: str, token: str) -> None:
    """This browser has begun this payment, or this membership. The next form gets a new number."""
    _keep(key, {"paying": token})


def remembered(key: str) -> str | None:
    """The signed address under which this browser last began something here."""
    token = _of(key).get("paying")
    return token if isinstance(token, str) else None


def browser_id() -> str:
    """A number of this browser's own, for as long as it keeps its form cookie: tries are counted by it, and nothing else is.

    Inside a frame there is no cookie, and the address stands for the browser.
    """
    if framed():
        return digest_of(request.path.split("/")[3])
    kept = session.get("who")
    if not isinstance(kept, str) or not kept:
        kept = session["who"] = secrets.token_urlsafe(9)
    return kept


def begun(vendor: Vendor, link: PaymentLink, key: str) -> tuple[str, Payment] | None:
    """The payment this browser last began here, with its address; None when there is none."""
    token = remembered(key)
    if token is None:
        return None
    try:
        owner, payment = open_payment_token(token)
    except TokenRefused:
        return None
    return (token, payment) if owner.id == vendor.id and payment.link_id == link.id else None


def _all() -> dict[str, dict[str, str]]:
    kept: Any = opened().get("tills")
    return kept if isinstance(kept, dict) else {}


def _of(key: str) -> dict[str, str]:
    return _all().get(key, {})


def _keep(key: str, mine: dict[str, str]) -> None:
    others = {name: value for name, value in _all().items() if name != key}
    opened()["tills"] = dict(list(others.items())[-(KEPT - 1) :]) | {key: mine}
