"""A link's QR code with its title and amount below it: still a code that scans, in letters that any title has."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
import segno
from PIL import Image

from core.web.captioned import SMALLEST, captioned_png, captioned_svg
from tests.browser import Browser
from tests.factories import Shop, make_link

CODE = segno.make("https://pay.example/l/abcdefghijklmnopqrstuvwxyz?ref=code", error="m", micro=False)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


def texts(data: bytes) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(data).iter(f"{SVG}text")]


def test_both_files_come_with_title_and_amount_on_request_and_without_by_themselves(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, title="Rye & <seeds>", amount="25.00")
    page = owner.get(f"/portal/links/{link.public_id}")
    ways = [e.attrs["href"] for e in page.all("a") if "caption=yes" in e.attrs.get("href", "")]
    svg, png = (owner.client.get(way) for way in ways)
    assert (svg.content_type.split(";")[0], png.content_type) == ("image/svg+xml", "image/png")
    assert texts(svg.data) == ["Rye & <seeds>", "£25.00"]
    plain = drawn(owner.client.get(f"/portal/links/{link.public_id}/qr.png").data)
    with_words = drawn(png.data)
    assert with_words.width == plain.width and with_words.height > plain.height
    assert with_words.crop((0, 0, plain.width, plain.height)).tobytes() == plain.tobytes(), "the code itself is the same, point by point"
    below = with_words.crop((0, plain.height, plain.width, with_words.height))
    assert below.getextrema() == (0, 255)


def test_where_the_payer_says_how_much_there_is_only_the_title(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, title="A gift", amount=None)
    assert texts(owner.client.get(f"/portal/links/{link.public_id}/qr.svg?caption=yes").data) == ["A gift"]


@pytest.mark.parametrize("title", ["دورة خبز", "Żółć", "W" * 120, "many words " * 10, "🙂", "x"])
def test_any_title_is_drawn_inside_the_picture(title: str) -> None:
    picture = drawn(captioned_png(CODE, title, "JPY 2,500"))
    assert picture.width >= SMALLEST
    edges = [picture.crop((0, 0, 8, picture.height)), picture.crop((picture.width - 8, 0, picture.width, picture.height))]
    assert all(edge.getextrema() == (255, 255) for edge in edges), "nothing touches the edge"
    lines = texts(captioned_svg(CODE, title, "JPY 2,500"))
    assert lines[-1] == "JPY 2,500" and len(lines) <= 4 and all(lines)
