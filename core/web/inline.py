"""The payer's style sheet inside the page itself, so that the first journey brings all that is needed to see it.

On the wire only the sheet is compressed, once, when the process starts. What stands around it (names, tokens) is sent as it is, in
stored blocks of the same gzip stream: nothing that a stranger may have chosen is ever compressed together with a secret, so the
length of an answer tells nothing (the attack is called BREACH).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response
from markupsafe import Markup
from werkzeug.http import parse_accept_header

from core.web.this_request import asked

_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # gzip, deflate, no name, no time (RFC 1952)
BLOCK = 0xFFFF
START = 200  # bytes of the sheet that nothing else on a page begins with
_BESIDE = re.compile(r"url\((['\"]?)\.\./")  # as a sheet names pictures and fonts, from its own folder


class Sheet:
    """One sheet, as text for the page and compressed for the wire."""

    def __init__(self, text: str, static_path: str) -> None:
        text = _BESIDE.sub(rf"url(\1{static_path}/", text)
        if "</" in text:
            raise ValueError("a sheet inside a page cannot close its own element")
        self.markup, self.bytes = Markup(text), text.encode()
        self._start, self._packed = self.bytes[:START], _deflated(self.bytes, 9)

    def pack(self, body: bytes) -> bytes | None:
        """The page as a gzip stream; None for a page without this sheet."""
        begins = body.find(self._start)  # to look for all of it takes ten times as long as to compare all of it
        ends = begins + len(self.bytes)
        if begins < 0 or body[begins:ends] != self.bytes:
            return None
        before, after = body[:begins], body[ends:]
        tail = struct.pack("<II", zlib.crc32(body), len(body) & 0xFFFFFFFF)
        return b"".join((_HEAD, *_stored(before), self._packed, *_stored(after, last=True), tail))


def _deflated(text: bytes, level: int) -> bytes:
    """A piece of a deflate stream that refers to nothing before it and ends on a whole byte, so that another may follow."""
    made = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return made.compress(text) + made.flush(zlib.Z_FULL_FLUSH)


def _stored(text: bytes, *, last: bool = False) -> Iterator[bytes]:
    """The text as it is, in the blocks that deflate has for that (RFC 1951, 3.2.4). zlib would set up a quarter of a megabyte for it."""
    ends = range(BLOCK, len(text) + BLOCK, BLOCK) if text else (0,)
    for end in ends:
        piece = text[max(0, end - BLOCK) : end]
        yield struct.pack("<BHH", last and end >= len(text), len(piece), len(piece) ^ 0xFFFF)
        yield piece


@lru_cache(256)
def _takes_gzip(said: str) -> bool:
    return "gzip" in parse_accept_header(said)


def install(app: Flask, file: Path) -> None:
    """Gives templates `inline_sheet`, which is None where there is no joined sheet, and packs the pages that hold it."""
    sheet = Sheet(file.read_text(), app.static_url_path or "/static") if file.is_file() and not app.debug else None
    app.jinja_env.globals["inline_sheet"] = sheet.markup if sheet else None
    if sheet is None:
        return

    def pack(response: Response) -> Response:
        if not _takes_gzip(asked().environ.get("HTTP_ACCEPT_ENCODING", "")[:200]) or response.mimetype != "text/html":
            return response
        if not response.is_sequence or "Content-Encoding" in response.headers or (packed := sheet.pack(response.get_data())) is None:
            return response
        response.set_data(packed)
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
        return response

    app.after_request(pack)
