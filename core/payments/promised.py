"""Sums that a link's addresses promise, filled in for a payer or behind a button: numbers that mean what the link's currency says."""

from __future__ import annotations

from sqlalchemy import func, select

from core.kernel.db import db
from core.kernel.errors import Conflict
from core.kernel.sentence import said
from core.payments.models import PaymentLink
from core.payments.sharing_models import LinkPrefill


class SumsPromised(Conflict):
    """Addresses out there name a sum in the link's currency."""

    code = "sums_promised"


def check_promises(link: PaymentLink, currency: str) -> None:
    """Refuse another currency for a locked link while an address that still opens it names a sum: 10 pounds are not 10 dollars."""
    if currency == link.currency:
        return
    mine = LinkPrefill.vendor_id == link.vendor_id, LinkPrefill.mode == link.mode, LinkPrefill.link_id == link.id
    opens = LinkPrefill.withdrawn_at.is_(None), LinkPrefill.link_token_id == link.token_id
    sums = func.coalesce(LinkPrefill.amount_minor, LinkPrefill.price_minor).is_not(None)
    if db.session.scalar(select(LinkPrefill.id).where(*mine, *opens, sums).limit(1)) is not None:
        words = said(
            "A button or a filled-in address of this link promises a sum in %(currency)s. Take it back first, or make a new link.",
            currency=link.currency,
        )
        raise SumsPromised(words, field="currency")
