"""The branches of the business to look at: where each is, when it is open, and its own team. Whoever is limited sees theirs."""

from __future__ import annotations

from flask import Response

from core.directory.limits import list_limited
from core.directory.models import Branch
from core.directory.queries import all_branches, find_branch
from core.kernel.errors import NotFound
from core.web.guard import current, may
from core.web.page import page
from portal.blueprint import portal
from portal.branch_choices import branch_words
from portal.directory.sight import where_of


@portal.get("/portal/branches")
@may("listings.see")
def branches() -> Response:
    return page("portal/branches/index.html", branches=seen_branches(), words=branch_words)


@portal.get("/portal/branches/<public_id>")
@may("listings.see")
def branch(public_id: str) -> Response:
    me = current()
    found = find_branch(me.vendor, me.mode, public_id)
    if found is None or not me.sees(found.id):
        raise NotFound("There is no such branch.")
    return page("portal/branches/show.html", branch=found, where=where_of(found), team=list_limited(me.vendor, found))


def seen_branches() -> list[Branch]:
    """Those that the person who is signed in works in: all that are not put away, or theirs."""
    me = current()
    if me.limited:
        return me.branches
    return [branch for branch, _listing in all_branches(me.vendor, me.mode) if branch.archived_at is None]
