"""`@confirmed` beside `@may`: before something that could do harm, the person at the browser proves again that it is they."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from core.accounts.confirm import confirm_person, is_fresh
from core.accounts.models import User, UserSession
from core.accounts.one_time_codes import find_factor
from core.accounts.passkey_proof import CONFIRM, find_party, list_passkeys
from core.accounts.staff_models import StaffSession
from core.web.fields import Form, LineField, SecretField
from core.web.guard import current, safe_path
from core.web.page import keep_so_far, page, see_other
from core.web.staff_guard import staff
from core.web.this_request import came_from
from core.web.throttle import count_try
from portal.mail import tell_recovery_code_used
from portal.passkey_ask import LONGEST, answered

View = TypeVar("View", bound=Callable[..., Any])
OURS = ("confirm_password", "confirm_code", "confirm_passkey")
TRIES = "10 per 15 minutes"


class ConfirmForm(Form):
    confirm_password = SecretField(_l("Your password"), [InputRequired(_l("Enter your password."))])
    confirm_code = LineField(_l("Code from your app"), most=40)
    confirm_passkey = HiddenField(validators=[Length(max=LONGEST)])


def confirmed(view: View | None = None, *, when: Callable[..., bool] | None = None) -> Any:
    """Stands below `@may` on a view that is posted to. Who signed in or answered within ten minutes is not asked; others are, and what
    they filled in goes on to the view with their answer. `when` says, from the view's arguments and the form, whether it is asked at all.
    """

    def mark(view: View) -> View:
        @wraps(view)
        def asked(*args: Any, **kwargs: Any) -> Any:
            user, session = _person()
            if is_fresh(session) or (when is not None and not when(*args, **kwargs)):
                return view(*args, **kwargs)
            form = ConfirmForm() if OURS[0] in request.form else ConfirmForm(formdata=None)
            if OURS[0] in request.form and _is_them(form, user, session):
                keep_so_far()  # the code is spent and the answer counts, even when the act itself is then refused
                return view(*args, **kwargs)
            return _ask(form, user)

        return asked  # type: ignore[return-value]

    return mark(view) if view is not None else mark


def two_steps_when_live(view: Callable[..., Any]) -> Any:
    """Stands below `@may`, on the page of a form and on what it is posted to: with real money nobody leads it elsewhere, or makes a key to
    it, by a password alone. Who has no two-step sign-in is led to set it up and back; in test mode everything can be tried without.
    """

    @wraps(view)
    def asked(*args: Any, **kwargs: Any) -> Any:
        if lacks_a_second_step():
            back = request.full_path.rstrip("?") if request.method == "GET" else came_from().path
            return see_other(url_for(".two_step", next=safe_path(back)))
        return view(*args, **kwargs)

    return asked


def lacks_a_second_step() -> bool:
    """Whether this person looks at real money and could not prove by a second step who they are."""
    me = current()
    return me.mode == "live" and me.user.second_factor_at is None


def names_an_account(*_args: object, **_kwargs: object) -> bool:
    """`when` of what sends money: to an account that somebody typed, and not back to where it came from."""
    return bool(request.form.get("iban", "").strip())


def _person() -> tuple[User, UserSession | StaffSession]:
    if request.blueprint == "staff":
        return staff().user, staff().session
    return current().user, current().session


def _is_them(form: ConfirmForm, user: User, session: UserSession | StaffSession) -> bool:
    answer = form.confirm_passkey.data
    if user.second_factor_at is not None and not form.confirm_code.data and not answer:
        form.refuse(_("Enter the code that your app shows, or one of your recovery codes."), "confirm_code")
        return False
    if not form.validate():
        return False
    count_try(TRIES, scope="confirm", whose=user.public_id)
    if user.second_factor_at is not None:
        count_try(TRIES, scope="second-factor", whose=user.public_id)
    if answer and user.second_factor_at is not None:
        with form.refusals(), answered(CONFIRM, holder=session.id, answer=answer) as shown:
            confirm_person(user, session, password=form.confirm_password.data, code="", shown=shown)
            return True
        return False
    with form.refusals():
        kind = confirm_person(user, session, password=form.confirm_password.data, code=form.confirm_code.data or "")
        if kind == "recovery":
            tell_recovery_code_used(user)
        return True
    return False


def _ask(form: ConfirmForm, user: User) -> Response:
    """The question, with everything that was filled in behind it, so that nothing of it is lost."""
    carried = [(name, value) for name, value in request.form.items(multi=True) if name not in (*OURS, "csrf_token")]
    at_desk, has_app = request.blueprint == "staff", find_factor(user) is not None
    if not has_app:
        form.confirm_code.label.text = _("Recovery code")
    return page(
        "portal/confirm/ask.html",
        status=form.status,
        layout="layouts/admin.html" if at_desk else "layouts/portal.html",
        form=form,
        carried=carried,
        action=request.full_path.rstrip("?"),
        asks_code=user.second_factor_at is not None,
        has_app=has_app,
        asks_passkey=find_party() is not None and bool(list_passkeys(user)),
        back=safe_path(came_from().path) or url_for(".home"),
    )
