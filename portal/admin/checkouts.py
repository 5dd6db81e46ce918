"""Checkouts with several sellers as the staff see them: every caller's, with their orders, payments and whether the books agree."""

from __future__ import annotations

from flask import Response, request

from core.orders.everywhere import get_checkout_everywhere, list_checkouts
from core.orders.queries import history_of, parts_of
from core.web.page import page
from core.web.staff_guard import staff_may
from portal.admin.blueprint import staff_door


@staff_door.get("/staff/checkouts")
@staff_may("payments.see")
def checkouts() -> Response:
    under_way = request.args.get("view") == "under-way"
    return page("portal/admin/checkouts/index.html", found=list_checkouts(under_way=under_way), under_way=under_way)


@staff_door.get("/staff/checkouts/<public_id>")
@staff_may("payments.see")
def checkout(public_id: str) -> Response:
    operator, found = get_checkout_everywhere(public_id)
    return page(
        "portal/admin/checkouts/show.html",
        operator=operator,
        checkout=found,
        parts=parts_of(found),
        history=history_of(found.vendor_id, found.mode, found.id),
    )
