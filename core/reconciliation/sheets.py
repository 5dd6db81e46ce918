"""Opens a table that somebody brings, as CSV or as a workbook (XLSX), row after row. A workbook is a zip that a stranger has packed: it is
weighed before it is opened, and what is too large, too deep or no table is refused."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from numbers import Number
from typing import Any

from core.kernel.errors import Refusal
from core.kernel.sentence import Sentence, said
from core.reconciliation.report import ZIP

Cell = str | Decimal | datetime | None  # a workbook says of a cell whether it is a figure or a moment; of CSV everything is text
Row = tuple[int, list[Cell]]  # the line it stands in, counted from 1
MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 200_000, 100, 1_000
MOST_PARTS, MOST_UNPACKED = 500, 150_000_000  # of a workbook: parts, and bytes of all of them
MOST_OF = {"sharedStrings.xml": 20_000_000, "styles.xml": 5_000_000, "workbook.xml": 1_000_000}  # what is read whole
DELIMITERS = ",;\t|"


class TableRefused(Refusal):
    """No table that can be read. `line` says where, 0 where nowhere in particular."""

    code = "table_refused"

    def __init__(self, sentence: Sentence, line: int = 0) -> None:
        super().__init__(sentence, field="file")
        self.sentence, self.line = sentence, line


def rows_of(raw: bytes) -> Iterator[Row]:
    """Every row that is not empty. Raises TableRefused where it cannot be read any further."""
    rows = _workbook(raw) if raw.startswith(ZIP) else _text(raw)
    for line, cells in rows:
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise TableRefused(said("The table has more than %(most)s columns.", most=MOST_COLUMNS), line)
        if any(isinstance(cell, str) and len(cell) > LONGEST_CELL for cell in cells):
            raise TableRefused(said("A cell is longer than %(most)s signs.", most=LONGEST_CELL), line)
        if cells:
            yield line, cells


def head_of(raw: bytes) -> list[str]:
    """The names of the columns: the first row that is not empty. Refuses a table without rows, and two columns of one name."""
    first = next(rows_of(raw), None)
    if first is None:
        raise TableRefused(said("The file is empty."))
    names = [" ".join(str(cell).split()) if cell is not None else "" for cell in first[1]]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise TableRefused(said("Two columns are called %(name)s.", name=twice[:60]), first[0])
    if sum(1 for name in names if name) < 2:
        raise TableRefused(said("The first row has to hold the names of the columns."), first[0])
    return names


def first_rows(raw: bytes, count: int) -> list[Row]:
    """The first of them below the names."""
    return list(itertools.islice(rows_of(raw), 1, count + 1))


def _text(raw: bytes) -> Iterator[Row]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise TableRefused(said("The file must be written in UTF-8, or be a workbook (XLSX)."), line) from None
    if "\x00" in text:
        raise TableRefused(said("The report holds binary data."))
    head = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=head.count), strict=True)
    try:
        for cells in rows:
            yield rows.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise TableRefused(said("This is no CSV: %(reason)s.", reason=str(error)), rows.line_num + 1) from None


def _workbook(raw: bytes) -> Iterator[Row]:
    """The rows of its first sheet. Only figures, moments and words come out of it: no formula is worked out, no link followed."""
    import openpyxl  # only whoever brings a workbook needs it

    _weigh(raw)
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True, keep_links=False)
        sheet: Any = next((one for one in book.worksheets if one.sheet_state == "visible"), None)
        if sheet is None:
            raise TableRefused(said("The workbook has no sheet."))
        sheet.reset_dimensions()  # what it says of its own size is not believed
        for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            if line > MOST_ROWS:
                raise TableRefused(said("The workbook has more than %(most)s rows. Bring shorter periods, or CSV.", most=MOST_ROWS), line)
            yield line, [_cell(value) for value in cells]
    except TableRefused:
        raise
    except Exception as wrong:  # a stranger packed it: what goes wrong inside has a hundred names, and all mean the same
        raise TableRefused(
            said("This workbook cannot be read. Open it in a spreadsheet program, save it anew as XLSX, and bring that.")
        ) from wrong


def _weigh(raw: bytes) -> None:
    """Before anything is unpacked. A part is unpacked to no more than it says of itself here."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            parts = packed.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):  # the last is zipfile's own word for a packing it cannot undo
        raise TableRefused(said("This workbook is damaged: it cannot be unpacked.")) from None
    if any(part.flag_bits & 1 for part in parts):
        raise TableRefused(said("This workbook is locked with a password. Save it without one."))
    large = any(part.file_size > MOST_OF.get(part.filename.rsplit("/", 1)[-1], MOST_UNPACKED) for part in parts)
    if large or len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise TableRefused(said("This workbook is too large once it is unpacked. Bring shorter periods, or CSV."))


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, bool) or not isinstance(value, Number):
        return str(value).strip()
    return Decimal(str(value))
