"""Reports and statements that people bring: checked and shown with what is wrong by line, taken with one press."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext
from wtforms import FileField

from core.kernel.errors import NotFound, Refusal
from core.kernel.money import Money
from core.kernel.sentence import Sentence
from core.payments.statements import import_statement
from core.providers.settlement import SettlementLine
from core.providers.statement import StatementRefused
from core.reconciliation.files import LARGEST, ask_for_import, bring_report, get_file, lay_out, layout_of, list_files, preview, problems_of
from core.reconciliation.layout import Layout, check_layout
from core.reconciliation.models import ReconFile
from core.reconciliation.report import Typed
from core.reconciliation.sheets import first_rows, head_of
from core.web.fields import ChoiceField, CountField, CurrencyField, Form, MoneyField, RadioField, options
from core.web.guard import takes_files
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.reconciliation import world

MOST_BYTES = 26_000_000  # a little more, so that what is too large is refused at its field
SHOWN_ROWS = 8
SOURCES = {"live": ("stripe",), "test": ("sandbox", "stripe")}


class BringForm(Form):
    what = RadioField(
        later("What it is"),
        choices=lambda: [
            ("report", _("A processor’s settlement report (CSV or XLSX)")),
            ("statement", _("A bank statement (CAMT.053 or MT940)")),
        ],
        default="report",
    )
    source = ChoiceField(later("Processor"), choices=(), default="")
    file = FileField(later("File"))
    rows = CountField(later("Lines, as the processor’s summary says"))
    currency = CurrencyField(later("Currency of the totals"), default="EUR")
    net = MoneyField(later("Net, as the summary says"), above_zero=False)


class TakeForm(Form):
    pass


class ColumnsForm(Form):
    """Which column of a brought table is what. The choices of the columns are those of the file."""

    number = ChoiceField(later("Number of the movement"), choices=())
    created = ChoiceField(later("When it happened (UTC)"), choices=())
    available = ChoiceField(later("Available from"), choices=())
    gross = ChoiceField(later("Gross"), choices=())
    fee = ChoiceField(later("Fee"), choices=())
    net = ChoiceField(later("Net"), choices=())
    currency_of = ChoiceField(later("Currency, line by line"), choices=())
    category = ChoiceField(later("Kind of movement"), choices=())
    source = ChoiceField(later("Charge or refund"), choices=())
    payout = ChoiceField(later("Payout to our bank"), choices=())
    reference = ChoiceField(later("Our reference"), choices=())
    vendor = ChoiceField(later("Vendor"), choices=())
    description = ChoiceField(later("Description"), choices=())
    decimal = RadioField(later("Decimals"), choices=options([(".", "1,234.56"), (",", "1.234,56")]), default=".")
    days = RadioField(
        later("Days"),
        choices=options([("iso", later("Year, month, day")), ("dmy", later("Day, month, year")), ("mdy", later("Month, day, year"))]),
        default="iso",
    )
    currency = CurrencyField(later("Currency of the totals, and of lines that say none"), default="EUR")
    rows = CountField(later("Lines, as the processor’s summary says"))
    net_sum = MoneyField(later("Net, as the summary says"), above_zero=False)

    def columns(self) -> list[ChoiceField]:
        return [one for one in self if isinstance(one, ChoiceField) and one.name != "currency"]

    def layout(self) -> Layout:
        chosen = {_WHAT.get(one.name, one.name): one.data for one in self.columns() if one.data}
        return Layout(chosen, self.decimal.data, self.days.data, self.currency.data)


_WHAT = {"currency_of": "currency"}  # the field of that name holds the currency of the totals
_FIELD = {what: name for name, what in _WHAT.items()}


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
            page_of = ".recon_columns" if brought.state == "unmapped" else ".recon_report"
            return see_other(url_for(page_of, mode=mode, number=brought.public_id))
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
        may_lay_out=staff().may("reconciliation.resolve") and _may_lay_out(row),
        may_take=staff().may("reconciliation.resolve") and row.state == "checked",
    )


@staff_door.get("/staff/reconciliation/<mode>/reports/<number>/columns")
@staff_may("reconciliation.resolve")
def recon_columns(mode: str, number: str) -> Response:
    """What the columns are guessed to be, or were the last time, and the first lines as they would be taken."""
    row = _to_lay_out(mode, number)
    layout = layout_of(row)
    form = ColumnsForm(formdata=None, decimal=layout.decimal, days=layout.days, currency=layout.currency or "EUR")
    for what, name in layout.columns.items():
        form[_FIELD.get(what, what)].data = name
    return _columns(row, form, layout)


@staff_door.post("/staff/reconciliation/<mode>/reports/<number>/columns")
@staff_may("reconciliation.resolve")
def recon_lay_out(mode: str, number: str) -> Response:
    """`act=look` shows the first lines anew and keeps nothing; else the whole file is checked with what was chosen."""
    row, form = _to_lay_out(mode, number), ColumnsForm()
    _offer(form, head_of(row.raw or b""))
    if form.validate():
        with form.refusals():
            layout = form.layout()
            try:
                check_layout(layout, head_of(row.raw or b""))
                if request.form.get("act") != "look":
                    lay_out(row, layout, typed=_summary(form), by=staff().public_id)
                    return see_other(url_for(".recon_report", mode=row.mode, number=row.public_id))
            except Refusal as no:
                if no.field in _FIELD and no.field not in ("currency",):
                    raise Refusal(no.message, field=_FIELD[no.field]) from None
                raise
            return _columns(row, form, layout)
    return _columns(row, form, None)


def _to_lay_out(mode: str, number: str) -> ReconFile:
    row = get_file(world(mode), number)
    if not _may_lay_out(row):
        raise NotFound("There is nothing to choose for this file.")
    return row


def _may_lay_out(row: ReconFile) -> bool:
    return row.state == "unmapped" or (row.layout is not None and row.state in ("refused", "checked"))


def _summary(form: ColumnsForm) -> Typed:
    """The control totals: these tables have none of their own."""
    if form.rows.data is None:
        raise Refusal("Type what the processor’s own summary says: without control totals no report is taken.", field="rows")
    if form.net_sum.data is None:
        raise Refusal("Type what the processor’s own summary says: without control totals no report is taken.", field="net_sum")
    return {form.currency.data: [form.rows.data, None, None, form.net_sum.data.minor]}


def _offer(form: ColumnsForm, names: list[str]) -> None:
    pairs = [("", _("None")), *((name, name) for name in names if name)]
    for one in form.columns():
        one.choices = options(pairs)


def _columns(row: ReconFile, form: ColumnsForm, layout: Layout | None) -> Response:
    raw = row.raw or b""
    names = head_of(raw)
    _offer(form, names)
    return page(
        "portal/admin/reconciliation/columns.html",
        status=form.status,
        mode=row.mode,
        row=row,
        form=form,
        names=names,
        raws=first_rows(raw, SHOWN_ROWS),
        lines=_lines(raw, layout) if layout is not None and _works(layout, names) else [],
        known=row.layout is not None,
    )


def _lines(raw: bytes, layout: Layout) -> list[tuple[int, SettlementLine | None, list[Money], Sentence | None]]:
    """The first lines with their sums, or with what is wrong."""
    shown: list[tuple[int, SettlementLine | None, list[Money], Sentence | None]] = []
    for number, line in preview(raw, layout, SHOWN_ROWS):
        if isinstance(line, Sentence):
            shown.append((number, None, [], line))
        else:
            sums = [Money(minor, line.currency) for minor in (line.gross_minor, line.fee_minor, line.net_minor)]
            shown.append((number, line, sums, None))
    return shown


def _works(layout: Layout, names: list[str]) -> bool:
    try:
        check_layout(layout, names)
    except Refusal:
        return False
    return True


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
