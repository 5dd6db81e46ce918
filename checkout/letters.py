"""Letters that come back to us by a mail relay, and the page on which the reader of a letter has such letters stopped."""

from __future__ import annotations

import hmac

from flask import Response, abort, jsonify, request
from flask_babel import gettext as _

from checkout.blueprint import door
from core.kernel.config import settings
from core.kernel.errors import NotFound
from core.notifications.come_back import hear_relay, hear_report
from core.notifications.notify import UNASKED
from core.notifications.relays import LARGEST_NEWS, RELAYS, as_json, is_from
from core.notifications.stop_letters import is_stopped, let_them_write, open_stopping, stop_letters
from core.web import addresses
from core.web.guard import machine, public
from core.web.page import page
from core.web.throttle import by_address

LARGEST_REPORT = 5_000_000  # bytes: the letter that came back may hang on it, with its papers


@door.post("/mail/returned")
@machine
def returned_mail() -> Response:
    """A raw message as a mail relay took it in, with `?recipient=` where it knows. Answers 200 to whatever can be read, and says what it was."""
    secret = settings().mail_return_token
    if not secret:
        raise NotFound
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {secret}".encode()):
        abort(401)
    request.max_content_length = LARGEST_REPORT
    outcome = hear_report(request.get_data(), recipient=request.args.get("recipient", ""))
    return jsonify(outcome=outcome)


@door.post("/hooks/mail/<relay>")
@machine
def relay_news(relay: str) -> Response:
    """What a mail relay tells of letters, as JSON in its own words. Answers 200 to whatever is from it, known letters or not; 401 to all else."""
    known = RELAYS.get(relay)
    if known is None or not settings().mail_relays.get(relay):
        raise NotFound
    request.max_content_length = LARGEST_NEWS
    raw = request.get_data()
    told = as_json(raw)
    if not is_from(known, raw, request.headers, told):
        abort(401)
    if told is None:
        abort(400)
    hear_relay(known, told)
    return jsonify(received=True)


@door.get("/letters/<token>")
@public
def letters(token: str) -> Response:
    """Looking changes nothing: mail programs open addresses by themselves."""
    return _show(token)


@door.post("/letters/<token>")
@machine
@by_address("120 per minute", scope="letters")
def stop(token: str) -> Response:
    """By the button of a mail program (RFC 8058), which knows neither cookies nor forms, or by that on the page."""
    vendor, message = open_stopping(token)
    if request.form.get("again") == "y":
        let_them_write(vendor, message)
    else:
        stop_letters(vendor, message)
    return _show(token)


def _show(token: str) -> Response:
    vendor, message = open_stopping(token)
    unasked = message.kind in UNASKED
    if unasked:
        what = _("%(vendor)s sends you payment links, reminders of them, and a word about what you left unfinished.", vendor=vendor.name)
        rest = _("Receipts and news about payments you make still come.")
    elif message.kind == "daily_news":
        what, rest = _("This is your letter of the day about %(vendor)s.", vendor=vendor.name), _("You still see all news in the portal.")
    else:
        what = _("This letter tells the people of %(vendor)s what happened.", vendor=vendor.name)
        rest = _("You still see all news in the portal.")
    return page(
        "checkout/letters.html",
        face=None,
        stopped=is_stopped(vendor, message),
        unasked=unasked,
        what=what,
        rest=rest,
        settings_url=addresses.preferences(message.mode, vendor),
    )
