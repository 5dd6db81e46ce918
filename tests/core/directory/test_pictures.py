"""Pictures: what is taken, what is refused unread, that nothing but the look of it is kept, and that a worker makes the sizes once."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from flask import Flask
from PIL import Image

from core.accounts.logo import BadLogo, draw_logo
from core.directory.images import (
    MOST,
    TooMany,
    count_hidden,
    describe_image,
    find_file,
    get_image,
    keep_sizes,
    list_images,
    move_image,
    remove_image,
    shown_images,
    widths_of,
)
from core.directory.listings import BadListing
from core.directory.picture import LARGEST_FILE, LONGEST_SIDE, BadPicture, draw_picture, narrower
from core.directory.public import is_public_image
from core.directory.standing import find_standing, set_picture_limit, set_visible
from tests.core.directory.stalls import live_shop, make_image, make_listing, photograph
from tests.factories import Shop, again, unit


@pytest.fixture
def shop(app: Flask) -> Shop:
    return live_shop(app)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few dozen bytes that says it has so many points."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_is_drawn_anew_without_its_notes(kind: str) -> None:
    sent = photograph(size=(2400, 1200), kind=kind, exif=True)
    assert b"secret note" in sent
    drawn = draw_picture(sent)
    with Image.open(io.BytesIO(drawn.webp)) as kept:
        assert kept.format == "WEBP" and not kept.getexif() and "icc_profile" not in kept.info
        assert kept.size == (drawn.width, drawn.height) == (LONGEST_SIDE, 800)
    assert b"secret note" not in drawn.webp and b"EXIF" not in drawn.webp


def test_a_picture_taken_sideways_stands_upright() -> None:
    notes, made = Image.Exif(), io.BytesIO()
    notes[0x0112] = 6
    Image.new("RGB", (800, 400)).save(made, "JPEG", exif=notes)
    drawn = draw_picture(made.getvalue())
    assert (drawn.width, drawn.height) == (400, 800)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "Choose"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"GIF89a" + b"\0" * 50, "Only pictures"),
        (b"%PDF-1.7", "Only pictures"),
        (photograph()[:400], "damaged"),
        (photograph(size=(199, 900)), "larger one"),
        (bomb(9_000, 9_000), "smaller one"),
        (bomb(60_000, 60_000), "smaller|too many"),
        (b"\0" * (LARGEST_FILE + 1), "10 MB"),
    ],
    ids=["nothing", "svg", "gif", "pdf", "cut short", "small", "bomb", "huge bomb", "heavy"],
)
def test_what_is_no_photograph_is_refused(sent: bytes, words: str) -> None:
    with pytest.raises(BadPicture, match=words) as refused:
        draw_picture(sent)
    assert refused.value.field == "picture"


def photograph_with_notes() -> bytes:
    notes, made = Image.Exif(), io.BytesIO()
    notes[0x0112], notes[0x010E] = 6, "n"
    notes.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (220, 210)).save(made, "JPEG", exif=notes)
    return made.getvalue()


@pytest.mark.parametrize(("place", "byte"), [(17, 0), (59, 0), (59, 2)], ids=["no text", "no number", "no count"])
def test_notes_that_cannot_be_read_are_no_fault_of_ours(place: int, byte: int) -> None:
    """A picture that lies sideways is turned, and its notes written anew: what stands in them may be of another kind than it says."""
    sent = bytearray(photograph_with_notes())
    sent[sent.index(b"Exif") + place] = byte
    with pytest.raises(BadPicture, match="damaged"):
        draw_picture(bytes(sent))
    with pytest.raises(BadLogo, match="damaged"):
        draw_logo(bytes(sent))


def test_a_narrower_one_keeps_its_shape() -> None:
    assert (narrower(draw_picture(photograph()).webp, 320).width, narrower(draw_picture(photograph()).webp, 320).height) == (320, 213)


def test_a_worker_makes_the_sizes_once(shop: Shop, work: Callable[[], int]) -> None:
    listing = make_listing(shop)
    image = make_image(shop, listing)
    with unit(shop.app):
        assert find_file(image.public_id, 320) == find_file(image.public_id, 900)  # until then the picture itself is shown
    work()
    with unit(shop.app):
        assert again(image).state == "ready"
        assert widths_of(list_images(again(listing))) == {image.id: [320, 640, 900]}
        small = find_file(image.public_id, 320)
        assert small and len(small) < len(find_file(image.public_id, 900) or b"")
        before = find_standing(shop.vendor.id, "live").version  # type: ignore[union-attr]
        keep_sizes(shop.vendor.id, "live", image.id, [])
        assert find_standing(shop.vendor.id, "live").version == before  # type: ignore[union-attr]


def test_a_picture_taken_away_meanwhile_troubles_no_worker(shop: Shop, work: Callable[[], int]) -> None:
    listing = make_listing(shop)
    image = make_image(shop, listing)
    with unit(shop.app):
        remove_image(again(listing), again(image), by="x")
    work()
    with unit(shop.app):
        assert list_images(again(listing)) == [] and find_file(image.public_id, 900) is None


def test_they_stand_in_an_order_that_can_be_changed(shop: Shop) -> None:
    listing = make_listing(shop)
    one, two, three = (make_image(shop, listing, alt=f"Number {n}") for n in range(3))
    with unit(shop.app):
        move_image(again(listing), again(three), by="x", up=True)
        move_image(again(listing), again(one), by="x", up=True)  # the first stays first
        assert [i.id for i in list_images(again(listing))] == [one.id, three.id, two.id]
        describe_image(again(listing), again(two), by="x", alt="  The   oven ")
        assert get_image(again(listing), two.public_id).alt == "The oven"
        with pytest.raises(BadListing) as refused:
            describe_image(again(listing), again(two), by="x", alt=" ")
        assert refused.value.field == "alt"


def test_there_are_so_many_and_no_more(shop: Shop) -> None:
    listing = make_listing(shop)
    for _ in range(MOST):
        make_image(shop, listing)
    with pytest.raises(TooMany):
        make_image(shop, listing)


def test_a_hidden_vendors_picture_is_not_public(shop: Shop) -> None:
    listing = make_listing(shop)
    image = make_image(shop, listing)
    with unit(shop.app):
        assert is_public_image(image.public_id)
        set_visible(shop.vendor, "live", visible=False, reason="suspended", by="system")
        assert not is_public_image(image.public_id) and not is_public_image("img_nothing")


def test_a_plan_shows_so_many_and_what_is_beyond_is_kept(shop: Shop) -> None:
    listing = make_listing(shop)
    one, two, three = (make_image(shop, listing, alt=f"Number {n}") for n in range(3))
    with unit(shop.app):
        set_picture_limit(shop.vendor, "live", 2, by="system")
        assert [image.id for image in shown_images(again(listing))] == [one.id, two.id]
        assert [is_public_image(image.public_id) for image in (one, two, three)] == [True, True, False]
        assert (count_hidden(shop.vendor, "live", 2), count_hidden(shop.vendor, "live", 1), count_hidden(shop.vendor, "live", None)) == (
            1,
            2,
            0,
        )
    with pytest.raises(TooMany) as refused:
        make_image(shop, listing)
    assert "Your plan shows 2 pictures" in refused.value.message and refused.value.field == "picture"
    with unit(shop.app):
        move_image(again(listing), again(three), by="x", up=True)  # the vendor says which are worth it
        assert [is_public_image(image.public_id) for image in (one, two, three)] == [True, False, True]
    with unit(shop.app):
        set_picture_limit(shop.vendor, "live", None, by="system")
        assert len(shown_images(again(listing))) == 3 and is_public_image(two.public_id)
