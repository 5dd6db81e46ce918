"""Hands a table on to the reader while PostgreSQL is still writing it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from core.kernel.headings import HEADINGS
from core.kernel.workbook import FIGURES, Workbook
from core.web.reader import Reader, written_for

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def titles_for(language: str) -> dict[str, str]:
    """What a reader of this language calls the columns. English keeps the short names, which programs read by."""
    if language == "en":
        return {}
    who = Reader(language)
    return {name: written_for(who, sentence) for name, sentence in HEADINGS.items()}


def send_sheet(pieces: Iterator[bytes], name: str) -> Response:
    """CSV as a file to keep. Nothing of it is held here; when the reader hangs up, the writing stops."""
    response = Response(pieces, content_type="text/csv; charset=utf-8; header=present", direct_passthrough=False)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["X-Accel-Buffering"] = "no"
    return response


def send_workbook(pieces: Iterator[bytes], name: str, *, title: str, titles: dict[str, str] | None = None) -> Response:
    """The same table for a spreadsheet program, every cell with its kind; written while it is sent, like the other."""
    figures = frozenset((titles or {}).get(name, name) for name in FIGURES)
    response = Response(Workbook(pieces, title=title, figures=figures), content_type=WORKBOOK, direct_passthrough=False)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    response.headers["X-Accel-Buffering"] = "no"
    return response
