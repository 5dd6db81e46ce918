"""A table as a workbook for spreadsheet programs (Office Open XML), written piece by piece out of the CSV that PostgreSQL writes.

A workbook says of each cell whether it is text or a figure, so nothing in it is ever taken for a formula or a date.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Generator, Iterator
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

MOST_ROWS = 1_000_000  # of a sheet; a spreadsheet holds 1,048,576
MOST_LETTERS = 32_000  # of a cell; a spreadsheet holds 32,767
FIGURES = frozenset(
    {
        "amount",
        "paid",
        "refunded",
        "fee",
        "kept",
        "fee_returned",
        "net",
        "balance",
        "tip",
        "tax",
    }  # the columns of sums; a reference stays text
)
FIGURE = re.compile(r"-?[0-9]{1,14}(\.[0-9]{1,3})?")  # no more digits than a spreadsheet keeps exactly
FORMULA = re.compile(r"'[=+\-@\t\r\n＝＋－＠]")  # an apostrophe that CSV needs and a workbook does not
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


class Workbook(Iterator[bytes]):
    """The pieces of the file. What it is made from is given back at the end, also when the reader goes away.

    `figures` are the titles of the columns that hold sums, in the words of the first row.
    """

    def __init__(self, rows: Iterator[bytes], *, title: str, figures: frozenset[str] = FIGURES) -> None:
        self._rows = rows
        self._pieces = _write(rows, title, figures)

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Called by the server when the answer has gone out or the reader has hung up."""
        self._pieces.close()
        close = getattr(self._rows, "close", None)
        if close:
            close()


class _Sink:
    """Where the archive writes to: what has come so far is taken from it. It cannot be wound back, and says so by having no `tell`."""

    def __init__(self) -> None:
        self.held = bytearray()

    def write(self, data: bytes) -> int:
        self.held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        data = bytes(self.held)
        self.held.clear()
        return data


def _write(pieces: Iterator[bytes], title: str, sums: frozenset[str]) -> Generator[bytes, None, None]:
    sink = _Sink()
    rows = csv.reader(_lines(pieces))
    columns = next(rows, [])
    sheets = 0
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        row: list[str] | None = next(rows, None)
        while row is not None or not sheets:
            sheets += 1
            with archive.open(_part(f"xl/worksheets/sheet{sheets}.xml"), "w", force_zip64=True) as sheet:
                _put(sheet, f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0">')
                _put(
                    sheet, '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
                )
                _put(sheet, _row(columns, [False] * len(columns), style=1))
                figures = [column in sums for column in columns]
                count = 0
                while row is not None and count < MOST_ROWS:
                    _put(sheet, _row(row, figures))
                    count += 1
                    row = next(rows, None)
                    if len(sink.held) > 64 * 1024:
                        yield sink.take()
                _put(sheet, "</sheetData></worksheet>")
        for name, text in _parts(title, sheets):
            archive.writestr(_part(name), HEAD + text)
    yield sink.take()


def _lines(pieces: Iterator[bytes]) -> Iterator[str]:
    """Whole lines, each with its end, as the reader of CSV wants them."""
    rest = ""
    for text in codecs.iterdecode(pieces, "utf-8"):
        *lines, rest = (rest + text).split("\n")
        yield from (line + "\n" for line in lines)
    if rest:
        yield rest


def _row(cells: list[str], figures: list[bool], *, style: int = 0) -> str:
    return f"<row>{''.join(_cell(cell, figure, style) for cell, figure in zip(cells, figures, strict=False))}</row>"


def _cell(text: str, figure: bool, style: int) -> str:
    if figure and FIGURE.fullmatch(text):
        return f'<c s="2"><v>{text}</v></c>'
    text = NOT_XML.sub("", text[1:] if FORMULA.match(text) else text)[:MOST_LETTERS]
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>' if text else f'<c s="{style}"/>'


def _put(sheet: IO[bytes], text: str) -> None:
    sheet.write(text.encode())


def _part(name: str) -> ZipInfo:
    """A part of the archive, of no particular day: the same rows make the same file."""
    part = ZipInfo(name, (2000, 1, 1, 0, 0, 0))
    part.compress_type = ZIP_DEFLATED
    return part


def _parts(title: str, sheets: int) -> Iterator[tuple[str, Any]]:
    """What stands around the sheets."""
    numbers = range(1, sheets + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>' for n in numbers)
    yield (
        "[Content_Types].xml",
        (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{overrides}</Types>'
        ),
    )
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    yield (
        "_rels/.rels",
        (
            f'<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
    )
    named = "".join(
        f'<sheet name="{escape(title[:25])}{"" if n == 1 else f" {n}"}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers
    )  # fmt: skip
    yield "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>'
    linked = "".join(f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers)
    yield (
        "xl/_rels/workbook.xml.rels",
        (
            f'<Relationships xmlns="{package}">{linked}'
            f'<Relationship Id="rId{sheets + 1}" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>'
        ),
    )
    yield (
        "xl/styles.xml",
        (
            f'<styleSheet xmlns="{MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
            '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
            '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
            '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
            '<cellXfs count="3"><xf fontId="0"/><xf fontId="1" applyFont="1"/><xf fontId="0" numFmtId="0"/></cellXfs></styleSheet>'
        ),
    )
