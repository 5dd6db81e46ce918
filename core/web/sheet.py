"""Hands a table on to the reader while PostgreSQL is still writing it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response


def send_sheet(pieces: Iterator[bytes], name: str) -> Response:
    """CSV as a file to keep. Nothing of it is held here; when the reader hangs up, the writing stops."""
    response = Response(pieces, content_type="text/csv; charset=utf-8; header=present", direct_passthrough=False)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["X-Accel-Buffering"] = "no"
    return response
