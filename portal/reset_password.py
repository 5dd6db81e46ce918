"""Choosing a new password through a link sent by e-mail."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired

from core.accounts.email_links import open_link
from core.accounts.models import User
from core.accounts.passkey_proof import list_passkeys
from core.accounts.reset_password import plan_reset_link, reset_password
from core.web.fields import AddressField, Form, SecretField
from core.web.guard import leave_seat, public
from core.web.languages import language
from core.web.page import page, see_other
from core.web.refusals import NEW_LINKS
from core.web.throttle import by_account, by_address
from portal.blueprint import portal
from portal.mail import may_be_read_by_anybody, tell_password_changed


class AskForm(Form):
    email = AddressField(_l("E-mail address"))


class NewPasswordForm(Form):
    password = SecretField(_l("New password"), [InputRequired(_l("Choose a password."))])


NEW_LINKS.update(dict.fromkeys(("portal.new_password", "portal.choose_password"), ("portal.ask_for_reset", _l("Ask for a new link"))))


@portal.get("/reset-password")
@public
def ask_for_reset() -> Response:
    return page("portal/reset_password/ask.html", form=AskForm(formdata=None))


@portal.post("/reset-password")
@public
@by_address("30 per hour", scope="reset")
@by_account("5 per hour", scope="reset")
def send_reset() -> Response:
    """The same words for an address we know and for one we do not."""
    form = AskForm()
    if not form.validate():
        return page("portal/reset_password/ask.html", status=form.status, form=form)
    plan_reset_link(form.email.data, locale=language())
    return page("portal/reset_password/check_inbox.html", email=form.email.data, kept_here=may_be_read_by_anybody())


@portal.get("/reset-password/<token>")
@public
def new_password(token: str) -> Response:
    _, user = open_link("password-reset", token)
    return _choose(NewPasswordForm(formdata=None), user)


@portal.post("/reset-password/<token>")
@public
@by_address("30 per hour", scope="reset")
def choose_password(token: str) -> Response:
    form = NewPasswordForm()
    _link, person = open_link("password-reset", token)
    if form.validate():
        with form.refusals():
            user = reset_password(token, password=form.password.data)
            tell_password_changed(user)
            response = leave_seat(see_other(url_for("portal.sign_in")))
            flash(_("Your new password counts from now on, and every device was signed out. Please sign in."), "good")
            return response
    return _choose(form, person)


def _choose(form: NewPasswordForm, person: User) -> Response:
    """Says what becomes of passkeys, without naming them: the letter does that."""
    return page(
        "portal/reset_password/choose.html", status=form.status, form=form, email=person.email, passkeys=bool(list_passkeys(person))
    )
