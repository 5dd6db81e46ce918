"""Pictures that are small on the way and large in the memory."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from core.accounts.logo import draw_logo
from core.directory.picture import BadPicture, draw_picture
from core.kernel import drawing
from core.kernel.checked_file import BadFile
from core.kernel.drawing import DrawingBusy, drawn_flat, has_too_many_points, one_at_a_time
from core.kernel.uploads import check_file


def saved(picture: Image.Image, kind: str, **more: object) -> bytes:
    made = io.BytesIO()
    picture.save(made, kind, **more)
    return made.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_six_kilobytes_that_hold_forty_nine_million_points_are_refused_unread() -> None:
    bomb = saved(Image.new("1", (7_000, 7_000)), "PNG", optimize=True)
    assert len(bomb) < 10_000
    with pytest.raises(BadFile, match="points"):
        check_file(bomb)
    with pytest.raises(BadPicture, match="points"):
        draw_picture(bomb)


@pytest.mark.parametrize(("progressive", "too_many"), [(False, False), (True, True)])
def test_a_photograph_may_have_more_points_where_it_is_unpacked_smaller(progressive: bool, too_many: bool) -> None:
    found = opened(saved(Image.new("L", (5_200, 5_000)), "JPEG", progressive=progressive))
    assert has_too_many_points(found) is too_many


def test_a_photograph_with_another_picture_behind_it_is_a_photograph() -> None:
    """As many telephones take them."""
    data = saved(Image.new("L", (5_200, 5_000)), "MPO", save_all=True, append_images=[Image.new("L", (50, 50))])
    found = opened(data)
    assert found.format == "MPO" and not has_too_many_points(found)
    drawn_flat(found, 300)
    assert found.size == (650, 625), "unpacked at an eighth of its size"


def test_however_many_are_sent_one_is_drawn_and_the_others_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "PATIENCE", 0.01)
    small = saved(Image.new("RGB", (300, 300), "red"), "PNG")
    with one_at_a_time("file"):
        for draw, field in ((check_file, "file"), (draw_picture, "picture"), (draw_logo, "logo")):
            with pytest.raises(DrawingBusy) as busy:
                draw(small)
            assert busy.value.field == field
    for draw in (check_file, draw_picture, draw_logo):
        assert draw(small), "whose turn has come is drawn"


def test_what_does_not_open_leaves_the_place_free() -> None:
    for _ in range(2):
        with pytest.raises(BadFile):
            check_file(b"\x89PNG\r\n\x1a\n")


def test_it_is_upright_and_on_white() -> None:
    notes = Image.Exif()
    notes[0x0112] = 6  # lies on its side
    drawn = drawn_flat(opened(saved(Image.new("RGB", (400, 200), "red"), "JPEG", exif=notes)), 300)
    assert drawn.size == (150, 300) and drawn.mode == "RGB" and not drawn.getexif()
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert drawn_flat(opened(saved(clear, "PNG")), 300).getpixel((5, 5)) == (255, 255, 255)
