"""Small things the portal's templates say in their own way: a payment's status, a letter's text, a browser's name."""

from __future__ import annotations

import re

from flask import Flask
from flask_babel import gettext as _
from markupsafe import Markup, escape
from wtforms.fields.choices import SelectChoice

from core.accounts.team import choose_language
from core.methods.rules import list_rules
from core.payments.models import Payment
from core.payments.queries import shown_state
from core.web.fields import written_like
from core.web.guard import current, find_current
from core.web.languages import chosen_now, reader, written
from core.web.reader import card_words
from portal.blueprint import portal
from portal.code_words import code_sentence
from portal.guard_words import span_words
from portal.method_words import method_title

ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux"))


def payment_status(payment: Payment) -> str:
    """The word for its badge."""
    return shown_state(payment)


def letter(text: str) -> Markup:
    """A message's plain text: escaped, its lines kept, its addresses made into links."""
    out, done = Markup(), 0
    for found in ADDRESS.finditer(text):
        out += escape(text[done : found.start()]) + Markup('<a href="{0}">{0}</a>').format(found.group())
        done = found.end()
    return Markup(str(out + escape(text[done:])).replace("\n", "<br>"))


def device(agent: str) -> str:
    """“Firefox on Windows”: enough to know one's own devices apart."""
    browser = next((name for mark, name in BROWSERS if mark in agent), _("A browser"))
    system = next((name for mark, name in SYSTEMS if mark in agent), None)
    return _("%(browser)s on %(system)s", browser=browser, system=system) if system else browser


def pairs(choices: list[SelectChoice]) -> list[tuple[str, str]]:
    """A field's choices as (value, words), for lists that are drawn outside a form."""
    return [(choice.value, choice.label) for choice in choices]


def offered_methods(chosen: list[str]) -> list[tuple[str, str]]:
    """The ways to pay a link may be narrowed to: those that are on, and those it names already. (method, title), in the vendor's order."""
    me = current()
    return [(rule.method, method_title(rule.method)) for rule in list_rules(me.vendor.id, me.mode) if rule.enabled or rule.method in chosen]


def paid_with(payment: Payment) -> str | None:
    """How it was paid, or is being paid; None while nobody has chosen."""
    if payment.state == "succeeded":
        return card_words(payment, reader())
    return method_title(payment.method) if payment.method else None


@portal.before_request
def _keep_language() -> None:
    """Whoever chooses a language in the portal has it everywhere from then on: on another device, and in the letters written to them."""
    chosen = chosen_now()
    me = find_current() if chosen else None
    if chosen and me and not me.looking and me.user.language != chosen:
        choose_language(me.user, chosen)


def install(app: Flask) -> None:
    for filter in (payment_status, letter, device, pairs, paid_with, code_sentence, span_words, written, written_like):
        app.jinja_env.filters[filter.__name__] = filter
    app.jinja_env.globals["offered_methods"] = offered_methods
