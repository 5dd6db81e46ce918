"""Other words for a listing that the public reads: they wait until the staff have read them, and until then what is shown stays as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from sqlalchemy import func, select

from core.accounts.models import Vendor
from core.accounts.queries import get_vendor
from core.directory.listings import ListingTerms, changed, check_complete, check_listing, edit_listing, lock_listing, lock_to_edit
from core.directory.models import Listing, ListingEdit, Standing
from core.directory.moderate import check_reason
from core.directory.queries import Page
from core.directory.strikes import give_strike
from core.directory.waiting import find_open_edit
from core.kernel.audit import differences, record
from core.kernel.clock import now
from core.kernel.db import db, lock_again
from core.kernel.errors import Conflict, NotFound
from core.kernel.ids import is_public_id, public_id, uuid7

FIELDS = tuple(ListingTerms.__dataclass_fields__)
_PIECES = re.compile(r"\s+|[^\s]+")
MOST_PIECES = 4_000  # of one text; a longer one is shown whole, before and after


class EditChanged(Conflict):
    """What was decided about is not what waits now."""

    code = "edit_changed"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a text: `same`, `gone` or `new`."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field that an edit changes, before and after, and both in one, piece by piece."""

    name: str
    before: str
    after: str
    pieces: list[Piece]


def needs_review(listing: Listing) -> bool:
    """Whether a change waits for the staff: what is in the public directory does. Test listings and drafts are their vendor's own affair."""
    return listing.mode == "live" and listing.state == "published"


def save_listing(listing: Listing, *, by: str, terms: ListingTerms) -> ListingEdit | None:
    """Change a listing, at once where nobody reads it (None), or as an edit that waits for the staff.

    Saved again before they have decided, it is one edit still. Back to what is shown already, it is taken back. Refuses what could not be shown.
    """
    columns = check_listing(terms)
    if not needs_review(listing):
        edit_listing(listing, by=by, terms=terms)
        return None
    _standing, listing = lock_to_edit(listing)
    if not needs_review(listing):  # taken out meanwhile
        edit_listing(listing, by=by, terms=terms)
        return None
    check_complete(terms)
    edit, shown = find_open_edit(listing), {name: getattr(listing, name) for name in FIELDS}
    if columns == shown:
        if edit is not None:
            take_back_edit(edit, by=by)
        return None
    if edit is None:
        edit = ListingEdit(
            vendor_id=listing.vendor_id, mode=listing.mode, id=uuid7(), listing_id=listing.id, public_id=public_id("edt"), terms=columns,
            state="waiting", reason="", asked_by=by, asked_at=now(), decided_by="",
        )  # fmt: skip
        db.session.add(edit)
    else:
        edit.terms, edit.state, edit.asked_by, edit.asked_at = columns, "waiting", by, now()
        edit.reason, edit.decided_by, edit.decided_at = "", "", None
    db.session.flush()
    record(listing.vendor_id, actor=by, action="listing.edit_asked", subject=listing.public_id, changes=differences(shown, columns))
    return edit


def take_back_edit(edit: ListingEdit, *, by: str) -> bool:
    """The vendor lets it be. False when it is decided already."""
    edit = lock_again(edit)
    if edit.state not in ("waiting", "changes_asked"):
        return False
    edit.state = "taken_back"
    db.session.flush()
    record(edit.vendor_id, actor=by, action="listing.edit_taken_back", subject=listing_of(edit).public_id)
    return True


def approve_edit(edit: ListingEdit, *, by: str, seen: datetime) -> tuple[Vendor, Listing]:
    """The words are shown from now on. `seen` is when the edit that was read had been asked for: another one since then refuses EditChanged."""
    standing, listing, edit = _lock(edit, seen)
    before = {name: getattr(listing, name) for name in FIELDS}
    for name in FIELDS:
        setattr(listing, name, edit.terms.get(name, ""))
    _decide(edit, "approved", by, "")
    changed(standing, listing, by, "listing.edit_approved", changes=differences(before, edit.terms))
    return get_vendor(edit.vendor_id), listing


