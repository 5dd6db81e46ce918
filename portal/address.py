"""The business's own part of its readable addresses."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.vendor_slug import claim_slug, slug_of, suggestion
from core.web import addresses
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal


class SlugForm(Form):
    slug = LineField(_l("Your name in addresses"), most=60, required=_l("Enter the name."))


@portal.get("/portal/settings/address")
@may("settings.edit")
def address_page() -> Response:
    me = current()
    return _page(SlugForm(formdata=None, slug=slug_of(me.vendor) or suggestion(me.vendor.name)))


@portal.post("/portal/settings/address")
@may("settings.edit")
def change_address() -> Response:
    me, form = current(), SlugForm()
    if form.validate():
        with form.refusals():
            claim_slug(me.vendor, by=me.user.public_id, text=form.slug.data)
            flash(_("Saved. Addresses with the former name lead to the new one."), "good")
            return see_other(url_for(".address_page"))
    return _page(form)


def _page(form: SlugForm) -> Response:
    me = current()
    present = slug_of(me.vendor)
    return page(
        "portal/settings/address.html",
        status=form.status,
        form=form,
        example=addresses.readable_link("live", present or suggestion(me.vendor.name), "…", me.vendor),
    )
