"""Hands a table on to the reader while PostgreSQL is still writing it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from core.kernel.workbook import Workbook

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def send_sheet(pieces: Iterator[bytes], name: str) -> Response:
    """CSV as a file to keep. Nothing of it is held here; when the reader hangs up, the writing stops."""
    response = Response(pieces, content_type="text/csv; charset=utf-8; header=present", direct_passthrough=False)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["X-Accel-Buffering"] = "no"
    return response


def send_workbook(pieces: Iterator[bytes], name: str, *, title: str) -> Response:
    """The same table for a spreadsheet program, every cell with its kind; written while it is sent, like the other."""
    response = Response(Workbook(pieces, title=title), content_type=WORKBOOK, direct_passthrough=False)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    response.headers["X-Accel-Buffering"] = "no"
    return response
