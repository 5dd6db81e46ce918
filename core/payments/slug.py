"""A link's readable address: `/pay/<vendor>/<link>`. One present slug per link, former ones that redirect, revoked ones that open nothing."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.accounts.vendor_slug import BadSlug, clean_slug, ensure_slug, find_by_slug, slug_of
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.signing import TokenRefused
from core.payments.models import PaymentLink
from core.payments.sharing_models import LinkSlug

MOST = 60


def set_link_slug(vendor: Vendor, link: PaymentLink, *, by: str, text: str) -> str | None:
    """Give the link a readable address, change it (the former one redirects), or with no text take it away. Safe to repeat.

    A slug a link once had stays that link's: it may be taken up again, but never given to another link. Refuses BadSlug.
    """
    db.session.flush()  # a link made in this very unit
    locked(PaymentLink, link.vendor_id, link.mode, link.id)
    present = _present(link)
    slug = clean_slug(text, most=MOST, field="slug") if text.strip() else None
    if slug == (present.slug if present else None):
        return slug
    if slug is not None:
        ensure_slug(vendor, by=by)
        _reserve(link, slug)
    if present:
        present.replaced_at = now()
        db.session.flush()
    if slug is not None:
        mine = db.session.get_one(LinkSlug, (link.vendor_id, link.mode, slug), populate_existing=True)
        mine.replaced_at = None
        db.session.flush()
    record(link.vendor_id, actor=by, action="link.slug_changed", subject=link.public_id, slug=slug or "")
    return slug


def _reserve(link: PaymentLink, slug: str) -> None:
    """The row of this slug, this link's: made now (as a former one, for a moment), or there already. Two links at once: one gets it."""
    at = now()
    row = {"vendor_id": link.vendor_id, "mode": link.mode, "slug": slug, "link_id": link.id, "created_at": at, "replaced_at": at}
    db.session.execute(insert(LinkSlug).values(**row).on_conflict_do_nothing(index_elements=["vendor_id", "mode", "slug"]))
    mine = db.session.get_one(LinkSlug, (link.vendor_id, link.mode, slug), populate_existing=True)
    if mine.link_id != link.id:
        raise BadSlug("Another of your links has this address, or had it once. Choose another.", field="slug")
    if mine.revoked_at is not None:
        raise BadSlug("This address was withdrawn and opens nothing any more. Choose another.", field="slug")


def link_slug(link: PaymentLink) -> str | None:
    """The present slug of a link."""
    present = _present(link)
    return present.slug if present else None


def _present(link: PaymentLink) -> LinkSlug | None:
    return db.session.scalar(
        select(LinkSlug).where(
            LinkSlug.vendor_id == link.vendor_id, LinkSlug.mode == link.mode, LinkSlug.link_id == link.id,
            LinkSlug.replaced_at.is_(None), LinkSlug.revoked_at.is_(None),
        )
    )  # fmt: skip


def readable_name(vendor: Vendor, link: PaymentLink) -> tuple[str, str] | None:
    """The two words of the link's readable address; None while it has none."""
    slug, name = link_slug(link), slug_of(vendor)
    return (name, slug) if slug and name else None


def revoke_slugs(link: PaymentLink) -> None:
    """The link's address was replaced: whoever knows a readable one, present or former, must not come in by it either."""
    mine = LinkSlug.vendor_id == link.vendor_id, LinkSlug.mode == link.mode, LinkSlug.link_id == link.id
    db.session.execute(update(LinkSlug).where(*mine, LinkSlug.revoked_at.is_(None)).values(revoked_at=now()))


def open_readable(mode: str, name: str, slug: str) -> tuple[Vendor, PaymentLink, tuple[str, str]]:
    """The link behind a readable address, and how that address is written now (a former one is answered with a redirect).

    Anybody can guess a readable address, so it opens active links only: paused, ended, archived and unknown all read the same.
    Raises TokenRefused.
    """
    owner = find_by_slug(name.lower())
    if owner is None:
        raise TokenRefused("unknown")
    vendor, present_name = owner
    known = db.session.get(LinkSlug, (vendor.id, mode, slug.lower()))
    if known is None or known.revoked_at is not None:
        raise TokenRefused("unknown" if known is None else "revoked")
    link = db.session.get_one(PaymentLink, (vendor.id, mode, known.link_id))
    present = link_slug(link) if known.replaced_at else known.slug
    if present is None or link.state != "active" or link.archived_at is not None:
        raise TokenRefused("closed")
    return vendor, link, (present_name, present)
