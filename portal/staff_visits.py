"""When somebody of the platform's staff looked into this vendor's rows, what they gave as the reason, and which of its own pages they saw."""

from __future__ import annotations

from flask import Response

from core.accounts.staff_looks import looks_of
from core.accounts.staff_visits import list_visits
from core.web.guard import current, may
from core.web.page import page
from portal.blueprint import portal


@portal.get("/portal/settings/staff-visits")
@may("settings.see")
def staff_visits() -> Response:
    vendor = current().vendor
    visits = list_visits(vendor)
    return page("portal/settings/staff_visits.html", visits=visits, looks=looks_of(vendor, visits))
