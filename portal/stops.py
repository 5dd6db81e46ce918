"""What the platform's staff have stopped for this business: why, since when, until when, and what went on again."""

from __future__ import annotations

from flask import Response

from core.admission.stops import announced_stops, is_active, is_announced, list_stops
from core.web.guard import current, may
from core.web.page import page
from core.web.stop_words import announced, effect, names, stopped
from portal.blueprint import portal


@portal.get("/portal/settings/stops")
@may("home.see")
def stops() -> Response:
    me = current()
    rows = list_stops(me.vendor, me.mode)
    return page(
        "portal/stops/index.html",
        active=[row for row in rows if is_active(row)],
        coming=announced_stops(me.vendor, me.mode),
        over=[row for row in rows if not is_active(row) and not is_announced(row)],
        stopped=stopped,
        announced=announced,
        effect=effect,
        names=names(),
    )
