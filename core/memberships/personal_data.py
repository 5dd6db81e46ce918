"""What memberships hold of one person: handed out with the rest of it, and taken away with it. Invoices stay, because the law says so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists, select, update

from core.accounts.models import Vendor
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.customers.models import Customer
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.ids import public_id
from core.memberships.join import find_subscription
from core.memberships.lists import documents_of
from core.memberships.models import Member
from core.memberships.plans import find_plan
from core.payments.personal_data import StillUnderWay


def memberships_of(vendor: Vendor, customer: Customer) -> list[dict[str, Any]]:
    """Every membership they ever had or asked for, as plain values."""
    mine = select(Member).where(Member.vendor_id == vendor.id, Member.mode == customer.mode, Member.email == customer.email)
    return [_membership(vendor, member) for member in db.session.scalars(mine.order_by(Member.id))]


def _membership(vendor: Vendor, member: Member) -> dict[str, Any]:
    row = find_subscription(member)
    documents = documents_of(vendor, row) if row else []
    return {
        "number": member.public_id, "plan": find_plan(member).name, "email": member.email, "name": member.name, "language": member.locale,
        "asked_at": member.created_at.isoformat(timespec="seconds"),
        "began_at": member.began_at.isoformat(timespec="seconds") if member.began_at else None,
        "state": row.status if row else member.state,
        "invoices": [
            {"number": document.name, "on": document.on_day.isoformat(), "amount": document.gross.decimal_text, "currency": document.currency}
            for document in documents
        ],
    }  # fmt: skip


def forget_memberships(vendor: Vendor, customer: Customer) -> None:
    """Take the person out of their memberships; their page's address opens nothing any more. Refuses StillUnderWay while one runs."""
    mine = (
        KeptSubscription.vendor_id == vendor.id,
        KeptSubscription.mode == customer.mode,
        KeptSubscription.subscriber == customer.public_id,
    )
    if db.session.scalar(select(exists().where(*mine, KeptSubscription.status != CANCELLED))):
        raise StillUnderWay("A membership of theirs still runs. Cancel it first, and erase once it has ended.")
    pseudonym = f"erased-{customer.public_id[4:].lower()}@erased.invalid"
    theirs = select(Member).where(Member.vendor_id == vendor.id, Member.mode == customer.mode, Member.email == customer.email)
    for member in db.session.scalars(theirs.order_by(Member.id).with_for_update()):
        member.email, member.name, member.token_id, member.updated_at = pseudonym, "", public_id("tok"), now()
    db.session.execute(update(KeptSubscription).where(*mine).values(payer_email=pseudonym))
