"""All refunds, with what became of each, and the same as a file."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.kernel import clock
from core.payments.claim import can_have_links, claims_to_decide
from core.payments.export import refunds_sheet
from core.payments.export_narrow import plain_of
from core.payments.lists import all_refunds
from core.payments.long_export import is_long
from core.payments.refund_models import Refund
from core.payments.states import REFUND
from core.web.fields import ChoiceField, options
from core.web.filters import status_label
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import cursor, page, see_other
from core.web.sheet import send_sheet, send_workbook, titles_for
from portal.blueprint import portal
from portal.branch_choices import branches_to_choose
from portal.days import SpanForm
from portal.history import REASONS


class RefundFilter(SpanForm):
    status = ChoiceField(
        later("Status"), choices=lambda: options([("", _("All")), *((s, status_label(s, "refund")) for s in REFUND)]), default=""
    )

    branch = ChoiceField(later("Branch"), choices=lambda: options(branches_to_choose(blank=_("All branches"), none=True)), default="")

    def wanted(self) -> dict[str, Any]:
        """The filters as the question about refunds takes them; the last day counts whole."""
        return {"status": self.status.data or None, "since": self.begins, "until": self.ends, "branch": self.branch.data or None}


@portal.get("/portal/refunds")
@may("payments.see")
def refunds() -> Response:
    me, form, after = current(), RefundFilter(request.args), cursor()
    good = form.validate()
    found = all_refunds(me.vendor, me.mode, after=after, **(form.wanted() if good else {}))
    kept = form.kept() if good else {}
    return page(
        "portal/refunds/index.html",
        fragment="portal/refunds/_table.html",
        form=form,
        refunds=found.rows,
        kept=kept,
        reasons=REASONS,
        can_have_links=can_have_links(me.vendor, found.rows) if me.may("payments.refund") else set(),
        to_decide=claims_to_decide(me.vendor, me.mode)[0],
        newest=url_for(".refunds", **kept) if after else None,
        older=url_for(".refunds", after=found.next, **kept) if found.next else None,
    )


@portal.get("/portal/refunds.csv")
@may("payments.export")
def refunds_file() -> Response:
    return _as_file("csv")


@portal.get("/portal/refunds.xlsx")
@may("payments.export")
def refunds_workbook() -> Response:
    """The same rows for a spreadsheet program."""
    return _as_file("xlsx")


def _as_file(file_format: str) -> Response:
    """What is too long to be written while somebody waits leads on to the page that has it written."""
    me, form = current(), RefundFilter(request.args)
    if not form.validate():
        return see_other(url_for(".refunds", **request.args.to_dict()))
    if is_long(me.vendor, me.mode, "refunds", plain_of(form.wanted())):
        return see_other(url_for(".new_export", subject="refunds", **{**form.kept(), "as": file_format}))
    name, titles = f"refunds-{me.mode}-{clock.now():%Y-%m-%d}", titles_for(language())
    pieces = refunds_sheet(me.vendor, me.mode, titles=titles, **form.wanted())
    if file_format == "xlsx":
        return send_workbook(pieces, name, title=_("Refunds"), titles=titles)
    return send_sheet(pieces, name)


def say_asked_for(refund: Refund) -> None:
    """What the page says after a refund was asked for: whether it has gone on its way, or waits for the balance first."""
    if refund.state == "queued":
        flash(_("Your available balance does not hold this refund yet. It waits in line and goes out by itself when it does."), "warn")
    else:
        flash(_("The refund is asked for. You see here when the processor has confirmed it."), "good")
