"""A vendor's standing in the directory: the row that every act locks first, its exact counts, and whether anything is shown at all."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import Vendor
from core.directory.entry_models import Pulse
from core.directory.index import hide_vendor, show_listing
from core.directory.models import Branch, Listing, Product, Standing
from core.kernel.audit import record
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict

SLOTS = 16
READ_ONLY = frozenset({"suspended", "cancelled"})  # hidden for one of these, everything is kept as it is until a plan runs again


class ReadOnly(Conflict):
    """What the vendor has in the directory is kept as it is, and cannot be changed."""

    code = "read_only"


def lock_standing(vendor_id: uuid.UUID, mode: str) -> Standing:
    """The row, locked until the unit ends. A limit that is checked now still holds when the unit commits."""
    row = locked(Standing, vendor_id, mode)
    if row is None:
        fresh = {"vendor_id": vendor_id, "mode": mode, "visible": True, "reason": "", "changed_at": now()}
        db.session.execute(insert(Standing).values(published_products=0, branches=0, version=0, **fresh).on_conflict_do_nothing())
        row = locked(Standing, vendor_id, mode)
    if row is None:
        raise RuntimeError("a standing is never deleted")
    return row


def find_standing(vendor_id: uuid.UUID, mode: str) -> Standing | None:
    """The row as it is; None for a vendor that has never had anything in the directory."""
    return db.session.get(Standing, (vendor_id, mode))


def find_standings(vendor_ids: set[uuid.UUID], mode: str) -> dict[uuid.UUID, Standing]:
    """The same for several, as they are now."""
    mine = select(Standing).where(Standing.vendor_id.in_(vendor_ids), Standing.mode == mode).execution_options(populate_existing=True)
    return {row.vendor_id: row for row in db.session.scalars(mine)} if vendor_ids else {}


def is_read_only(standing: Standing | None) -> bool:
    """Whether the vendor may read and take away what it has, and change nothing of it."""
    return standing is not None and not standing.visible and standing.reason in READ_ONLY


def check_editable(standing: Standing) -> None:
    """Refuse a change by the vendor while everything is read-only; the standing is locked, so it still holds when the unit commits."""
    if not is_read_only(standing):
        return
    if standing.reason == "suspended":
        raise ReadOnly("Your plan is suspended: nothing can be changed until it is paid. Your plan's page shows the way back.")
    raise ReadOnly("Your plan has ended: nothing can be changed until a new one runs.")


def touch(standing: Standing) -> None:
    """Something of this vendor's has changed: whatever was kept of its pages before is out of date once this unit commits.

    Both numbers are rows of PostgreSQL and change with the unit itself, so no cache can miss it and none has to be told.
    """
    standing.version += 1
    standing.changed_at = now()
    if standing.mode == "live":
        db.session.flush()
        count_up(standing.vendor_id)


def count_up(vendor_id: uuid.UUID) -> None:
    """The last thing a unit does: its slot is locked until it ends."""
    slot = vendor_id.int % SLOTS
    row = insert(Pulse).values(slot=slot, version=1)
    db.session.execute(row.on_conflict_do_update(index_elements=["slot"], set_={"version": Pulse.version + 1}))


def pulse() -> int:
    """A number that is another one after every change of the public directory."""
    return int(db.session.scalar(select(func.coalesce(func.sum(Pulse.version), 0))) or 0)


def set_visible(vendor: Vendor, mode: str, *, visible: bool, reason: str, by: str) -> Standing:
    """Hide everything of a vendor, or show it again, at once. `reason` is a word like suspended; it stands until the next call.

    Nothing of the listings themselves changes, so what was published is back as it was. Repeating it changes nothing.
    """
    row = lock_standing(vendor.id, mode)
    if row.visible == visible and row.reason == reason:
        return row
    changed = row.visible != visible
    row.visible, row.reason = visible, reason
    db.session.flush()
    if changed and mode == "live":
        _bring_up_to_date(vendor, row)
    touch(row)
    record(
        vendor.id, actor=by, action="directory.shown" if visible else "directory.hidden", subject=vendor.public_id, reason=reason, mode=mode
    )
    return row


def set_picture_limit(vendor: Vendor, mode: str, most: int | None, *, by: str) -> Standing:
    """So many pictures of each listing are shown from now on, the first ones; None is as many as any listing may have. None is deleted."""
    row = lock_standing(vendor.id, mode)
    if row.pictures == most:
        return row
    before, row.pictures = row.pictures, most
    record(vendor.id, actor=by, action="directory.pictures", subject=vendor.public_id, mode=mode, before=before, after=most)
    touch(row)
    return row


def bar(vendor: Vendor, mode: str, *, barred: bool, by: str) -> Standing:
    """The staff keep everything of a vendor out of the directory, or let it in again, beside what its plan says of it."""
    row = lock_standing(vendor.id, mode)
    if row.barred == barred:
        return row
    row.barred = barred
    db.session.flush()
    if row.visible and mode == "live":
        _bring_up_to_date(vendor, row)
    touch(row)
    action = "directory.hidden" if barred else "directory.shown"
    record(vendor.id, actor=by, action=action, subject=vendor.public_id, reason="barred", mode=mode)
    return row


def _bring_up_to_date(vendor: Vendor, row: Standing) -> None:
    """What the public reads, after all of a vendor's was hidden or shown again. What is shown is said by is_shown."""
    if not row.visible or row.barred:
        hide_vendor(vendor.id, row.mode)
        return
    mine = select(Listing).where(Listing.vendor_id == vendor.id, Listing.mode == row.mode, Listing.state == "published")
    for listing in db.session.scalars(mine.where(Listing.archived_at.is_(None)).order_by(Listing.id)):
        show_listing(vendor, row, listing)


def recount(vendor_id: uuid.UUID, mode: str) -> tuple[int, int]:
    """Published products and branches, counted anew. The standing must say the same; a test holds it to that."""
    found = []
    for model, more in ((Product, Product.state == "published"), (Branch, Branch.archived_at.is_(None))):
        mine = select(func.count()).select_from(model).join(
            Listing, (Listing.vendor_id == model.vendor_id) & (Listing.mode == model.mode) & (Listing.id == model.listing_id)
        )  # fmt: skip
        alive = mine.where(
            model.vendor_id == vendor_id, model.mode == mode, model.archived_at.is_(None), Listing.archived_at.is_(None), more
        )
        found.append(int(db.session.scalar(alive) or 0))
    return found[0], found[1]


def settle_counts(standing: Standing) -> None:
    """Write down what is there, under the lock of the row: exact by counting, and cheap for one vendor's own rows."""
    db.session.flush()
    standing.published_products, standing.branches = recount(standing.vendor_id, standing.mode)
