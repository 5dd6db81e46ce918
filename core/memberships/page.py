"""A member's own page: its signed address, which stands in every letter about the membership, and can be taken back."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from core.accounts.models import Vendor
from core.accounts.pay_host import home_of
from core.accounts.queries import find_vendor, get_vendor
from core.billing.models import KeptSubscription
from core.billing.states import CANCELLED
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.ids import public_id
from core.kernel.signing import TokenRefused, make_token, read_token
from core.memberships.models import Member
from core.notifications.notify import notify

LIFE = timedelta(days=400)  # every letter carries a fresh one
AGAIN = timedelta(minutes=10)  # the address is not sent more often, however often it is asked for
MOST_AT_ONCE = 5


def member_token(vendor: Vendor, member: Member) -> str:
    """The signed text of the page's address."""
    return make_token("membership", vendor=vendor.public_id, mode=member.mode, token_id=member.token_id, expires_at=now() + LIFE)


def page_address(vendor: Vendor, member: Member) -> str:
    """The whole address of a member's page."""
    return f"{home_of(vendor)}/m/{member_token(vendor, member)}"


def member_address(row: KeptSubscription) -> str:
    """The same, of whose subscription it is: what letters about it lead to."""
    member = find_member_of(row)
    if member is None:
        raise LookupError(f"{row.public_id} is nobody's membership")
    return page_address(get_vendor(row.vendor_id), member)


def find_member_of(row: KeptSubscription) -> Member | None:
    """Who has this subscription."""
    mine = select(Member).where(Member.vendor_id == row.vendor_id, Member.mode == row.mode)
    return db.session.scalar(mine.where(Member.subscription_id == row.id))


def open_member_token(text: str) -> tuple[Vendor, Member]:
    """Whose page this is. Raises TokenRefused for anything we did not issue, or have since taken back."""
    claims = read_token("membership", text)
    vendor = find_vendor(claims.vendor)
    mine = select(Member).where(Member.mode == claims.mode, Member.token_id == claims.token_id)
    member = db.session.scalar(mine.where(Member.vendor_id == vendor.id)) if vendor else None
    if vendor is None or member is None:
        raise TokenRefused("revoked")
    return vendor, member


def replace_address(vendor: Vendor, member: Member, *, by: str) -> Member:
    """Every address of the page that was ever given out opens nothing any more; the new one is sent to the member."""
    member = lock_again(member)
    member.token_id, member.updated_at = public_id("tok"), now()
    record(vendor.id, actor=by, action="membership.address_replaced", subject=member.public_id, mode=member.mode)
    _write(vendor, member)
    return member


def ask_for_page(vendor: Vendor, mode: str, *, email: str) -> None:
    """Send the addresses of this person's pages to them. Whoever asks learns nothing: it answers the same for everybody."""
    mine = select(Member).where(Member.vendor_id == vendor.id, Member.mode == mode, Member.email == email.strip().lower())
    for member in db.session.scalars(mine.where(Member.state == "joined").order_by(Member.id.desc()).limit(MOST_AT_ONCE)):
        row = db.session.get_one(KeptSubscription, (member.vendor_id, member.mode, member.subscription_id))
        if row.status != CANCELLED or member.began_at is not None:
            send_page(vendor, member)


def send_page(vendor: Vendor, member: Member) -> None:
    """The letter with the address of their page; asked for again too soon, it is not sent again."""
    member = lock_again(member)
    if member.written_at is None or now() - member.written_at >= AGAIN:
        _write(vendor, member)


def _write(vendor: Vendor, member: Member) -> None:
    member.written_at = now()
    notify(vendor, "membership_page", mode=member.mode, to=member.email, locale=member.locale or "en", member=member.public_id)
