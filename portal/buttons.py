"""Buttons of a link for websites, letters and paper: made, looked at, paused, renewed, taken back; and what to paste where."""

from __future__ import annotations

import secrets

import segno
from flask import Response, current_app, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.embed_origins import allowed_origins
from core.payments.basket import offer_of
from core.payments.button import (
    SHOWN,
    SIZES,
    THEMES,
    Look,
    get_button,
    look_of,
    make_button,
    pause_button,
    price_of,
    renew_button,
    resume_button,
)
from core.payments.link import link_state
from core.payments.locked_price import button_state
from core.payments.models import PaymentLink
from core.payments.prefill import Answers, list_prefills, withdraw_prefill
from core.payments.queries import get_link
from core.payments.sharing_models import LinkPrefill
from core.web.day_fields import MomentField
from core.web.fields import ChoiceField, LineField, options
from core.web.filters import money
from core.web.guard import current, may
from core.web.headers import allow
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.button_code import Code, code_of, picture_of
from portal.filled_form import FilledForm
from portal.qr import code_as

WORDS = {
    "popup": _l("Opens above your page"),
    "inline": _l("Is the form itself"),
    "link": _l("Leads to the payment page"),
    "small": _l("Small"),
    "medium": _l("Medium"),
    "large": _l("Large"),
    "": _l("As the reader’s screen"),
    "light": _l("Light"),
    "dark": _l("Dark"),
}
STANDING = {
    "open": ("good", _l("Works")),
    "button_paused": ("warn", _l("Paused")),
    "expired": ("quiet", _l("Expired")),
    "price_changed": ("bad", _l("The price of the link has changed")),
}
# A picture of the button as it will stand on a page: styled in its own line, and nothing in it may run, lead anywhere or be fetched.
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'; sandbox"


def _words(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(value, str(WORDS[value])) for value in values]


class ButtonForm(FilledForm):
    text = LineField(_l("What stands on it"), most=60, required=_l("Say what stands on the button, like “Pay now”."))
    expires_at = MomentField(_l("Works until"))
    shown = ChoiceField(_l("When it is pressed"), choices=lambda: options(_words(SHOWN)), default="popup")
    size = ChoiceField(_l("Size"), choices=lambda: options(_words(SIZES)), default="medium")
    theme = ChoiceField(_l("Looks"), choices=lambda: options(_words(THEMES)), default="")


@portal.get("/portal/links/<public_id>/buttons")
@may("links.edit")
def buttons(public_id: str) -> Response:
    link = _get(public_id)
    text = _("Pay %(amount)s", amount=money(link.amount)) if link.amount else _("Pay now")
    return _show(link, ButtonForm.of(link)(formdata=None, text=text, locale=link.locale).fit(link))


@portal.post("/portal/links/<public_id>/buttons")
@may("links.edit")
def make_link_button(public_id: str) -> Response:
    me, link = current(), _get(public_id)
    form = ButtonForm.of(link)().fit(link)
    if form.validate():
        answers = Answers(
            reference=form.reference.data or "", amount=form.amount.data, locale=form.locale.data or "", quantities=form.quantities()
        )
        look = Look(text=form.text.data or "", shown=form.shown.data, size=form.size.data, theme=form.theme.data or "")
        with form.refusals():
            made = make_button(
                me.vendor,
                link,
                by=me.user.public_id,
                answers=answers,
                look=look,
                expires_at=form.expires_at.data,
                form_token=form.form_token.data,
            )
            flash(_("The button is ready. What to paste stands below."), "good")
            return see_other(url_for(".buttons", public_id=link.public_id, _anchor=made.public_id))
    return _show(link, form)


@portal.post("/portal/buttons/<public_id>/pause")
@may("links.edit")
def pause_link_button(public_id: str) -> Response:
    link, prefill = _button(public_id)
    pause_button(prefill, by=current().user.public_id)
    return _back(link, prefill, _("Paused. Whoever presses it reads that payments are paused."))


@portal.post("/portal/buttons/<public_id>/resume")
@may("links.edit")
def resume_link_button(public_id: str) -> Response:
    link, prefill = _button(public_id)
    resume_button(prefill, by=current().user.public_id)
    return _back(link, prefill, _("It works again."))


@portal.post("/portal/buttons/<public_id>/renew")
@may("links.edit")
def renew_link_button(public_id: str) -> Response:
    """For a button that got onto a page it should not stand on, and for one whose price has changed."""
    me, (link, prefill) = current(), _button(public_id)
    fresh = renew_button(me.vendor, link, prefill, by=me.user.public_id, form_token=secrets.token_urlsafe(24))
    return _back(link, fresh, _("The button has a new address and the price of today. Paste it anew; the old one opens nothing any more."))


@portal.post("/portal/buttons/<public_id>/withdraw")
@may("links.edit")
def withdraw_link_button(public_id: str) -> Response:
    link, prefill = _button(public_id)
    withdraw_prefill(prefill, by=current().user.public_id)
    return _back(link, None, _("That button opens nothing any more."))


@portal.get("/portal/buttons/<public_id>/picture")
@may("links.see")
def button_picture(public_id: str) -> Response:
    link, prefill = _button(public_id)
    look = look_of(prefill)
    allow("frame-ancestors", "'self'")
    return current_app.response_class(picture_of(current().vendor, link, look), headers={"Content-Security-Policy": PICTURE_POLICY})


@portal.get("/portal/buttons/<public_id>/qr.<kind>")
@may("links.see")
def button_qr(public_id: str, kind: str) -> Response:
    """For paper: as those of links."""
    link, prefill = _button(public_id)
    address = code_of(current().vendor, link, prefill).address
    return code_as(segno.make(address, error="m", micro=False), kind, prefill.public_id)


def _get(public_id: str) -> PaymentLink:
    me = current()
    return get_link(me.vendor, me.mode, public_id)


def _button(public_id: str) -> tuple[PaymentLink, LinkPrefill]:
    me = current()
    return get_button(me.vendor, me.mode, public_id)


def _back(link: PaymentLink, prefill: LinkPrefill | None, words: str) -> Response:
    flash(words, "good")
    return see_other(url_for(".buttons", public_id=link.public_id, _anchor=prefill.public_id if prefill else None))


def _show(link: PaymentLink, form: ButtonForm) -> Response:
    me = current()
    rows = [_row(link, prefill) for prefill in list_prefills(me.vendor, link, buttons=True)]
    return page(
        "portal/embed/buttons.html",
        status=form.status,
        link=link,
        form=form,
        rows=rows,
        items=offer_of(link).items,
        open_amount=link.amount is None and not offer_of(link).items,
        link_open=link_state(link) == "open",
        shown_nowhere=not allowed_origins(me.vendor, me.mode),
    )


def _row(link: PaymentLink, prefill: LinkPrefill) -> dict[str, object]:
    me = current()
    code: Code = code_of(me.vendor, link, prefill)
    state = button_state(me.vendor, link, prefill)
    return {
        "button": prefill,
        "look": look_of(prefill),
        "code": code,
        "price": price_of(link, prefill),
        "state": state,
        "words": STANDING[state],
    }
