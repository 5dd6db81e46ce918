"""Staff sign in by themselves: another page, another cookie, a shorter life. Who is made staff is said on the command line."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from wtforms.validators import InputRequired

from core.accounts.half_sign_in import STAFF, Half, find_half
from core.accounts.models import User
from core.accounts.one_time_codes import find_factor
from core.accounts.passkey_proof import SECOND_STEP, PasskeyRefused, ask_to_sign, find_party, list_passkeys
from core.accounts.staff_sessions import end_staff_session, finish_staff_sign_in, finish_staff_with_passkey, sign_in_staff
from core.web.fields import AddressField, Form, LineField, SecretField
from core.web.guard import half_secret, leave_half_seat, public, safe_path, take_half_seat
from core.web.page import page, see_other
from core.web.staff_guard import find_staff, leave_staff_seat, take_staff_seat
from core.web.throttle import by_account, by_address, count_try
from portal.admin.blueprint import staff_door
from portal.confirm import TRIES
from portal.passkey_ask import PasskeyForm, answered, question, say_what_is_wrong


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
    found = find_half(half_secret(), STAFF)
    if found is None:
        return _begin_again()
    return _code_page(StaffCodeForm(formdata=None), found[1])


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
    return _code_page(form, user)


@staff_door.post("/staff/sign-in/code/passkey/question")
@public
@by_address("30 per 15 minutes", scope="staff-sign-in-passkey")
def ask_for_own_passkey() -> Response:
    found = find_half(half_secret(), STAFF)
    if found is None:
        raise PasskeyRefused
    half, user = found
    return question(ask_to_sign(SECOND_STEP, holder=half.id, user=user))


@staff_door.post("/staff/sign-in/code/passkey")
@public
@by_address("30 per 15 minutes", scope="staff-sign-in-code")
def give_passkey() -> Response:
    """In the place of a code, and counted with those. Of staff the password is always asked first."""
    found, form = find_half(half_secret(), STAFF), PasskeyForm()
    if found is None:
        return _begin_again()
    half, user = found
    if form.validate():
        count_try(TRIES, scope="second-factor", whose=user.public_id)
        with form.refusals(), answered(SECOND_STEP, holder=half.id, answer=form.passkey.data) as shown:
            agent = request.user_agent.string
            secret = finish_staff_with_passkey(half, user, shown, address=request.remote_addr or "", agent=agent)
            return leave_half_seat(_sit_down(secret, _goal()))
    say_what_is_wrong(form)
    return see_other(url_for(".second_step", next=_goal()))


def _code_page(form: StaffCodeForm, user: User) -> Response:
    has_app, goal = find_factor(user) is not None, _goal()
    recovery = bool(request.args.get("recovery")) or not has_app
    kept = {"next": goal, "recovery": "1" if recovery else None}
    return page(
        "portal/sign_in/code.html",
        status=form.status,
        form=form,
        recovery=recovery,
        has_app=has_app,
        ask=url_for(".ask_for_own_passkey") if find_party() and list_passkeys(user) else None,
        give=url_for(".give_passkey", next=goal),
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
