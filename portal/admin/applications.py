"""Businesses that want to go live: the queue, what each says of itself beside what is known here, and the decision."""

from __future__ import annotations

from datetime import datetime

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.domains import list_domains
from core.accounts.house import find_details
from core.accounts.models import Vendor
from core.accounts.queries import list_team
from core.accounts.staff import staff_names
from core.admission.apply import get_paper, host_of, list_papers, notes_of
from core.admission.decide import LONGEST, approve, ask_back, get_everywhere, list_decided, list_waiting, refuse
from core.admission.models import AdmissionFile, Application
from core.admission.review import LONGEST as LONGEST_REASON
from core.admission.review import ends_soon, list_to_look_at, review_paper
from core.admission.states import OPEN
from core.kernel.errors import Conflict
from core.web.admission_words import papers, reviews, states, steps
from core.web.day_fields import DayField, day_begins
from core.web.fields import Form, LineField, ParagraphField, RadioField, options
from core.web.page import page, see_other
from core.web.staff_guard import seen, staff, staff_may
from portal.admin.blueprint import staff_door
from portal.application import send_paper
from portal.confirm import confirmed


class DecideForm(Form):
    """`seen` is when what was read had been sent: a business is let in for that, and for nothing newer."""

    seen = LineField("", most=40)
    text = ParagraphField(later("What the business reads"), most=LONGEST)


class PaperForm(Form):
    verdict = RadioField(
        later("Does it show what it should?"), choices=options([("accepted", later("Yes, it is accepted")), ("refused", later("No"))])
    )
    reason = ParagraphField(later("What the business reads"), most=LONGEST_REASON)
    expires_on = DayField(later("Its last day"))


@staff_door.get("/staff/applications")
@staff_may("applications.see")
def applications() -> Response:
    return page(
        "portal/admin/applications/index.html",
        waiting=list_waiting(),
        decided=list_decided(),
        states=states(),
        papers=list_to_look_at(),
        paper_words=papers(),
        reviews=reviews(),
    )


@staff_door.get("/staff/applications/<number>")
@staff_may("applications.see")
def application(number: str) -> Response:
    return _page(*get_everywhere(number), DecideForm(formdata=None))


@staff_door.get("/staff/applications/<number>/papers/<file>")
@staff_may("applications.see")
def application_paper(number: str, file: str) -> Response:
    vendor, _row = get_everywhere(number)
    seen(vendor, file)
    return send_paper(get_paper(vendor, file))


@staff_door.get("/staff/applications/<number>/papers/<file>/review")
@staff_may("applications.decide")
def look_at_paper(number: str, file: str) -> Response:
    vendor, row = get_everywhere(number)
    paper = get_paper(vendor, file)
    said = {"verdict": paper.review or None, "reason": paper.review_reason, "expires_on": day_begins(paper.expires_on)}
    return _paper_page(vendor, row, paper, PaperForm(formdata=None, **said))


@staff_door.post("/staff/applications/<number>/papers/<file>/review")
@staff_may("applications.decide")
@confirmed
def judge_paper(number: str, file: str) -> Response:
    vendor, row = get_everywhere(number)
    paper, form = get_paper(vendor, file), PaperForm()
    if form.validate():
        with form.refusals():
            review_paper(
                vendor, paper, form.verdict.data, reason=form.reason.data or "", expires_on=form.expires_on.day, by=staff().public_id
            )
            flash(_("Kept. The business reads it beside the paper."), "good")
            return see_other(url_for(".application", number=number))
    return _paper_page(vendor, row, paper, form)


def _paper_page(vendor: Vendor, row: Application, paper: AdmissionFile, form: PaperForm) -> Response:
    seen(vendor, paper.public_id)
    return page("portal/admin/applications/paper.html", status=form.status, row=row, paper=paper, form=form, shows=papers()[paper.kind])


@staff_door.post("/staff/applications/<number>/question")
@staff_may("applications.decide")
def ask_about(number: str) -> Response:
    vendor, row = get_everywhere(number)
    form = DecideForm()
    if form.validate():
        with form.refusals():
            ask_back(vendor, row, text=form.text.data or "", by=staff().public_id)
            flash(_("Asked. It comes back here when it is answered."), "good")
            return see_other(url_for(".applications"))
    return _page(vendor, row, form)


@staff_door.post("/staff/applications/<number>/approval")
@staff_may("applications.decide")
@confirmed
def let_in(number: str) -> Response:
    vendor, row = get_everywhere(number)
    form = DecideForm()
    if form.validate():
        with form.refusals():
            approve(vendor, row, text=form.text.data or "", by=staff().public_id, seen=_instant(form.seen.data or ""))
            flash(_("%(vendor)s is let in.", vendor=vendor.name), "good")
            return see_other(url_for(".applications"))
    return _page(vendor, row, form)


@staff_door.post("/staff/applications/<number>/refusal")
@staff_may("applications.decide")
@confirmed
def turn_down(number: str) -> Response:
    vendor, row = get_everywhere(number)
    form = DecideForm()
    if form.validate():
        with form.refusals():
            refuse(vendor, row, text=form.text.data or "", by=staff().public_id)
            flash(_("%(vendor)s is not let in, and reads why.", vendor=vendor.name), "good")
            return see_other(url_for(".applications"))
    return _page(vendor, row, form)


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Conflict(_("This application has moved on since the page was opened.")) from None


def _page(vendor: Vendor, row: Application, form: DecideForm) -> Response:
    seen(vendor, row.public_id)
    host = host_of(row.website)
    proved = {domain.host for domain in list_domains(vendor) if domain.verified_at}
    return page(
        "portal/admin/applications/show.html",
        status=(409 if form.form_errors else 422) if form.errors else 200,
        vendor=vendor,
        row=row,
        form=form,
        details=find_details(vendor.id),
        website_is_proved=host in proved or host.removeprefix("www.") in proved,
        team=list_team(vendor),
        papers=list_papers(vendor),
        paper_words=papers(),
        reviews=reviews(),
        ends_soon=ends_soon,
        people=staff_names(),
        may_review=staff().may("applications.decide"),
        notes=notes_of(vendor, row),
        states=states(),
        steps=steps(),
        may_decide=staff().may("applications.decide") and row.state in OPEN,
    )
