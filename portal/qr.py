"""A link's address as a QR code, drawn here, with the quiet zone that scanners need."""

from __future__ import annotations

import io

import segno
from flask import Response, make_response

from core.kernel.errors import NotFound
from core.payments.queries import get_link
from core.web.guard import current, may
from portal.blueprint import portal
from portal.links import link_url

QUIET = 4  # modules of white around the code, as the standard asks
SMALLEST_PNG = 1000  # pixels: sharp enough for a printed sign


def _code(public_id: str) -> segno.QRCode:
    me = current()
    address = link_url(get_link(me.vendor, me.mode, public_id))
    return segno.make(f"{address}?ref=code", error="m", micro=False)  # the report counts who scanned it


@portal.get("/portal/links/<public_id>/qr.svg")
@may("links.see")
def qr_svg(public_id: str) -> Response:
    return code_as(_code(public_id), "svg", public_id)


@portal.get("/portal/links/<public_id>/qr.png")
@may("links.see")
def qr_png(public_id: str) -> Response:
    return code_as(_code(public_id), "png", public_id)


def code_as(code: segno.QRCode, kind: str, name: str) -> Response:
    """The code as a file to look at or to print: svg or png."""
    out = io.BytesIO()
    if kind == "svg":
        code.save(out, kind="svg", border=QUIET, scale=8, dark="#000", light="#fff", xmldecl=False, title="Payment link")
        return _file(out, "image/svg+xml", f"{name}.svg")
    if kind != "png":
        raise NotFound
    width = code.symbol_size(scale=1, border=QUIET)[0]
    code.save(out, kind="png", border=QUIET, scale=-(-SMALLEST_PNG // width), dark="#000", light="#fff")
    return _file(out, "image/png", f"{name}.png")


def _file(out: io.BytesIO, kind: str, name: str) -> Response:
    response = make_response(out.getvalue())
    response.content_type = kind
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return response
