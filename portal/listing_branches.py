"""The branches of a listing: adding and editing one, putting one away and bringing it back."""

from __future__ import annotations

from flask import Response, flash, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.directory.branches import add_branch, archive_branch, edit_branch, unarchive_branch
from core.directory.queries import get_branch
from core.kernel.errors import Conflict, NotFound
from core.subscriptions.counts import counted
from core.web.guard import current, may
from core.web.languages import written
from core.web.page import page, see_other
from portal.blueprint import portal
from portal.listing_form import BranchForm, branch_form
from portal.listings import find_own
from portal.plan_hints import one_more_branch
from portal.read_only import editable

ACTS = {"archive": (archive_branch, _l("%(name)s is put away.")), "unarchive": (unarchive_branch, _l("%(name)s is back."))}


@portal.get("/portal/listings/<public_id>/branches/new")
@may("listings.edit")
@editable
def new_branch(public_id: str) -> Response:
    return page("portal/listings/branch.html", listing=find_own(public_id), branch=None, form=branch_form(), cost=one_more_branch())


@portal.post("/portal/listings/<public_id>/branches/new")
@may("listings.edit")
def make_branch(public_id: str) -> Response:
    listing = find_own(public_id)
    form = BranchForm()
    if form.validate() and (terms := form.terms()):
        with form.refusals():
            with counted(current().vendor, current().mode, by=current().user.public_id):
                add_branch(listing, by=current().user.public_id, terms=terms)
            flash(_("The branch is added."), "good")
            return see_other(url_for(".listing", public_id=public_id))
    return page("portal/listings/branch.html", status=form.status, listing=listing, branch=None, form=form, cost=one_more_branch())


@portal.get("/portal/listings/<public_id>/branches/<branch>/edit")
@may("listings.edit")
@editable
def edit_branch_form(public_id: str, branch: str) -> Response:
    listing = find_own(public_id)
    found = get_branch(listing, branch)
    return page("portal/listings/branch.html", listing=listing, branch=found, form=branch_form(found), cost="")


@portal.post("/portal/listings/<public_id>/branches/<branch>/edit")
@may("listings.edit")
def change_branch(public_id: str, branch: str) -> Response:
    listing = find_own(public_id)
    found, form = get_branch(listing, branch), BranchForm()
    if form.validate() and (terms := form.terms()):
        with form.refusals():
            edit_branch(listing, found, by=current().user.public_id, terms=terms)
            flash(_("Saved."), "good")
            return see_other(url_for(".listing", public_id=public_id))
    return page("portal/listings/branch.html", status=form.status, listing=listing, branch=found, form=form, cost="")


@portal.post("/portal/listings/<public_id>/branches/<branch>/do/<act>")
@may("listings.edit")
def act_on_branch(public_id: str, branch: str, act: str) -> Response:
    listing = find_own(public_id)
    found, by = get_branch(listing, branch), current().user.public_id
    if act not in ACTS:
        raise NotFound
    do, words = ACTS[act]
    try:
        with counted(current().vendor, current().mode, by=by):
            do(listing, found, by=by)
    except Conflict as no:
        flash(written(no.message), "bad")
        return see_other(url_for(".listing", public_id=public_id))
    flash(str(words) % {"name": found.name}, "good")
    return see_other(url_for(".listing", public_id=public_id, archived=branch if act == "archive" else None))
