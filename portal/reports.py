"""Reports by e-mail: what comes to the one who is signed in, how another is ordered, one report, and its rows as a file."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from werkzeug.datastructures import MultiDict

from core.accounts.saved_filters import list_filters
from core.notifications.scheduled import MOST, Filter, end_schedule, get_report, list_schedules, order_report
from core.payments.export_narrow import narrow_to_plain
from core.payments.report import figures_of, report_sheet
from core.web.fields import ChoiceField, Form, RadioField, options
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import page, see_other
from core.web.sheet import send_sheet, titles_for
from portal.blueprint import portal
from portal.payment_list import LIST, FilterForm

EVERY = {"daily": later("Each day"), "weekly": later("Each week, Monday to Sunday"), "monthly": later("Each month")}
OF_ITS_OWN = ("span", "since", "until")  # a report has days of its own


def _filters() -> dict[str, Filter]:
    """The saved filters that this person sees, without their days; what cannot be read any more is left out."""
    me, found = current(), {}
    for one in list_filters(me.vendor, me.mode, list=LIST, person=me.user.public_id):
        query = [(name, value) for name, value in parse_qsl(one.query) if name not in OF_ITS_OWN]
        form = FilterForm(MultiDict(query))
        if form.validate():
            plain = narrow_to_plain(replace(form.wanted(), since=None, until=None))
            found[one.public_id] = Filter(one.name, urlencode(query), plain)
    return found


class OrderForm(Form):
    every = RadioField(later("How often"), choices=options(EVERY.items()), default="weekly")
    of = ChoiceField(
        later("Of which payments"),
        choices=lambda: options([("", _("All payments")), *((number, one.name) for number, one in _filters().items())]),
        default="",
    )


@portal.get("/portal/reports")
@may("balance.see")
def reports() -> Response:
    return _page(OrderForm(formdata=None))


@portal.post("/portal/reports")
@may("balance.see")
def order_report_by_mail() -> Response:
    me, form = current(), OrderForm()
    if form.validate():
        with form.refusals():
            of = _filters()[form.of.data] if form.of.data else Filter()
            order_report(me.vendor, me.mode, me.user.public_id, every=form.every.data, of=of)
            flash(_("The first report comes when these days are over."), "good")
            return see_other(url_for(".reports"))
    return _page(form)


@portal.post("/portal/reports/<number>/end")
@may("balance.see")
def end_report(number: str) -> Response:
    me = current()
    end_schedule(me.vendor, me.mode, number, person=me.user.public_id, by=me.user.public_id)
    flash(_("This report does not come any more."), "good")
    return see_other(url_for(".reports"))


@portal.get("/portal/reports/<number>")
@may("balance.see")
def report(number: str) -> Response:
    me = current()
    found = get_report(me.vendor, me.mode, number)
    return page("portal/reports/show.html", report=found, figures=figures_of(me.vendor, found))


@portal.get("/portal/reports/<number>/rows.csv")
@may("payments.export")
def report_file(number: str) -> Response:
    """The very lines the report was added up from."""
    me = current()
    found = get_report(me.vendor, me.mode, number)
    name = f"report-{me.mode}-{found.first_on:%Y-%m-%d}-{found.last_on:%Y-%m-%d}"
    return send_sheet(report_sheet(me.vendor, found, titles=titles_for(language())), name)


def _page(form: OrderForm) -> Response:
    me = current()
    return page(
        "portal/reports/index.html",
        status=form.status,
        form=form,
        schedules=list_schedules(me.vendor, me.mode, me.user.public_id),
        every=EVERY,
        most=MOST,
    )
