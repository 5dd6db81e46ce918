"""A vendor's name in readable addresses: claimed once in the whole house, changed with a redirect, never handed to anybody else."""

from __future__ import annotations

import re
import secrets
import unicodedata

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor, VendorSlug
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Refusal
from core.kernel.sentence import said

SHAPE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LEAST, MOST = 3, 40
# Words that mean something in an address of ours, or would make a vendor look like us.
RESERVED = frozenset(
    [
        "test",
        "live",
        "pay",
        "api",
        "app",
        "www",
        "admin",
        "portal",
        "checkout",
        "receipt",
        "verify",
        "static",
        "assets",
        "help",
        "support",
        "security",
        "billing",
        "status",
        "login",
        "sign-in",
        "sign-up",
        "hooks",
    ]
)


class BadSlug(Refusal):
    """A readable address must be short, plain and free."""

    code = "bad_slug"


def clean_slug(text: str, *, most: int, field: str) -> str:
    """What was typed, in the one spelling that we keep: small letters, digits and single hyphens. Refuses everything else, saying why."""
    slug = re.sub(r"[\s_-]+", "-", text.strip().lower())
    if not SHAPE.fullmatch(slug):
        raise BadSlug("Use the letters a to z, digits, and hyphens between them.", field=field)
    if not LEAST <= len(slug) <= most:
        raise BadSlug(said("Use %(least)s to %(most)s letters.", least=LEAST, most=most), field=field)
    return slug


def slug_of(vendor: Vendor) -> str | None:
    """The vendor's present name in addresses; None before the first readable address was asked for."""
    return db.session.scalar(select(VendorSlug.slug).where(VendorSlug.vendor_id == vendor.id, VendorSlug.replaced_at.is_(None)))


def find_by_slug(slug: str) -> tuple[Vendor, str] | None:
    """Whose slug this is or once was, and what that vendor is called in addresses now."""
    here, there = VendorSlug, VendorSlug.__table__.alias("present")
    found = db.session.execute(
        select(Vendor, there.c.slug)
        .join(here, here.vendor_id == Vendor.id)
        .join(there, there.c.vendor_id == Vendor.id)
        .where(here.slug == slug, there.c.replaced_at.is_(None))
    ).first()
    return (found[0], found[1]) if found else None


def claim_slug(vendor: Vendor, *, by: str, text: str) -> str:
    """Make this the vendor's name in addresses; the former one redirects to it. A former one of one's own may be taken up again.

    Refuses BadSlug for what is no slug, is reserved, or is or ever was another vendor's.
    """
    slug = clean_slug(text, most=MOST, field="slug")
    if slug in RESERVED:
        raise BadSlug("This word is kept for the house. Choose another.", field="slug")
    locked(Vendor, vendor.id)  # two changes by one vendor at once: one after the other
    present = slug_of(vendor)
    if present == slug:
        return slug
    if not _take(vendor, slug):
        raise BadSlug("This name is taken. Choose another.", field="slug")
    record(vendor.id, actor=by, action="vendor.slug_changed", subject=vendor.public_id, changes={"slug": [present, slug]})
    return slug


def ensure_slug(vendor: Vendor, *, by: str) -> str:
    """The vendor's slug; the first time one is made from the business's name, with a number where that is taken."""
    locked(Vendor, vendor.id)
    present = slug_of(vendor)
    if present:
        return present
    stem = suggestion(vendor.name)
    tries = [stem, *(f"{stem}-{number}" for number in range(2, 6)), f"{stem}-{secrets.token_hex(4)}"]
    slug = next(text for text in tries if text not in RESERVED and _take(vendor, text))
    record(vendor.id, actor=by, action="vendor.slug_changed", subject=vendor.public_id, changes={"slug": [None, slug]})
    return slug


def suggestion(name: str) -> str:
    """A slug made from a name: `Blue Door Bäckerei` gives blue-door-backerei; a name without such letters gives shop."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[: MOST - 9].strip("-")
    return stem if len(stem) >= LEAST else "shop"


def _take(vendor: Vendor, slug: str) -> bool:
    """The present one steps back, then the new one is written; False when the slug belongs to somebody else."""
    owner = db.session.scalar(select(VendorSlug.vendor_id).where(VendorSlug.slug == slug))
    if owner is not None and owner != vendor.id:
        return False
    if owner is None:
        row = {"slug": slug, "vendor_id": vendor.id, "created_at": now(), "replaced_at": now()}
        made = insert(VendorSlug).values(**row).on_conflict_do_nothing(index_elements=["slug"]).returning(VendorSlug.slug)
        if db.session.execute(made).scalar() is None:
            return False  # somebody else was faster by a moment
    present = db.session.scalar(select(VendorSlug).where(VendorSlug.vendor_id == vendor.id, VendorSlug.replaced_at.is_(None)))
    if present:
        present.replaced_at = now()
        db.session.flush()
    mine = db.session.get_one(VendorSlug, slug, populate_existing=True)
    mine.replaced_at = None
    db.session.flush()
    return True
