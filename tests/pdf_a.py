"""What ISO 19005-3 (PDF/A-3, level B) asks of a file, clause by clause, as far as it can be seen in its objects: no validator could be installed.

Looked at: the file's shape (6.1), colours (6.2.2 to 6.2.4), images (6.2.8), transparency groups (6.2.10), fonts (6.2.11), annotations (6.3),
actions (6.5), the metadata (6.6) and what is embedded (6.8). Not looked at: what the operators of a page's content do, beyond the colours they
name, and whether the glyphs of a font are as wide as the widths it states, beyond every glyph that a page uses.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from fontTools.ttLib import TTFont
from lxml import etree
from pypdf import PdfReader
from pypdf.generic import ArrayObject, ContentStream, DictionaryObject, IndirectObject, StreamObject

XMP = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "dc": "http://purl.org/dc/elements/1.1/", "xmp": "http://ns.adobe.com/xap/1.0/",
    "pdf": "http://ns.adobe.com/pdf/1.3/", "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/", "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaProperty": "http://www.aiim.org/pdfa/ns/property#",
}  # fmt: skip
PREDEFINED = {XMP["dc"], XMP["xmp"], XMP["pdf"], XMP["pdfaid"], "http://ns.adobe.com/xap/1.0/mm/", "http://ns.adobe.com/xap/1.0/rights/"}
DESCRIBES = {
    XMP["rdf"],
    XMP["pdfaExtension"],
    XMP["pdfaSchema"],
    XMP["pdfaProperty"],
    "adobe:ns:meta/",
    "http://www.w3.org/XML/1998/namespace",
}
FILTERS = {
    "/FlateDecode",
    "/DCTDecode",
    "/ASCIIHexDecode",
    "/ASCII85Decode",
    "/RunLengthDecode",
    "/CCITTFaxDecode",
    "/JBIG2Decode",
    "/JPXDecode",
}
ACTIONS = {"/GoTo", "/GoToR", "/GoToE", "/Thread", "/URI", "/Named", "/SubmitForm"}
NAMED = {"/NextPage", "/PrevPage", "/FirstPage", "/LastPage"}
ANNOTATIONS_REFUSED = {"/3D", "/Sound", "/Screen", "/Movie"}
SPACE_OPERATORS = {b"rg": "RGB", b"RG": "RGB", b"g": "grey", b"G": "grey", b"k": "CMYK", b"K": "CMYK"}
SAID_TWICE = (
    ("/Title", "dc:title", "//rdf:li"), ("/Author", "dc:creator", "//rdf:li"), ("/Subject", "dc:description", "//rdf:li"),
    ("/Keywords", "pdf:Keywords", ""), ("/Producer", "pdf:Producer", ""), ("/Creator", "xmp:CreatorTool", ""),
)  # fmt: skip
FOURTEEN = {"/Helvetica", "/Times-Roman", "/Courier", "/Symbol", "/ZapfDingbats"}


def faults_of_pdf_a_3(data: bytes) -> list[str]:
    """Each fault with its clause; empty for a file in which none of them is found."""
    reader = PdfReader(io.BytesIO(data))
    objects = list(_objects(reader))
    found = [
        *_file(data, reader, objects),
        *_colours(reader, objects),
        *_fonts(reader, objects),
        *_metadata(reader),
        *_embedded(reader, objects),
    ]
    return found + [fault for thing in objects for fault in _of_one(thing)]


def _objects(reader: PdfReader) -> Iterator[DictionaryObject]:
    """Every dictionary that can be reached from the trailer, once."""
    seen: set[int] = set()
    wait: list[Any] = [reader.trailer]
    while wait:
        thing = wait.pop()
        if isinstance(thing, IndirectObject):
            if thing.idnum in seen:
                continue
            seen.add(thing.idnum)
            thing = thing.get_object()
        if isinstance(thing, ArrayObject):
            wait += list(thing)
        elif isinstance(thing, DictionaryObject):
            yield thing
            wait += [thing.raw_get(key) for key in thing]


def _file(data: bytes, reader: PdfReader, objects: list[DictionaryObject]) -> Iterator[str]:
    first, _, second = data[:64].partition(b"\n")
    if not re.fullmatch(rb"%PDF-1\.[0-7]", first.strip()):
        yield "6.1.2: the header"
    if not (second.startswith(b"%") and len([byte for byte in second[1:5] if byte > 127]) == 4):
        yield "6.1.2: no comment of four bytes above 127 after the header"
    if "/ID" not in reader.trailer:
        yield "6.1.3: no ID in the trailer"
    if "/Encrypt" in reader.trailer:
        yield "6.1.3: encrypted"
    if not data.rstrip(b"\r\n").endswith(b"%%EOF"):
        yield "6.1.3: something after the end"
    root = reader.trailer["/Root"].get_object()
    if "/OCProperties" in root and "/AS" in str(root["/OCProperties"]):
        yield "6.9: optional content decides by itself"
    if {"/AA", "/Requirements"} & set(root):
        yield "6.5.2, 6.11: actions or requirements of the document"


def _of_one(thing: DictionaryObject) -> Iterator[str]:
    kind, sub = thing.get("/Type"), thing.get("/Subtype")
    if isinstance(thing, StreamObject):
        if {"/F", "/FFilter", "/FDecodeParms"} & set(thing):
            yield "6.1.7.1: a stream outside of the file"
        filters = thing.get("/Filter", [])
        if wrong := {str(one) for one in (filters if isinstance(filters, ArrayObject) else [filters])} - FILTERS:
            yield f"6.1.7.2: {sorted(wrong)}"
    if (kind == "/XObject" and {"/OPI", "/PS", "/Alternates"} & set(thing)) or sub == "/PS":
        yield "6.2.8, 6.2.9: an alternate or PostScript"
    if sub == "/Image" and thing.get("/Interpolate", False):
        yield "6.2.8: an image is smoothed"
    if kind == "/ExtGState" and ("/TR" in thing or thing.get("/TR2", "/Default") != "/Default" or "/HTP" in thing):
        yield "6.2.5: a transfer function"
    action = thing.get("/S", "") if kind == "/Action" or thing.get("/S") in ("/JavaScript", "/Launch") else "/GoTo"
    if action not in ACTIONS or (action == "/Named" and thing.get("/N") not in NAMED):
        yield f"6.5.1: the action {action}"
    if kind == "/Annot" or ("/Rect" in thing and sub):
        yield from _annotation(thing)


def _annotation(thing: DictionaryObject) -> Iterator[str]:
    flags = int(thing.get("/F", 0))
    if thing["/Subtype"] in ANNOTATIONS_REFUSED:
        yield f"6.3.1: {thing['/Subtype']}"
    if thing["/Subtype"] != "/Popup" and (not flags & 4 or flags & (1 | 2 | 32 | 256)):
        yield f"6.3.2: {thing['/Subtype']} is not printed, or hidden"
    if thing["/Subtype"] not in ("/Popup", "/Link") and "/AP" not in thing:
        yield f"6.3.3: {thing['/Subtype']} without an appearance"
    if "/AA" in thing:
        yield "6.5.2: an annotation acts by itself"


def _colours(reader: PdfReader, objects: list[DictionaryObject]) -> Iterator[str]:
    """Colours of a device are those of the output intent, and blending needs a space to blend in."""
    intents = [one.get_object() for one in reader.trailer["/Root"].get("/OutputIntents", []) if one.get_object().get("/S") == "/GTS_PDFA1"]
    spaces = set()
    for intent in intents:
        profile = intent.get("/DestOutputProfile")
        data = profile.get_object().get_data() if profile is not None else b""
        if data[36:40] != b"acsp" or data[12:16] not in (b"prtr", b"mntr") or data[8] > 4:
            yield "6.2.3: the output intent has no profile of a monitor or a printer, version 4 at most"
        spaces.add({b"RGB ": "RGB", b"GRAY": "grey", b"CMYK": "CMYK"}.get(data[16:20], ""))
    used = set()
    for thing in objects:
        for name in re.findall(r"/Device(RGB|Gray|CMYK)", str(thing.get("/ColorSpace", "")) + str(thing.get("/CS", ""))):
            used.add("grey" if name == "Gray" else name)
    for page in reader.pages:
        if (content := page.get_contents()) is not None:
            used |= {SPACE_OPERATORS[operator] for _, operator in content.operations if operator in SPACE_OPERATORS}
    for form in objects:
        if form.get("/Subtype") == "/Form" and isinstance(form, StreamObject):
            used |= {SPACE_OPERATORS[operator] for _, operator in ContentStream(form, reader).operations if operator in SPACE_OPERATORS}
    if wrong := used - spaces - ({"grey"} if spaces else set()):
        yield f"6.2.4.3: {sorted(wrong)} without an output intent for it"
    blends = any(float(state.get(key, 1)) < 1 for state in objects for key in ("/ca", "/CA")) or any("/SMask" in image for image in objects)
    if blends and not spaces and any("/Group" not in page for page in reader.pages):
        yield "6.2.10: something is seen through, and nothing says in which colours"


def _fonts(reader: PdfReader, objects: list[DictionaryObject]) -> Iterator[str]:
    for font in [thing for thing in objects if thing.get("/Type") == "/Font"]:
        name, kind = font.get("/BaseFont", "?"), font.get("/Subtype")
        if kind == "/Type3":
            continue
        if kind == "/Type0":
            if font["/Encoding"] not in ("/Identity-H", "/Identity-V"):
                yield f"6.2.11.3.3: {name} is spelled by a map that is not inside"
            continue
        descriptor = font.get("/FontDescriptor", DictionaryObject()).get_object()
        file = next((descriptor[key].get_object() for key in ("/FontFile", "/FontFile2", "/FontFile3") if key in descriptor), None)
        if file is None:
            yield f"6.2.11.4.1: {name} is not inside"
            continue
        if kind == "/CIDFontType2" and font.get("/CIDToGIDMap") is None:
            yield f"6.2.11.3.2: {name} does not say which glyph is which"
        yield from _widths(str(name), font, descriptor, file.get_data())
    used = {str(one["/BaseFont"]) for one in objects if one.get("/Type") == "/Font" and "/BaseFont" in one}
    if bare := {name for name in used if name in FOURTEEN}:
        yield f"6.2.11.4.1: {sorted(bare)} as every reader has it"


def _widths(name: str, font: DictionaryObject, descriptor: DictionaryObject, data: bytes) -> Iterator[str]:
    """What a font says of the width of each glyph it lists is what the font inside says, within a thousandth of the em."""
    if (
        font.get("/Subtype") not in ("/CIDFontType2", "/CIDFontType0")
        or "/W" not in font
        or font.get("/CIDToGIDMap", "/Identity") != "/Identity"
    ):
        return
    if data[:4] not in (b"\x00\x01\x00\x00", b"OTTO", b"true"):
        return  # a bare CFF states widths in its own way
    inside = TTFont(io.BytesIO(data), lazy=True)
    em, order, metrics = inside["head"].unitsPerEm, inside.getGlyphOrder(), inside["hmtx"]
    listed, row = list(font["/W"]), 0
    while row < len(listed):
        start, second = int(listed[row]), listed[row + 1]
        if isinstance(second, ArrayObject):
            stated = {start + step: float(width) for step, width in enumerate(second)}
            row += 2
        else:
            stated = {glyph: float(listed[row + 2]) for glyph in range(start, int(second) + 1)}
            row += 3
        for glyph, width in stated.items():
            if glyph < len(order) and abs(metrics[order[glyph]][0] * 1000 / em - width) > 1:
                yield f"6.2.11.5: glyph {glyph} of {name} is not as wide as it says"
                return


def _metadata(reader: PdfReader) -> Iterator[str]:
    root = reader.trailer["/Root"].get_object()
    if "/Metadata" not in root:
        yield "6.6.2.1: no metadata"
        return
    stream = root["/Metadata"].get_object()
    if (stream.get("/Type"), stream.get("/Subtype")) != ("/Metadata", "/XML"):
        yield "6.6.2.1: the metadata do not say that they are"
    raw = stream.get_data()
    if b"bytes=" in raw[:200] or b"encoding=" in raw[:200].split(b"?>")[0]:
        yield "6.6.2.1: the packet says its length or its encoding"
    tree = etree.fromstring(raw)
    part = [
        element.get(f"{{{XMP['pdfaid']}}}part") or element.findtext("pdfaid:part", None, XMP)
        for element in tree.iter(f"{{{XMP['rdf']}}}Description")
    ]
    if [one for one in part if one] != ["3"]:
        yield "6.6.4: it does not say once that it is PDF/A-3"
    described = {uri for uri in tree.xpath("//pdfaSchema:namespaceURI/text()", namespaces=XMP)}
    used = {etree.QName(element).namespace for element in tree.iter() if isinstance(element.tag, str)}
    used |= {etree.QName(name).namespace for element in tree.iter() if isinstance(element.tag, str) for name in element.attrib}
    if strange := used - PREDEFINED - DESCRIBES - described - {None}:
        yield f"6.6.2.3: {sorted(strange)} without a schema that describes it"
    for uri in described:
        names = set(tree.xpath(f"//rdf:li[pdfaSchema:namespaceURI='{uri}']//pdfaProperty:name/text()", namespaces=XMP))
        given = {etree.QName(element).localname for element in tree.iter(f"{{{uri}}}*")}
        if missing := given - names:
            yield f"6.6.2.3: {sorted(missing)} are not described"
    info = reader.trailer.get("/Info")
    told = info.get_object() if info is not None else {}
    for key, name, way in SAID_TWICE:
        if key in told and str(told[key]) not in tree.xpath(f"//{name}{way}/text() | //@{name}", namespaces=XMP):
            yield f"6.6.3: {key} is another one in the metadata"


def _embedded(reader: PdfReader, objects: list[DictionaryObject]) -> Iterator[str]:
    files = [thing for thing in objects if "/EF" in thing]
    associated = [one.get_object() for one in reader.trailer["/Root"].get("/AF", [])]
    for file in files:
        name = file.get("/UF", "?")
        if not {"/F", "/UF"} <= set(file):
            yield f"6.8: {name} has not both of its names"
        if file.get("/AFRelationship") not in ("/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified"):
            yield f"6.8: {name} does not say what it is to this document"
        if not any(file == one for one in associated):
            yield f"6.8: {name} belongs to nothing"
        stream = file["/EF"].get("/F") or file["/EF"].get("/UF")
        if stream is None or "/Subtype" not in stream.get_object():
            yield f"6.8: {name} without its type"
