"""The printing press: a child process that turns HTML into PDF and can reach nothing but our own fonts and style sheets.

It is started by core/web/pdf.py as `python -m core.web.press` and speaks over its own stdin and stdout: a length, a JSON
order in; a length, a JSON head, the PDF out. It holds no database connection, no secret and, where the kernel lets it,
no network. It keeps the vendored fonts loaded from one paper to the next, which is what makes a warm paper cheap.
"""

import base64
import ctypes
import json
import logging
import os
import re
import resource
import struct
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from types import MethodType
from urllib.parse import urlsplit

STATIC = Path(__file__).resolve().parents[2] / "static"
HOUSE = "https://house.invalid"  # papers are set as if they stood here; .invalid can never be resolved
OFFERED = re.compile(r"/static/((?:css|fonts)/[A-Za-z0-9][A-Za-z0-9_-]*\.(?:css|woff2))")
KINDS = {".css": "text/css", ".woff2": "font/woff2"}
LARGEST_FILE = 2_000_000
PICTURE = "data:image/png;base64,"  # a vendor's logo, carried in the page itself: our own drawing of it (core/accounts/logo.py)
LARGEST_PICTURE = 300_000
MEMORY_BYTES = 512 * 1024 * 1024
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LENGTH = struct.Struct(">I")
ARCHIVE = "pdf/a-3b"  # a PDF that opens alike in thirty years, and may carry a file
E_INVOICE = "factur-x.xml"
# What a PDF says of the e-invoice inside it, with the description of these words that PDF/A asks for (Factur-X 1.0, annex).
FACTUR_X = b"""<rdf:Description rdf:about="" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">
<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>factur-x.xml</fx:DocumentFileName>
<fx:Version>1.0</fx:Version><fx:ConformanceLevel>EN 16931</fx:ConformanceLevel></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq>%s</rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>""" % b"".join(
    b'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>%s</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>'
    b"<pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>%s</pdfaProperty:description></rdf:li>" % word
    for word in (
        (b"DocumentFileName", b"name of the embedded XML invoice file"),
        (b"DocumentType", b"INVOICE"),
        (b"Version", b"The actual version of the Factur-X XML schema"),
        (b"ConformanceLevel", b"The conformance level of the embedded Factur-X data"),
    )
)


def vendored_file(url: str) -> Path:
    """The one file under static/ that this address may mean, or ValueError: the whole allow-list of the press."""
    parts = urlsplit(url)
    match = OFFERED.fullmatch(parts.path)
    if f"{parts.scheme}://{parts.netloc}" != HOUSE or match is None:
        raise ValueError("a paper may use only the fonts and style sheets of the house")
    path = STATIC / match[1]
    if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST_FILE:
        raise ValueError("there is no such font or style sheet in the house")
    return path


def carried_picture(url: str) -> bytes:
    """The picture that this address is, or ValueError: a PNG, and none that could be a burden."""
    data = base64.b64decode(url.removeprefix(PICTURE)[: LARGEST_PICTURE * 2], validate=True)
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) > LARGEST_PICTURE:
        raise ValueError("a paper may carry small pictures in PNG only")
    return data


def make_fetcher(refused: list):
    """A fetcher that opens vendored files and writes down everything it refused.

    It has to be a subclass: WeasyPrint 70 asks its fetcher for private attributes and fails on a plain function.
    `open` is overridden as well, because the class it inherits from knows how to open http, ftp and file addresses.
    """
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class VendoredFilesOnly(URLFetcher):
        def __init__(self):
            super().__init__(allowed_protocols=(), allow_redirects=False)

        def fetch(self, url, headers=None):
            try:
                if url.startswith(PICTURE):
                    return URLFetcherResponse(url, carried_picture(url), {"Content-Type": "image/png"})
                path = vendored_file(url)
            except ValueError:
                refused.append(url[:200])
                raise
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": KINDS[path.suffix]})

        def open(self, url, data=None, timeout=None):
            return self.fetch(getattr(url, "full_url", url))

    return VendoredFilesOnly()


def print_paper(html: str, fonts, archive: dict | None = None) -> tuple[dict, bytes]:
    """Set and print one paper. Files that a paper wants to carry inside itself (rel=attachment) are dropped unread.

    `archive` makes it a PDF/A-3, and may hold the text of the e-invoice that travels inside, handed over with the paper itself.
    """
    from weasyprint import HTML

    refused: list[str] = []
    document = HTML(string=html, base_url=f"{HOUSE}/", url_fetcher=make_fetcher(refused)).render(font_config=fonts)
    document.metadata.attachments = []
    for page in document.pages:
        page.links = [link for link in page.links if link[0] != "attachment"]
    data = document.write_pdf(pdf_tags=True, **(_archived(document, archive) if archive is not None else {}))
    return {"pages": len(document.pages), "refused": refused[:50]}, data


def _archived(document, archive: dict) -> dict:
    """What makes the archive's PDF of it. The e-invoice bears the moment that the paper says it was written at."""
    from weasyprint import Attachment

    xml, written = archive.get("e_invoice"), datetime.fromisoformat(document.metadata.created)
    options = {"pdf_variant": ARCHIVE, "finisher": _name_files_once}
    if xml is None:
        return options
    tell = document.metadata.generate_rdf_metadata

    def with_e_invoice(_self, *wanted) -> bytes:
        """One description of the whole document, as XMP wants it."""
        head, end, rest = tell(*wanted).rpartition(b"</rdf:RDF>")
        return head + FACTUR_X + end + rest

    document.metadata.generate_rdf_metadata = MethodType(with_e_invoice, document.metadata)
    described = {"description": "Factur-X, EN 16931", "created": written, "modified": written, "relationship": "Alternative"}
    return {**options, "attachments": [Attachment(string=xml, name=E_INVOICE, **described)]}


def _name_files_once(_document, pdf) -> None:
    """WeasyPrint 70 names each file it carries twice."""
    import pydyf

    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))


def leave_the_network() -> bool:
    """Step into an empty network namespace; False where the kernel or the container does not allow it.

    Nothing depends on it: the fetcher opens no connection. It is the second wall behind that first one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0


def limit_memory() -> None:
    """A paper that wants more than this fails alone, instead of taking its neighbours down with it."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(orders, answers) -> None:
    """Print until the other side closes the pipe."""
    try:
        from weasyprint.text.fonts import FontConfiguration
    except OSError as error:  # pango or its friends are not installed on this machine
        return reply(answers, {"missing": str(error)[:300]}, b"")
    fonts = FontConfiguration()
    reply(answers, {"ready": True, "alone": leave_the_network(), "folder": tempfile.gettempdir()}, b"")
    while True:
        head = orders.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return
        order = json.loads(orders.read(LENGTH.unpack(head)[0]))
        try:
            report, data = print_paper(order["html"], fonts, order.get("archive"))
        except Exception as error:  # the press must outlive a paper it cannot print
            report, data = {"failed": f"{type(error).__name__}: {error}"[:300]}, b""
        reply(answers, report, data)


def reply(answers, report: dict, data: bytes) -> None:
    head = json.dumps({**report, "bytes": len(data)}).encode()
    answers.write(LENGTH.pack(len(head)) + head + data)
    answers.flush()


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not end up between two answers
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)  # refusals travel in the answer instead
    limit_memory()
    with tempfile.TemporaryDirectory(prefix="press-") as folder:
        tempfile.tempdir = folder  # the fonts are unpacked into it, and go with it
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
