"""Statements by month: what the vendor had, every line that changed it, what they had then; as a page, on paper and as a file."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date

from flask import Response, request, url_for
from flask_babel import gettext as _

from core.kernel.currency import is_currency
from core.kernel.errors import Conflict, NotFound
from core.kernel.money import Money
from core.ledger.months import ask_for_statement, bounds, next_month, paper_name, previous_month
from core.ledger.queries import balances
from core.ledger.statement import Statement, balance_at, first_booked_at, make_statement, statement_lines, statement_sheet
from core.notifications.models import Paper
from core.notifications.papers import newest_paper
from core.payments.queries import references_of
from core.web.filters import zone
from core.web.guard import current, may
from core.web.languages import language
from core.web.page import cursor, page, see_other, send_kept
from core.web.sheet import send_sheet, titles_for
from portal.balance import FIGURES, KINDS
from portal.blueprint import portal
from portal.days import beginning, today

MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
MONTHS_ON_A_PAGE = 12
LINES_ON_A_PAGE = 50


@dataclass(frozen=True)
class Month:
    """One month of the list: its first day, what was there at its end in each currency, and whether it is over."""

    first: date
    closing: list[Money]
    is_over: bool

    @property
    def slug(self) -> str:
        return f"{self.first:%Y-%m}"


def _currencies() -> list[str]:
    """Those in which anything of the vendor's ever moved, their own first."""
    me = current()
    own = {figure.account for figure in FIGURES}
    used = {code for (account, _sub, code) in balances(me.vendor, me.mode) if account in own}
    return [me.vendor.currency, *sorted(used - {me.vendor.currency})]


@portal.get("/portal/statements")
@may("balance.see")
def statements() -> Response:
    me = current()
    began = first_booked_at(me.vendor, me.mode)
    codes, months = _currencies(), []
    last = today().replace(day=1)
    month = min(_asked(request.args["before"]) if "before" in request.args else last, last)
    earliest = (began.astimezone(zone()).date() if began else last).replace(day=1)
    while began and month >= earliest and len(months) < MONTHS_ON_A_PAGE:
        months.append(Month(month, [balance_at(me.vendor, me.mode, code, beginning(next_month(month))) for code in codes], month < last))
        month = previous_month(month)
    older = url_for(".statements", before=f"{month:%Y-%m}") if began and month >= earliest else None
    newest = url_for(".statements") if "before" in request.args else None
    return page("portal/statements/index.html", months=months, codes=codes, older=older, newest=newest)


def _asked(text: str) -> date:
    found = MONTH.fullmatch(text)
    if not found:
        raise NotFound(_("There is no statement of that month."))
    return date(int(found[1]), int(found[2]), 1)


def _statement(month: str) -> tuple[date, Statement]:
    me, first, code = current(), _asked(month), request.args.get("currency", current().vendor.currency)
    if len(code) != 3 or not is_currency(code) or first > today():
        raise NotFound(_("There is no statement of that month."))
    return first, make_statement(me.vendor, me.mode, code, *bounds(first, me.vendor.time_zone))


@portal.get("/portal/statements/<month>")
@may("balance.see")
def statement(month: str) -> Response:
    me, after = current(), cursor()
    first, made = _statement(month)
    lines, following = statement_lines(me.vendor, me.mode, made, after=_line(after) if after else None, limit=LINES_ON_A_PAGE)
    here = {"month": f"{first:%Y-%m}", "currency": made.currency}
    return page(
        "portal/statements/show.html",
        fragment="portal/statements/_lines.html",
        first=first,
        statement=made,
        lines=lines,
        references=references_of(me.vendor, me.mode, {line.about for line in lines}),
        kinds=KINDS,
        codes=_currencies(),
        earlier=f"{previous_month(first):%Y-%m}",
        printed=_printed(first, made) is not None,
        waiting="waiting" in request.args,
        later=f"{next_month(first):%Y-%m}" if next_month(first) <= today() else None,
        oldest=url_for(".statement", **here) if after else None,
        newer=url_for(".statement", after=str(following), **here) if following else None,
    )


@portal.get("/portal/statements/<month>.csv")
@may("balance.see")
def statement_file(month: str) -> Response:
    me = current()
    first, made = _statement(month)
    return send_sheet(
        statement_sheet(me.vendor, me.mode, made, titles=titles_for(language())), f"statement-{me.mode}-{first:%Y-%m}-{made.currency}"
    )


@portal.post("/portal/statements/<month>/paper")
@may("balance.see")
def print_statement(month: str) -> Response:
    """Have it printed by a worker. A month that still runs has no paper: tomorrow it would say something else."""
    me = current()
    first, made = _statement(month)
    if not made.is_over:
        raise Conflict(_("This month is not over yet. Its statement can be printed when it is."))
    if _printed(first, made) is None:
        ask_for_statement(me.vendor, me.mode, first, made.currency, locale=language())
    return see_other(url_for(".statement", month=f"{first:%Y-%m}", currency=made.currency, waiting="yes"))


@portal.get("/portal/statements/<month>.pdf")
@may("balance.see")
def statement_pdf(month: str) -> Response:
    first, made = _statement(month)
    paper = _printed(first, made)
    if paper is None:
        raise NotFound(_("This statement has not been printed yet."))
    return send_kept(paper.pdf, f"statement-{paper.mode}-{first:%Y-%m}-{made.currency}.pdf")


def _printed(first: date, made: Statement) -> Paper | None:
    """The paper in the reader's language, once a worker has made it."""
    me = current()
    if not made.is_over:
        return None
    name = paper_name(first, made.currency, zone=me.vendor.time_zone, locale=language())
    return newest_paper(me.vendor.id, me.mode, about=name, kind="statement")


def _line(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(_("That page of lines does not exist.")) from None
