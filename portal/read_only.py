"""While a plan is suspended or has ended, what stands in the directory can be read and taken away, and not be changed: how the pages say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, send_file, url_for

from core.directory.standing import find_standing, is_read_only
from core.directory.take_away import take_away
from core.kernel.clock import now
from core.subscriptions.plan import find_plan
from core.web.guard import current, may
from core.web.page import page
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.plan_hints import why_hidden

View = Callable[..., Response]


def read_only() -> bool:
    """Whether nothing of the vendor's can be changed now."""
    return is_read_only(find_standing(current().vendor.id, current().mode))


def editable(view: View) -> View:
    """For a page on which something is to be typed: who could not save it is told before, with the way out."""

    @wraps(view)
    def shown(**given: Any) -> Response:
        me = current()
        standing = find_standing(me.vendor.id, me.mode)
        if standing is None or not is_read_only(standing):
            return view(**given)
        plan = find_plan(me.vendor, me.mode)
        return page(
            "portal/listings/read_only.html",
            status=409,
            why=why_hidden(standing),
            suspended=standing.reason == "suspended",
            kept_until=plan.data_until if plan is not None else None,
            may_manage=me.may("plan.manage"),
            back=url_for(".listing", public_id=given["public_id"]) if "public_id" in given else url_for(".listings"),
        )

    return shown


@portal.get("/portal/listings.zip")
@may("listings.see")
@by_address("20 per 10 minutes", scope="take-away")
def take_listings_away() -> Response:
    """All of it in one file, whatever the state of the plan."""
    me = current()
    name = f"listings-{me.mode}-{now():%Y-%m-%d}.zip"
    return send_file(take_away(me.vendor, me.mode), mimetype="application/zip", as_attachment=True, download_name=name, max_age=0)
