"""A logo is drawn anew: whatever is sent, what is kept is a small plain PNG, or nothing."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from core.accounts.logo import BOX, LARGEST_FILE, BadLogo, draw_logo

SECRET = b"<script>alert(1)</script>"


def file(kind: str = "PNG", size: tuple[int, int] = (300, 120), colour: Any = (200, 30, 60), mode: str = "RGB", **more: Any) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, colour).save(made, kind, **more)
    return made.getvalue()


def opened(png: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(png))
    found.load()
    return found


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(300, 120), (24, 24), (3000, 40), (40, 3000), (4000, 4000)])
def test_it_fits_its_box_and_is_a_png(kind: str, size: tuple[int, int]) -> None:
    made = draw_logo(file(kind, size))
    shown = opened(made.png)
    assert shown.format == "PNG" and shown.size == (made.width, made.height)
    assert shown.width <= BOX[0] and shown.height <= BOX[1] and len(made.png) < 80_000


def test_nothing_of_what_was_sent_is_in_what_is_served() -> None:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", SECRET.decode())
    sent = file(pnginfo=words) + SECRET
    assert SECRET in sent
    made = draw_logo(sent)
    assert SECRET not in made.png and b"tEXt" not in made.png and b"iCCP" not in made.png
    assert SECRET not in draw_logo(file("JPEG", comment=SECRET)).png


def test_the_same_picture_has_the_same_address() -> None:
    assert draw_logo(file()).digest == draw_logo(file()).digest != draw_logo(file(colour=(0, 0, 0))).digest


def test_what_is_transparent_becomes_paper_or_night_whichever_shows_the_drawing() -> None:
    dark, light = Image.new("RGBA", (200, 100)), Image.new("RGBA", (200, 100))
    dark.paste((10, 20, 30, 255), (60, 40, 140, 60))
    light.paste((250, 250, 250, 255), (60, 40, 140, 60))
    corners = []
    for drawing in (dark, light):
        sent = io.BytesIO()
        drawing.save(sent, "PNG")
        shown = opened(draw_logo(sent.getvalue()).png)
        assert shown.size[0] < 100 and "A" not in shown.convert("RGB").mode  # the empty margin is gone
        corners.append(shown.convert("RGB").getpixel((0, 0)))
    assert sum(corners[0]) > 740 and sum(corners[1]) < 60


def test_a_photograph_lying_on_its_side_is_put_upright() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    assert draw_logo(file("JPEG", (100, 50), exif=turned.tobytes())).height > draw_logo(file("JPEG", (100, 50))).height


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60000 points on each side."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + file()[33:]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "Choose a picture"),
        (b"\x00" * (LARGEST_FILE + 1), "512 kB"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "SVG"),
        (b'  <?xml version="1.0"?><svg/>', "SVG"),
        (b"GIF89a" + b"\x00" * 50, "Only pictures"),
        (b"%PDF-1.7", "Only pictures"),
        (file("GIF"), "Only pictures"),
        (file("BMP"), "Only pictures"),
        (file("TIFF"), "Only pictures"),
        (file()[:200], "damaged"),
        (file("JPEG")[:300], "damaged"),
        (file("WEBP")[:60], "damaged"),
        (file(size=(10, 200)), "larger one"),
        (bomb(), "smaller one"),
        (file(mode="RGBA", colour=(1, 2, 3, 0)), "transparent"),
    ],
)  # fmt: skip
def test_what_is_no_logo_is_refused_in_words(sent: bytes, words: str) -> None:
    with pytest.raises(BadLogo, match=words) as refused:
        draw_logo(sent)
    assert refused.value.field == "logo"
