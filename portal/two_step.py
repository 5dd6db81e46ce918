"""A person's own two-step sign-in: set up with a code to scan, moved to another device, recovery codes, off. Vendors' people and staff alike.

Their passkeys stand on the same page: portal/passkeys.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import segno
from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.confirm import is_fresh
from core.accounts.models import User, UserSession
from core.accounts.one_time_codes import codes_left, find_factor
from core.accounts.passkey_proof import find_party, list_passkeys
from core.accounts.second_factor import begin_enrolment, confirm_enrolment, find_enrolment, renew_recovery_codes, switch_off
from core.accounts.sessions import end_all_sessions
from core.accounts.staff_models import StaffSession
from core.accounts.staff_sessions import end_all_staff_sessions
from core.kernel.config import settings
from core.web.fields import Form, LineField
from core.web.guard import current, leave_seat, may, safe_path
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from core.web.throttle import count_try
from portal.admin.blueprint import staff_door
from portal.blueprint import portal
from portal.confirm import TRIES, confirmed
from portal.mail import tell_second_step

View = TypeVar("View", bound=Callable[..., Any])
QUIET = 4  # modules of white around the code, as the standard asks


class DeviceForm(Form):
    code = LineField(_l("Code from your app"), most=40, required=_l("Enter the six digits that your app shows."))


class EmptyForm(Form):
    pass


@dataclass(frozen=True, slots=True)
class Sitting:
    """Who looks after their own account here."""

    user: User
    session: UserSession | StaffSession
    by: str
    layout: str
    asked_of_all: bool  # then it cannot be switched off

    def sign_out_elsewhere(self, *, reason: str = "two-step sign-in set up") -> None:
        """A new second step leaves no browser in that came without it, and one that is given up none that came by it."""
        if isinstance(self.session, UserSession):
            end_all_sessions(self.user, reason=reason, but=self.session)
        else:
            end_all_staff_sessions(staff().member, reason=reason, but=self.session)


def both(method: str, path: str, name: str, *, asks: bool = False) -> Callable[[View], View]:
    """The same page at the vendors' door and at the staff's, each behind its own guard. `asks`: only for who has just proved who they are."""

    def register(view: View) -> View:
        kept = confirmed(view) if asks else view
        portal.route(f"/portal{path}", methods=[method], endpoint=name)(may("account.own")(kept))
        staff_door.route(f"/staff{path}", methods=[method], endpoint=name)(staff_may("account.own")(kept))
        return view

    return register


def sitting() -> Sitting:
    if request.blueprint == "staff":
        seat = staff()
        return Sitting(seat.user, seat.session, seat.public_id, "layouts/admin.html", True)
    me = current()
    return Sitting(me.user, me.session, me.user.public_id, "layouts/portal.html", me.vendor.second_factor_required)


def goal() -> str | None:
    """The page that led here because it wants a second step; it stands in the address until everything is set up."""
    return safe_path(request.args.get("next"))


@both("GET", "/two-step", "two_step")
def show() -> Response:
    return two_step_page(sitting())


def two_step_page(me: Sitting, form: Form | None = None, *, renames: str | None = None) -> Response:
    """The page with all of it; with a form for a passkey's new name that was refused."""
    factor, on = find_factor(me.user), me.user.second_factor_at is not None
    return page(
        "portal/two_step/show.html",
        status=form.status if form else 200,
        layout=me.layout,
        form=form,
        renames=renames,
        on=on,
        since=factor.confirmed_at if factor else None,
        passkeys=list_passkeys(me.user),
        possible=find_party() is not None,
        left=codes_left(me.user),
        asked_of_all=me.asked_of_all,
        pinned=not on and me.asked_of_all,
        goal=goal(),
    )


@both("POST", "/two-step/devices", "begin_two_step", asks=True)
def begin() -> Response:
    me = sitting()
    begin_enrolment(me.user, session=me.session.id)
    return see_other(url_for(".new_device", next=goal()))


@both("GET", "/two-step/devices/new", "new_device")
def new_device() -> Response:
    """Only for whoever began it in this browser, and has just proved who they are: the page shows a secret."""
    return _device_page(sitting(), DeviceForm(formdata=None))


@both("POST", "/two-step/devices/new", "confirm_two_step", asks=True)
def confirm() -> Response:
    """The ten recovery codes stand in the answer and nowhere else: this page is shown once."""
    me, form = sitting(), DeviceForm()
    if form.validate():
        count_try(TRIES, scope="second-factor", whose=me.user.public_id)
        with form.refusals():
            codes = confirm_enrolment(me.user, form.code.data, session=me.session.id, by=me.by)
            me.sign_out_elsewhere()
            tell_second_step(me.user, "on")
            return page("portal/two_step/codes.html", layout=me.layout, codes=codes, fresh=True, goal=goal())
    return _device_page(me, form)


def _device_page(me: Sitting, form: DeviceForm) -> Response:
    made = find_enrolment(me.user, session=me.session.id) if is_fresh(me.session) else None
    if made is None:
        return see_other(url_for(".two_step", next=goal()))
    picture = segno.make(made.address, error="m", micro=False).svg_data_uri(border=QUIET, scale=5, dark="#000", light="#fff")
    spelt = " ".join(made.secret[at : at + 4] for at in range(0, len(made.secret), 4))
    return page(
        "portal/two_step/device.html",
        status=form.status,
        layout=me.layout,
        form=form,
        picture=picture,
        secret=spelt,
        address=made.address,
        pretend=f"{settings().sandbox_url}/phone" if settings().demo and settings().sandbox_url else None,
        user=me.user,
        moves=me.user.second_factor_at is not None,
        goal=goal(),
    )


@both("POST", "/two-step/recovery-codes", "renew_codes", asks=True)
def renew() -> Response:
    me = sitting()
    codes = renew_recovery_codes(me.user, by=me.by)
    tell_second_step(me.user, "codes")
    return page("portal/two_step/codes.html", layout=me.layout, codes=codes, fresh=False, goal=None)


@both("POST", "/two-step/off", "end_two_step", asks=True)
def off() -> Response:
    me = sitting()
    switch_off(me.user, by=me.by)
    tell_second_step(me.user, "off")
    response = leave_seat(see_other(url_for("portal.sign_in")))
    flash(_("Two-step sign-in is off, and every device is signed out. Your password alone opens your account again."), "info")
    return response
