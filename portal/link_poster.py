"""The printable poster of a link: what it will say, having it printed by a worker, and the PDF."""

from __future__ import annotations

from flask import Response, make_response, request, url_for
from flask_babel import gettext as _

from core.kernel.errors import NotFound
from core.notifications.models import Paper
from core.notifications.papers import newest_paper
from core.payments.models import PaymentLink
from core.payments.poster import ask_for_poster
from core.payments.queries import get_link
from core.web.guard import current, may
from core.web.page import page, see_other
from core.web.poster import SIZES, poster_html, poster_name
from portal.blueprint import portal
from portal.links import link_url, readable_url

POSTER = "poster"  # ?ref=poster: whoever scans it is counted, and the payment keeps it


@portal.get("/portal/links/<public_id>/poster")
@may("links.see")
def poster(public_id: str) -> Response:
    link = _get(public_id)
    ready = {size: _printed(link, size) is not None for size in SIZES}
    waiting = request.args.get("waiting", "")
    return page(
        "portal/links/poster.html",
        link=link,
        ready=ready,
        caption=_caption(link),
        waiting=waiting if waiting in SIZES and not ready[waiting] else None,
    )


@portal.post("/portal/links/<public_id>/poster")
@may("links.edit")
def print_poster(public_id: str) -> Response:
    link, size = _get(public_id), request.form.get("size", "")
    if size not in SIZES:
        raise NotFound
    if _printed(link, size) is None:
        ask_for_poster(link, size=size, address=_address(link), caption=_caption(link))
    return see_other(url_for(".poster", public_id=public_id, waiting=size))


@portal.get("/portal/links/<public_id>/poster-<size>.pdf")
@may("links.see")
def poster_pdf(public_id: str, size: str) -> Response:
    link = _get(public_id)
    paper = _printed(link, size) if size in SIZES else None
    if paper is None:
        raise NotFound(_("This poster has not been printed yet."))
    answer = make_response(paper.pdf)
    answer.content_type = "application/pdf"
    answer.headers["Content-Disposition"] = f'inline; filename="poster-{size}.pdf"'
    return answer


def _get(public_id: str) -> PaymentLink:
    me = current()
    return get_link(me.vendor, me.mode, public_id)


def _address(link: PaymentLink) -> str:
    """The signed one: it says why when the link is paused or over, where a readable one would say that it is not valid."""
    return f"{link_url(link)}?ref={POSTER}"


def _caption(link: PaymentLink) -> str | None:
    """What people can type; a signed address is too long for that."""
    readable = readable_url(link)
    return readable.partition("://")[2] if readable else None


def _printed(link: PaymentLink, size: str) -> Paper | None:
    """The sheet that says exactly what the link says now."""
    me = current()
    html = poster_html(
        me.vendor,
        title=link.title,
        amount=link.amount or link.total,
        mode=link.mode,
        address=_address(link),
        caption=_caption(link),
        size=size,
        locale=link.locale,
    )
    return newest_paper(me.vendor.id, me.mode, about=poster_name(link.public_id, size, html), kind="poster")
