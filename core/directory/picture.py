"""A photograph somebody sends, drawn anew: only the look of it is kept, as WebP, never a byte of the file and nothing that it tells
beside the picture (where it was taken, with what, by whom)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.kernel.drawing import drawn_flat, has_too_many_points, one_at_a_time
from core.kernel.errors import Refusal
from core.kernel.sentence import said

if TYPE_CHECKING:
    from PIL import Image  # what draws is loaded with the first picture

KINDS = ("PNG", "JPEG", "WEBP")
LARGEST_FILE = 10 * 1024 * 1024
SMALLEST_SIDE = 200
LONGEST_SIDE = 1600
WIDTHS = (320, 640, 1280)
QUALITY = 82


class BadPicture(Refusal):
    """This cannot be shown."""

    code = "bad_picture"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="picture")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it is kept."""

    webp: bytes
    width: int
    height: int


def draw_picture(data: bytes) -> Drawn:
    """The picture as a WebP of ours, 1600 points on its longer side at most. Refuses what is no photograph, too heavy or too small.

    Its size is read from its head and checked before anything is unpacked, so a small file that would fill the memory is refused unread.
    """
    if not data:
        raise BadPicture("Choose a picture first.")
    if len(data) > LARGEST_FILE:
        raise BadPicture("This file is larger than 10 MB. Choose a smaller one.")
    if data.lstrip().startswith(b"<"):
        raise BadPicture("Drawings in SVG are not taken, because they can carry programs. Save it as a PNG and send that.")
    with one_at_a_time("picture"):
        return _as_webp(_opened(data))


def narrower(webp: bytes, width: int) -> Drawn:
    """One of our own pictures, this wide."""
    from PIL import Image

    with Image.open(io.BytesIO(webp), formats=("WEBP",)) as whole:
        height = max(1, whole.height * width // whole.width)
        return _as_webp(whole.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))


def _opened(data: bytes) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=KINDS) as found:
            width, height = found.size
            if has_too_many_points(found):
                raise BadPicture(said("This picture has %(width)s × %(height)s points. Choose a smaller one.", width=width, height=height))
            if min(width, height) < SMALLEST_SIDE:
                raise BadPicture(
                    said(
                        "This picture has %(width)s × %(height)s points. Choose a larger one, so that it is sharp.",
                        width=width,
                        height=height,
                    )
                )
            return drawn_flat(found, LONGEST_SIDE)
    except BadPicture:
        raise
    except UnidentifiedImageError:
        raise BadPicture("Only pictures in PNG, JPEG or WebP are taken. Save it as one of these and send that.") from None
    except Image.DecompressionBombError:
        raise BadPicture("This picture has too many points. Choose a smaller one.") from None
    except Exception:  # whatever a decoder, or a reader of notes, trips over
        raise BadPicture("This picture is damaged: it cannot be read to its end. Save it anew and send that.") from None


def _as_webp(picture: Image.Image) -> Drawn:
    """A new image has no notes: neither EXIF nor a colour profile goes along."""
    from PIL import Image

    made = io.BytesIO()
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    clean.save(made, "WEBP", quality=QUALITY, method=4)
    return Drawn(made.getvalue(), *picture.size)
