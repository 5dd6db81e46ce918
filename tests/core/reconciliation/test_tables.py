"""Tables with columns of their own, as CSV and as workbooks: guessed, read strictly, told by line; and workbooks that mean harm."""

from __future__ import annotations

import io
import secrets
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from flask import Flask

from core.kernel.db import db
from core.kernel.errors import Refusal
from core.reconciliation.files import ask_for_import, bring_report, find_layout, import_report, lay_out, preview, problems_of
from core.reconciliation.layout import Layout, check_layout, check_table, guess, read_table
from core.reconciliation.models import ReconFile, ReconLine
from core.reconciliation.report import Report, is_report
from core.reconciliation.sheets import MOST_COLUMNS, TableRefused, head_of, rows_of
from core.reconciliation.take import LASTING
from tests.core.reconciliation.test_report import GOOD
from tests.factories import unit

NAMES = ["Transaction ID", "Date", "Currency", "Amount", "Fee", "Net", "Type", "Charge ID"]


def lines(n: int = 2, mark: str = "t") -> list[list[Any]]:
    return [[f"{mark}_{i}", datetime(2026, 11, 18, 10, i), "EUR", 25.5, 0.55, 24.95, "charge", f"ch_{i}"] for i in range(1, n + 1)]


def workbook(rows: Sequence[Sequence[Any]], names: Sequence[str] = NAMES) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (names, *rows):
        sheet.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def csv_of(rows: Sequence[Sequence[Any]], names: Sequence[str] = NAMES, sign: str = ",") -> bytes:
    return "\r\n".join(sign.join(map(str, row)) for row in (names, *rows)).encode()


def plain(rows: Sequence[Sequence[Any]], days: str = "%Y-%m-%d %H:%M:%S") -> list[list[Any]]:
    return [[row[0], row[1].strftime(days), row[2], *(f"{one:.2f}" for one in row[3:6]), *row[6:]] for row in rows]


def found(raw: bytes, layout: Layout | None = None, typed: Any = None) -> tuple[Report, list[Any]]:
    report, taken = Report(), []
    try:
        taken = list(read_table(raw, layout or guess(raw), report, typed=typed or {"EUR": [2, 5_100, 110, 4_990]}))
    except Refusal:
        taken = []
    return report, taken


@pytest.mark.parametrize("kind", ["xlsx", "comma", "semicolon", "tab", "german"])
def test_the_same_table_is_the_same_lines_however_it_is_written(kind: str) -> None:
    raw = {
        "xlsx": workbook(lines()),
        "comma": csv_of(plain(lines())),
        "semicolon": csv_of(plain(lines()), sign=";"),
        "tab": b"\xef\xbb\xbf" + csv_of(plain(lines()), sign="\t"),
        "german": csv_of(
            [[*row[:3], *(one.replace(".", ",") for one in row[3:6]), *row[6:]] for row in plain(lines(), "%d.%m.%Y %H:%M")],
            ["Transaktionsnummer", "Buchungsdatum", "Währung", "Betrag", "Gebühr", "Netto", "Art", "Zahlung"], sign=";",
        ),
    }[kind]  # fmt: skip
    report, taken = found(raw)
    assert report.problems == []
    first = taken[0][1]
    assert [(number, line.external_id) for number, line in taken] == [(2, "t_1"), (3, "t_2")]
    assert (first.gross_minor, first.fee_minor, first.net_minor, first.currency, first.category) == (2_550, 55, 2_495, "EUR", "charge")
    assert (first.occurred_at.isoformat(), first.source_id) == ("2026-11-18T10:01:00+00:00", "ch_1")
    other = found(workbook(lines()))[1][0][1]
    assert [getattr(first, name) for name in LASTING] == [getattr(other, name) for name in LASTING]


def test_what_no_column_says_is_worked_out_or_empty() -> None:
    names = ["id", "date", "net", "fees"]
    raw = csv_of([["a", "2026-11-18", "24.95", "0.55"], ["b", "2026-11-19", "-10.00", ""]], names)
    layout = Layout({"number": "id", "created": "date", "net": "net", "fee": "fees"}, currency="EUR")
    report, taken = found(raw, layout, {"EUR": [2, None, None, 1_495]})
    assert report.problems == [] and [(one.gross_minor, one.fee_minor, one.net_minor) for _, one in taken] == [
        (2_550, 55, 2_495),
        (-1_000, 0, -1_000),
    ]
    assert taken[0][1].value_on.isoformat() == "2026-11-18" and taken[0][1].category == "other"


