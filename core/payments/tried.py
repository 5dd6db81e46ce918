"""What a vendor has tried out so far: for guides that tick their own steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.payments.models import Payment, PaymentEvent, PaymentLink
from core.payments.refund_models import Refund
from core.payments.sharing_models import LinkOpening, LinkPrefill


@dataclass(frozen=True, slots=True)
class Tried:
    """Whether it has happened at least once, in one mode."""

    link: bool
    opened: bool
    paid: bool
    declined: bool
    refunded: bool
    button: bool


def tried(vendor: Vendor, mode: str) -> Tried:
    """As it stands now. Six short questions, each for one row."""
    return Tried(
        link=_any(PaymentLink, vendor, mode),
        opened=_any(LinkOpening, vendor, mode),
        paid=_any(Payment, vendor, mode, Payment.state == "succeeded"),
        declined=_any(PaymentEvent, vendor, mode, PaymentEvent.kind == "attempt.declined"),
        refunded=_any(Refund, vendor, mode, Refund.state == "succeeded"),
        button=_any(LinkPrefill, vendor, mode, LinkPrefill.look.is_not(None)),
    )


def _any(model: Any, vendor: Vendor, mode: str, *more: Any) -> bool:
    return db.session.scalar(select(model.mode).where(model.vendor_id == vendor.id, model.mode == mode, *more).limit(1)) is not None
