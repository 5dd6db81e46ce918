"""A file that somebody sent, after it was looked at; and the refusal of one."""

from __future__ import annotations

from dataclasses import dataclass

from core.kernel.errors import Refusal

LARGEST_UPLOAD = 5_000_000


class BadFile(Refusal):
    """This is no file that can be kept."""

    code = "bad_file"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="file")


@dataclass(frozen=True, slots=True)
class Checked:
    """A file as it is kept."""

    data: bytes
    media_type: str
    pages: int
