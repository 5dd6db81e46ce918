"""What the letters about stops are written from."""

from __future__ import annotations

from typing import Any

from core.accounts.models import Vendor
from core.admission.apply import get_application, notes_of
from core.admission.stops import get_stop, is_active
from core.notifications.models import Message
from core.web import addresses
from core.web.reader import Reader
from core.web.stop_words import effect, names, stopped
from workers.letter import NoLongerTrue


def stop(vendor: Vendor, message: Message) -> dict[str, Any]:
    """Something that is stopped, or that goes on again; not written when it is the other by now."""
    found = get_stop(vendor, message.mode, message.params["stop"])
    if (message.kind == "stop_begun") != is_active(found):
        raise NoLongerTrue("it goes on by now" if found.ended_at else "it is stopped")
    reader, what, about = Reader(message.locale), found.what, found.about
    said = {"title": stopped(what, about, reader), "effect": effect(what, about, reader), "name": names(reader)[what]}
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


KINDS = {"application_news": (application, False), "stop_begun": (stop, False), "stop_ended": (stop, False)}
