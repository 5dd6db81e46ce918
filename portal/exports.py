"""Long exports: asking for one, the list with how far each has come, and the file behind its signed address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from core.accounts.queries import names_of
from core.kernel.errors import NotFound
from core.kernel.signing import TokenRefused
from core.payments.export_models import Export
from core.payments.export_narrow import narrow_to_plain, plain_of
from core.payments.export_shelf import export_file, export_state, export_token, list_exports, open_export
from core.payments.long_export import KEPT, count_rows, request_export
from core.web.fields import Form, FormTokenField
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import cursor, page, see_other
from core.web.sheet import send_sheet, send_workbook, titles_for
from portal.blueprint import portal
from portal.payment_list import FilterForm
from portal.refunds import RefundFilter

FORMATS = {"csv": "CSV", "xlsx": "XLSX"}


class NoFilter(Form):
    """The customers are exported whole."""

    class Meta:
        csrf = False  # reading changes nothing

    def kept(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True)
class Kind:
    """A list that can be taken away: what it is called, the form of its filters, and those as plain values."""

    title: Any
    form: type[Any]
    plain: Callable[[Any], dict[str, Any]]
    list: str  # the endpoint of the page with the list


KINDS = {
    "payments": Kind(later("Payments"), FilterForm, lambda form: narrow_to_plain(form.wanted()), "portal.payments"),
    "refunds": Kind(later("Refunds"), RefundFilter, lambda form: plain_of(form.wanted()), "portal.refunds"),
    "customers": Kind(later("Customers"), NoFilter, lambda form: {}, "portal.customers"),
}
REASONS = {
    "could_not_be_written": later("It could not be written. Nothing is wrong with your data; please ask for it again."),
    "not_allowed": later("Whoever asked for it may not export any more."),
}


class AskForm(Form):
    form_token = FormTokenField()


@dataclass(frozen=True)
class Shown:
    """An export as the list shows it."""

    export: Export
    state: str
    title: str
    asked_by: str
    reason: str
    href: str | None

    @property
    def is_moving(self) -> bool:
        return self.state in ("waiting", "running")


@portal.get("/portal/exports")
@may("payments.export")
def exports() -> Response:
    me, after = current(), cursor()
    found = list_exports(me.vendor, me.mode, after=after)
    names = names_of(me.vendor) | {me.user.public_id: _("You")}
    shown = [_shown(export, names) for export in found.rows]
    return page(
        "portal/exports/index.html",
        fragment="portal/exports/_table.html",
        exports=shown,
        moving=any(one.is_moving for one in shown),
        newest=url_for(".exports") if after else None,
        older=url_for(".exports", after=found.next) if found.next else None,
    )


def _shown(export: Export, names: dict[str, str]) -> Shown:
    state = export_state(export)
    return Shown(
        export=export,
        state=state,
        title=f"{KINDS[export.subject].title} · {FORMATS[export.file_format]}",
        asked_by=names.get(export.requested_by) or _("A former member of your team"),
        reason=str(REASONS.get(export.failure_reason or "", "")),
        href=url_for(".export", token=export_token(current().vendor, export)) if state == "ready" else None,
    )


def _asked(subject: str) -> tuple[Kind, Any, str]:
    """The list, its filters as the address has them, and the kind of file."""
    kind, file_format = KINDS.get(subject), request.args.get("as", "csv")
    if kind is None or file_format not in FORMATS:
        raise NotFound
    return kind, kind.form(request.args), file_format


@portal.get("/portal/exports/new/<subject>")
@may("payments.export")
def new_export(subject: str) -> Response:
    kind, filters, file_format = _asked(subject)
    return _ask(subject, kind, filters, file_format, AskForm(formdata=None))


@portal.post("/portal/exports/new/<subject>")
@may("payments.export")
def ask_for_export(subject: str) -> Response:
    """The filters stand in the address, as they do on the list. A worker writes the file."""
    me, form = current(), AskForm()
    kind, filters, file_format = _asked(subject)
    if form.validate() and filters.validate():
        with form.refusals():
            request_export(
                me.vendor, me.mode, subject=subject, file_format=file_format, kept=kind.plain(filters), language=language(),
                by=me.user.public_id, form_token=form.form_token.data,
            )  # fmt: skip
            flash(_("The file is being written. We write to you when it is ready; you can leave this page."), "good")
            return see_other(url_for(".exports"))
    return _ask(subject, kind, filters, file_format, form)


def _ask(subject: str, kind: Kind, filters: Any, file_format: str, form: AskForm) -> Response:
    if not filters.validate():
        return see_other(url_for(kind.list, **request.args.to_dict()))
    me, kept = current(), filters.kept()
    rows = count_rows(me.vendor, me.mode, subject, kind.plain(filters))
    return page(
        "portal/exports/new.html",
        status=form.status,
        form=form,
        subject=subject,
        title=kind.title,
        rows=rows,
        kept=kept,
        file_format=file_format,
        formats=FORMATS,
        days=ngettext("%(num)s day", "%(num)s days", KEPT.days),
        back=url_for(kind.list, **kept),
    )


@portal.get("/export/<token>")
@may("payments.export")
def export(token: str) -> Response:
    """The file. The address proves which one, and until when; the sign-in that the reader may have it."""
    me = current()
    try:
        found = open_export(me.vendor, token)
    except TokenRefused as refusal:
        if refusal.reason == "expired":
            raise NotFound(_("This file was kept for some days and is gone now. Export the list again.")) from None
        raise NotFound(_("There is no such export.")) from None
    titles = titles_for(found.language)
    name, pieces = f"{found.subject}-{found.mode}-{found.created_at:%Y-%m-%d}", export_file(found, titles)
    if found.file_format == "xlsx":
        return send_workbook(pieces, name, title=str(KINDS[found.subject].title), titles=titles)
    return send_sheet(pieces, name)
