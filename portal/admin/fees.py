"""What the platform keeps of a vendor's payments: every version, a preview on the last thirty days, and publishing another."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import get_vendor_everywhere
from core.accounts.fees import LONGEST_REASON, MOST_BPS, NOTICE, check_fee, find_planned, list_fees, publish_fee, today
from core.accounts.models import Vendor
from core.accounts.staff import staff_names
from core.kernel.clock import now
from core.kernel.money import Money
from core.notifications.notices import post_notice
from core.payments.figures import takings_by_day
from core.web.day_fields import DayField, day_begins
from core.web.fields import Form, LineField
from core.web.page import page, see_other
from core.web.percent_field import PercentField
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed

WORLDS = ("live", "test")
LOOKED_AT = timedelta(days=30)


class FeeForm(Form):
    fee = PercentField(later("Our fee"), most=MOST_BPS, required=later("Enter the fee, such as 1.5."))
    from_on = DayField(later("From"))
    reason = LineField(later("Why"), most=LONGEST_REASON, required=later("Say why: it stays with this version."))


def _publishes() -> bool:
    return request.form.get("step") == "publish"


@staff_door.get("/staff/vendors/<public_id>/fee")
@staff_may("fees.see")
def fee(public_id: str) -> Response:
    return _page(get_vendor_everywhere(public_id), FeeForm(formdata=None, from_on=day_begins(today())))


@staff_door.post("/staff/vendors/<public_id>/fee")
@staff_may("fees.set")
@confirmed(when=lambda *_args, **_kwargs: _publishes())
def set_fee(public_id: str) -> Response:
    """First what it would have come to, then published."""
    vendor, form = get_vendor_everywhere(public_id), FeeForm()
    if form.validate():
        if form.from_on.day is None:
            form.refuse(_("Choose from which day on."), "from_on")
            return _page(vendor, form)
        wished = {"bps": form.fee.data, "from_on": form.from_on.day, "reason": form.reason.data}
        with form.refusals():
            check_fee(vendor, **wished)
            if not _publishes():
                return _page(vendor, form, looked_at=wished["bps"])
            made = publish_fee(vendor, **wished, by=staff().public_id)
            for world in WORLDS:
                post_notice(vendor, "fee_changed", mode=world, about=vendor.public_id)
            flash(_("It counts now.") if made.applied_at else _("Published. The vendor is told, and it counts from its day on."), "good")
            return see_other(url_for(".fee", public_id=public_id))
    return _page(vendor, form)


def _page(vendor: Vendor, form: FeeForm, *, looked_at: int | None = None) -> Response:
    seen(vendor, vendor.public_id)
    return page(
        "portal/admin/vendors/fee.html",
        status=form.status,
        vendor=vendor,
        form=form,
        planned=find_planned(vendor),
        versions=list_fees(vendor),
        names=staff_names(),
        looked_at=looked_at,
        rows=_preview(vendor, looked_at) if looked_at is not None else [],
        notice_days=NOTICE.days,
        may_set=staff().may("fees.set"),
    )


def _preview(vendor: Vendor, bps: int) -> list[tuple[str, Money, Money, Money]]:
    """(mode, taken in the last thirty days, what we would have kept at the present fee, and at the other). Of each currency's sum."""
    found: dict[tuple[str, str], Money] = {}
    for mode in WORLDS:
        for day in takings_by_day(vendor, mode, now() - LOOKED_AT):
            key = (mode, day.amount.currency)
            found[key] = found[key] + day.amount if key in found else day.amount
    return [(mode, taken, taken.share(vendor.fee_bps), taken.share(bps)) for (mode, _code), taken in sorted(found.items())]
