"""What processors told us, as our adapter reads it and as it came but for what is nobody's business; any event can be opened once more."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.everywhere import vendors_by_id
from core.accounts.models import Vendor
from core.kernel.errors import Refusal
from core.providers.contract import ProviderError, ProviderEvent
from core.providers.models import InboxEvent
from core.providers.queries import OTHER, get_event_everywhere, list_events_everywhere
from core.providers.redact import redacted
from core.providers.registry import provider_named
from core.providers.replay import replay_event
from core.web.fields import ChoiceField, Form, options
from core.web.page import cursor, page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door


def kinds() -> dict[str, str]:
    """What events are about, in words."""
    return {
        "payment": _("Payments"), "refund": _("Refunds"), "dispute": _("Disputes"), "saving": _("Saved cards"), OTHER: _("Something else"),
    }  # fmt: skip


class EventFilter(Form):
    class Meta:
        csrf = False  # reading changes nothing

    kind = ChoiceField(later("About"), choices=lambda: options([("", _("Everything")), *kinds().items()]), default="")
    show = ChoiceField(
        later("What came of it"),
        choices=lambda: options(
            [("", _("About nothing of ours")), ("waiting", _("Not opened yet")), ("handled", _("Placed")), ("all", _("All"))]
        ),
        default="",
    )


@staff_door.get("/staff/events")
@staff_may("events.see")
def events() -> Response:
    """Those about nothing of ours first: the others are handled, and are shown when they are asked for."""
    form, after = EventFilter(request.args), cursor()
    good = form.validate()
    show, kind = (form.show.data or "", form.kind.data or "") if good else ("", "")
    kept = {name: value for name, value in (("show", show), ("kind", kind)) if value}
    found = list_events_everywhere(state={"": "unmatched", "all": ""}.get(show, show), kind=kind, after=after)
    return page(
        "portal/admin/events/index.html",
        fragment="portal/admin/events/_table.html",
        form=form,
        events=found.rows,
        show=show,
        kept=kept,
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
        read=_read(found),
        kinds=kinds(),
        may_replay=staff().may("events.replay") and found.handled_at is not None,
    )


def _read(event: InboxEvent) -> ProviderEvent | None:
    """What our adapter makes of it; None for what it cannot read, or of a provider that is not set up any more. Nobody is asked."""
    try:
        return provider_named(event.provider, event.mode).parse_event(event.raw.encode(), event.mode)
    except (ProviderError, LookupError, TypeError, ValueError, ArithmeticError, Refusal):
        return None


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
