"""PDFs that people send in: the pages are kept, written into a new file, and nothing of them that could act by itself."""

from __future__ import annotations

import io

from pypdf import PdfReader, PdfWriter, apply_configuration
from pypdf.generic import DictionaryObject, IndirectObject, StreamObject

from core.kernel.checked_file import LARGEST_UPLOAD, BadFile, Checked
from core.kernel.sentence import said

MOST_PAGES = 20
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


def check_pdf(data: bytes) -> Checked:
    """Raises BadFile for what cannot be read to its end, is locked, or is larger inside than it looks."""
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
