"""Reconciliation: how it stands, have everything looked at now, watch that go on, and the payouts of processors to our bank."""

from __future__ import annotations

from flask import Response, flash, request, url_for
from flask_babel import gettext as _

from core.accounts.staff import staff_names
from core.kernel.errors import Conflict, NotFound
from core.reconciliation.exceptions import count_open
from core.reconciliation.files import list_files
from core.reconciliation.queries import list_settlements
from core.reconciliation.runs import STAGES, begin_run, find_going, get_run, list_runs, took
from core.web.languages import written
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal import recon_words
from portal.admin.blueprint import staff_door

WORLDS = ("live", "test")


def world(mode: str) -> str:
    """One of the two; anything else leads nowhere."""
    if mode not in WORLDS:
        raise NotFound
    return mode


@staff_door.get("/staff/reconciliation")
@staff_may("reconciliation.see")
def reconciliation() -> Response:
    """How it stands in one mode; asks anew by itself while a look goes on."""
    mode = world(request.args.get("mode") or "live")
    going = find_going(mode)
    return page(
        "portal/admin/reconciliation/index.html",
        fragment="portal/admin/reconciliation/_runs.html",
        mode=mode,
        counts=count_open(mode),
        kinds=recon_words.kinds(),
        going=going,
        stage=STAGES.index(going.stage) if going else 0,
        stages=len(STAGES) - 1,
        runs=[run for run in list_runs(mode) if run.ended_at is not None],
        took=took,
        settlements=list_settlements(mode),
        files=list_files(mode, limit=5),
    )


@staff_door.post("/staff/reconciliation/<mode>/runs")
@staff_may("reconciliation.resolve")
def reconcile_now(mode: str) -> Response:
    """A worker does it: the page shows how far it is."""
    try:
        begin_run(world(mode), by=staff().public_id)
        flash(_("Everything is being looked at now. You may leave this page; the result stays here."), "good")
    except Conflict as going:
        flash(written(going.message), "info")
    return see_other(url_for(".reconciliation", mode=mode))


@staff_door.get("/staff/reconciliation/<mode>/runs/<number>")
@staff_may("reconciliation.see")
def recon_run(mode: str, number: str) -> Response:
    run = get_run(world(mode), number)
    return page("portal/admin/reconciliation/run.html", mode=mode, run=run, took=took(run), names=staff_names())
