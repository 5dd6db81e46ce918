"""Payment links: making one, changing it, pausing it, ending it, and opening its signed address."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select

from core.accounts.models import Vendor
from core.kernel.ask import Question
from core.kernel.audit import differences, entry_rows, record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict
from core.kernel.ids import public_id, uuid7
from core.kernel.sentence import said
from core.kernel.signing import TokenRefused, make_token, read_token
from core.kernel.write import Lot, add_rows, new_row
from core.methods.rules import Rule
from core.payments.instalments import check_total, count_under_way, request_state
from core.payments.link_methods import check_methods
from core.payments.link_style import colours_for
from core.payments.link_terms import LIFE, LinkTerms, check_terms, check_terms_offer, columns_of
from core.payments.models import Payment, PaymentLink
from core.payments.offer import NOTHING, read_offer
from core.payments.promised import check_promises
from core.payments.slug import revoke_slugs
from core.payments.states import PAID

# Written down once: putting a question together takes longer than asking it, and every opened link asks this one.
_BY_TOKEN = Question(
    select(Vendor, PaymentLink)
    .join(PaymentLink, PaymentLink.vendor_id == Vendor.id)
    .where(Vendor.public_id == bindparam("vendor"), PaymentLink.mode == bindparam("mode"), PaymentLink.token_id == bindparam("token_id"))
)


class LinkClosed(Conflict):
    """Nobody may start a payment through this link now. `state` says why: archived, paused, expired, sold_out or paid."""

    code = "link_closed"

    def __init__(self, state: str) -> None:
        super().__init__(said("This link takes no payments at the moment."))
        self.state = state


def find_wished(vendor: Vendor, mode: str, wish: str) -> PaymentLink | None:
    """The link that software made under this name of a wish."""
    mine = select(PaymentLink).where(PaymentLink.vendor_id == vendor.id, PaymentLink.mode == mode, PaymentLink.wish == wish)
    return db.session.scalar(mine)


def create_link(
    vendor: Vendor, *, mode: str, by: str, terms: LinkTerms, wish: str | None = None, session: bool = False,
    key_values: Mapping[str, str] | None = None,
) -> PaymentLink:  # fmt: skip
    """Make a link that takes payments at once. `by` is the person's public id. Refuses terms that contradict themselves.

    With a `wish` it is known again: the same one makes nothing twice. `session`: for one checkout, out of the lists of links. `key_values` are
    the vendor's own.
    """
    if wish is not None and (again := find_wished(vendor, mode, wish)) is not None:
        return again
    link, rows = new_link(vendor, mode=mode, by=by, terms=terms, wish=wish, session=session, key_values=key_values)
    add_rows(*rows)
    return link


def new_link(
    vendor: Vendor, *, mode: str, by: str, terms: LinkTerms, wish: str | None = None, session: bool = False,
    key_values: Mapping[str, str] | None = None, out_of_sight: bool = False, rules: list[Rule] | None = None,
) -> tuple[PaymentLink, list[Lot]]:  # fmt: skip
    """The same before it is written, and the rows that make it: whoever calls this writes them in this unit, with others in one journey.

    `out_of_sight`: it stands behind a payment that is made with it, and is archived from the beginning. `rules`: the vendor's for ways to pay,
    where they have been asked for already.
    """
    check_terms(terms)
    check_methods(vendor.id, mode, terms, rules)
    check_terms_offer(vendor.id, mode, terms, NOTHING)
    at = now()
    row: dict[str, Any] = {
        "vendor_id": vendor.id, "mode": mode, "id": uuid7(), "public_id": public_id("lnk"), "token_id": public_id("tok"),
        "token_expires_at": at + LIFE, "state": "active", "created_by": by, "created_at": at, "updated_at": at, "wish": wish, "session": session,
        "key_values": dict(key_values or {}), "archived_at": at if out_of_sight else None, **columns_of(terms), **_dress(vendor.id, mode, terms),
    }  # fmt: skip
    said_of_it = entry_rows(vendor.id, actor=by, action="link.created", subject=row["public_id"], title=terms.title)
    return new_row(PaymentLink, row), [(PaymentLink, [row]), *said_of_it]


def _dress(vendor_id: uuid.UUID, mode: str, terms: LinkTerms, *, worn: str = "") -> dict[str, Any]:
    """The style it is to wear, and the colours that follow from it."""
    light, dark = colours_for(vendor_id, mode, style=terms.style, accent=terms.accent, accent_dark=terms.accent_dark, worn=worn)
    return {"style": terms.style, "accent": light, "accent_dark": dark}


def draft_link(vendor: Vendor, *, mode: str, terms: LinkTerms) -> PaymentLink:
    """The link of these terms as it would be, to show what a payer would see. It is kept nowhere, and nothing of it is checked."""
    at = now()
    return PaymentLink(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("lnk"), token_id=public_id("tok"), token_expires_at=at, state="active",
        created_by="", created_at=at, updated_at=at, key_values={}, reference_label="", reference_hint="", reference_pattern="",
        reference_required=False, style=terms.style, accent=terms.accent or None, accent_dark=terms.accent_dark or None, **columns_of(terms),
    )  # fmt: skip


def edit_link(link: PaymentLink, *, by: str, terms: LinkTerms) -> PaymentLink:
    """Change a link's terms. Payments already under way keep the amount they started with; the address stays the same."""
    check_terms(terms)
    check_methods(link.vendor_id, link.mode, terms)
    link = lock_link(link)
    if not link.limited and (terms.kind != "reusable" or terms.max_payments is not None):
        count_under_way(link)
    check_total(link, terms.total_minor, terms.currency)
    check_promises(link, terms.currency)
    check_terms_offer(link.vendor_id, link.mode, terms, read_offer(link.offer))
    wished = columns_of(terms)
    changes = differences({name: getattr(link, name) for name in wished}, wished)
    for name, value in (wished | _dress(link.vendor_id, link.mode, terms, worn=link.style)).items():
        setattr(link, name, value)
    touch_link(link, by, "link.edited", changes=changes)
    return link


