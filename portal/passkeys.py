"""A person's own passkeys: added, renamed, removed; and the question to one when somebody has to prove again who they are. At both doors."""

from __future__ import annotations

import json

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.confirm import is_fresh
from core.accounts.passkey_proof import ADD, CONFIRM, ask_for_new, ask_to_sign, find_party, list_passkeys
from core.accounts.passkeys import LONGEST_NAME, MOST, add_passkey, check_name, get_passkey, remove_passkey, rename_passkey
from core.kernel.errors import Refusal
from core.web.fields import LineField
from core.web.guard import leave_seat
from core.web.languages import written
from core.web.page import page, see_other
from core.web.throttle import count_try
from portal.confirm import TRIES
from portal.mail import tell_second_step
from portal.passkey_ask import PasskeyForm, answered, question
from portal.two_step import EmptyForm, Sitting, both, goal, sitting, two_step_page

QUESTIONS = "60 per 15 minutes"  # of one person


class NewPasskeyForm(PasskeyForm):
    name = LineField(_l("Name"), most=LONGEST_NAME, required=_l("Give it a name."))


class NameForm(EmptyForm):
    name = LineField(_l("Name"), most=LONGEST_NAME, required=_l("Give it a name."))


@both("POST", "/two-step/passkeys", "begin_passkey", asks=True)
def begin() -> Response:
    return see_other(url_for(".new_passkey", next=goal()))


@both("GET", "/two-step/passkeys/new", "new_passkey")
def new_passkey() -> Response:
    """Only for whoever has just proved who they are: a passkey of a thief's would open the account for good."""
    me = sitting()
    taken = {one.name for one in list_passkeys(me.user)}
    names = (_("Passkey %(number)s", number=number) for number in range(1, MOST + 2))
    return _new_page(me, NewPasskeyForm(formdata=None, name=next(name for name in names if name not in taken)))


@both("POST", "/two-step/passkeys/question", "ask_new_passkey")
def ask_new() -> Response:
    """What a device is asked for a new one; the name is looked at first, for no device should keep what we then refuse."""
    me, form = sitting(), NameForm()
    count_try(QUESTIONS, scope="passkey-question", whose=me.user.public_id)
    if not is_fresh(me.session):
        return _wrong(_("It is a while since you signed in. Load this page again."))
    try:
        if not form.validate():
            return _wrong(str(form.name.errors[0]) if form.name.errors else "")
        check_name(me.user, form.name.data)
        return question(ask_for_new(me.user, holder=me.session.id))
    except Refusal as no:
        return _wrong(written(no.message))


@both("POST", "/two-step/passkeys/new", "add_passkey", asks=True)
def add() -> Response:
    me, form = sitting(), NewPasskeyForm()
    if form.validate():
        count_try(TRIES, scope="second-factor", whose=me.user.public_id)
        with form.refusals(), answered(ADD, holder=me.session.id, answer=form.passkey.data) as shown:
            codes = add_passkey(me.user, shown, name=form.name.data, by=me.by)
            tell_second_step(me.user, "passkey_added")
            if codes:
                me.sign_out_elsewhere()
                return page("portal/two_step/codes.html", layout=me.layout, codes=codes, fresh=True, goal=goal())
            flash(_("The passkey is added."), "good")
            return see_other(goal() or url_for(".two_step"))
    return _new_page(me, form)


def _new_page(me: Sitting, form: NewPasskeyForm) -> Response:
    if find_party() is None or not is_fresh(me.session):
        return see_other(url_for(".two_step", next=goal()))
    return page(
        "portal/two_step/passkey.html", status=form.status, layout=me.layout, form=form, first=me.user.second_factor_at is None, goal=goal()
    )


@both("POST", "/two-step/passkeys/<public_id>/name", "rename_passkey", asks=True)
def rename(public_id: str) -> Response:
    me, form = sitting(), NameForm()
    get_passkey(me.user, public_id)
    if form.validate():
        with form.refusals():
            rename_passkey(me.user, public_id, name=form.name.data, by=me.by)
            flash(_("Saved."), "good")
            return see_other(url_for(".two_step"))
    return two_step_page(me, form, renames=public_id)


@both("POST", "/two-step/passkeys/<public_id>/removal", "remove_passkey", asks=True)
def remove(public_id: str) -> Response:
    """The last second step takes two-step sign-in with it, and signs out everywhere."""
    me = sitting()
    if remove_passkey(me.user, public_id, by=me.by):
        tell_second_step(me.user, "off")
        response = leave_seat(see_other(url_for("portal.sign_in")))
        flash(_("Two-step sign-in is off, and every device is signed out. Your password alone opens your account again."), "info")
        return response
    me.sign_out_elsewhere(reason="a passkey removed")
    tell_second_step(me.user, "passkey_removed")
    flash(_("The passkey is removed, and your other devices are signed out."), "good")
    return see_other(url_for(".two_step"))


@both("POST", "/two-step/passkeys/proof", "ask_passkey_proof")
def ask_proof() -> Response:
    """The question for whoever is asked once more who they are: portal/confirm.py."""
    me = sitting()
    count_try(QUESTIONS, scope="passkey-question", whose=me.user.public_id)
    return question(ask_to_sign(CONFIRM, holder=me.session.id, user=me.user))


def _wrong(words: str) -> Response:
    answer = question(json.dumps({"wrong": words}))
    answer.status_code = 422
    return answer
