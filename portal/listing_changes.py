"""What an edit of a listing changes, as people read it: the fields by their names, kinds of business and payment links by theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.models import Vendor
from core.directory.attributes import in_language
from core.directory.edits import Change, changes_of, compare
from core.directory.models import Listing, ListingEdit
from core.directory.queries import find_category
from core.kernel.errors import NotFound
from core.payments.queries import get_link
from core.web.languages import language

FIELD_NAMES: dict[str, Any] = {
    "title": _l("Name"), "category": _l("Category"), "summary": _l("In one sentence"), "description": _l("Description"), "website": _l("Website"),
    "email": _l("E-mail address for customers"), "phone": _l("Telephone"), "link": _l("Payment link behind the pay button"),
}  # fmt: skip


def told_changes(vendor: Vendor, listing: Listing, edit: ListingEdit) -> list[Change]:
    """Field by field, in words."""
    return [_told(vendor, listing.mode, change) for change in changes_of(listing, edit)]


def _told(vendor: Vendor, mode: str, change: Change) -> Change:
    words: dict[str, Callable[[str], str]] = {"category": _category, "link": lambda number: _link(vendor, mode, number)}
    if change.name not in words:
        return change
    before, after = (words[change.name](text) for text in (change.before, change.after))
    return Change(change.name, before, after, compare(before, after))


def _category(slug: str) -> str:
    found = find_category(slug)
    return in_language(found.names, language()) if found else slug


def _link(vendor: Vendor, mode: str, number: str) -> str:
    if not number:
        return _("No pay button")
    try:
        return f"{get_link(vendor, mode, number).title} ({number})"
    except NotFound:
        return number
