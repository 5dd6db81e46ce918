"""The days of the books: which are closed, what hinders the next one, signing it off, and the paper of each."""

from __future__ import annotations

from datetime import date

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.accounts.staff import staff_names
from core.accounts.staff_papers import want_day_papers
from core.kernel.errors import NotFound
from core.ledger.close_day import LONGEST_REASON, request_close, sign_close
from core.ledger.days import find_day, find_paper, get_day, is_next, list_days, next_to_close
from core.ledger.hindrances import OpenBreak, broken_sums, open_breaks
from core.web.fields import Form, ParagraphField
from core.web.filters import money
from core.web.page import page, see_other, send_kept
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.confirm import confirmed
from portal.listing_form import BoxesField

MODES = ("live", "test")


class CloseForm(Form):
    reason = ParagraphField(
        later("What you looked at"), most=LONGEST_REASON, required=later("Say what you looked at: it stands on the day’s paper.")
    )
    accept = BoxesField(later("Breaks you accept as they are"))


class SignForm(Form):
    pass


@staff_door.get("/staff/days")
@staff_may("days.see")
def days() -> Response:
    mode = request.args.get("mode", "live")
    if mode not in MODES:
        raise NotFound("There are live days and test days.")
    before = _day(request.args["before"]) if "before" in request.args else None
    found = list_days(mode, before=before, limit=32)
    return page(
        "portal/admin/days/index.html",
        mode=mode,
        days=found[:31],
        newest=url_for(".days", mode=mode) if before else None,
        older=url_for(".days", mode=mode, before=found[30].day.isoformat()) if len(found) > 31 else None,
        next=next_to_close(mode),
        names=staff_names(),
        sent=staff().member.day_papers,
    )


@staff_door.post("/staff/days/papers")
@staff_may("days.see")
def want_papers() -> Response:
    """For oneself: the paper of each day by e-mail, or not any more."""
    wanted, mode = request.form.get("wanted") == "yes", request.form.get("mode", "")
    want_day_papers(staff().member, wanted)
    flash(_("You are sent the paper of each day that is closed from now on.") if wanted else _("You are not sent papers any more."), "good")
    return see_other(url_for(".days", mode=mode if mode in MODES else "live"))


@staff_door.get("/staff/days/<mode>/<on>")
@staff_may("days.see")
def day(mode: str, on: str) -> Response:
    """A day that is closed, that is being closed, or that is the next to be."""
    return _page(mode, on)


@staff_door.post("/staff/days/<mode>/<on>/close")
@staff_may("days.close")
@confirmed
def close(mode: str, on: str) -> Response:
    form = CloseForm()
    if form.validate():
        with form.refusals():
            accepted = frozenset(str(key) for key in form.accept.data or [])
            row = request_close(_mode(mode), _day(on), by=staff().public_id, reason=form.reason.data or "", accept=accepted)
            if row.state == "requested":
                flash(_("Signed by you. A large break is accepted with it: somebody else has to sign too."), "info")
            else:
                flash(_("The day is shut. It is proved now, and its paper is printed."), "good")
            return see_other(url_for(".day", mode=mode, on=on))
    return _page(mode, on, form=form)


@staff_door.post("/staff/days/<mode>/<on>/signature")
@staff_may("days.close")
@confirmed
def sign(mode: str, on: str) -> Response:
    """The second person."""
    form = SignForm()
    if form.validate():
        with form.refusals():
            sign_close(_mode(mode), _day(on), by=staff().public_id)
            flash(_("Signed by both. The day is shut, it is proved now, and its paper is printed."), "good")
            return see_other(url_for(".day", mode=mode, on=on))
    return _page(mode, on, signing=form)


@staff_door.get("/staff/days/<mode>/<on>/paper.pdf")
@staff_may("days.see")
def day_paper(mode: str, on: str) -> Response:
    paper = find_paper(_mode(mode), get_day(_mode(mode), _day(on)).day)
    if paper is None:
        raise NotFound(_("This day’s paper has not been printed yet."))
    return send_kept(paper.pdf, f"day-{paper.mode}-{paper.day.isoformat()}.pdf")


def _page(mode: str, on: str, *, form: CloseForm | None = None, signing: SignForm | None = None) -> Response:
    mode, that = _mode(mode), _day(on)
    row, following = find_day(mode, that), is_next(mode, that)
    if row is None and not following:
        raise NotFound(_("That day is not closed, and it is not the next one to be closed."))
    is_open = row is None or row.state in ("hindered", "requested")
    failed = form or signing
    found = open_breaks(mode, that) if is_open else []
    made = form or CloseForm(formdata=None)
    final, found = [str(one.sentence) for one in found if one.final], [one for one in found if not one.final]
    made.accept.choices = [(one.key, one.sentence) for one in found]
    return page(
        "portal/admin/days/show.html",
        status=(409 if failed.form_errors else 422) if failed else 200,
        mode=mode,
        day=that,
        row=row,
        is_open=is_open,
        broken=[*broken_sums(mode), *final] if is_open else [],
        breaks=found,
        details={one.key: _amount(one) for one in found},
        form=made,
        signing=signing or SignForm(formdata=None),
        failed=failed,
        may_close=staff().may("days.close") and following,
        may_sign=row is not None and row.state == "requested" and staff().may("days.close") and row.asked_by != staff().public_id,
        paper=find_paper(mode, that),
        names=staff_names(),
    )


def _amount(one: OpenBreak) -> str:
    """How far apart, and whether one person is enough."""
    told = money(one.amount) if one.amount else _("Nobody knows how much it is.")
    return _("%(amount)s: two people have to sign", amount=told) if one.needs_two else str(told)


def _mode(mode: str) -> str:
    if mode not in MODES:
        raise NotFound("There are live days and test days.")
    return mode


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound("There is no such day.") from None
