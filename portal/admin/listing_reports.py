"""What the public has reported, what came of it, and the strikes that are held against vendors."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.accounts.everywhere import vendors_by_id
from core.directory.queries import get_for_staff
from core.directory.reports import close_reports, list_reported
from core.directory.strikes import forgive_strike, get_strike
from core.kernel.errors import NotFound
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door


@staff_door.get("/staff/listings/reports")
@staff_may("listings.see")
def listing_reports() -> Response:
    """Listings with reports that nobody has closed, those with the most first."""
    found = list_reported()
    return page("portal/admin/listings/reports.html", reported=found, vendors=vendors_by_id({one.listing.vendor_id for one in found}))


@staff_door.post("/staff/listings/<public_id>/reports")
@staff_may("listings.moderate")
def close_listing_reports(public_id: str) -> Response:
    """All that are open of this listing, in one decision."""
    listing = get_for_staff(public_id)
    count = close_reports(listing, by=staff().public_id, outcome=request.form.get("outcome", "kept"))
    flash(_("The reports are closed.") if count else _("There was no open report."), "good")
    return see_other(url_for(".listing", public_id=public_id))


@staff_door.post("/staff/listings/strikes/<strike>/forgiveness")
@staff_may("listings.moderate")
def forgive(strike: str) -> Response:
    found = get_strike(strike)
    if forgive_strike(found, by=staff().public_id):
        flash(_("Forgiven. It counts no more."), "good")
    try:
        return see_other(url_for(".listing", public_id=get_for_staff(found.listing).public_id))
    except NotFound:  # it is a draft by now, or gone
        return see_other(url_for(".listings"))
