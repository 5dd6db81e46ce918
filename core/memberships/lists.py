"""Members as their vendor looks through them: newest first, by keyset, narrowed, and as a sheet; and what belongs to one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from core.accounts.models import Vendor
from core.billing.models import BillingCharge, BillingDocument, KeptSubscription
from core.billing.states import CANCELLED
from core.kernel.db import db
from core.kernel.errors import NotFound
from core.kernel.ids import is_public_id
from core.kernel.sheet import instant, words, write_sheet
from core.memberships.models import Member, MembershipPlan
from core.payments.export import Titles
from core.payments.models import Payment
from core.payments.queries import Page
from core.subscriptions.documents import get_document

NEVER = "not_begun"  # beside the statuses of billing: the first payment never came
STATUSES = ("trialing", "active", "past_due", "suspended", "cancelled", NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFilter:
    """What the list is narrowed by. `text` is the beginning of an address or a piece of a name."""

    plan: str | None = None  # the code of the plan they have now
    status: str | None = None
    text: str | None = None


EVERYBODY = MemberFilter()
Listed = tuple[Member, KeptSubscription]


def joined(vendor: Vendor, mode: str, what: Any) -> Select[Any]:
    """A question about members and their subscriptions, kept to this vendor and this mode."""
    same = (
        (KeptSubscription.vendor_id == Member.vendor_id)
        & (KeptSubscription.mode == Member.mode)
        & (KeptSubscription.id == Member.subscription_id)
    )
    return select(*what).select_from(Member).join(KeptSubscription, same).where(Member.vendor_id == vendor.id, Member.mode == mode)


def narrowed(query: Select[Any], narrow: MemberFilter) -> Select[Any]:
    """The same, kept to these filters."""
    if narrow.plan:
        query = query.where(KeptSubscription.tier == narrow.plan)
    if narrow.status == NEVER:
        query = query.where(Member.began_at.is_(None), KeptSubscription.status.in_((CANCELLED, "active")))
    elif narrow.status:
        query = query.where(KeptSubscription.status == narrow.status, Member.began_at.is_not(None))
    if narrow.text:
        text = narrow.text.strip().lower()
        query = query.where(Member.email.startswith(text, autoescape=True) | func.lower(Member.name).contains(text, autoescape=True))
    return query


def list_members(vendor: Vendor, mode: str, narrow: MemberFilter = EVERYBODY, *, after: str | None = None, limit: int = 25) -> Page[Listed]:
    """Who has joined, the newest first. Whoever never came as far as a card is not among them."""
    query = narrowed(joined(vendor, mode, (Member, KeptSubscription)), narrow)
    if after:
        query = query.where(Member.id < get_member(vendor, mode, after).id)
    rows = [(member, row) for member, row in db.session.execute(query.order_by(Member.id.desc()).limit(limit + 1))]
    return Page(rows[:limit], rows[limit - 1][0].public_id if len(rows) > limit else None)


def any_members(vendor: Vendor, mode: str) -> bool:
    """Whether anybody has joined yet."""
    return db.session.scalar(joined(vendor, mode, (Member.id,)).limit(1)) is not None


def get_member(vendor: Vendor, mode: str, public: str) -> Member:
    """One of the vendor's members who has joined, or a 404."""
    if is_public_id("mbr", public):
        mine = select(Member).where(Member.vendor_id == vendor.id, Member.mode == mode, Member.public_id == public)
        if member := db.session.scalar(mine.where(Member.state == "joined")):
            return member
    raise NotFound("There is no such member.")


def memberships_of_payer(vendor: Vendor, mode: str, email: str, *, limit: int = 20) -> list[Listed]:
    """What somebody has joined, the newest first. What never began is not among them."""
    theirs = joined(vendor, mode, (Member, KeptSubscription)).where(Member.email == email.strip().lower())
    begun = theirs.where((KeptSubscription.status != CANCELLED) | Member.began_at.is_not(None))
    return [(member, row) for member, row in db.session.execute(begun.order_by(Member.id.desc()).limit(limit))]


def membership_of_payer(vendor: Vendor, mode: str, email: str, public: str) -> Member:
    """One of theirs; refuses with 404 for anybody else's."""
    member = get_member(vendor, mode, public)
    if member.email != email:
        raise NotFound("There is no such member.")
    return member


def counts_of(vendor: Vendor, mode: str) -> dict[str, int]:
    """How many members each plan has now, by its code."""
    living = joined(vendor, mode, (KeptSubscription.tier, func.count())).where(
        KeptSubscription.status != CANCELLED, Member.began_at.is_not(None)
    )
    return {code: int(count) for code, count in db.session.execute(living.group_by(KeptSubscription.tier))}


COLUMNS = (
    ("number", Member.public_id),
    ("email", words(Member.email)),
    ("name", words(Member.name)),
    ("plan", words(MembershipPlan.name)),
    ("status", KeptSubscription.status),
    ("joined_at", instant(Member.began_at)),
    ("period_end", KeptSubscription.period_end),
)


def members_sheet(vendor: Vendor, mode: str, narrow: MemberFilter = EVERYBODY, *, titles: Titles = None) -> Iterator[bytes]:
    """The members under these filters, newest first, all of them."""
    plan = (
        (MembershipPlan.vendor_id == Member.vendor_id)
        & (MembershipPlan.mode == Member.mode)
        & (MembershipPlan.code == KeptSubscription.tier)
    )
    rows = narrowed(joined(vendor, mode, (Member.id,)), narrow).outerjoin(MembershipPlan, plan)
    return write_sheet(COLUMNS, rows.order_by(Member.id.desc()), titles=titles)


def documents_of(vendor: Vendor, row: KeptSubscription, *, limit: int = 100) -> list[BillingDocument]:
    """Its invoices and credit notes, newest first: those that are final, and those that will be within the hour."""
    mine = select(BillingDocument).where(BillingDocument.vendor_id == vendor.id, BillingDocument.mode == row.mode)
    shown = (BillingDocument.state == "final") | ((BillingDocument.state == "draft") & BillingDocument.final_due_at.is_not(None))
    mine = mine.where(BillingDocument.subscription_id == row.id, shown)
    return list(db.session.scalars(mine.order_by(BillingDocument.id.desc()).limit(limit)))


def document_of(vendor: Vendor, row: KeptSubscription, public: str) -> BillingDocument:
    """One of those, or a 404: nobody reads another one's invoice."""
    document = get_document(vendor, row.mode, public)
    if document.subscription_id != row.id:
        raise NotFound("There is no such invoice.")
    return document


def payments_of(vendor: Vendor, row: KeptSubscription, *, limit: int = 100) -> list[Payment]:
    """What charges for it became, newest first."""
    same = (BillingCharge.vendor_id == Payment.vendor_id) & (BillingCharge.mode == Payment.mode) & (BillingCharge.payment_id == Payment.id)
    mine = select(Payment).join(BillingCharge, same).where(Payment.vendor_id == vendor.id, Payment.mode == row.mode)
    return list(db.session.scalars(mine.where(BillingCharge.subscription_id == row.id).order_by(Payment.id.desc()).limit(limit)))