def ask_for_changes(edit: ListingEdit, *, by: str, reason: str, seen: datetime) -> tuple[Vendor, Listing]:
    """Not like this: the vendor reads what to change, and its words are kept for it to go on with."""
    reason = check_reason(reason)
    _standing, listing, edit = _lock(edit, seen)
    _decide(edit, "changes_asked", by, reason)
    record(edit.vendor_id, actor=by, action="listing.changes_asked", subject=listing.public_id, reason=reason)
    return get_vendor(edit.vendor_id), listing


def reject_edit(edit: ListingEdit, *, by: str, reason: str, seen: datetime, strike: bool = False) -> tuple[Vendor, Listing]:
    """Not at all; what is shown stays. With a strike, where somebody tried what they know not to be allowed."""
    reason = check_reason(reason)
    _standing, listing, edit = _lock(edit, seen)
    _decide(edit, "rejected", by, reason)
    record(edit.vendor_id, actor=by, action="listing.edit_rejected", subject=listing.public_id, reason=reason)
    if strike:
        give_strike(listing, by=by, reason=reason)
    return get_vendor(edit.vendor_id), listing


def _lock(edit: ListingEdit, seen: datetime) -> tuple[Standing, Listing, ListingEdit]:
    standing, listing = lock_listing(listing_of(edit))
    edit = lock_again(edit)
    if edit.state != "waiting":
        raise EditChanged("This has been decided already, or was taken back.")
    if edit.asked_at != seen:
        raise EditChanged("The vendor has changed it since you opened this page. Read it again.")
    return standing, listing, edit


def _decide(edit: ListingEdit, state: str, by: str, reason: str) -> None:
    edit.state, edit.reason, edit.decided_by, edit.decided_at = state, reason, by, now()
    db.session.flush()


def listing_of(edit: ListingEdit) -> Listing:
    """Whose words it would change."""
    return db.session.get_one(Listing, (edit.vendor_id, edit.mode, edit.listing_id))


# --- what is different ----------------------------------------------------------------------------------------------------


def changes_of(listing: Listing, edit: ListingEdit) -> list[Change]:
    """What the edit would change of what is shown now, field by field."""
    found = []
    for name in FIELDS:
        before, after = str(getattr(listing, name)), str(edit.terms.get(name, ""))
        if before != after:
            found.append(Change(name, before, after, compare(before, after)))
    return found


def compare(before: str, after: str) -> list[Piece]:
    """Both texts in one, word by word: whoever leaves out what is new reads the first, whoever leaves out what is gone the second."""
    old, new = _PIECES.findall(before), _PIECES.findall(after)
    if len(old) + len(new) > MOST_PIECES:
        return [piece for piece in (Piece("gone", before), Piece("new", after)) if piece.text]
    found = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Piece("same", "".join(old[a:b])))
            continue
        found += [piece for piece in (Piece("gone", "".join(old[a:b])), Piece("new", "".join(new[c:d]))) if piece.text]
    return found


# --- across vendors, for the staff ------------------------------------------------------------------------------------------


def list_waiting(*, after: str | None = None, limit: int = 25) -> Page[ListingEdit]:
    """What waits to be read, of every vendor, the longest waiting first."""
    waiting = select(ListingEdit).where(ListingEdit.state == "waiting", ListingEdit.mode == "live")
    if after:
        waiting = waiting.where(ListingEdit.id > get_edit(after).id)
    rows = list(db.session.scalars(waiting.order_by(ListingEdit.id).limit(limit + 1)))
    return Page(rows[:limit], rows[limit - 1].public_id if len(rows) > limit else None)


def get_edit(public: str) -> ListingEdit:
    """Any vendor's edit; refuses with 404. For staff only."""
    found = db.session.scalar(select(ListingEdit).where(ListingEdit.public_id == public)) if is_public_id("edt", public) else None
    if found is None:
        raise NotFound("There is no such edit.")
    return found


def count_waiting(*, most: int) -> int:
    """How many wait to be read, counted no further than `most`."""
    waiting = select(ListingEdit.id).where(ListingEdit.state == "waiting", ListingEdit.mode == "live").limit(most)
    return int(db.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0)
