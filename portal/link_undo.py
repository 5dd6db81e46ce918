"""The way back after pausing or putting away: the next page offers it, as long as its address says what was just done to which links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import lazy_gettext as _l

from core.kernel.ids import is_public_id
from core.payments.models import PaymentLink

MOST = 25  # as many as one page of the list holds
# what was done -> (the act that takes it back, what its button says)
WAYS_BACK = {
    "paused": ("resume", _l("Undo: resume")),
    "resumed": ("pause", _l("Undo: pause")),
    "archived": ("unarchive", _l("Undo: bring back")),
    "unarchived": ("archive", _l("Undo: archive again")),
}


@dataclass(frozen=True)
class Undo:
    """What the button posts."""

    act: str
    words: Any
    links: list[str]


def done(endpoint: str, what: str, links: list[PaymentLink], **values: Any) -> str:
    """The address of the next page, with the way back in it."""
    return url_for(endpoint, done=what, links=",".join(link.public_id for link in links[:MOST]), **values)


def undo_offered() -> Undo | None:
    """The way back that this page's address offers. It only fills in a form: what may be done is decided when it is posted."""
    way = WAYS_BACK.get(request.args.get("done", ""))
    links = [text for text in request.args.get("links", "").split(",")[:MOST] if is_public_id("lnk", text)]
    return Undo(*way, links) if way and links else None
