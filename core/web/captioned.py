"""A QR code with what it is for below it: a title and an amount, drawn into the picture itself, so that they go wherever it is put."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import segno

if TYPE_CHECKING:
    from PIL import ImageFont  # what draws is loaded with the first picture

FONTS = Path(__file__).resolve().parents[2] / "static" / "fonts"
# The first that draws all of a line draws it. The last is the system's, for what neither of ours holds; where it is missing, ours must do.
NAMES = (str(FONTS / "inter-paper-600.woff2"), str(FONTS / "noto-sans-arabic-700.woff2"), "DroidSansFallbackFull.ttf")
MOST_LINES = 3  # of the title; what is longer ends in an ellipsis
SMALLEST = 1000  # pixels: sharp enough for a printed sign
QUIET = 4  # modules of white around the code, as the standard asks


def captioned_png(code: segno.QRCode, title: str, amount: str) -> bytes:
    """The code in black on white with its caption, at least SMALLEST pixels wide."""
    from PIL import Image, ImageDraw

    out, modules = io.BytesIO(), code.symbol_size(scale=1, border=QUIET)[0]
    scale = -(-SMALLEST // modules)
    code.save(out, kind="png", border=QUIET, scale=scale, dark="#000", light="#fff")
    drawn = Image.open(out).convert("L")
    wide, size = drawn.width, drawn.width // 18
    lines = _lines(title, amount, size, wide - 2 * QUIET * scale)
    sheet = Image.new("L", (wide, drawn.height + _height(lines, size)), 255)
    sheet.paste(drawn, (0, 0))
    pen, y = ImageDraw.Draw(sheet), drawn.height
    for line in lines:
        pen.text((wide // 2, y + size), line, fill=0, font=_font(line, size), anchor="ms")
        y += _step(size)
    made = io.BytesIO()
    sheet.save(made, "PNG", optimize=True)
    return made.getvalue()


def captioned_svg(code: segno.QRCode, title: str, amount: str) -> bytes:
    """The same as a drawing that can be made as large as one likes. Its letters are text: whoever shows it chooses the font."""
    scale = 8
    wide = code.symbol_size(scale=scale, border=QUIET)[0]
    size = wide // 18
    lines = _lines(title, amount, size, wide - 2 * QUIET * scale)
    high = wide + _height(lines, size)
    inside = code.svg_inline(border=QUIET, scale=scale, dark="#000", light="#fff", lineclass=None, svgclass=None)
    words = "".join(
        f'<text x="{wide // 2}" y="{wide + size + number * _step(size)}" font-size="{size}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"><title>{escape(title)}</title>'
    )
    text = f'<g font-family="Inter, Helvetica, Arial, sans-serif" font-weight="600" text-anchor="middle" fill="#000">{words}</g>'
    return f'{head}<rect width="{wide}" height="{high}" fill="#fff"/>{inside}{text}</svg>\n'.encode()


def _lines(title: str, amount: str, size: int, room: int) -> list[str]:
    """The title in as many lines as it needs, up to MOST_LINES, and the amount."""
    lines, words = [""], title.split()
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or _font(longer, size).getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = [_cut(line, size, room) for line in lines[:MOST_LINES] if line]
    if len(lines) > MOST_LINES:
        kept[-1] = _cut(f"{kept[-1]} …", size, room)
    return [*kept, *([amount] if amount else [])]


def _cut(line: str, size: int, room: int) -> str:
    """As much of a line as there is room for: a word may be longer than the sign is wide."""
    if _font(line, size).getlength(line) <= room:
        return line
    short = line.removesuffix(" …")
    while short and _font(line, size).getlength(f"{short}…") > room:
        short = short[:-1]
    return f"{short.rstrip()}…"


def _step(size: int) -> int:
    return size * 4 // 3


def _height(lines: Sequence[str], size: int) -> int:
    return len(lines) * _step(size) + size


def _font(line: str, size: int) -> ImageFont.FreeTypeFont:
    fonts = _fonts(size)
    return next((font for font in fonts if _draws(font, line)), fonts[0])


@cache
def _fonts(size: int) -> list[ImageFont.FreeTypeFont]:
    from PIL import ImageFont

    found = []
    for name in NAMES:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return found


def _draws(font: ImageFont.FreeTypeFont, line: str) -> bool:
    """Whether it has a sign of its own for each letter, and not the box that stands for what is missing."""
    nothing = bytes(font.getmask("\uffff"))
    return all(bytes(font.getmask(letter)) != nothing for letter in set(line) if not letter.isspace())
