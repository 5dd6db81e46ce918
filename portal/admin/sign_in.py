"""Staff sign in by themselves: another page, another cookie, a shorter life. Who is made staff is said on the command line."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms.validators import InputRequired

from core.accounts.half_sign_in import STAFF, Half, find_half
from core.accounts.staff_sessions import end_staff_session, finish_staff_sign_in, sign_in_staff
from core.web.fields import AddressField, Form, LineField, SecretField
from core.web.guard import half_secret, leave_half_seat, public, safe_path, take_half_seat
from core.web.page import page, see_other
from core.web.staff_guard import find_staff, leave_staff_seat, take_staff_seat
from core.web.throttle import by_account, by_address, count_try
from portal.admin.blueprint import staff_door
from portal.confirm import TRIES


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
            made = sign_in_staff(
                form.email.data, password=form.password.data, address=request.remote_addr or "", agent=request.user_agent.string
            )
            if isinstance(made, Half):
                return take_half_seat(see_other(url_for("staff.second_step", next=goal)), made.secret)
            return _sit_down(made, goal)
    return page("portal/admin/sign_in/form.html", status=form.status, form=form, next=goal)


def _sit_down(secret: str, goal: str | None) -> Response:
    if before := find_staff():
        end_staff_session(before, reason="signed in anew")
    return take_staff_seat(see_other(goal or url_for("staff.home")), secret)


class StaffCodeForm(Form):
    code = LineField(later("Code"), most=40, required=later("Enter the code."))


@staff_door.get("/staff/sign-in/code")
@public
def second_step() -> Response:
    """The password was right; without that there is nothing to see here."""
    if find_half(half_secret(), STAFF) is None:
        return _begin_again()
    return _code_page(StaffCodeForm(formdata=None))


@staff_door.post("/staff/sign-in/code")
@public
@by_address("30 per 15 minutes", scope="staff-sign-in-code")
def give_code() -> Response:
    """Tries are counted for the person, over every browser and address: the right code waits too."""
    found, form = find_half(half_secret(), STAFF), StaffCodeForm()
    if found is None:
        return _begin_again()
    half, user = found
    if form.validate():
        count_try(TRIES, scope="second-factor", whose=user.public_id)
        with form.refusals():
            agent = request.user_agent.string
            secret = finish_staff_sign_in(half, user, code=form.code.data, address=request.remote_addr or "", agent=agent)
            return leave_half_seat(_sit_down(secret, _goal()))
    return _code_page(form)


def _code_page(form: StaffCodeForm) -> Response:
    goal, recovery = _goal(), bool(request.args.get("recovery"))
    kept = {"next": goal, "recovery": "1" if recovery else None}
    return page(
        "portal/sign_in/code.html",
        status=form.status,
        form=form,
        recovery=recovery,
        action=url_for(".give_code", **kept),
        other=url_for(".second_step", next=goal, recovery=None if recovery else "1"),
        again=url_for(".sign_in", next=goal),
        lost=_("Lost both? Ask whoever runs this installation."),
    )


def _begin_again() -> Response:
    flash(_("That took too long. Please begin again with your password."), "info")
    return leave_half_seat(see_other(url_for(".sign_in", next=_goal())))


@staff_door.post("/staff/sign-out")
@public
def sign_out() -> Response:
    if seat := find_staff():
        end_staff_session(seat)
    response = leave_staff_seat(see_other(url_for("staff.sign_in")))
    flash(_("You are signed out."), "info")
    return response
