"""Files that people send in: opened, checked and drawn anew before they are kept. PDF, PNG and JPEG, and nothing in them that could act by itself."""

from __future__ import annotations

import io
from dataclasses import dataclass

from pypdf import PdfReader, PdfWriter, apply_configuration
from pypdf.generic import DictionaryObject, IndirectObject, StreamObject

from core.kernel.errors import Refusal
from core.kernel.sentence import said

LARGEST_UPLOAD = 5_000_000
MOST_PAGES = 20
MOST_PIXELS, LONGEST_SIDE, SMALLEST_SIDE, QUALITY = 50_000_000, 2000, 40, 85
PICTURES = {"PNG", "JPEG"}
LARGEST_STREAM, MOST_UNPACKED = 8_000_000, 24_000_000  # of a PDF's own structure; what is drawn is never unpacked here
# What a page is made of. Whatever else hangs on one can carry files, notes and scripts along.
OF_A_PAGE = {
    "/Type",
    "/Parent",
    "/MediaBox",
    "/CropBox",
    "/BleedBox",
    "/TrimBox",
    "/ArtBox",
    "/Rotate",
    "/UserUnit",
    "/Resources",
    "/Contents",
    "/Group",
}
# Below it these are never drawn, and of a picture or a form these entries carry something along or fetch it from elsewhere.
NOT_DRAWN = {"/Filespec", "/EmbeddedFile", "/Action", "/Annot"}
BESIDE = ("/AF", "/AA", "/F", "/FFilter", "/FDecodeParms", "/OPI", "/Ref", "/Alternates", "/PieceInfo", "/Metadata")


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


def check_file(data: bytes) -> Checked:
    """A PDF, PNG or JPEG that opens. Pictures are drawn anew; of a PDF the pages are kept, and nothing that could act by itself."""
    if not data:
        raise BadFile("Choose a file first.")
    if len(data) > LARGEST_UPLOAD:
        raise BadFile(said("This file is larger than %(most)s MB. Choose a smaller one.", most=LARGEST_UPLOAD // 1_000_000))
    return _pdf(data) if data[:1024].lstrip().startswith(b"%PDF-") else _picture(data)


def _pdf(data: bytes) -> Checked:
    try:
        with apply_configuration(
            zlib_maximum_output_length=LARGEST_STREAM, lzw_maximum_output_length=LARGEST_STREAM, run_length_maximum_output_length=LARGEST_STREAM,
            page_tree_maximum_entries=1000,
        ):  # fmt: skip
            made, count = _pages_anew(PdfReader(io.BytesIO(data)))
    except BadFile:
        raise
    except Exception:  # whatever a reader of strangers' files trips over
        raise BadFile("This PDF is damaged: it cannot be read to its end. Save it anew and send that.") from None
    if made.tell() > LARGEST_UPLOAD:
        raise BadFile(said("This file is larger than %(most)s MB. Choose a smaller one.", most=LARGEST_UPLOAD // 1_000_000))
    return Checked(made.getvalue(), "application/pdf", count)


def _pages_anew(read: PdfReader) -> tuple[io.BytesIO, int]:
    """The pages alone, written into a new file."""
    if read.is_encrypted:
        raise BadFile("This PDF is locked with a password. Save it without one and send that.")
    _check_unpacked(read)
    count = len(read.pages)
    if not 1 <= count <= MOST_PAGES:
        raise BadFile(said("This PDF has %(pages)s pages; %(most)s at most are read.", pages=count, most=MOST_PAGES))
    written = PdfWriter()
    for page in read.pages:
        _keep_what_is_drawn(page)
        written.add_page(page)
    made = io.BytesIO()
    written.write(made)
    return made, count


def _check_unpacked(read: PdfReader) -> None:
    """Objects may be packed into streams, and a stream of a kilobyte may unpack to megabytes: all of them together have a limit."""
    unpacked = 0
    for number in {stream for stream, _place in read.xref_objStm.values()}:
        packed = IndirectObject(number, 0, read).get_object()
        unpacked += len(packed.get_data()) if isinstance(packed, StreamObject) else 0
        if unpacked > MOST_UNPACKED:
            raise BadFile("This PDF is far larger inside than it looks. Print it to a PDF anew and send that.")


def _keep_what_is_drawn(page: DictionaryObject) -> None:
    """Take off a page whatever could carry something along that nobody sees on it."""
    for name in set(page) - OF_A_PAGE:
        page.pop(name)
    reached: list[object] = [value for name, value in dict.items(page) if name != "/Parent"]
    seen: set[int] = set()
    while reached:
        one = _resolved(reached.pop())
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, DictionaryObject):
            for name, value in list(dict.items(one)):
                if (isinstance(one, StreamObject) and name in BESIDE) or _kind(_resolved(value)) in NOT_DRAWN:
                    one.pop(name)
            reached.extend(dict.values(one))
        elif isinstance(one, list):
            reached.extend(one)


def _resolved(value: object) -> object:
    return value.get_object() if isinstance(value, IndirectObject) else value


def _kind(value: object) -> object:
    return _resolved(dict.get(value, "/Type")) if isinstance(value, DictionaryObject) else None


def _picture(data: bytes) -> Checked:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=tuple(PICTURES)) as found:
            width, height = found.size
            if width * height > MOST_PIXELS or min(width, height) < SMALLEST_SIDE:
                raise BadFile(said("This picture has %(width)s × %(height)s points. Choose another one.", width=width, height=height))
            if found.format == "JPEG":
                found.draft("RGB", (LONGEST_SIDE * 2, LONGEST_SIDE * 2))
            upright = ImageOps.exif_transpose(found).convert("RGBA")
        ground = Image.new("RGB", upright.size, (255, 255, 255))
        ground.paste(upright, mask=upright.getchannel("A"))
        ground.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
        made = io.BytesIO()
        ground.save(made, "JPEG", quality=QUALITY)
    except BadFile:
        raise
    except UnidentifiedImageError:
        raise BadFile("Only PDF, PNG and JPEG are taken. Save it as one of these and send that.") from None
    except Exception:
        raise BadFile("This picture is damaged: it cannot be read to its end. Save it anew and send that.") from None
    return Checked(made.getvalue(), "image/jpeg", 1)


def file_name(name: str, media_type: str) -> str:
    """What a person called it, with the ending that it has now."""
    stem = "".join(sign for sign in name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1].rsplit(".", 1)[0] if sign.isprintable()).strip()
    return f"{stem[:100] or 'file'}.{'pdf' if media_type == 'application/pdf' else 'jpg'}"
