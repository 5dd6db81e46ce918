"""What processors told us, as it came but for what is nobody's business; and an event that fitted nothing can be opened once more."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.accounts.everywhere import vendors_by_id
from core.accounts.models import Vendor
from core.providers.models import InboxEvent
from core.providers.queries import get_event_everywhere, list_events_everywhere
from core.providers.redact import redacted
from core.providers.replay import replay_event
from core.web.page import cursor, page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door


@staff_door.get("/staff/events")
@staff_may("events.see")
def events() -> Response:
    """Those about nothing of ours first: the others are handled, and are shown when they are asked for."""
    every, after = request.args.get("show") == "all", cursor()
    kept = {"show": "all"} if every else {}
    found = list_events_everywhere(unmatched_only=not every, after=after)
    return page(
        "portal/admin/events/index.html",
        events=found.rows,
        every=every,
        vendors=vendors_by_id({event.vendor_id for event in found.rows if event.vendor_id}),
        newest=url_for(".events", **kept) if after else None,
        older=url_for(".events", after=found.next, **kept) if found.next else None,
    )


@staff_door.get("/staff/events/<provider>/<mode>/<event_id>")
@staff_may("events.see")
def event(provider: str, mode: str, event_id: str) -> Response:
    found = get_event_everywhere(provider, mode, event_id)
    vendor = _whose(found)
    return page(
        "portal/admin/events/show.html",
        event=found,
        vendor=vendor,
        text=redacted(found.raw),
        may_replay=staff().may("events.replay") and found.handled_at is not None,
    )


@staff_door.post("/staff/events/<provider>/<mode>/<event_id>/replays")
@staff_may("events.replay")
def replay(provider: str, mode: str, event_id: str) -> Response:
    found = get_event_everywhere(provider, mode, event_id)
    replay_event(found.provider, found.mode, found.event_id, by=staff().public_id)
    flash(_("The event is being opened again. Reload this page to see what came of it."), "good")
    return see_other(url_for(".event", provider=provider, mode=mode, event_id=event_id))


def _whose(event: InboxEvent) -> Vendor | None:
    """The vendor an opened event turned out to be about, or None; its having been shown is written down under that vendor."""
    vendor = vendors_by_id({event.vendor_id}).get(event.vendor_id) if event.vendor_id else None
    if vendor:
        seen(vendor, event.event_id)
    return vendor
