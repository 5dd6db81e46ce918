"""Signing in and out."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms.validators import InputRequired

from core.accounts.sessions import end_all_sessions, end_session
from core.accounts.sign_in import sign_in as open_session
from core.web.fields import AddressField, Form, SecretField
from core.web.guard import current, find_current, leave_seat, may, public, safe_path, take_seat
from core.web.page import page, see_other
from core.web.throttle import by_account, by_address
from portal.blueprint import portal


class SignInForm(Form):
    email = AddressField(_l("E-mail address"))
    password = SecretField(_l("Password"), [InputRequired(_l("Enter your password."))])


@portal.get("/sign-in")
@public
def sign_in() -> Response:
    if find_current():
        return see_other(url_for("portal.home"))
    return page("portal/sign_in/form.html", form=SignInForm(formdata=None), next=safe_path(request.args.get("next")))


@portal.post("/sign-in")
@public
@by_address("100 per 15 minutes", scope="sign-in")
@by_account("10 per 15 minutes", scope="sign-in")
def enter() -> Response:
    """A new session, never the one the browser came with; the old one, if any, ends."""
    form, goal = SignInForm(), safe_path(request.args.get("next"))
    if form.validate():
        with form.refusals():
            agent = request.user_agent.string
            made = open_session(form.email.data, password=form.password.data, address=request.remote_addr or "", agent=agent)
            if before := find_current():
                end_session(before.session, reason="signed in anew")
            return take_seat(see_other(goal or url_for("portal.home")), made.secret)
    return page("portal/sign_in/form.html", status=form.status, form=form, next=goal)


@portal.post("/sign-out")
@public
def sign_out() -> Response:
    me = find_current()
    if me:
        end_session(me.session)
    response = leave_seat(see_other(url_for("portal.sign_in")))
    flash(_("You are signed out."), "info")
    return response


@portal.post("/sign-out-everywhere")
@may("account.own")
def sign_out_everywhere() -> Response:
    count = end_all_sessions(current().user, reason="signed out everywhere")
    response = leave_seat(see_other(url_for("portal.sign_in")))
    flash(ngettext("You are signed out on this device.", "You are signed out on all %(num)s devices.", count), "info")
    return response
