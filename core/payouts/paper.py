"""The statement of a payout on paper: under what it is kept, and how it is asked for."""

from __future__ import annotations

from sqlalchemy import select

from core.accounts.models import Vendor
from core.kernel.db import db
from core.kernel.outbox import enqueue, is_waiting
from core.payouts.models import Payout


def paper_name(payout: Payout, *, locale: str) -> str:
    """The lines never change, but a payout that came back says so on its next paper, and another language has other words."""
    return f"{payout.public_id}:{payout.state}:{locale}"


def ask_for_paper(vendor: Vendor, payout: Payout, *, locale: str) -> None:
    """Have a worker print it. Asked for twice, it is printed once."""
    args = {"mode": payout.mode, "payout": payout.public_id, "locale": locale}
    if not db.session.scalar(select(is_waiting("make_payout_statement", vendor.id, **args))):
        enqueue("make_payout_statement", vendor.id, queue="papers", **args)
