"""The vendor's branches to choose from: beside a link, above a list, on a poster."""

from __future__ import annotations

import uuid

from flask_babel import gettext as _

from core.directory.models import Branch, Listing
from core.directory.queries import all_branches, branch_by_row
from core.payments.lists import NO_BRANCH
from core.web.guard import current


def branches_to_choose(*, blank: str, none: bool = False, gone: bool = True, kept: str = "", must: bool = False) -> list[tuple[str, str]]:
    """`blank` is what choosing none is called; `none`: also those that belong to no branch; `gone`: also branches put away, which have
    a past. `kept` is one that is chosen already and stays in the list in any case. Only the blank where there are no branches at all.
    Whoever is limited to branches chooses among those, and where something `must` be one branch's they have no blank.
    """
    me = current()
    found = [(branch, listing) for branch, listing in all_branches(me.vendor, me.mode) if me.sees(branch.id)]
    several = len({listing.id for _branch, listing in found}) > 1
    named = [
        (branch.public_id, branch_words(branch, listing if several else None))
        for branch, listing in found
        if gone or branch.archived_at is None or branch.public_id == kept
    ]
    if me.limited:
        return named if must else [("", blank), *named]
    return [("", blank), *named, *([(NO_BRANCH, _("No branch"))] if none and named else [])]


def branch_words(branch: Branch, listing: Listing | None = None) -> str:
    """What people call it: with the listing's title, where the vendor has several."""
    place = f"{branch.name}, {branch.town}" if branch.town and branch.town not in branch.name else branch.name
    named = f"{listing.title}: {place}" if listing else place
    return _("%(branch)s (put away)", branch=named) if branch.archived_at else named


def branch_named(branch_id: uuid.UUID | None) -> str | None:
    """What the branch of a link or a payment is called; None where it belongs to none."""
    found = branch_by_row(current().vendor.id, current().mode, branch_id)
    return branch_words(found) if found else None
