"""Pictures that people send in, unpacked with an eye on the memory: a few kilobytes may hold fifty million points."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.kernel.errors import Conflict

if TYPE_CHECKING:
    from PIL import Image  # what draws is loaded with the first picture

MOST_POINTS = 50_000_000  # of a photograph that is unpacked at a half, a quarter or an eighth of its size
MOST_WHOLE = 25_000_000  # of any other, which fills the memory with all of its points
PATIENCE = 5  # seconds
PHOTOGRAPHS = ("JPEG", "MPO")  # many telephones put a second picture behind the first, and then it is called MPO
_place = threading.Lock()


class DrawingBusy(Conflict):
    """Others are drawn already."""

    code = "drawing_busy"


@contextmanager
def one_at_a_time(field: str) -> Iterator[None]:
    """In one process one picture is unpacked at a time: however many are sent in at once, they take the memory of one. Refuses DrawingBusy
    at the `field` after a few seconds, so that whoever sends a hundred does not hold a hundred threads."""
    if not _place.acquire(timeout=PATIENCE):
        raise DrawingBusy("Several pictures are being read at this moment. Please try again in a minute.", field=field)
    try:
        yield
    finally:
        _place.release()


def has_too_many_points(found: Image.Image) -> bool:
    """By its head, before anything is unpacked."""
    in_parts = found.format in PHOTOGRAPHS and not found.info.get("progressive")  # a progressive one is held whole while it is read
    return found.width * found.height > (MOST_POINTS if in_parts else MOST_WHOLE)


def drawn_flat(found: Image.Image, longest: int) -> Image.Image:
    """An opened picture as points alone: upright, on white where it is transparent, and on its longer side no longer than this."""
    from PIL import Image, ImageOps

    if found.format in PHOTOGRAPHS:
        found.draft("RGB", (longest * 2, longest * 2))
    ImageOps.exif_transpose(found, in_place=True)
    clear = found.has_transparency_data
    picture = found.convert("RGBA" if clear else "RGB")
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    if not clear:
        return picture
    ground = Image.new("RGB", picture.size, (255, 255, 255))
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground
