"""Staff sign in by themselves: another page, another cookie, a shorter life. Who is made staff is said on the command line."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms.validators import InputRequired

from core.accounts.staff_sessions import end_staff_session, sign_in_staff
from core.web.fields import AddressField, Form, SecretField
from core.web.guard import public, safe_path
from core.web.page import page, see_other
from core.web.staff_guard import find_staff, leave_staff_seat, take_staff_seat
from core.web.throttle import by_account, by_address
from portal.admin.blueprint import staff_door


class StaffSignInForm(Form):
    email = AddressField(later("E-mail address"))
    password = SecretField(later("Password"), [InputRequired(later("Enter your password."))])


def _goal() -> str | None:
    """Where to go on to: a staff page, and nothing else."""
    path = safe_path(request.args.get("next"))
    return path if path and path.startswith("/staff") else None


@staff_door.get("/staff/sign-in")
@public
def sign_in() -> Response:
    if find_staff():
        return see_other(url_for("staff.home"))
    return page("portal/admin/sign_in/form.html", form=StaffSignInForm(formdata=None), next=_goal())


@staff_door.post("/staff/sign-in")
@public
@by_address("30 per 15 minutes", scope="staff-sign-in")
@by_account("10 per 15 minutes", scope="staff-sign-in")
def enter() -> Response:
    """A new session, never the one the browser came with; the old one, if any, ends."""
    form, goal = StaffSignInForm(), _goal()
    if form.validate():
        with form.refusals():
            before = find_staff()
            _member, secret = sign_in_staff(
                form.email.data, password=form.password.data, address=request.remote_addr or "", agent=request.user_agent.string
            )
            if before:
                end_staff_session(before, reason="signed in anew")
            return take_staff_seat(see_other(goal or url_for("staff.home")), secret)
    return page("portal/admin/sign_in/form.html", status=form.status, form=form, next=goal)


@staff_door.post("/staff/sign-out")
@public
def sign_out() -> Response:
    if seat := find_staff():
        end_staff_session(seat)
    response = leave_staff_seat(see_other(url_for("staff.sign_in")))
    flash(_("You are signed out."), "info")
    return response
