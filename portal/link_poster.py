"""The printable poster of a link: what it will say, having it printed by a worker, and the PDF."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request, url_for
from flask_babel import gettext as _

from core.directory.models import Branch
from core.directory.queries import branch_by_row, find_branch
from core.kernel.errors import NotFound
from core.notifications.models import Paper
from core.notifications.papers import newest_paper
from core.payments.models import PaymentLink
from core.payments.poster import ask_for_poster
from core.payments.queries import get_link
from core.web.guard import current, may
from core.web.page import page, see_other, send_kept
from core.web.poster import SIZES, poster_html, poster_name
from portal.blueprint import portal
from portal.branch_choices import branches_to_choose
from portal.links import link_url, readable_url

POSTER = "poster"  # ?ref=poster: whoever scans it is counted, and the payment keeps it


@portal.get("/portal/links/<public_id>/poster")
@may("links.see")
def poster(public_id: str) -> Response:
    link = _get(public_id)
    place = _place(link, request.args.get("branch", ""))
    ready = {size: _printed(link, size, place) is not None for size in SIZES}
    waiting = request.args.get("waiting", "")
    return page(
        "portal/links/poster.html",
        link=link,
        ready=ready,
        caption=_caption(link),
        waiting=waiting if waiting in SIZES and not ready[waiting] else None,
        place=place,
        branches=[] if link.branch_id else branches_to_choose(blank=_("The whole business"), gone=False),
    )


@portal.post("/portal/links/<public_id>/poster")
@may("links.edit")
def print_poster(public_id: str) -> Response:
    link, size = _get(public_id), request.form.get("size", "")
    place = _place(link, request.form.get("branch", ""))
    if size not in SIZES:
        raise NotFound
    if _printed(link, size, place) is None:
        branch = place.id if place else None
        ask_for_poster(link, size=size, address=_address(link, place), caption=_caption(link), branch=branch)
    return see_other(url_for(".poster", public_id=public_id, waiting=size, **_said(link, place)))


@portal.get("/portal/links/<public_id>/poster-<size>.pdf")
@may("links.see")
def poster_pdf(public_id: str, size: str) -> Response:
    link = _get(public_id)
    place = _place(link, request.args.get("branch", ""))
    paper = _printed(link, size, place) if size in SIZES else None
    if paper is None:
        raise NotFound(_("This poster has not been printed yet."))
    return send_kept(paper.pdf, f"poster-{size}.pdf")


def _get(public_id: str) -> PaymentLink:
    me = current()
    return get_link(me.vendor, me.mode, public_id)


def _place(link: PaymentLink, asked: str) -> Branch | None:
    """The branch that the poster is for: the link's own, or one of the vendor's that was asked for."""
    me = current()
    if link.branch_id or not asked:
        return branch_by_row(me.vendor.id, me.mode, link.branch_id)
    found = find_branch(me.vendor, me.mode, asked)
    if found is None:
        raise NotFound(_("There is no such branch."))
    return found


def _said(link: PaymentLink, place: Branch | None) -> dict[str, str]:
    """What the address has to say of the branch: nothing where the link is the branch's own."""
    return {"branch": place.public_id} if place and not link.branch_id else {}


def _address(link: PaymentLink, place: Branch | None) -> str:
    """The signed one: it says why when the link is paused or over, where a readable one would say that it is not valid.

    Whoever scans it is counted as coming from a poster, and the payment is filed under the branch the poster hangs in.
    """
    return f"{link_url(link)}?{urlencode({'ref': POSTER, **_said(link, place)})}"


def _caption(link: PaymentLink) -> str | None:
    """What people can type; a signed address is too long for that."""
    readable = readable_url(link)
    return readable.partition("://")[2] if readable else None


def _printed(link: PaymentLink, size: str, place: Branch | None) -> Paper | None:
    """The sheet that says exactly what the link says now."""
    me = current()
    html = poster_html(
        me.vendor,
        title=link.title,
        amount=link.amount or link.total,
        mode=link.mode,
        address=_address(link, place),
        caption=_caption(link),
        size=size,
        locale=link.locale,
        branch=place,
    )
    return newest_paper(me.vendor.id, me.mode, about=poster_name(link.public_id, size, html), kind="poster")
