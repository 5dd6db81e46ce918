"""What stands before a link's own name in its readable address."""

from __future__ import annotations

from core.accounts.vendor_slug import slug_of, suggestion
from core.web import addresses
from core.web.guard import current


def slug_before() -> str:
    """The vendor's part of it, or what that would be."""
    me = current()
    return addresses.readable_link(me.mode, slug_of(me.vendor) or suggestion(me.vendor.name), "", me.vendor)
