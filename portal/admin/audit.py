"""The audit log across vendors: who did what, and which pages of whose the staff have looked at."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import vendors_by_id
from core.accounts.queries import people_named
from core.accounts.staff import staff_names
from core.kernel.audit import THE_HOUSE, list_entries_everywhere, origins_of
from core.web.fields import BooleanField, Form
from core.web.page import cursor, page
from core.web.staff_guard import staff_may
from portal.admin.blueprint import staff_door
from portal.admin.payments import VendorField
from portal.audit_log import WORDS, changes_of, facts_of
from portal.history import WHO

# What only the house does, about no vendor's account; a test holds this against every action that the code writes down.
HOUSE_WORDS: dict[str, Any] = {
    "books.proof_asked": later("Had all books proved"),
    "line.asked": later("Asked for a decision about bank money"), "line.not_agreed": later("Did not agree about bank money"),
    "line.assigned": later("Said which payment bank money is for"), "line.repaid": later("Set bank money against a debt"),
    "line.returned": later("Had bank money sent back"), "line.charge": later("Booked bank money as a charge of the bank’s"),
    "line.settlement": later("Took bank money as a processor’s payout"),
    "reconciliation.asked": later("Had both sides compared"), "reconciliation.file_brought": later("Brought a file of the other side’s"),
    "reconciliation.file_imported": later("Took in a file of the other side’s"),
    "reconciliation.file_laid_out": later("Said which column of a file is what"), "reconciliation.resolved": later("Ended an exception"),
    "staff.added": later("Added somebody to the staff"), "staff.removed": later("Removed somebody from the staff"),
    "staff.signed_in": later("Signed in"), "staff.signed_out": later("Signed out"),
}  # fmt: skip


class AuditForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    vendor = VendorField(later("Vendor"), most=120)
    by_staff = BooleanField(later("Only what staff did and saw"))


@staff_door.get("/staff/audit")
@staff_may("audit.see")
def audit_log() -> Response:
    form, after = AuditForm(request.args), cursor()
    good = form.validate()
    found = list_entries_everywhere(vendor_ids=form.vendor.ids if good else None, staff_only=bool(good and form.by_staff.data), after=after)
    kept = {name: field.raw_data[0] for name, field in form._fields.items() if good and field.data and field.raw_data}
    people = people_named({entry.actor for entry in found.rows})
    return page(
        "portal/admin/audit/index.html",
        fragment="portal/admin/audit/_table.html",
        form=form,
        entries=found.rows,
        names={**WHO, "operator": _("An operator"), **staff_names(), **people},
        vendors=vendors_by_id({entry.vendor_id for entry in found.rows} - {THE_HOUSE}),  # what concerns no vendor names none
        the_house=THE_HOUSE,
        words=WORDS | HOUSE_WORDS,
        detail=facts_of,
        changes=changes_of,
        origins=origins_of(found.rows),
        kept=kept,
        newest=url_for(".audit_log", **kept) if after else None,
        older=url_for(".audit_log", after=found.next, **kept) if found.next else None,
    )
