"""The proofs of the books: have them all proved now, watch it go on, and read what every run and the clock have found."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _

from core.accounts.staff import staff_names
from core.kernel.errors import Conflict
from core.ledger.proof import standing
from core.ledger.proof_run import begin_run, find_going, get_run, list_runs, took
from core.web.languages import written
from core.web.page import page, see_other
from core.web.staff_guard import staff, staff_may
from portal.admin.blueprint import staff_door
from portal.admin.home import alarms_of


@staff_door.get("/staff/books")
@staff_may("balances.see")
def proofs() -> Response:
    told = standing()
    return page(
        "portal/admin/books/proofs.html",
        fragment="portal/admin/books/_proofs.html",
        standing=told,
        alarms=alarms_of(told.broken),
        going=find_going(),
        runs=list_runs(),
        took=took,
    )


@staff_door.post("/staff/books/proofs")
@staff_may("books.prove")
def prove_now() -> Response:
    """A worker does it: the page shows how far it is."""
    try:
        begin_run(by=staff().public_id)
        flash(_("Every book is being proved now. You may leave this page; the result stays here."), "good")
    except Conflict as going:
        flash(written(going.message), "info")
    return see_other(url_for(".proofs"))


@staff_door.get("/staff/books/proofs/<public_id>")
@staff_may("balances.see")
def proof_run(public_id: str) -> Response:
    run = get_run(public_id)
    return page("portal/admin/books/proof_run.html", run=run, took=took(run), names=staff_names())
