"""Reasons that staff write again and again: the list, a new one, other words for one, and putting one away."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.directory.models import ReasonTemplate
from core.directory.moderate import LONGEST
from core.directory.reasons import LONGEST_NAME, archive_reason, get_reason, list_reasons, write_reason
from core.web.fields import Form, LineField, ParagraphField
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door


class TemplateForm(Form):
    name = LineField(later("Name among the staff"), most=LONGEST_NAME, required=later("Give it a name."))
    words = ParagraphField(
        later("What the vendor reads"),
        most=LONGEST,
        required=later("Say what is wrong and what would mend it: the vendor reads this."),
    )


@staff_door.get("/staff/listings/reasons")
@staff_may("listings.see")
def listing_reasons() -> Response:
    return _list(TemplateForm(formdata=None))


@staff_door.post("/staff/listings/reasons")
@staff_may("listings.moderate")
def write_listing_reason() -> Response:
    form = TemplateForm()
    if form.validate():
        with form.refusals():
            write_reason(by=staff().public_id, name=form.name.data or "", words=form.words.data or "")
            flash(_("The reason is kept."), "good")
            return see_other(url_for(".listing_reasons"))
    return _list(form)


@staff_door.get("/staff/listings/reasons/<reason>")
@staff_may("listings.see")
def listing_reason(reason: str) -> Response:
    found = get_reason(reason)
    return _one(found, TemplateForm(formdata=None, name=found.name, words=found.words))


@staff_door.post("/staff/listings/reasons/<reason>")
@staff_may("listings.moderate")
def change_listing_reason(reason: str) -> Response:
    found, form = get_reason(reason), TemplateForm()
    if form.validate():
        with form.refusals():
            write_reason(by=staff().public_id, name=form.name.data or "", words=form.words.data or "", instead=found)
            flash(_("The reason is kept."), "good")
            return see_other(url_for(".listing_reasons"))
    return _one(found, form)


@staff_door.post("/staff/listings/reasons/<reason>/archive")
@staff_may("listings.moderate")
def archive_listing_reason(reason: str) -> Response:
    archive_reason(get_reason(reason), by=staff().public_id)
    flash(_("Put away. What was decided with it stays as it was written."), "good")
    return see_other(url_for(".listing_reasons"))


def _list(form: TemplateForm) -> Response:
    may = staff().may("listings.moderate")
    return page("portal/admin/listings/reasons.html", status=form.status, form=form, reasons=list_reasons(), may_moderate=may)


def _one(found: ReasonTemplate, form: TemplateForm) -> Response:
    may = staff().may("listings.moderate")
    return page("portal/admin/listings/reason.html", status=form.status, form=form, reason=found, may_moderate=may)