def pause_link(link: PaymentLink, *, by: str, message: str | None = None) -> PaymentLink:
    """Stop new payments for now; visitors read `message`. Pausing a paused link only changes the message."""
    link = lock_link(link)
    if link.state == "expired":
        raise Conflict("This link has ended and cannot be paused.")
    link.state, link.paused_message = "paused", (message or "")[:300]
    touch_link(link, by, "link.paused")
    return link


def resume_link(link: PaymentLink, *, by: str) -> PaymentLink:
    """Take payments again. A link that was ended stays ended."""
    link = lock_link(link)
    if link.state == "expired":
        raise Conflict("This link has ended. Make a new one instead.")
    link.state = "active"
    touch_link(link, by, "link.resumed")
    return link


def expire_link(link: PaymentLink, *, by: str) -> PaymentLink:
    """End the link for good. Payments already under way may finish; repeating it changes nothing."""
    link = lock_link(link)
    if link.state != "expired":
        link.state = "expired"
        touch_link(link, by, "link.expired")
    return link


def replace_address(link: PaymentLink, *, by: str) -> PaymentLink:
    """Revoke the link's address and give it a new one: for an address that got into the wrong hands. The old one opens nothing.

    With it go the addresses made from it (sent by e-mail, filled in) and every readable one, which anybody may know by now.
    """
    link = lock_link(link)
    link.token_id, link.token_expires_at = public_id("tok"), now() + LIFE
    revoke_slugs(link)
    touch_link(link, by, "link.address_replaced")
    return link


def link_token(vendor: Vendor, link: PaymentLink) -> str:
    """The signed text of the link's address."""
    return make_token("link", vendor=vendor.public_id, mode=link.mode, token_id=link.token_id, expires_at=link.token_expires_at)


def open_link_token(text: str) -> tuple[Vendor, PaymentLink]:
    """Whose link this is. Raises TokenRefused for anything we did not issue, or have since revoked."""
    claims = read_token("link", text)
    found = _BY_TOKEN.first(vendor=claims.vendor, mode=claims.mode, token_id=claims.token_id)
    if found is None:
        raise TokenRefused("revoked")
    return found[0], found[1]


def told_of_link(text: str) -> tuple[str | None, ...] | None:
    """Everything that stands in the two rows of which `open_link_token` tells, as one text each: for whoever kept them, and asks whether
    they are still the same. Raises TokenRefused for what we did not issue; None when it opens nothing any more."""
    claims = read_token("link", text)
    return _BY_TOKEN.told(vendor=claims.vendor, mode=claims.mode, token_id=claims.token_id)


def note_opening(vendor: Vendor, link: PaymentLink) -> None:
    """Remember when the link was first opened: some expire so many hours after that. One write in a link's life."""
    if link.first_opened_at is None:
        fresh = lock_link(link)
        fresh.first_opened_at = fresh.first_opened_at or now()


def link_state(link: PaymentLink) -> str:
    """open, archived, paused, expired, sold_out or (single-use, or a request) paid. Places being paid for right now count as taken."""
    if link.archived_at is not None:
        return "archived"
    if link.state != "active":
        return link.state
    ends = ends_at(link)
    if ends and now() >= ends:
        return "expired"
    if link.places is not None and taken_places(link) >= link.places:
        return "paid" if link.kind == "single" and _paid(link) else "sold_out"
    return request_state(link) or "open"


def ends_at(link: PaymentLink) -> datetime | None:
    """When it stops taking payments by itself: the earlier of its date and its hours after the first opening."""
    ends = [link.expires_at] if link.expires_at else []
    if link.hours_after_opening and link.first_opened_at:
        ends.append(link.first_opened_at + timedelta(hours=link.hours_after_opening))
    return min(ends, default=None)


def taken_places(link: PaymentLink) -> int:
    """How many of a limited link's places are taken, by payments made and payments being made."""
    mine = select(func.count()).where(
        Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.holds_place
    )
    return int(db.session.scalar(mine) or 0)


def is_being_paid(link: PaymentLink) -> bool:
    """Whether one of a limited link's places is taken by somebody who has not paid yet, and may come free again."""
    mine = Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.holds_place
    return db.session.scalar(select(Payment.id).where(*mine, Payment.state.not_in(PAID)).limit(1)) is not None


def paid_payment(link: PaymentLink) -> Payment | None:
    """The payment that closed a single-use link."""
    paid = select(Payment).where(
        Payment.vendor_id == link.vendor_id, Payment.mode == link.mode, Payment.link_id == link.id, Payment.state.in_(PAID)
    )
    return db.session.scalar(paid.order_by(Payment.id).limit(1))


def _paid(link: PaymentLink) -> bool:
    return paid_payment(link) is not None


def lock_link(link: PaymentLink) -> PaymentLink:
    """The link as it is now, locked until the unit ends."""
    return lock_again(link)


def touch_link(link: PaymentLink, by: str, action: str, **detail: Any) -> None:
    """Write down that somebody changed a locked link."""
    link.updated_at = now()
    record(link.vendor_id, actor=by, action=action, subject=link.public_id, **detail)
