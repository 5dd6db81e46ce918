"""Letters to whoever pays. A link may leave their address unasked: then nobody is written to, and the payment's own page says it all."""

from __future__ import annotations

from core.accounts.models import Vendor
from core.notifications.models import Message
from core.notifications.notify import notify
from core.payments.models import Payment


def write_to_payer(vendor: Vendor, kind: str, payment: Payment, **ids: str) -> Message | None:
    """One letter of this kind about the payment, in the language they paid in; None for who left no address."""
    if not payment.email:
        return None
    return notify(vendor, kind, mode=payment.mode, to=payment.email, locale=payment.locale or "en", payment=payment.public_id, **ids)
