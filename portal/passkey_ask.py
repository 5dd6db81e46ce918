"""Between a browser's passkeys and the acts that take them: the question as JSON, the answer in a form's hidden field, the word about a copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, current_app, flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from core.accounts.passkey_proof import PasskeyCopied, Shown, spend_challenge
from core.accounts.passkeys import note_copied
from core.web.fields import Form
from core.web.page import keep_so_far
from portal.mail import tell_second_step

LONGEST = 16_000  # signs of an answer: what a device says of itself, and a key


class PasskeyForm(Form):
    passkey = HiddenField(validators=[InputRequired(_l("This browser cannot make passkeys, or it runs no scripts.")), Length(max=LONGEST)])


def question(asked: str) -> Response:
    """What static/js/passkey.js hands to the browser."""
    return current_app.response_class(asked, mimetype="application/json")


@contextmanager
def answered(purpose: str, *, holder: str, answer: str) -> Iterator[Shown]:
    """The answer with the question it is to, which is spent from here on whatever comes of it.

    A passkey that was copied is refused, and the person and the log are told, which stays too.
    """
    challenge = spend_challenge(purpose, holder=holder)
    keep_so_far()
    try:
        yield Shown(answer, challenge)
    except PasskeyCopied as copied:
        note_copied(copied)
        tell_second_step(copied.user, "passkey_copied")
        keep_so_far()
        raise


def say_what_is_wrong(form: Form) -> None:
    """On the page that the form stood on: the address it was posted to has none of its own."""
    flash(form.form_errors[0] if form.form_errors else _("That did not work"), "bad")
