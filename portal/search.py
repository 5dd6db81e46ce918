"""One field that finds payments, customers, links and pages of the portal."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, request
from flask_babel import lazy_gettext as later

from core.payments.search import FEW, Found, search
from core.web.fields import Form, LineField
from core.web.guard import current, may
from core.web.page import page
from portal.blueprint import portal
from portal.places import places_for


class SearchForm(Form):
    class Meta:
        csrf = False  # reading changes nothing

    q = LineField(later("Search"), most=254)


@portal.get("/portal/search")
@may("payments.see")
def find() -> Response:
    me, form = current(), SearchForm(request.args)
    good = form.validate()
    text = (form.q.data or "").strip() if good else ""
    found = search(me.vendor, me.mode, text) if text else Found([], [], [])
    if me.limited:
        found = replace(found, customers=[])  # they are the whole business's
    places = places_for(text)
    return page(
        "portal/search/found.html",
        form=form,
        text=text,
        found=found,
        sites=places[:FEW],
        nothing=bool(text) and not (found.payments or found.customers or found.links or places),
        few=FEW,
    )
