"""The staff look at a vendor's own pages: one guard in front of every page, which lets through what only shows, and nothing else.

The cookie is another one than a vendor's and opens nothing without the staff's own. While it is there nobody of the vendor is signed in at
this browser: `current()` is the owner whose pages they are, and does nothing, because nothing is posted and PostgreSQL changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from flask import Flask, Response, current_app, flash, request, url_for
from flask_babel import gettext as _

from core.accounts.models import UserSession
from core.accounts.roles import role_of
from core.accounts.staff_looks import Look, find_look, note_page
from core.accounts.staff_sessions import StaffSeat
from core.kernel import audit
from core.kernel.clock import now
from core.kernel.config import settings
from core.kernel.reads import read_only_from_here
from core.web import refusals
from core.web.guard import SAFE, Current
from core.web.page import keep_so_far, see_other
from core.web.staff_guard import find_staff
from core.web.this_request import asked, kept

LISTED = "seen_as_owner"  # in app.extensions: what of the vendors' pages is shown, by the name of the view (portal/seen_as_owner.py)
PAGE, PAPER, PICTURE = "page", "paper", "picture"  # a picture belongs to a page, and is not written down beside it
OTHER_DOORS = ("staff", "api")  # which do not look at a vendor's cookie; what the staff do there is theirs
LONGEST_PATH = 200


@dataclass(frozen=True, slots=True)
class Banner:
    """What stands above every page of a look, in plain values: it is drawn on error pages too."""

    vendor: str
    vendor_id: str
    staff: str
    language: str  # of whoever looks: the figures are the owner's, the words are for the one who reads
    reason: str
    mode: str
    may_be_live: bool
    minutes: int
    ends_at: datetime


def find_banner() -> Banner | None:
    """Of the look that is going on in this request, or None."""
    return kept().get("look_banner")


def _watch() -> Response | None:
    """In front of every request that brings the cookie, before its form is read and before any view runs."""
    mine, here = kept(), asked()
    for name in ("looking", "look_banner", "staff_seat", "_login_user"):
        mine.pop(name, None)
    read_only_from_here(False)
    if "HTTP_COOKIE" not in here.environ or here.endpoint in (None, "static") or here.blueprint in OTHER_DOORS:
        return None
    secret = here.cookies.get(_cookie_name())
    if not secret:
        return None
    seat = find_staff()
    look = find_look(secret, seat) if seat is not None and seat.user.second_factor_at is not None else None
    if look is None or seat is None:
        return _over() if here.blueprint == "portal" else None
    return _look_on(look, seat)


def _look_on(look: Look, seat: StaffSeat) -> Response | None:
    mine, access = kept(), getattr(current_app.view_functions[request.endpoint or ""], "__access__", "public")
    mine["looking"], mine["look_banner"] = None, _banner(look, seat)
    if request.method not in SAFE:
        return _refuse(_("You are looking at another business’s pages, and nothing can be changed by that. Nothing was."))
    if request.blueprint != "portal" or access == "public":
        return None  # it is nobody's, and shows to everybody the same
    listed = current_app.extensions[LISTED].get(request.endpoint, "")
    if listed not in (PAGE, PAPER, PICTURE) and not (listed and seat.may(str(listed))):
        return _refuse(_("The platform’s staff are not shown this: it would do something, open something, or take data away."))
    if listed != PICTURE:
        audit.asked_from(request.remote_addr or "")
        note_page(look, seat, request.path.replace("\x00", "")[:LONGEST_PATH])
    keep_so_far()  # it stands in the log, whatever becomes of the page
    mine["looking"] = _owner_of(look)
    read_only_from_here(True)
    return None


def _owner_of(look: Look) -> Current:
    """The owner at no browser of theirs: this session was never written down, proves nothing and is confirmed by nobody."""
    nowhere = UserSession(
        id="", user_id=look.owner.id, vendor_id=look.vendor.id, mode=look.row.mode, address="", agent="", created_at=look.row.begun_at,
        seen_at=look.row.begun_at, expires_at=look.row.ends_at, ended_at=None, end_reason=None, confirmed_at=None,
    )  # fmt: skip
    role = role_of(look.membership.role, None)
    return Current(user=look.owner, vendor=look.vendor, membership=look.membership, session=nowhere, role=role, looking=True)


def _banner(look: Look, seat: StaffSeat) -> Banner:
    left = (look.row.ends_at - now()).total_seconds()
    return Banner(
        vendor=look.vendor.name, vendor_id=look.vendor.public_id, staff=seat.user.email, language=seat.user.language, reason=look.reason, mode=look.row.mode,
        may_be_live=look.vendor.live_enabled, minutes=max(1, math.ceil(left / 60)), ends_at=look.row.ends_at,
    )  # fmt: skip


def _refuse(why: str) -> Response:
    return refusals.answer(403, title=_("Only looking"), message=why, code="only_looking")


def _over() -> Response:
    """The cookie is of a look that has ended. It goes, and nothing is done under whatever other cookie the browser has."""
    if request.method not in SAFE:
        said = _("You do not look at that business’s pages any more. Nothing was changed.")
        return leave_look(refusals.answer(403, title=_("Only looking"), message=said, code="only_looking"))
    flash(_("Looking at the business’s pages is over."), "info")
    return leave_look(see_other(url_for("staff.home")))


def _cookie_name() -> str:
    return "__Host-look" if settings().https else "look"


def look_secret() -> str:
    """What the browser brought of it, or nothing."""
    return request.cookies.get(_cookie_name(), "")


def take_look(response: Response, secret: str) -> Response:
    """Hands the browser the look. Strict, as the staff's own: nobody is led into it from elsewhere."""
    response.set_cookie(_cookie_name(), secret, secure=settings().https, httponly=True, samesite="Strict", path="/")
    return response


def leave_look(response: Response) -> Response:
    """It is over in this browser, and its pages are nowhere kept."""
    response.delete_cookie(_cookie_name(), secure=settings().https, httponly=True, samesite="Strict", path="/")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _private(response: Response) -> Response:
    if find_banner() is not None:
        response.headers["Cache-Control"] = "no-store"
    return response


def install(app: Flask) -> None:
    """Before the guard of the forms: what is posted is refused as looking, whatever token it brings."""
    app.before_request(_watch)
    app.after_request(_private)
    app.teardown_request(lambda _problem: read_only_from_here(False))
    app.jinja_env.globals["look_banner"] = find_banner
