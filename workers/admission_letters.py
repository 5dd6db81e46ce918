"""What the letters about stops are written from."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.admission.apply import get_application, notes_of
from core.admission.stops import get_stop, is_active, is_announced
from core.notifications.models import Message
from core.web import addresses
from core.web.reader import Reader
from core.web.stop_words import announced, effect, names, stopped
from workers.letter import NoLongerTrue


def stop(vendor: Vendor, message: Message) -> dict[str, Any]:
    """Something that is stopped or will be, or that goes on again; not written when it is another of these by now."""
    found = get_stop(vendor, message.mode, message.params["stop"])
    true_now = "stop_planned" if is_announced(found) else "stop_begun" if is_active(found) else "stop_ended"
    if message.kind != true_now:
        raise NoLongerTrue("it goes on by now" if true_now == "stop_ended" else "it is stopped or announced by now")
    reader, what, about = Reader(message.locale), found.what, found.about
    title = announced(what, found.starts_at, reader) if true_now == "stop_planned" else stopped(what, about, reader)
    said = {"title": title, "effect": effect(what, about, reader), "name": names(reader)[what]}
    return {"stop": found, **said, "practice": message.mode == "test", "action_url": addresses.portal_stops(message.mode, vendor)}


def application(vendor: Vendor, message: Message) -> dict[str, Any]:
    """What the staff decided or asked; not written once it has been answered."""
    found = get_application(vendor, message.params["application"])
    if found.state == "sent":
        raise NoLongerTrue("it was answered")
    words = notes_of(vendor, found)[-1].text
    return {
        "application": found,
        "words": words.splitlines(),
        "practice": False,
        "action_url": addresses.portal_application(vendor),
    }


KINDS = {"application_news": (application, False), "stop_planned": (stop, False), "stop_begun": (stop, False), "stop_ended": (stop, False)}
