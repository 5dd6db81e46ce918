"""Signing in and out: password, then a code or a passkey; or a passkey alone."""

from __future__ import annotations

import hashlib
import secrets

from flask import Response, flash, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms.validators import InputRequired

from core.accounts.half_sign_in import PORTAL, Half, find_half
from core.accounts.models import User
from core.accounts.one_time_codes import find_factor
from core.accounts.passkey_proof import SECOND_STEP, SIGN_IN, PasskeyRefused, ask_to_sign, credential_named, find_party, list_passkeys
from core.accounts.sessions import end_session, hash_secret
from core.accounts.sessions import sign_out_everywhere as end_everywhere
from core.accounts.sign_in import SignedIn, finish_sign_in, finish_with_passkey, sign_in_by_passkey
from core.accounts.sign_in import sign_in as open_session
from core.web.fields import AddressField, Form, LineField, SecretField
from core.web.guard import (
    current,
    find_current,
    half_secret,
    leave_half_seat,
    leave_seat,
    may,
    public,
    safe_path,
    take_half_seat,
    take_seat,
)
from core.web.page import page, see_other
from core.web.throttle import by_account, by_address, count_try
from portal.blueprint import portal
from portal.confirm import TRIES
from portal.mail import tell_recovery_code_used
from portal.passkey_ask import PasskeyForm, answered, question, say_what_is_wrong

ASKED = "passkey"  # in the form cookie: the secret of a browser nobody is signed in at, for the question it was asked


class SignInForm(Form):
    email = AddressField(_l("E-mail address"))
    password = SecretField(_l("Password"), [InputRequired(_l("Enter your password."))])


@portal.get("/sign-in")
@public
def sign_in() -> Response:
    if find_current():
        return see_other(url_for("portal.home"))
    return _sign_in_page(SignInForm(formdata=None), safe_path(request.args.get("next")))


def _sign_in_page(form: SignInForm, goal: str | None) -> Response:
    return page("portal/sign_in/form.html", status=form.status, form=form, next=goal, takes_passkeys=find_party() is not None)


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
            if isinstance(made, Half):
                return take_half_seat(see_other(url_for("portal.second_step", next=goal)), made.secret)
            return _sit_down(made, goal)
    return _sign_in_page(form, goal)


@portal.post("/sign-in/passkey/question")
@public
@by_address("100 per 15 minutes", scope="sign-in-passkey")
def ask_for_passkey() -> Response:
    """The question to whichever passkey the browser has for us. It counts in this browser only, which holds a secret for it in its form cookie."""
    session[ASKED] = secrets.token_urlsafe(32)
    return question(ask_to_sign(SIGN_IN, holder=hash_secret(session[ASKED])))


@portal.post("/sign-in/passkey")
@public
@by_address("100 per 15 minutes", scope="sign-in")
def enter_by_passkey() -> Response:
    """Both steps at once. Every wrong answer reads the same, whoever it is about."""
    form, goal = PasskeyForm(), safe_path(request.args.get("next"))
    holder = hash_secret(str(session.pop(ASKED, "")))
    if form.validate():
        named = credential_named(form.passkey.data)
        count_try(TRIES, scope="sign-in-passkey", whose=hashlib.sha256(named.encode("utf-8", "replace")).hexdigest())
        with form.refusals(), answered(SIGN_IN, holder=holder, answer=form.passkey.data) as shown:
            made = sign_in_by_passkey(shown, address=request.remote_addr or "", agent=request.user_agent.string)
            return leave_half_seat(_sit_down(made, goal))
    say_what_is_wrong(form)
    return see_other(url_for(".sign_in", next=goal))


def _sit_down(made: SignedIn, goal: str | None) -> Response:
    if before := find_current():
        end_session(before.session, reason="signed in anew")
    return take_seat(see_other(goal or url_for("portal.home")), made.secret)


class CodeForm(Form):
    code = LineField(_l("Code"), most=40, required=_l("Enter the code."))


@portal.get("/sign-in/code")
@public
def second_step() -> Response:
    """The password was right; without that there is nothing to see here."""
    found = find_half(half_secret(), PORTAL)
    if found is None:
        return _begin_again()
    return _code_page(CodeForm(formdata=None), found[1])


@portal.post("/sign-in/code")
@public
@by_address("100 per 15 minutes", scope="sign-in-code")
def give_code() -> Response:
    """Tries are counted for the person, over every browser and address: the right code waits too."""
    found, form = find_half(half_secret(), PORTAL), CodeForm()
    if found is None:
        return _begin_again()
    half, user = found
    if form.validate():
        count_try(TRIES, scope="second-factor", whose=user.public_id)
        with form.refusals():
            agent = request.user_agent.string
            made = finish_sign_in(half, user, code=form.code.data, address=request.remote_addr or "", agent=agent)
            if made.code == "recovery":
                tell_recovery_code_used(user)
            return leave_half_seat(_sit_down(made, safe_path(request.args.get("next"))))
    return _code_page(form, user)


@portal.post("/sign-in/code/passkey/question")
@public
@by_address("100 per 15 minutes", scope="sign-in-passkey")
def ask_for_own_passkey() -> Response:
    found = find_half(half_secret(), PORTAL)
    if found is None:
        raise PasskeyRefused
    half, user = found
    return question(ask_to_sign(SECOND_STEP, holder=half.id, user=user))


@portal.post("/sign-in/code/passkey")
@public
@by_address("100 per 15 minutes", scope="sign-in-code")
def give_passkey() -> Response:
    """In the place of a code, and counted with those."""
    found, form = find_half(half_secret(), PORTAL), PasskeyForm()
    if found is None:
        return _begin_again()
    half, user = found
    if form.validate():
        count_try(TRIES, scope="second-factor", whose=user.public_id)
        with form.refusals(), answered(SECOND_STEP, holder=half.id, answer=form.passkey.data) as shown:
            made = finish_with_passkey(half, user, shown, address=request.remote_addr or "", agent=request.user_agent.string)
            return leave_half_seat(_sit_down(made, safe_path(request.args.get("next"))))
    say_what_is_wrong(form)
    return see_other(url_for(".second_step", next=safe_path(request.args.get("next"))))


def _code_page(form: CodeForm, user: User) -> Response:
    has_app, goal = find_factor(user) is not None, safe_path(request.args.get("next"))
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
        lost=_("Lost both? The owner of the business can let you in again, and for an owner the platform’s staff."),
    )


def _begin_again() -> Response:
    flash(_("That took too long. Please begin again with your password."), "info")
    return leave_half_seat(see_other(url_for(".sign_in", next=safe_path(request.args.get("next")))))


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
    me = current()
    count = end_everywhere(me.user, at=me.session)
    response = leave_seat(see_other(url_for("portal.sign_in")))
    flash(ngettext("You are signed out on this device.", "You are signed out on all %(num)s devices.", count), "info")
    return response