WRONG = [
    (3, "Amount", "25.5", "no amount in EUR with its decimals"),
    (3, "Amount", "1.234.50", "no amount in EUR"),
    (3, "Amount", "", "no amount in EUR"),
    (3, "Fee", "much", "Fee says much"),
    (3, "Net", "24.96", "Gross less fee is not net"),
    (3, "Date", "31/02/2026", "no day in the order"),
    (3, "Date", "18.11.2026", "no day in the order"),
    (3, "Currency", "XYZ", "XYZ is no currency"),
    (3, "Transaction ID", "", "no number of the processor’s"),
    (3, "Transaction ID", "TOTAL", "no number of the processor’s"),
    (3, "Transaction ID", "with a blank", "no number of the processor’s"),
]


@pytest.mark.parametrize(("at", "column", "value", "says"), WRONG)
def test_a_bad_cell_is_told_by_its_line_and_nothing_is_taken(at: int, column: str, value: str, says: str) -> None:
    rows = plain(lines())
    rows[1][NAMES.index(column)] = value
    layout = Layout(guess(csv_of(plain(lines()))).columns)
    report, taken = found(csv_of(rows), layout)
    assert taken == [] and [line for line, _ in report.problems] == [at]
    assert says in str(report.problems[0][1])


def test_every_bad_line_is_told_and_the_rest_of_the_file_is_looked_at() -> None:
    rows = plain(lines(5))
    rows[1][3] = rows[3][1] = "x"
    report, _ = found(csv_of(rows))
    assert [line for line, _ in report.problems] == [3, 5]


def test_figures_of_a_workbook_need_no_decimals_but_no_more_than_there_are() -> None:
    whole = [["a", datetime(2026, 11, 18), "EUR", 25, 0, 25, "charge", "c"], ["b", datetime(2026, 11, 18), "EUR", 26, 1, 25, "charge", "c"]]
    assert [one.net_minor for _, one in found(workbook(whole), typed={"EUR": [2, None, None, 5_000]})[1]] == [2_500, 2_500]
    whole[1][3] = 26.005
    report, _ = found(workbook(whole))
    assert "no amount in EUR" in str(report.problems[0][1])


def test_totals_that_differ_are_told() -> None:
    report, _ = found(workbook(lines()), typed={"EUR": [2, None, None, 4_991]})
    assert [str(one) for _, one in report.problems] == ["The totals say 49.91 EUR net, the lines come to 49.90 EUR."] or "49.91" in str(
        report.problems
    )
    assert "no totals at its end" in str(check_table(workbook(lines()), guess(workbook(lines()))).problems)


@pytest.mark.parametrize(
    ("layout", "field"),
    [
        (Layout({"created": "Date", "gross": "Amount"}, currency="EUR"), "number"),
        (Layout({"number": "Transaction ID", "gross": "Amount"}, currency="EUR"), "created"),
        (Layout({"number": "Transaction ID", "created": "Date"}, currency="EUR"), "gross"),
        (Layout({"number": "Transaction ID", "created": "Date", "gross": "Amount", "net": "Net"}, currency="EUR"), "fee"),
        (Layout({"number": "Transaction ID", "created": "Date", "gross": "Amount"}, currency="XYZ"), "currency"),
        (Layout({"number": "Transaction ID", "created": "Date", "gross": "Date"}, currency="EUR"), "created"),
        (Layout({"number": "Elsewhere", "created": "Date", "gross": "Amount"}, currency="EUR"), "number"),
        (Layout({"number": "Transaction ID", "created": "Date", "gross": "Amount"}, days="ymd", currency="EUR"), "days"),
    ],
)
def test_a_layout_that_cannot_work_is_refused_at_its_field(layout: Layout, field: str) -> None:
    with pytest.raises(Refusal) as no:
        check_layout(layout, NAMES)
    assert no.value.field == field


# --- files that mean harm --------------------------------------------------------------------------------------------------------


