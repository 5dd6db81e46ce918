"""Ways of looking at a list that somebody gave a name: kept for themselves or for the whole team."""

from __future__ import annotations

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from core.accounts.models import SavedFilter, SavedFilterDefault, Vendor
from core.kernel.clock import now
from core.kernel.db import db, locked
from core.kernel.errors import Conflict, NotAllowed, NotFound
from core.kernel.ids import is_public_id, public_id, uuid7
from core.kernel.sentence import said

MOST = 30  # for each list; more than that nobody finds anything in


class NameTaken(Conflict):
    """There is a filter of this name already."""

    code = "name_taken"


def save_filter(vendor: Vendor, mode: str, *, list: str, name: str, query: str, by: str, shared: bool) -> SavedFilter:
    """Keep it. Refuses NameTaken for a name that this person sees already, and Conflict beyond MOST."""
    name = " ".join(name.split())
    seen = list_filters(vendor, mode, list=list, person=by)
    if any(known.name.casefold() == name.casefold() for known in seen):
        raise NameTaken("There is a saved filter of this name already. Choose another name.", field="name")
    if len(seen) >= MOST:
        raise Conflict(said("There are %(most)s saved filters already. Remove one first.", most=MOST))
    made = SavedFilter(
        vendor_id=vendor.id, mode=mode, id=uuid7(), public_id=public_id("flt"), list=list, name=name, query=query[:2000], owner=by,
        shared=shared, created_at=now(),
    )  # fmt: skip
    db.session.add(made)
    return made


def list_filters(vendor: Vendor, mode: str, *, list: str, person: str) -> list[SavedFilter]:
    """One's own and the shared ones, in the order in which they were made."""
    mine = select(SavedFilter).where(SavedFilter.vendor_id == vendor.id, SavedFilter.mode == mode, SavedFilter.list == list)
    mine = mine.where(or_(SavedFilter.owner == person, SavedFilter.shared))
    return [*db.session.scalars(mine.order_by(SavedFilter.id).limit(2 * MOST))]


def find_default(vendor: Vendor, mode: str, *, list: str, person: str) -> SavedFilter | None:
    """The one with which this list opens for this person, if they have chosen one that they may still see."""
    chosen = and_(
        SavedFilterDefault.vendor_id == SavedFilter.vendor_id, SavedFilterDefault.mode == SavedFilter.mode, SavedFilterDefault.filter_id == SavedFilter.id,
        SavedFilterDefault.list == list, SavedFilterDefault.person == person,
    )  # fmt: skip
    mine = select(SavedFilter).join(SavedFilterDefault, chosen).where(SavedFilter.vendor_id == vendor.id, SavedFilter.mode == mode)
    return db.session.scalar(mine.where(or_(SavedFilter.owner == person, SavedFilter.shared)))


def choose_default(vendor: Vendor, mode: str, public_id: str, *, by: str) -> SavedFilter:
    """From now on the list opens with this one for this person; what was chosen before is not any more. Repeating changes nothing."""
    found = _get_seen(vendor, mode, public_id, by)
    row = insert(SavedFilterDefault).values(vendor_id=vendor.id, mode=mode, list=found.list, person=by, filter_id=found.id)
    keys = ["vendor_id", "mode", "list", "person"]
    db.session.execute(row.on_conflict_do_update(index_elements=keys, set_={"filter_id": found.id}))
    return found


def drop_default(vendor: Vendor, mode: str, *, list: str, by: str) -> None:
    """The list opens with everything again for this person."""
    mine = SavedFilterDefault.vendor_id == vendor.id, SavedFilterDefault.mode == mode, SavedFilterDefault.list == list
    db.session.execute(delete(SavedFilterDefault).where(*mine, SavedFilterDefault.person == by))


def _get_seen(vendor: Vendor, mode: str, public_id: str, person: str) -> SavedFilter:
    """One's own or a shared one; refuses with 404."""
    if is_public_id("flt", public_id):
        mine = select(SavedFilter).where(SavedFilter.vendor_id == vendor.id, SavedFilter.mode == mode, SavedFilter.public_id == public_id)
        found = db.session.scalar(mine)
        if found is not None and (found.owner == person or found.shared):
            return found
    raise NotFound("There is no such saved filter.")


def remove_filter(vendor: Vendor, mode: str, public_id: str, *, by: str, any_of_them: bool) -> SavedFilter:
    """Take one away: one's own, or with `any_of_them` a shared one of somebody else. Somebody else's own is not there (404)."""
    found = _get_seen(vendor, mode, public_id, by)
    if found.owner != by and not any_of_them:
        raise NotAllowed("Only whoever shared this filter, an owner or a manager can remove it.")
    row = locked(SavedFilter, vendor.id, mode, found.id)
    if row is not None:
        db.session.delete(row)
    return found
