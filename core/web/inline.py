"""The payer's style sheet inside the page itself, so that the first journey brings all that is needed to see it.

On the wire only the sheet is compressed, once, when the process starts. What stands around it (names, tokens) is sent as it is, in
stored blocks of the same gzip stream: nothing that a stranger may have chosen is ever compressed together with a secret, so the
length of an answer tells nothing (the attack is called BREACH).
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from flask import Flask, Response, request
from markupsafe import Markup

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # gzip, deflate, no name, no time (RFC 1952)
_BESIDE = re.compile(r"url\((['\"]?)\.\./")  # as the sheet names its fonts, from its own folder


class Sheet:
    """One sheet, as text for the page and compressed for the wire."""

    def __init__(self, text: str, static_path: str) -> None:
        text = _BESIDE.sub(rf"url(\1{static_path}/", text)
        if "</" in text:
            raise ValueError("a sheet inside a page cannot close its own element")
        self.markup, self.bytes = Markup(text), text.encode()
        self._packed = _deflated(self.bytes, 9)

    def pack(self, body: bytes) -> bytes | None:
        """The page as a gzip stream; None for a page without this sheet."""
        before, sheet, after = body.partition(self.bytes)
        if not sheet:
            return None
        end = zlib.compressobj(0, zlib.DEFLATED, -zlib.MAX_WBITS)
        tail = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)
        return b"".join((_HEAD, _deflated(before, 0), self._packed, end.compress(after), end.flush(), tail))


def _deflated(text: bytes, level: int) -> bytes:
    """A piece of a deflate stream that refers to nothing before it and ends on a whole byte, so that another may follow."""
    made = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return made.compress(text) + made.flush(zlib.Z_FULL_FLUSH)


def install(app: Flask, file: Path) -> None:
    """Gives templates `inline_sheet`, which is None where there is no joined sheet, and packs the pages that hold it."""
    sheet = Sheet(file.read_text(), app.static_url_path or "/static") if file.is_file() and not app.debug else None
    app.jinja_env.globals["inline_sheet"] = sheet.markup if sheet else None
    if sheet is None:
        return

    def pack(response: Response) -> Response:
        if response.mimetype != "text/html" or not response.is_sequence or "Content-Encoding" in response.headers:
            return response
        if "gzip" not in request.accept_encodings or (packed := sheet.pack(response.get_data())) is None:
            return response
        response.set_data(packed)
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
        return response

    app.after_request(pack)
