"""Signing up, and proving the e-mail address afterwards."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import InputRequired

from core.accounts.email_links import open_link
from core.accounts.models import User
from core.accounts.passwords import check_strength
from core.accounts.reset_password import ask_to_reset
from core.accounts.sign_up import Registration, sign_up
from core.accounts.verify_email import ask_to_verify, verify_email, was_confirmed
from core.web.fields import AddressField, ChoiceField, CurrencyField, Form, LineField, SecretField, options
from core.web.guard import current, find_current, may, public
from core.web.languages import language, reader
from core.web.page import page, see_other
from core.web.throttle import by_account, by_address
from portal.blueprint import portal
from portal.mail import is_kept_here, send_link
from portal.sign_in import SignInForm


class SignUpForm(Form):
    business = LineField(_l("Business name"), most=120, required=_l("Enter the name your customers know you by."))
    country = ChoiceField(
        _l("Country"),
        choices=lambda: options([("", _("Choose a country")), *reader().countries]),
        words=_l("Choose a country from the list."),
        validators=[InputRequired(_l("Choose the country your business is in."))],
    )
    currency = CurrencyField(_l("Main currency"), default="GBP")
    email = AddressField(_l("E-mail address"))
    password = SecretField(_l("Password"), [InputRequired(_l("Choose a password."))])

    def validate(self, extra_validators: Any = None) -> bool:
        """Where something is refused, a weak password is named with it and not at the next try."""
        good = super().validate(extra_validators)
        if not good and self.password.data and not self.password.errors:
            with self.refusals():
                check_strength(self.password.data, about=((self.business.data or "")[:120], (self.email.data or "")[:254]))
        return good

    def wish(self) -> Registration:
        return Registration(
            business=self.business.data,
            country=self.country.data,
            currency=self.currency.data,
            email=self.email.data,
            password=self.password.data,
            language=language(),
        )


@portal.get("/sign-up")
@public
def sign_up_form() -> Response:
    if find_current():
        return see_other(url_for("portal.home"))
    return page("portal/sign_up/form.html", form=SignUpForm(formdata=None))


@portal.post("/sign-up")
@public
@by_address("60 per hour", scope="sign-up")
@by_account("10 per hour", scope="sign-up")
def register() -> Response:
    """A known address is told by e-mail that it has an account already; the page says the same to everybody."""
    form = SignUpForm()
    if form.validate():
        with form.refusals():
            open_account(form.wish())
            again = SignInForm(formdata=None, email=form.email.data)
            return page("portal/sign_up/check_inbox.html", form=again, email=form.email.data, kept_here=is_kept_here())
    return page("portal/sign_up/form.html", status=form.status, form=form)


def open_account(wish: Registration) -> None:
    """Makes it and writes to its owner. Whoever has the address already gets a letter that says so; the door says the same to both."""
    account = sign_up(wish)
    if account:
        _send_verification(account.user)
    elif known := ask_to_reset(wish.email):
        send_link(*known)


def _send_verification(user: User) -> bool:
    link = ask_to_verify(user)
    if link:
        send_link(user, link)
    return link is not None


@portal.post("/portal/verification")
@may("account.own")
@by_address("20 per hour", scope="verification")
def ask_for_verification() -> Response:
    me = current()
    if _send_verification(me.user):
        flash(_("We have sent a new link to %(email)s. Older ones no longer work.", email=me.user.email), "good")
    else:
        flash(_("Your e-mail address is confirmed already."), "info")
    return see_other(url_for("portal.home"))


class ConfirmForm(Form):
    pass


@portal.get("/verify-email/<token>")
@public
def verification(token: str) -> Response:
    """Looking at the link does not use it up: mail scanners open links too, so a person presses the button."""
    if was_confirmed(token):
        return _confirmed(_("Your e-mail address is confirmed already."), "info")
    link, _user = open_link("email-verify", token)
    return page("portal/sign_up/verify.html", form=ConfirmForm(formdata=None), email=link.email)


@portal.post("/verify-email/<token>")
@public
@by_address("60 per hour", scope="verification")
def verify(token: str) -> Response:
    if was_confirmed(token):
        return _confirmed(_("Your e-mail address is confirmed already."), "info")
    verify_email(token)
    return _confirmed(_("Thank you. Your e-mail address is confirmed."), "good")


def _confirmed(words: str, tone: str) -> Response:
    flash(words, tone)
    return see_other(url_for("portal.home") if find_current() else url_for("portal.sign_in"))
