"""Asking for a link's poster to be printed by a worker."""

from __future__ import annotations

import uuid

from core.kernel.outbox import enqueue
from core.payments.models import PaymentLink


def ask_for_poster(link: PaymentLink, *, size: str, address: str, caption: str | None, branch: uuid.UUID | None = None) -> None:
    """`address` is what its code says, `caption` what people read below it, `branch` the one that it names. Asked for twice, the same sheet is kept once."""
    enqueue(
        "make_poster",
        link.vendor_id,
        queue="papers",
        mode=link.mode,
        link=str(link.id),
        size=size,
        address=address,
        caption=caption or "",
        branch=str(branch) if branch else "",
    )
