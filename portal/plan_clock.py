"""The time machine's page: a test plan's clock, the buttons that move it forward, how far it is, and what happened on each day."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from core.billing.advance import begin_advance, find_running, list_advances, seen_on_the_way, stop_advance
from core.billing.clock import ahead_of, clock_of
from core.billing.clock_models import ClockAdvance
from core.billing.models import BillingCharge, KeptSubscription
from core.billing.queries import read
from core.kernel.errors import NotFound
from core.notifications.queries import list_messages_about
from core.subscriptions.plan import find_plan
from core.web.day_fields import DayField
from core.web.fields import Form
from core.web.guard import current, may
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.clock_days import Kept, days_of
from portal.outbox import KINDS
from portal.plan_view import known_to

GOALS = {
    "day": later("One day on"),
    "charge": later("To the next charge"),
    "period": later("To the end of the period"),
    "month": later("One month on"),
    "date": later("To a day"),
}
WHY = {
    "asked": later("It was stopped. The clock stands where it was."),
    "no_answer": later("The card’s answer did not come for several minutes, so the clock was stopped at that charge. Move it on later."),
    "broken": later("Something broke on our side, and the clock was stopped. The fault is recorded."),
}


class DateForm(Form):
    day = DayField(later("To this day"))


@portal.get("/portal/plan/clock")
@may("settings.see")
def plan_clock() -> Response:
    """Live mode has no time machine, and says so."""
    return _page(DateForm(formdata=None))


@portal.post("/portal/plan/clock")
@may("settings.edit")
def move_plan_clock() -> Response:
    form, goal = DateForm(), request.form.get("goal", "date")
    if goal not in GOALS:
        raise NotFound
    row = _row()
    if row is None:
        return see_other(url_for(".plan_clock"))
    if goal != "date" or form.validate():
        with form.refusals():
            begin_advance(row, goal, by=current().user.public_id, day=form.day.day if goal == "date" else None)
            return see_other(url_for(".plan_clock"))
    return _page(form)


@portal.post("/portal/plan/clock/stop")
@may("settings.edit")
def stop_plan_clock() -> Response:
    row = _row()
    if row is not None:
        stop_advance(row, by=current().user.public_id)
        flash(_("The clock stands."), "good")
    return see_other(url_for(".plan_clock"))


def _row() -> KeptSubscription | None:
    me = current()
    return find_plan(me.vendor, me.mode)


def _page(form: DateForm) -> Response:
    me, row = current(), _row()
    if me.mode != "test" or row is None:
        return page("portal/plan/no_clock.html", status=form.status, live=me.mode != "test")
    moves = list_advances(row)
    running = find_running(row)
    shown = _asked(moves) or (moves[0] if moves else None)
    return page(
        "portal/plan/clock.html",
        fragment="portal/plan/_clock.html",
        status=form.status,
        form=form,
        row=row,
        at=_local(row, clock_of(row)),
        ahead=ahead_of(row).days,
        running=running,
        progress=_progress(row, running) if running else None,
        waits=_waits(row, running) if running else None,
        shown=shown,
        days=_days(row, shown) if shown else [],
        moves=moves,
        local=lambda at: _local(row, at),
        goals=GOALS,
        why=WHY,
    )


def _asked(moves: list[ClockAdvance]) -> ClockAdvance | None:
    """An earlier move, when the address names one."""
    return next((move for move in moves if move.public_id == request.args.get("move")), None)


def _local(row: KeptSubscription, at: datetime) -> datetime:
    """By the wall clock of the plan, whose days these are."""
    return at.astimezone(ZoneInfo(read(row).zone.name))


def _progress(row: KeptSubscription, running: ClockAdvance) -> tuple[int, int]:
    """How many hours of how many are behind it; while a charge is looked for nobody knows how many there are."""
    hour = timedelta(hours=1)
    whole = 0 if running.goal == "charge" else (running.target_at - running.from_at) // hour
    return max(0, (clock_of(row) - running.from_at) // hour), whole


def _waits(row: KeptSubscription, running: ClockAdvance) -> BillingCharge | None:
    """The charge whose answer the clock waits for."""
    charges = seen_on_the_way(row, running).charges.values()
    return next((charge for charge in charges if charge.id == running.waits_for), None)


def _days(row: KeptSubscription, move: ClockAdvance) -> list[object]:
    me, seen = current(), seen_on_the_way(row, move)
    about = {row.public_id, *(document.public_id for document in seen.documents.values())}
    letters = list_messages_about(me.vendor, me.mode, about, since=move.asked_at) if me.may("messages.see") else []
    later_ones = [each for each in list_advances(row) if each.asked_at > move.asked_at]
    until = min((each.asked_at for each in later_ones), default=None)
    told = [
        (letter, str(KINDS.get(letter.kind, letter.subject or letter.kind)), url_for(".message", public_id=letter.public_id))
        for letter in letters
        if until is None or letter.created_at < until
    ]
    return list(days_of(seen.events, Kept(seen.documents, seen.charges, known_to(row)), told))
