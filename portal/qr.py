"""A link's address as a QR code, drawn here, with the quiet zone that scanners need; on request with title and amount below it."""

from __future__ import annotations

import io

import segno
from flask import Response, make_response, request

from core.kernel.errors import NotFound
from core.payments.models import PaymentLink
from core.payments.queries import get_link
from core.web.captioned import QUIET, SMALLEST, captioned_png, captioned_svg
from core.web.filters import money
from core.web.guard import current, may
from portal.blueprint import portal
from portal.links import link_url


def _link(public_id: str) -> PaymentLink:
    me = current()
    return get_link(me.vendor, me.mode, public_id)


def _code(link: PaymentLink) -> segno.QRCode:
    return segno.make(f"{link_url(link)}?ref=code", error="m", micro=False)  # the report counts who scanned it


def _amount(link: PaymentLink) -> str:
    """What is to be paid, or nothing where the payer says how much."""
    return money(link.amount) if link.amount else ""


@portal.get("/portal/links/<public_id>/qr.svg")
@may("links.see")
def qr_svg(public_id: str) -> Response:
    """`?caption=yes`: with its title and amount."""
    link = _link(public_id)
    if "caption" in request.args:
        return _file(captioned_svg(_code(link), link.title, _amount(link)), "image/svg+xml", f"{public_id}-captioned.svg")
    return code_as(_code(link), "svg", public_id)


@portal.get("/portal/links/<public_id>/qr.png")
@may("links.see")
def qr_png(public_id: str) -> Response:
    """`?caption=yes`: with its title and amount."""
    link = _link(public_id)
    if "caption" in request.args:
        return _file(captioned_png(_code(link), link.title, _amount(link)), "image/png", f"{public_id}-captioned.png")
    return code_as(_code(link), "png", public_id)


def code_as(code: segno.QRCode, kind: str, name: str) -> Response:
    """The code as a file to look at or to print: svg or png."""
    out = io.BytesIO()
    if kind == "svg":
        code.save(out, kind="svg", border=QUIET, scale=8, dark="#000", light="#fff", xmldecl=False, title="Payment link")
        return _file(out.getvalue(), "image/svg+xml", f"{name}.svg")
    if kind != "png":
        raise NotFound
    width = code.symbol_size(scale=1, border=QUIET)[0]
    code.save(out, kind="png", border=QUIET, scale=-(-SMALLEST // width), dark="#000", light="#fff")
    return _file(out.getvalue(), "image/png", f"{name}.png")


def _file(drawn: bytes, kind: str, name: str) -> Response:
    response = make_response(drawn)
    response.content_type = kind
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response
