"""Files that mean harm: packed so that they burst, with something hidden beside the page, or with a page tree without an end."""

from __future__ import annotations

import io
import zlib

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from core.kernel.checked_file import BadFile
from core.kernel.pdf_uploads import MOST_UNPACKED
from core.kernel.uploads import check_file


def text_page(written: PdfWriter) -> DictionaryObject:
    page = written.add_blank_page(200, 200)
    content = DecodedStreamObject()
    content.set_data(b"BT /F 12 Tf (kept) Tj ET /A Do")
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")})
    font[NameObject("/BaseFont")] = NameObject("/Helvetica")
    form = DecodedStreamObject()
    form.set_data(b"0 0 10 10 re f")
    form.update({NameObject("/Type"): NameObject("/XObject"), NameObject("/Subtype"): NameObject("/Form")})
    form[NameObject("/BBox")] = ArrayObject([FloatObject(0), FloatObject(0), FloatObject(10), FloatObject(10)])
    form[NameObject("/AF")] = ArrayObject([attachment(written)])
    # resources may be called anything, also what would be a danger elsewhere
    fonts, forms = DictionaryObject({NameObject("/F"): font}), DictionaryObject({NameObject("/A"): written._add_object(form)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts, NameObject("/XObject"): forms})
    page[NameObject("/Contents")] = written._add_object(content)
    return page


def attachment(written: PdfWriter) -> IndirectObject:
    held = DecodedStreamObject()
    held.set_data(b"MZ evil attachment")
    held[NameObject("/Type")] = NameObject("/EmbeddedFile")
    where = DictionaryObject({NameObject("/F"): written._add_object(held)})
    spec = DictionaryObject({NameObject("/Type"): NameObject("/Filespec"), NameObject("/F"): TextStringObject("evil.exe")})
    spec[NameObject("/EF")] = where
    return written._add_object(spec)


def bytes_of(written: PdfWriter) -> bytes:
    made = io.BytesIO()
    written.write(made)
    return made.getvalue()


def test_what_hangs_on_a_page_and_is_not_drawn_stays_behind() -> None:
    written = PdfWriter()
    page = text_page(written)
    page[NameObject("/AF")] = ArrayObject([attachment(written)])
    page[NameObject("/PieceInfo")] = DictionaryObject({NameObject("/Note"): TextStringObject("evil note")})
    script = DictionaryObject({NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("evil script")})
    page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): script})
    resources = page["/Resources"]
    assert isinstance(resources, DictionaryObject)
    resources[NameObject("/Properties")] = DictionaryObject({NameObject("/MC0"): attachment(written)})
    given = bytes_of(written)
    assert given.count(b"evil") >= 4
    made = check_file(given)
    assert b"evil" not in made.data and b"/EmbeddedFile" not in made.data and b"/AF" not in made.data
    read = PdfReader(io.BytesIO(made.data)).pages[0]
    assert "kept" in read.extract_text(), "what is drawn is still there"
    kept = read["/Resources"]
    assert isinstance(kept, DictionaryObject)
    fonts, forms = kept["/Font"], kept["/XObject"]
    assert isinstance(fonts, DictionaryObject) and isinstance(forms, DictionaryObject) and "/F" in fonts and "/A" in forms


def packed(size: int, streams: int) -> bytes:
    """Objects in streams that unpack to so much each; the cross-reference says that they are needed."""
    made, places = io.BytesIO(b"%PDF-1.7\n"), {}
    made.seek(0, 2)
    inside = b"1 0 2 30 3 90 " + b"<</Type/Catalog/Pages 2 0 R>> ".ljust(30) + b"<</Type/Pages/Count 1/Kids[3 0 R]>>".ljust(60)
    inside += b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources 10 0 R>> "
    for number in range(10, 10 + streams):
        body = inside if number == 10 else f"{number + 1000} 0 ".encode() + b"<<>>"
        raw = zlib.compress(body.ljust(size), 9)
        places[number] = made.tell()
        first, count = (14, 3) if number == 10 else (len(f"{number + 1000} 0 "), 1)
        head = f"{number} 0 obj\n<</Type/ObjStm/N {count}/First {first}/Filter/FlateDecode/Length {len(raw)}>>\nstream\n"
        made.write(head.encode() + raw + b"\nendstream\nendobj\n")
    start = made.tell()
    rows, index = [], []
    for number in (1, 2, 3):
        rows.append(bytes([2]) + (10).to_bytes(4, "big") + bytes([number - 1]))
    index += [1, 3, 10, streams, 1010, streams]
    rows += [bytes([1]) + places[number].to_bytes(4, "big") + bytes([0]) for number in range(10, 10 + streams)]
    rows += [bytes([2]) + number.to_bytes(4, "big") + bytes([0]) for number in range(10, 10 + streams)]
    raw = zlib.compress(b"".join(rows))
    pairs = " ".join(map(str, index))
    made.write(
        f"9 0 obj\n<</Type/XRef/W[1 4 1]/Index[{pairs}]/Size 3000/Root 1 0 R/Filter/FlateDecode/Length {len(raw)}>>\nstream\n".encode()
    )
    made.write(raw + f"\nendstream\nendobj\nstartxref\n{start}\n%%EOF".encode())
    return made.getvalue()


def test_a_small_file_that_bursts_is_refused() -> None:
    assert check_file(packed(1000, 1)).pages == 1, "packed as such it is good"
    for size, streams in ((60_000_000, 1), (5_000_000, 40)):
        given = packed(size, streams)
        assert len(given) < 1_000_000 and size * streams > MOST_UNPACKED
        with pytest.raises(BadFile):
            check_file(given)


@pytest.mark.parametrize("kind", ["loop", "wide", "count"])
def test_a_page_tree_without_an_end_is_refused(kind: str) -> None:
    written = PdfWriter()
    page = written.add_blank_page(200, 200)
    top = written._root_object["/Pages"]
    assert isinstance(top, DictionaryObject)
    kids = top["/Kids"]
    assert isinstance(kids, ArrayObject) and page is not None
    mine = top.indirect_reference
    if kind == "loop":
        kids.append(mine)
    elif kind == "count":
        top[NameObject("/Count")] = NumberObject(2**31)
        kids.extend([kids[0]] * 30)
    else:
        below = kids[0]
        for _level in range(12):
            node = DictionaryObject({NameObject("/Type"): NameObject("/Pages"), NameObject("/Count"): NumberObject(10)})
            node[NameObject("/Kids")] = ArrayObject([below] * 10)
            below = written._add_object(node)
        top[NameObject("/Kids")] = ArrayObject([below])
    with pytest.raises(BadFile):
        check_file(bytes_of(written))
