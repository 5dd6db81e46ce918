"""The business's own website: where its payment pages may be shown, who was refused, and why a page does not show."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.accounts.embed_doctor import Finding, examine, line_for
from core.accounts.embed_origins import allow_origin, allowed_origins, list_origins, remove_origin
from core.accounts.embed_refusals import forget_refusals, list_refusals, may_be_allowed
from core.admission.stops import find_stop
from core.kernel.config import settings
from core.web.fields import Form, LineField, ParagraphField
from core.web.guard import current, may
from core.web.page import page, see_other
from core.web.stop_words import effect, stopped
from core.web.throttle import by_address
from portal.blueprint import portal
from portal.confirm import confirmed

REASONS = {
    "off": _l("Your list was empty."),
    "unlisted": _l("It is not on your list."),
    "insecure": _l("It does not begin with https://, so what a payer types there could be read on the way."),
    "opaque": _l("The page has no address of its own: it was opened from a file, or stands in a locked frame of a site builder."),
}


class OriginForm(Form):
    origin = LineField(_l("Website"), most=500, required=_l("Paste the address of a page of yours, like https://shop.example."))


class DoctorForm(Form):
    place = LineField(_l("Address of the page"), most=500, required=_l("Paste the address of the page on which the form should stand."))
    headers = ParagraphField(_l("The page’s headers"), most=8000)


@portal.get("/portal/embed")
@may("settings.see")
def embedding() -> Response:
    return _page(OriginForm(formdata=None), DoctorForm(formdata=None))


@portal.post("/portal/embed")
@may("settings.edit")
@confirmed
def allow_embedding() -> Response:
    """One press from the list of refusals or from the doctor, or typed."""
    me, form = current(), OriginForm()
    if form.validate():
        with form.refusals():
            row = allow_origin(me.vendor, me.mode, form.origin.data or "", by=me.user.public_id)
            forget_refusals(me.vendor, me.mode, allowed_origins(me.vendor, me.mode))
            flash(_("%(origin)s may show your payment pages from now on.", origin=row.origin), "good")
            return see_other(url_for(".embedding"))
    return _page(form, DoctorForm(formdata=None))


@portal.post("/portal/embed/<public_id>/remove")
@may("settings.edit")
@confirmed
def stop_embedding(public_id: str) -> Response:
    me = current()
    row = remove_origin(me.vendor, me.mode, public_id, by=me.user.public_id)
    flash(_("%(origin)s shows your payment pages no more. Its links still work.", origin=row.origin), "good")
    return see_other(url_for(".embedding"))


@portal.post("/portal/embed/doctor")
@may("settings.see")
@by_address("120 per 10 minutes", scope="embed-doctor")
def look_at_page() -> Response:
    """Nothing is written and nothing is fetched: the answer comes from the list and from what was pasted."""
    me, form, found = current(), DoctorForm(), []
    if form.validate():
        found = examine(
            form.place.data or "",
            me.mode,
            allowed=allowed_origins(me.vendor, me.mode),
            headers=form.headers.data or "",
            home=settings().public_url,
        )
    return _page(OriginForm(formdata=None), form, found)


def _page(form: OriginForm, doctor: DoctorForm, found: list[Finding] | None = None) -> Response:
    me = current()
    refusals = [(row, REASONS[row.reason], may_be_allowed(row.origin, me.mode)) for row in list_refusals(me.vendor, me.mode)]
    return page(
        "portal/embed/index.html",
        status=max(form.status, doctor.status),
        form=form,
        doctor=doctor,
        found=found or [],
        origins=list_origins(me.vendor, me.mode),
        refusals=refusals,
        line=line_for(settings().public_url),
        hold=find_stop(me.vendor, me.mode, "embed"),
        stopped=stopped,
        effect=effect,
    )
