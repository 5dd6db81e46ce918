"""Named styles: colours by a name, made once and given to links."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.styles import change_style, get_style, list_styles, make_style, put_away_style
from core.payments.link_style import recolour_links
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal


class StyleForm(Form):
    name = LineField(later("Name"), most=40, required=later("Give the style a name: your team chooses by it."))
    accent = LineField(later("Colour on light pages"), most=20, required=later("Choose its colour."))
    accent_dark = LineField(later("Colour on dark pages"), most=20)

    def wish(self) -> dict[str, str]:
        """What was typed, as the room takes it."""
        return {"name": self.name.data or "", "accent": self.accent.data or "", "accent_dark": self.accent_dark.data or ""}


@portal.get("/portal/settings/styles")
@may("settings.see")
def styles() -> Response:
    return _page(StyleForm(formdata=None))


@portal.post("/portal/settings/styles")
@may("settings.edit")
def make_link_style() -> Response:
    me, form = current(), StyleForm()
    if form.validate():
        with form.refusals():
            make_style(me.vendor, me.mode, by=me.user.public_id, **form.wish())
            flash(_("The style is ready. Choose it on a link."), "good")
            return see_other(url_for(".styles"))
    return _page(form)


@portal.get("/portal/settings/styles/<public_id>")
@may("settings.edit")
def link_style(public_id: str) -> Response:
    me = current()
    style = get_style(me.vendor, me.mode, public_id)
    return _edit(public_id, StyleForm(formdata=None, name=style.name, accent=style.accent, accent_dark=style.accent_dark or ""))


@portal.post("/portal/settings/styles/<public_id>")
@may("settings.edit")
def change_link_style(public_id: str) -> Response:
    me, form = current(), StyleForm()
    get_style(me.vendor, me.mode, public_id)
    if form.validate():
        with form.refusals():
            recolour_links(change_style(me.vendor, me.mode, public_id, by=me.user.public_id, **form.wish()))
            flash(_("Saved. Every link that wears it has changed with it."), "good")
            return see_other(url_for(".styles"))
    return _edit(public_id, form)


@portal.post("/portal/settings/styles/<public_id>/put-away")
@may("settings.edit")
def put_away_link_style(public_id: str) -> Response:
    me = current()
    put_away_style(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("Put away. Links that wear it keep it."), "good")
    return see_other(url_for(".styles"))


def _edit(public_id: str, form: StyleForm) -> Response:
    return page("portal/styles/edit.html", status=form.status, form=form, public_id=public_id)


def _page(form: StyleForm) -> Response:
    me = current()
    return page("portal/styles/index.html", status=form.status, form=form, styles=list_styles(me.vendor, me.mode))