def packed(**parts: bytes) -> bytes:
    """A good workbook with some of its parts put in anew."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(lines()))) as good, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            bad.writestr(name, parts.pop(name.rsplit("/", 1)[-1].removesuffix(".xml"), None) or good.read(name))
        for name, data in parts.items():
            bad.writestr(name, data)
    return made.getvalue()


SHEET = b'<?xml version="1.0"?>%s<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
LAUGHS = b"<!DOCTYPE w [<!ENTITY a 'ha'>" + b"".join(b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)) + b"]>"
CELL = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>%s</t></is></c><c r="B%d"><v>1</v></c></row>'
HARM = {
    "no zip": b"PK\x03\x04" + secrets.token_bytes(200),
    "a zip that is no workbook": packed(**{"[Content_Types]": b"<a/>"}),
    "a bomb": packed(bomb=b"\0" * 160_000_000),
    "words without end": packed(**{"xl/sharedStrings.xml": b"<sst>" + b"<si><t>a</t></si>" * 1_500_000 + b"</sst>"}),
    "billion laughs": packed(sheet1=SHEET % (LAUGHS, CELL % (1, 1, b"&j;", 1))),
    "a file of ours": packed(sheet1=SHEET % (b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>', CELL % (1, 1, b"&x;", 1))),
    "a row at the end of the world": packed(sheet1=SHEET % (b"", CELL % (1, 1, b"a", 1) + CELL % (900_000_000, 9, b"b", 9))),
    "a sheet that ends in the middle": packed(sheet1=(SHEET % (b"", CELL % (1, 1, b"a", 1)))[:-30]),
    "a line that is too wide": workbook([], [f"c{n}" for n in range(MOST_COLUMNS + 1)]),
    "a word that is too long": workbook([["x" * 1_001, *lines()[0][1:]]]),
    "wrong letters": "Größe;Währung\r\n1;2".encode("latin-1"),
    "binary": b"a,b\r\n\x00,1",
    "a quotation that never ends": b'a,b\r\n"x,1',
    "two columns of one name": b"a,a\r\n1,2",
    "nothing": workbook([], []),
}


@pytest.mark.parametrize("name", HARM)
def test_a_file_that_means_harm_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(TableRefused) as no:
        head_of(HARM[name])
        list(rows_of(HARM[name]))
    assert len(str(no.value.sentence)) > 10 and "Traceback" not in str(no.value.sentence) and "root:" not in str(no.value.sentence)


# --- as it is brought ------------------------------------------------------------------------------------------------------------


def brought(app: Flask, raw: bytes, source: str, typed: Any = None) -> ReconFile:
    with unit(app):
        return bring_report("test", source, raw, name="table", by="stf_x", typed=typed)


def test_a_table_waits_for_its_columns_and_the_next_of_its_source_does_not(app: Flask) -> None:
    source, mark = f"p{secrets.token_hex(5)}", secrets.token_hex(6)
    raw = workbook(lines(mark=mark))
    row = brought(app, raw, source)
    assert (row.state, row.lines, row.problems) == ("unmapped", 0, [])
    assert brought(app, raw, source).public_id == row.public_id, "the same file is the file there is"
    with unit(app):
        assert import_report("test", row.public_id) is None, "nothing of it is taken before"
        kept = db.session.get_one(ReconFile, (row.mode, row.sha256))
        assert lay_out(kept, guess(raw), typed={"EUR": [2, None, None, 4_990]}, by="stf_x").state == "checked"
        ask_for_import(kept, by="stf_x")
    with unit(app):
        taken = import_report("test", row.public_id)
        assert taken is not None and (taken.lines, taken.fresh) == (2, 2)
    with unit(app):
        line = db.session.get_one(ReconLine, ("test", source, f"{mark}_1"))
        assert (line.gross_minor, line.fee_minor, line.net_minor, line.line_no) == (2_550, 55, 2_495, 2)
        assert find_layout("test", source, NAMES) is not None and find_layout("test", "another", NAMES) is None
    more = brought(app, workbook(lines(3, mark)), source, typed={"EUR": [3, None, None, 7_485]})
    assert more.state == "checked", "read as the last one was"
    with unit(app):
        again = import_report("test", more.public_id)
        assert again is not None and (again.lines, again.fresh) == (3, 1), "what is known changes nothing"


def test_a_layout_can_be_mended_until_the_lines_are_taken(app: Flask) -> None:
    source = f"p{secrets.token_hex(5)}"
    raw = csv_of(plain(lines(mark=secrets.token_hex(6)), "%d/%m/%Y"), sign=";")
    row, typed = brought(app, raw, source), {"EUR": [2, None, None, 4_990]}
    with unit(app):
        kept = db.session.get_one(ReconFile, (row.mode, row.sha256))
        wrong = lay_out(kept, Layout(guess(raw).columns, days="mdy"), typed=typed, by="stf_x")
        assert wrong.state == "refused" and "no day in the order" in str(problems_of(wrong)[0][1])
        assert lay_out(kept, guess(raw), typed=typed, by="stf_x").state == "checked" and guess(raw).days == "dmy"
        assert import_report("test", row.public_id)
    with unit(app), pytest.raises(Refusal):
        lay_out(db.session.get_one(ReconFile, (row.mode, row.sha256)), guess(raw), typed=typed, by="stf_x")


def test_the_report_itself_needs_no_layout(app: Flask) -> None:
    assert is_report(GOOD) and not is_report(workbook(lines())) and not is_report(csv_of(plain(lines()), sign=";"))
    row = brought(app, GOOD, f"p{secrets.token_hex(5)}")
    assert row.layout is None and row.state in ("checked", "imported")


def test_the_preview_shows_what_would_be_taken_and_what_is_wrong() -> None:
    rows = plain(lines(3))
    rows[1][3] = "x"
    shown = preview(csv_of(rows), Layout(guess(csv_of(plain(lines()))).columns))
    assert [number for number, _ in shown] == [2, 3, 4]
    assert getattr(shown[0][1], "external_id", "") == "t_1" and "Amount says x" in str(shown[1][1])
