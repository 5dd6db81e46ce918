"""Who of the staff is asking: a cookie, a table and a guard of their own, and a line in the audit log for every page they see."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Response, g, request, session, url_for
from werkzeug.local import LocalProxy

from core.accounts.models import Vendor
from core.accounts.staff_permissions import staff_roles_that_may
from core.accounts.staff_sessions import StaffSeat, find_staff_seat
from core.kernel import audit
from core.kernel.config import settings
from core.kernel.errors import NotAllowed
from core.web.guard import SAFE, marked
from core.web.page import see_other, wants_part
from core.web.role_words import may_not
from core.web.this_request import kept

View = TypeVar("View", bound=Callable[..., Any])
UNKNOWN = object()


def staff_may(permission: str) -> Callable[[View], View]:
    """Only somebody of the staff whose role grants `permission`. A vendor's session is none: it is not even looked at.

    What is answered is written down: who, which page, and whose rows they were (`seen`). A refused request leaves no trace but its log line.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            seat = find_staff()
            if seat is None:
                return _ask_to_sign_in()
            if seat.user.second_factor_at is None and permission != "account.own":
                return see_other(url_for("staff.two_step"))  # of the staff it is asked of everybody
            if not seat.may(permission):
                raise NotAllowed(may_not(seat.member.role, staff_roles_that_may(permission)))
            g.pop("staff_saw", None)
            answer = view(*args, **kwargs)
            if request.method in SAFE:
                _write_down(seat)
            return answer

        return marked(guarded, access=f"staff.{permission}")

    return guard


def seen(vendor: Vendor, subject: str) -> None:
    """The page that is being made shows this vendor's rows: the log says so under the vendor."""
    g.staff_saw = (vendor.id, subject)


def _write_down(seat: StaffSeat) -> None:
    vendor_id, subject = g.get("staff_saw") or (audit.THE_HOUSE, "-")
    _record(seat, vendor_id, subject)


def _record(seat: StaffSeat, vendor_id: uuid.UUID, subject: str) -> None:
    # The rule and the names of the filters, never what was typed into them: that may be somebody's address.
    asked_with = sorted(name for name, value in request.args.items() if value)[:10]
    page = str(request.url_rule)
    audit.record(
        vendor_id, actor=seat.public_id, action="staff.viewed", subject=subject[:60], page=page, filters=[n[:20] for n in asked_with]
    )


def find_staff() -> StaffSeat | None:
    """Somebody of the staff who is signed in at this browser, or None. Asked of the database once a request."""
    if g.get("staff_seat", UNKNOWN) is UNKNOWN:
        secret = request.cookies.get(_cookie_name())
        g.staff_seat = find_staff_seat(secret) if secret else None
    return g.staff_seat  # type: ignore[no-any-return]


def staff() -> StaffSeat:
    """The same for views behind `@staff_may`."""
    seat = find_staff()
    if seat is None:
        raise RuntimeError("asked for the staff outside a staff page")
    return seat


def _ask_to_sign_in() -> Response:
    back = request.full_path.rstrip("?") if request.method in SAFE and not wants_part() else None
    return see_other(url_for("staff.sign_in", next=back) if back else url_for("staff.sign_in"))


def _cookie_name() -> str:
    return "__Host-staff" if settings().https else "staff"


def take_staff_seat(response: Response, secret: str) -> Response:
    """Hands the browser its session; Strict, for nobody is led to a staff page from elsewhere. What the form cookie held goes."""
    session.clear()
    g.pop("staff_seat", None)
    response.set_cookie(_cookie_name(), secret, secure=settings().https, httponly=True, samesite="Strict", path="/")
    return response


def leave_staff_seat(response: Response) -> Response:
    session.clear()
    response.delete_cookie(_cookie_name(), secure=settings().https, httponly=True, samesite="Strict", path="/")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _forget() -> None:
    """Where several requests share one application context, each asks anew."""
    mine = kept()
    mine.pop("staff_seat", None)
    mine.pop("staff_saw", None)


def install(app: Flask) -> None:
    app.before_request(_forget)
    app.jinja_env.globals["staff"] = LocalProxy(find_staff)
