"""Listings of every vendor: what the public reads, what vendors ask to be looked at again, and taking one out with a reason."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, flash, make_response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import vendors_by_id
from core.accounts.staff import staff_names
from core.directory.alike import NAME, PHONE, alike_for_staff
from core.directory.edits import count_waiting
from core.directory.images import find_file, get_image, list_images, read_width, widths_of
from core.directory.index import address_of, is_shown
from core.directory.models import Listing
from core.directory.moderate import LONGEST, restore_listing, withdraw_listing
from core.directory.public import see_listing
from core.directory.queries import count_for_staff, find_category, get_for_staff, list_for_staff
from core.directory.reasons import find_reason, list_reasons
from core.directory.reports import close_reports, count_reported, open_reports
from core.directory.standing import find_standing
from core.directory.strikes import count_strikes, list_strikes
from core.directory.waiting import find_open_edit
from core.kernel.errors import NotFound
from core.notifications.team import tell_team
from core.web import addresses
from core.web.fields import BooleanField, ChoiceField, Form, LineField, ParagraphField, options
from core.web.page import cursor, page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door

STATES = [("review", later("To be looked at")), ("published", later("In the directory")), ("withdrawn", later("Taken out"))]


MOST = 100  # counted so far; the page then says "99+"


class FilterForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("Name"), most=120)
    state = ChoiceField(later("State"), choices=options(STATES), default="published")


REPORTED = {
    "misleading": later("Wrong or misleading"), "not_theirs": later("Somebody else’s name, picture or text"), "closed": later("Closed or not there"),
    "spam": later("Advertising, no business"), "harmful": later("Forbidden or harmful"), "other": later("Something else"),
}  # fmt: skip


ALIKE = {PHONE: later("The same telephone number"), NAME: later("The same name, near by")}


class ReasonForm(Form):
    reason = ParagraphField(
        later("Why, and what would mend it"),
        most=LONGEST,
        required=later("Say what is wrong and what would mend it: the vendor reads this."),
    )
    strike = BooleanField(later("Hold it against the vendor as a strike"))


@staff_door.get("/staff/listings")
@staff_may("listings.see")
def listings() -> Response:
    """What the public sees anyway; the newest first."""
    form, after = FilterForm(request.args), cursor()
    kept = {name: field.data for name, field in form._fields.items() if field.data} if form.validate() else {"state": "published"}
    found = list_for_staff(state=kept["state"], text=kept.get("q"), after=after)
    return page(
        "portal/admin/listings/index.html",
        fragment="portal/admin/listings/_table.html",
        form=form,
        waiting={"edits": count_waiting(most=MOST), "reports": count_reported(most=MOST), "review": count_for_staff(most=MOST)},
        most=MOST,
        listings=found.rows,
        vendors=vendors_by_id({listing.vendor_id for listing in found.rows}),
        newest=url_for(".listings", **kept) if after else None,
        older=url_for(".listings", after=found.next, **kept) if found.next else None,
    )


@staff_door.get("/staff/listings/<public_id>")
@staff_may("listings.see")
def listing(public_id: str) -> Response:
    template = find_reason(request.args.get("template", ""))
    return _show(get_for_staff(public_id), ReasonForm(formdata=None, reason=template.words if template else ""))


@staff_door.post("/staff/listings/<public_id>/withdrawal")
@staff_may("listings.moderate")
def withdraw(public_id: str) -> Response:
    """Out at once; its people are told why, in the portal and by letter."""
    found, form = get_for_staff(public_id), ReasonForm()
    if form.validate():
        with form.refusals():
            vendor, gone = withdraw_listing(found, by=staff().public_id, reason=form.reason.data, strike=bool(form.strike.data))
            close_reports(gone, by=staff().public_id, outcome="acted")
            tell_team(vendor, "listing_withdrawn", mode=gone.mode, listing=gone.public_id)
            flash(_("Taken out. %(vendor)s is told why.", vendor=vendor.name), "good")
            return see_other(url_for(".listing", public_id=public_id))
    return _show(found, form)


@staff_door.post("/staff/listings/<public_id>/restoration")
@staff_may("listings.moderate")
def restore(public_id: str) -> Response:
    found, form = get_for_staff(public_id), ReasonForm(formdata=None)
    with form.refusals():
        vendor, back = restore_listing(found, by=staff().public_id)
        tell_team(vendor, "listing_restored", mode=back.mode, listing=back.public_id)
        flash(_("It is in the directory again. %(vendor)s is told.", vendor=vendor.name), "good")
        return see_other(url_for(".listing", public_id=public_id))
    return _show(found, form)


@staff_door.get("/staff/listings/<public_id>/images/<image>-<width>.webp")
@staff_may("listings.see")
def listing_picture(public_id: str, image: str, width: str) -> Response:
    """Whoever decides about a listing sees its pictures, also while nobody else does."""
    found = get_for_staff(public_id)
    data = find_file(get_image(found, image).public_id, read_width(width))
    if data is None:
        raise NotFound
    seen(vendors_by_id({found.vendor_id})[found.vendor_id], found.public_id)
    answer = make_response(data)
    answer.content_type = "image/webp"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def _show(found: Listing, form: ReasonForm) -> Response:
    vendor = vendors_by_id({found.vendor_id})[found.vendor_id]
    seen(vendor, found.public_id)
    standing, sight = find_standing(vendor.id, found.mode), see_listing(vendor, found)
    sight = replace(sight, images=list_images(found), widths=widths_of(list_images(found)))  # those beyond the plan too: they may come back
    alike = alike_for_staff(found, sight.branches)
    owners = vendors_by_id({other.vendor_id for other, _why in alike})
    return page(
        "portal/admin/listings/show.html",
        status=form.status,
        alike=[(other, owners[other.vendor_id].name, ALIKE[why]) for other, why in alike],
        form=form,
        listing=found,
        vendor=vendor,
        sight=sight,
        edit=find_open_edit(found),
        reports=open_reports(found),
        kinds=REPORTED,
        strikes=list_strikes(vendor.id, found.mode),
        strikes_now=count_strikes(vendor.id, found.mode),
        reasons=list_reasons(),
        category=find_category(found.category),
        standing=standing,
        address=addresses.listing(address_of(found)) if found.state == "published" and standing and is_shown(found, standing) else None,
        names=staff_names(),
        may_moderate=staff().may("listings.moderate"),
    )
