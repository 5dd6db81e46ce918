"""A picture somebody sends as their logo, drawn anew: of what was sent only the look of it is kept, never a byte.

What comes in may be anything, so it is opened by three named decoders only, looked at before it is unpacked, and comes out as a
small PNG without transparency, text or colour profile: it can be shown on light and dark pages, on paper and in a letter.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

from PIL import Image, ImageOps, ImageStat, UnidentifiedImageError

from core.kernel.drawing import one_at_a_time
from core.kernel.errors import Refusal

KINDS = ("PNG", "JPEG", "WEBP")
LARGEST_FILE = 512 * 1024
MOST_PIXELS = 16_000_000
SMALLEST_SIDE = 24
BOX = (480, 144)  # shown at a third of it, so that it is sharp on a phone
PAPER, NIGHT = (255, 255, 255), (12, 17, 16)  # what shines through where a picture is transparent
LIGHT = 200  # a picture whose own colours are lighter than this would be lost on white


class BadLogo(Refusal):
    """This cannot be anybody's logo."""

    code = "bad_logo"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="logo")


@dataclass(frozen=True, slots=True)
class Picture:
    """The logo as it will be shown."""

    png: bytes
    width: int
    height: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.png).hexdigest()[:32]


def draw_logo(data: bytes) -> Picture:
    """The picture as a PNG of ours that fits into 480×144. Refuses what is no PNG, JPEG or WebP, too heavy, too large or too small."""
    if not data:
        raise BadLogo("Choose a picture first.")
    if len(data) > LARGEST_FILE:
        raise BadLogo(f"This file has {len(data) // 1024} kB. Choose one of 512 kB at most.")
    if data.lstrip().startswith(b"<"):
        raise BadLogo("Drawings in SVG are not taken, because they can carry programs. Save it as a PNG and send that.")
    with one_at_a_time("logo"):
        drawn = _on_its_ground(_opened(data))
        drawn.thumbnail(BOX, Image.Resampling.LANCZOS)
        return Picture(_as_png(drawn), *drawn.size)


def _opened(data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data), formats=KINDS) as found:
            width, height = found.size
            if width * height > MOST_PIXELS:
                raise BadLogo(f"This picture has {width} × {height} points. Choose a smaller one.")
            if min(width, height) < SMALLEST_SIDE:
                raise BadLogo(f"This picture has {width} × {height} points. Choose a larger one, so that it is sharp.")
            if found.format == "JPEG":
                found.draft("RGB", (BOX[0] * 2, BOX[1] * 2))
            return ImageOps.exif_transpose(found).convert("RGBA")
    except BadLogo:
        raise
    except UnidentifiedImageError:
        raise BadLogo("Only pictures in PNG, JPEG or WebP are taken. Save it as one of these and send that.") from None
    except Image.DecompressionBombError:
        raise BadLogo("This picture has too many points. Choose a smaller one.") from None
    except Exception:  # whatever a decoder, or a reader of notes, trips over
        raise BadLogo("This picture is damaged: it cannot be read to its end. Save it anew and send that.") from None


def _on_its_ground(picture: Image.Image) -> Image.Image:
    """Without the empty margin and without transparency: on white, or on near-black when the picture itself is as good as white."""
    seen = picture.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0)
    box = seen.getbbox()
    if box is None:
        raise BadLogo("There is nothing to see in this picture: all of it is transparent.")
    margin = 0 if picture.getchannel("A").getextrema()[0] == 255 else max(picture.size) // 40
    picture = picture.crop(box)
    shown = picture.getchannel("A").point(lambda alpha: 255 if alpha > 127 else 0)
    own = ImageStat.Stat(picture.convert("L"), shown).mean[0] if shown.getbbox() else 0
    ground = Image.new("RGB", (picture.width + 2 * margin, picture.height + 2 * margin), NIGHT if margin and own > LIGHT else PAPER)
    ground.paste(picture, (margin, margin), picture)
    return ground


def _as_png(picture: Image.Image) -> bytes:
    """Few colours where the picture has few, and never more than 256: an address of ours sends some tens of kilobytes at most."""
    made = io.BytesIO()
    picture.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(made, "PNG", optimize=True)
    return made.getvalue()
