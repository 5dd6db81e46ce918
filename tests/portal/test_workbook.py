"""A list as a workbook: the same rows as the CSV, sums as figures, everything else as text that no program takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from core.kernel import workbook
from core.kernel.workbook import Workbook
from tests.browser import Browser
from tests.factories import Shop, ask_refund, make_colleague, make_link, make_paid, make_shop

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Cell = tuple[str, str]  # kind, value


def sheets_of(data: bytes) -> list[list[list[Cell]]]:
    """Every sheet as a spreadsheet program reads it: through the package's own relationships."""
    with ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        targets = {e.attrib["Id"]: e.attrib["Target"] for e in ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))}
        types = {e.attrib.get("PartName") for e in ElementTree.fromstring(book.read("[Content_Types].xml"))}
        found = []
        for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{MAIN}sheet"):
            target = targets[sheet.attrib["{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"]]
            assert f"/xl/{target}" in types
            rows = ElementTree.fromstring(book.read(f"xl/{target}")).iter(f"{MAIN}row")
            found.append([[_cell(c) for c in row] for row in rows])
        return found


def _cell(c: ElementTree.Element) -> Cell:
    figure = c.find(f"{MAIN}v")
    if figure is not None:
        return "figure", figure.text or ""
    text = c.find(f"{MAIN}is/{MAIN}t")
    return "text", (text.text or "") if text is not None else ""


def pieces(text: str, size: int = 7) -> Iterator[bytes]:
    data = text.encode()
    yield from (data[at : at + size] for at in range(0, len(data), size))


def read(text: str) -> list[list[Cell]]:
    (sheet,) = sheets_of(b"".join(Workbook(pieces(text), title="Payments")))
    return sheet


def test_it_holds_the_rows_of_the_csv_with_sums_as_figures(shop: Shop, owner: Browser) -> None:
    for title in ("=1+1 cheap", "Brot & Käse <b>", "ひらがな"):
        make_paid(shop, make_link(shop, title=title, amount="1234.50"))
    rows = list(csv.reader(io.StringIO(owner.client.get("/portal/payments.csv").get_data(as_text=True))))
    answer = owner.client.get("/portal/payments.xlsx")
    assert answer.content_type.endswith("spreadsheetml.sheet") and answer.headers["Content-Disposition"].endswith('.xlsx"')
    (sheet,) = sheets_of(answer.data)
    plain = lambda text: re.sub(r"^'(?=[=+\-@])", "", text)  # noqa: E731
    assert [[value for _, value in row] for row in sheet] == [[plain(cell) for cell in row] for row in rows] and len(sheet) == 4
    head = [value for _, value in sheet[0]]
    for row in sheet[1:]:
        kinds = dict(zip(head, row, strict=True))
        assert kinds["amount"] == ("figure", "1234.50") and kinds["card_last4"] == ("text", "4242") and kinds["reference"][0] == "text"
    assert ("text", "=1+1 cheap") in sheet[3]


def test_the_filters_of_the_page_count_and_nobody_elses_rows_are_in_it(shop: Shop, owner: Browser) -> None:
    small, large = make_paid(shop, make_link(shop, amount="5.00")), make_paid(shop, make_link(shop, amount="50.00"))
    theirs = make_paid(make_shop(shop.app))
    data = b"".join(value.encode() for row in sheets_of(owner.client.get("/portal/payments.xlsx?least=10").data)[0] for _, value in row)
    assert large.reference.encode() in data and small.reference.encode() not in data and theirs.reference.encode() not in data
    assert owner.get("/portal/payments.xlsx?least=x").error_summary
    make_colleague(shop, "support").browser().get("/portal/payments.xlsx", status=403)
    refund = ask_refund(shop, large, "5.00")
    assert ("text", refund.public_id) in sheets_of(owner.client.get("/portal/refunds.xlsx").data)[0][1]
    page = owner.get("/portal/payments?least=10")
    assert "/portal/payments.xlsx?least=10" in [e.attrs["href"] for e in page.all("a")]


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ('"two\nlines, ""quoted"""', ("text", 'two\nlines, "quoted"')), ("'=SUM(A1)", ("text", "=SUM(A1)")), ("'tis", ("text", "'tis")),
        ("\x01\x0bx", ("text", "x")), ("🙂é", ("text", "🙂é")), ("", ("text", "")), ("<&>", ("text", "<&>")), ("x" * 40_000, ("text", "x" * 32_000)),
    ],
)  # fmt: skip
def test_every_text_comes_through(cell: str, kept: Cell) -> None:
    assert read(f"note,amount\n{cell},1\n")[1] == [kept, ("figure", "1")]


@pytest.mark.parametrize(
    ("cell", "kind"),
    [("-12.30", "figure"), ("0.001", "figure"), ("1e5", "text"), ("", "text"), ("99999999999999999", "text"), ("NaN", "text")],
)
def test_only_what_a_spreadsheet_keeps_exactly_is_a_figure(cell: str, kind: str) -> None:
    assert read(f"amount,note\n{cell},x\n")[1][0] == (kind, cell)


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 10)
    text = "note,amount\n" + "".join(f"n{n},{n}\n" for n in range(25))
    sheets = sheets_of(b"".join(Workbook(pieces(text), title="Payments")))
    assert [len(sheet) for sheet in sheets] == [11, 11, 6] and all(sheet[0] == [("text", "note"), ("text", "amount")] for sheet in sheets)
    assert [row[0][1] for sheet in sheets for row in sheet[1:]] == [f"n{n}" for n in range(25)]


def test_an_empty_table_is_a_sheet_with_its_titles() -> None:
    assert read("note,amount\n") == [[("text", "note"), ("text", "amount")]]


def test_it_is_handed_on_while_it_is_written_and_lets_go_when_the_reader_does() -> None:
    class Rows(Iterator[bytes]):
        asked, closed = 0, False

        def __next__(self) -> bytes:
            self.asked += 1
            return b"note\n" if self.asked == 1 else (f"{self.asked:064x}{hash(str(self.asked)):x}" * 20 + "\n").encode()

        def close(self) -> None:
            self.closed = True

    rows = Rows()
    book = Workbook(rows, title="Payments")
    first = next(book)
    asked = rows.asked
    assert len(first) > 60_000 and asked < 10_000, "it does not wait for the end, which never comes"
    book.close()
    assert rows.closed
    never = Rows()
    Workbook(never, title="Payments").close()
    assert never.closed and never.asked == 0
