"""The way into live mode: what a business says of itself, its papers, what the staff asked back, and what they decided."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import FileField

from core.accounts.house import find_details
from core.accounts.models import Vendor
from core.admission.apply import (
    LONGEST_TEXT,
    Facts,
    add_paper,
    find_last,
    get_paper,
    is_open,
    list_papers,
    notes_of,
    remove_paper,
    send_application,
    stays,
)
from core.admission.models import AdmissionFile, Application
from core.admission.review import ends_soon
from core.kernel.checked_file import LARGEST_UPLOAD
from core.kernel.uploads import check_file
from core.web.admission_words import papers, reviews, states, steps
from core.web.fields import ChoiceField, Form, LineField, ParagraphField, options
from core.web.guard import current, may, takes_files
from core.web.page import page, see_other, send_kept
from core.web.throttle import by_address
from portal.blueprint import portal

MOST_BYTES = 12_000_000  # more than may be, so that it is refused at its field, and not by a page that has lost the form
FACTS = ("legal_name", "street", "postcode", "city", "registration", "owner_name", "website", "sells")


class ApplicationForm(Form):
    legal_name = LineField(_l("Name by law"), most=120, required=_l("Enter the name as the register has it."))
    street = LineField(_l("Street and number"), most=120, required=_l("Enter the street."))
    postcode = LineField(_l("Postcode"), most=20)
    city = LineField(_l("Town"), most=80, required=_l("Enter the town."))
    registration = LineField(_l("Company number"), most=60)
    owner_name = LineField(_l("Responsible person"), most=120, required=_l("Enter the name of whoever answers for the business."))
    website = LineField(_l("Website"), most=200, required=_l("Enter the address of your website."))
    sells = ParagraphField(_l("What you sell, and to whom"), most=LONGEST_TEXT, required=_l("Say what you sell, and to whom."))
    answer = ParagraphField(_l("Your answer"), most=LONGEST_TEXT)


class PaperForm(Form):
    kind = ChoiceField(_l("What it shows"), choices=lambda: options(papers().items()), words=_l("Choose what the file shows."))
    file = FileField(_l("File"))


@portal.get("/portal/live/application")
@may("live.switch_on")
def application() -> Response:
    return _page()


@portal.post("/portal/live/application")
@may("live.switch_on")
def apply() -> Response:
    """Put before the staff, who look at it; what they ask back is answered with the same form."""
    me, form = current(), ApplicationForm()
    if form.validate():
        with form.refusals():
            facts = Facts(**{name: form[name].data or "" for name in FACTS})
            send_application(me.vendor, facts, by=me.user.public_id, answer=form.answer.data or "")
            flash(_("Sent. You are written to when it is decided, or when something is asked."), "good")
            return see_other(url_for(".application"))
    return _page(form=form)


@portal.post("/portal/live/application/papers")
@may("live.switch_on")
@takes_files(MOST_BYTES)
@by_address("60 per 10 minutes", scope="admission-files")
def add_application_paper() -> Response:
    """Opened and drawn anew before it is kept."""
    me, form, sent = current(), PaperForm(), request.files.get("file")
    if form.validate():
        with form.refusals():
            checked = check_file(sent.stream.read(LARGEST_UPLOAD + 1) if sent else b"")
            made = add_paper(me.vendor, form.kind.data, (sent.filename or "") if sent else "", checked, by=me.user.public_id)
            flash(_("%(name)s is added.", name=made.name), "good")
            return see_other(url_for(".application", _anchor="papers"))
    return _page(upload=form)


@portal.post("/portal/live/application/papers/<file>/remove")
@may("live.switch_on")
def remove_application_paper(file: str) -> Response:
    me = current()
    remove_paper(me.vendor, file, by=me.user.public_id)
    flash(_("The file is gone for good."), "good")
    return see_other(url_for(".application", _anchor="papers"))


@portal.get("/portal/live/application/papers/<file>")
@may("live.switch_on")
def application_paper(file: str) -> Response:
    return send_paper(get_paper(current().vendor, file))


def send_paper(kept: AdmissionFile) -> Response:
    """The paper itself, kept by no cache on its way."""
    ending = "pdf" if kept.media_type == "application/pdf" else "jpg"
    answer = send_kept(kept.content, f"{kept.kind}-{kept.public_id}.{ending}", kind=kept.media_type)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _page(*, form: ApplicationForm | None = None, upload: PaperForm | None = None) -> Response:
    me = current()
    row = find_last(me.vendor)
    failed = form or upload
    return page(
        "portal/live/application.html",
        status=(409 if failed.form_errors else 422) if failed and failed.errors else 200,
        row=row,
        may_send=row is None or row.state in ("asked", "refused"),
        notes=notes_of(me.vendor, row) if row else [],
        form=form or ApplicationForm(formdata=None, **_known(me.vendor, row)),
        upload=upload or PaperForm(formdata=None),
        failed=failed,
        is_open=is_open(row),
        papers=list_papers(me.vendor),
        paper_words=papers(),
        reviews=reviews(),
        stays=stays,
        ends_soon=ends_soon,
        states=states(),
        steps=steps(),
    )


def _known(vendor: Vendor, row: Application | None) -> dict[str, str]:
    """What was said last, or else what invoices say; nobody types it twice."""
    if row is not None:
        return {name: getattr(row, name) for name in FACTS}
    details = find_details(vendor.id)
    return {name: getattr(details, name) for name in ("legal_name", "street", "postcode", "city", "registration")} if details else {}
