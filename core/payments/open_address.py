"""The signed addresses that lead to a link: its own, one that was sent by e-mail, one with answers filled in. All are revoked together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.signing import Claims, TokenRefused, read_token
from core.payments.link import open_link_token
from core.payments.models import PaymentLink
from core.payments.sharing_models import LinkPrefill, LinkSending

Row = TypeVar("Row", LinkSending, LinkPrefill)


@dataclass(frozen=True)
class Opened:
    """Whose link it is, and by which of its addresses somebody came in."""

    vendor: Vendor
    link: PaymentLink
    sending: LinkSending | None = None
    prefill: LinkPrefill | None = None


def open_address(text: str) -> Opened:
    """What a signed address opens. Raises TokenRefused for anything we did not issue, or have since taken back."""
    try:
        return Opened(*open_link_token(text))
    except TokenRefused as refusal:
        if refusal.reason != "bad":
            raise
    for purpose, model in (("sending", LinkSending), ("prefill", LinkPrefill)):
        try:
            claims = read_token(purpose, text)
        except TokenRefused as refusal:
            if refusal.reason != "bad":
                raise
            continue
        vendor, link, row = _follow(model, claims)
        return Opened(vendor, link, **{purpose: row})
    raise TokenRefused("bad")


def _follow(model: type[Row], claims: Claims) -> tuple[Vendor, PaymentLink, Row]:
    named = model.mode == claims.mode, model.token_id == claims.token_id
    found = db.session.execute(
        select(Vendor, PaymentLink, model)
        .join(model, model.vendor_id == Vendor.id)
        .join(
            PaymentLink, (PaymentLink.vendor_id == model.vendor_id) & (PaymentLink.mode == model.mode) & (PaymentLink.id == model.link_id)
        )
        .where(Vendor.public_id == claims.vendor, *named)
    ).first()
    if found is None or found[2].link_token_id != found[1].token_id or getattr(found[2], "withdrawn_at", None):
        raise TokenRefused("revoked")
    return found[0], found[1], found[2]
