"""Edits of listings that wait to be read: the queue, one with everything it changes, and the decision about it."""

from __future__ import annotations

from datetime import datetime

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import vendors_by_id
from core.accounts.staff import staff_names
from core.directory.edits import EditChanged, approve_edit, ask_for_changes, get_edit, list_waiting, listing_of, reject_edit
from core.directory.models import ListingEdit
from core.directory.moderate import LONGEST
from core.directory.reasons import find_reason, list_reasons
from core.directory.strikes import list_strikes
from core.kernel.errors import Refusal
from core.notifications.team import tell_team
from core.web.fields import BooleanField, Form, LineField, ParagraphField
from core.web.page import cursor, page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.listing_changes import FIELD_NAMES, told_changes

DECISIONS = ("approve", "changes", "reject")


class DecisionForm(Form):
    """`seen` is when what was read had been asked for: a decision is about that, and about nothing newer."""

    seen = LineField("", most=40)
    reason = ParagraphField(later("Why, and what would mend it"), most=LONGEST)
    strike = BooleanField(later("Hold it against the vendor as a strike"))


@staff_door.get("/staff/listings/edits")
@staff_may("listings.see")
def listing_edits() -> Response:
    """The longest waiting first."""
    after = cursor()
    found = list_waiting(after=after)
    return page(
        "portal/admin/listings/edits.html",
        edits=[(edit, listing_of(edit)) for edit in found.rows],
        vendors=vendors_by_id({edit.vendor_id for edit in found.rows}),
        newest=url_for(".listing_edits") if after else None,
        older=url_for(".listing_edits", after=found.next) if found.next else None,
    )


@staff_door.get("/staff/listings/edits/<edit>")
@staff_may("listings.see")
def listing_edit(edit: str) -> Response:
    found, template = get_edit(edit), find_reason(request.args.get("template", ""))
    return _show(found, DecisionForm(formdata=None, seen=found.asked_at.isoformat(), reason=template.words if template else ""))


@staff_door.post("/staff/listings/edits/<edit>/decision")
@staff_may("listings.moderate")
def decide_edit(edit: str) -> Response:
    """One of three; the vendor's people are told, in the portal and by letter."""
    found, form = get_edit(edit), DecisionForm()
    what = request.form.get("decision", "")
    if form.validate():
        with form.refusals():
            _decide(found, what, form)
            flash(_("Decided. The vendor is told."), "good")
            return see_other(url_for(".listing_edits"))
    form.seen.data = found.asked_at.isoformat()  # what stands on this page is what is decided about next
    form.seen.raw_data = [form.seen.data]
    return _show(found, form)


def _decide(edit: ListingEdit, what: str, form: DecisionForm) -> None:
    by, reason, at = staff().public_id, form.reason.data or "", _instant(form.seen.data or "")
    if what not in DECISIONS:
        raise Refusal("Approve it, ask for changes, or reject it.")
    if what == "approve":
        vendor, listing = approve_edit(edit, by=by, seen=at)
    elif what == "changes":
        vendor, listing = ask_for_changes(edit, by=by, reason=reason, seen=at)
    else:
        vendor, listing = reject_edit(edit, by=by, reason=reason, seen=at, strike=bool(form.strike.data))
    tell_team(vendor, "listing_edit_decided", mode=edit.mode, listing=listing.public_id, edit=edit.public_id)


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise EditChanged("Open this page anew and read it again.") from None


def _show(edit: ListingEdit, form: DecisionForm) -> Response:
    vendor, listing = vendors_by_id({edit.vendor_id})[edit.vendor_id], listing_of(edit)
    seen(vendor, listing.public_id)
    return page(
        "portal/admin/listings/edit.html",
        status=form.status,
        form=form,
        edit=edit,
        listing=listing,
        vendor=vendor,
        changes=told_changes(vendor, listing, edit) if edit.state == "waiting" else [],
        field_names=FIELD_NAMES,
        names=staff_names(),
        reasons=list_reasons(),
        strikes=list_strikes(vendor.id, listing.mode),
        may_moderate=staff().may("listings.moderate"),
    )
