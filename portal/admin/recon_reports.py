"""Reports and statements that people bring: checked and shown with what is wrong by line, taken with one press."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext
from wtforms import FileField

from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.payments.statements import import_statement
from core.providers.statement import StatementRefused
from core.reconciliation.files import LARGEST, ask_for_import, bring_report, get_file, list_files, problems_of
from core.reconciliation.report import Typed
from core.web.fields import ChoiceField, CountField, CurrencyField, Form, MoneyField, RadioField, options
from core.web.guard import takes_files
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.reconciliation import world

MOST_BYTES = 26_000_000  # a little more, so that what is too large is refused at its field
SOURCES = {"live": ("stripe",), "test": ("sandbox", "stripe")}


class BringForm(Form):
    what = RadioField(
        later("What it is"),
        choices=lambda: [("report", _("A processor’s settlement report (CSV)")), ("statement", _("A bank statement (CAMT.053 or MT940)"))],
        default="report",
    )
    source = ChoiceField(later("Processor"), choices=(), default="")
    file = FileField(later("File"))
    rows = CountField(later("Lines, as the processor’s summary says"))
    currency = CurrencyField(later("Currency of the totals"), default="EUR")
    net = MoneyField(later("Net, as the summary says"), above_zero=False)


class TakeForm(Form):
    pass


@staff_door.get("/staff/reconciliation/<mode>/reports")
@staff_may("reconciliation.see")
def recon_reports(mode: str) -> Response:
    return _list(world(mode), _form(mode, empty=True))


@staff_door.post("/staff/reconciliation/<mode>/reports")
@staff_may("reconciliation.resolve")
@takes_files(MOST_BYTES)
def recon_bring(mode: str) -> Response:
    """A report is checked and kept, and its page says what was found; a statement is taken or refused at once."""
    form, sent = _form(world(mode)), request.files.get("file")
    if form.validate():
        with form.refusals():
            raw = sent.stream.read(LARGEST + 1) if sent else b""
            if not raw:
                raise Refusal("Choose a file first.", field="file")
            name = "".join(sign for sign in (sent.filename if sent else "") or "" if sign.isprintable()) or "report"
            if form.what.data == "statement":
                return _take_statement(mode, raw, name)
            brought = bring_report(mode, form.source.data, raw, name=name, by=staff().public_id, typed=_typed(form))
            return see_other(url_for(".recon_report", mode=mode, number=brought.public_id))
    return _list(mode, form)


def _take_statement(mode: str, raw: bytes, name: str) -> Response:
    try:
        found = import_statement(raw, name=name, by=staff().public_id)
    except StatementRefused as refused:
        raise Refusal(refused.message, field="file") from None
    fresh = sum(one.fresh for one in found)
    flash(ngettext("Taken: %(num)s new entry.", "Taken: %(num)s new entries.", fresh), "good")
    return see_other(url_for(".recon_reports", mode=mode))


def _typed(form: BringForm) -> Typed | None:
    """Control totals by hand, for a report that has none. Of those figures that a summary does not name only these two are asked."""
    if form.rows.data is None or form.net.data is None:
        return None
    return {form.currency.data: [form.rows.data, None, None, form.net.data.minor]}


@staff_door.get("/staff/reconciliation/<mode>/reports/<number>")
@staff_may("reconciliation.see")
def recon_report(mode: str, number: str) -> Response:
    row = get_file(world(mode), number)
    totals = [(code, count, *(Money(minor, code) for minor in sums)) for code, (count, *sums) in sorted(row.totals.items())]
    return page(
        "portal/admin/reconciliation/report.html",
        fragment="portal/admin/reconciliation/_report.html",
        mode=mode,
        row=row,
        totals=totals,
        problems=problems_of(row),
        may_take=staff().may("reconciliation.resolve") and row.state == "checked",
    )


@staff_door.post("/staff/reconciliation/<mode>/reports/<number>/import")
@staff_may("reconciliation.resolve")
def recon_import(mode: str, number: str) -> Response:
    """A worker takes its lines."""
    row, form = get_file(world(mode), number), TakeForm()
    if form.validate():
        ask_for_import(row, by=staff().public_id)
        flash(_("Its lines are being taken. You may leave this page."), "good")
    return see_other(url_for(".recon_report", mode=mode, number=number))


def _form(mode: str, *, empty: bool = False) -> BringForm:
    form = BringForm(formdata=None) if empty else BringForm()
    form.source.choices = options((name, name.title()) for name in SOURCES[mode])
    if empty:
        form.source.data = SOURCES[mode][0]
    return form


def _list(mode: str, form: BringForm) -> Response:
    return page("portal/admin/reconciliation/reports.html", status=form.status, mode=mode, form=form, files=list_files(mode))
