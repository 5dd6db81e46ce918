"""The settlement report: strict about columns, amounts, moments and totals; all of it or nothing; the same line once."""

from __future__ import annotations

import io
import secrets
import tracemalloc
from collections.abc import Iterator

import pytest

from core.kernel.db import db
from core.providers.settlement import SettlementLine
from core.reconciliation.exceptions import breaks_of
from core.reconciliation.files import ask_for_import, bring_report, import_report, problems_of
from core.reconciliation.models import ReconException, ReconLine
from core.reconciliation.report import COLUMNS, Report, ReportRefused, check_report, read_report
from core.reconciliation.take import take_report
from tests.core.reconciliation.processor import Processor
from tests.factories import Shop, unit

HEAD = ",".join(COLUMNS)
ROW = "po_1,2026-11-20 00:00:00,txn_{n},2026-11-18 10:00:00,2026-11-20 00:00:00,{cur},{gross},{fee},{net},charge,ch_{n},A pot,vnd_1,pay_1"


def row(n: int, gross: str = "25.00", fee: str = "0.55", net: str = "24.45", cur: str = "eur") -> str:
    return ROW.format(n=n, gross=gross, fee=fee, net=net, cur=cur)


def total(rows: int, gross: str, fee: str, net: str, cur: str = "eur") -> str:
    return f",,TOTAL,,,{cur},{gross},{fee},{net},total,,{rows} rows,,"


def file_of(*lines: str) -> bytes:
    return ("\r\n".join([HEAD, *lines]) + "\r\n").encode()


def wrong(raw: bytes) -> list[tuple[int, str]]:
    report = check_report(io.BytesIO(raw))
    return [(line, str(what)) for line, what in report.problems]


GOOD = file_of(row(1), row(2), total(2, "50.00", "1.10", "48.90"))


def test_a_good_report_is_read_in_minor_units_with_its_line_numbers() -> None:
    report = Report()
    lines: list[tuple[int, SettlementLine]] = list(read_report(io.BytesIO(GOOD), report))
    assert [(number, line.external_id, line.gross_minor, line.fee_minor, line.net_minor) for number, line in lines] == [
        (2, "txn_1", 2500, 55, 2445), (3, "txn_2", 2500, 55, 2445),
    ]  # fmt: skip
    assert lines[0][1].category == "charge" and lines[0][1].settlement_id == "po_1" and lines[0][1].counterparty == "vnd_1"
    assert report.totals == {"EUR": [2, 5000, 110, 4890]} and len(report.sha256) == 64


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (row(1, gross="2500", fee="55", net="2445"), "an amount in EUR is written like 1234.56"),  # minor units: a hundred times too much
        (row(1, gross="25.0", fee="0.55", net="24.45"), "gross says 25.0"),
        (row(1, gross="25,00", fee="0.55", net="24.45"), "cells"),
        (row(1, gross="25.00", fee="0.55", net="24.46"), "Gross less fee is not net"),
        (row(1, cur="xyz"), "xyz is no currency"),
        (row(1, gross="25.00", fee="0.55", net="24.45", cur="jpy"), "an amount in JPY is written like 123456"),
        (row(1).replace("2026-11-18 10:00:00", "18.11.2026"), "a moment is written like"),
        (row(1).replace("txn_1", ""), "no number"),
        (row(1) + ",more", "15 cells"),
        ("", "cells"),
    ],
)
def test_a_bad_row_is_told_by_its_line_and_nothing_is_taken(line: str, says: str) -> None:
    found = wrong(file_of(row(7), line, total(2, "50.00", "1.10", "48.90")))
    assert found[0][0] == 3 and says in found[0][1], found


def test_every_bad_row_is_told_not_only_the_first() -> None:
    found = wrong(file_of(*(row(n, gross="2500") for n in range(60)), total(60, "1.00", "0.00", "1.00")))
    assert [line for line, _ in found] == list(range(2, 52)), "the first fifty, and no totals are counted over what could not be read"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (file_of(row(1), total(2, "25.00", "0.55", "24.45")), "The totals say 2 lines in EUR, the report holds 1"),
        (file_of(row(1), total(1, "26.00", "0.55", "25.45")), "The totals say EUR 26.00 gross"),
        (file_of(row(1)), "no totals at its end"),
        (file_of(row(1), total(1, "25.00", "0.55", "24.45"), row(2)), "below the totals"),
        (GOOD.replace(b"source_id,", b"sourceid,"), "source_id is missing"),
        (GOOD.replace(b"A pot", b"A p\xf6t"), "UTF-8"),
        (GOOD.replace(b"A pot", b"A\x00pot"), "binary"),
        (b"", "empty"),
        (HEAD.encode() + b"\n" + b"x" * 20_000, "longer than"),
        (b'"', "no CSV"),
    ],
)
def test_columns_totals_and_encoding_are_pinned(raw: bytes, says: str) -> None:
    assert says in wrong(raw)[0][1]


def test_a_report_without_totals_is_taken_against_those_that_were_typed() -> None:
    raw = file_of(row(1))
    assert check_report(io.BytesIO(raw), typed={"EUR": [1, 2500, 55, 2445]}).problems == []
    assert "The totals say 2 lines" in str(check_report(io.BytesIO(raw), typed={"EUR": [2, 2500, 55, 2445]}).problems[0][1])


def test_the_sandboxs_own_report_is_taken_and_matches(processor: Processor) -> None:
    processor.sells("25.00")
    processor.sells("40.00")
    payout = processor.pays_out()
    raw = processor.report()
    with unit(processor.shop.app):
        brought = bring_report("test", processor.name, raw, name="report.csv", by="stf_1")
        assert brought.state == "checked" and brought.problems == [] and brought.lines == 3
        ask_for_import(brought, by="stf_1")
    with unit(processor.shop.app):
        taken = import_report("test", brought.public_id)
    assert taken and (taken.lines, taken.fresh) == (3, 3)
    figures = processor.looks(fetching=False)
    assert figures["matched"] == 3 and figures["settlements"] == 1 and processor.open() == []
    assert processor.settlement(payout).lines_minor == payout.amount_minor and processor.holds() == processor.says()
    figures = processor.looks()
    assert figures["lines"] == 0 and len(processor.lines()) == 3, "over the API come the same lines, known by their numbers"


def test_the_same_file_is_taken_once_and_so_is_the_same_line_of_another(shop: Shop) -> None:
    source = f"p{secrets.token_hex(6)}"
    more = file_of(row(1), row(2), row(3), total(3, "75.00", "1.65", "73.35"))
    with unit(shop.app):
        first = bring_report("test", source, GOOD, name=f"{source}.csv", by="stf_1")
        again = bring_report("test", source, GOOD, name="other.csv", by="stf_1")
    assert first.public_id == again.public_id
    with unit(shop.app):
        assert take_report("test", source, io.BytesIO(GOOD), Report(), file="a" * 64).fresh == 2
    with unit(shop.app):
        taken = take_report("test", source, io.BytesIO(more), Report(), file="b" * 64)
    assert (taken.lines, taken.fresh, taken.twisted) == (3, 1, [])


def test_nothing_is_half_taken_when_a_late_line_is_wrong(shop: Shop) -> None:
    source = f"p{secrets.token_hex(6)}"
    raw = file_of(*(row(n) for n in range(300)), row(300, gross="2500"), total(301, "1.00", "0.00", "1.00"))
    with pytest.raises(ReportRefused, match="Line 302"), unit(shop.app):
        take_report("test", source, io.BytesIO(raw), Report(), file="c" * 64)
    with unit(shop.app):
        assert db.session.query(ReconLine).filter_by(source=source).count() == 0


def test_a_known_number_with_other_content_stops_the_import_and_is_an_exception(shop: Shop) -> None:
    source = f"p{secrets.token_hex(6)}"
    other = file_of(row(2), row(1, gross="35.00", net="34.45"), row(9), total(3, "85.00", "1.65", "83.35"))
    with unit(shop.app):
        take_report("test", source, io.BytesIO(GOOD), Report(), file="a" * 64)
    with unit(shop.app):
        brought = bring_report("test", source, other, name="again.csv", by="stf_1")
    with unit(shop.app):
        taken = import_report("test", brought.public_id)
    assert taken and [one.external_id for one in taken.twisted] == ["txn_1"] and taken.fresh == 0
    with unit(shop.app):
        (found,) = db.session.query(ReconException).filter_by(source=source).all()
        assert found.kind == "duplicate_external" and found.state == "open" and found.amount_minor == 1000
        assert (found.ours["gross_minor"], found.theirs["gross_minor"], found.theirs["line_no"]) == (2500, 3500, 3)
        assert found.public_id in [one.public_id for one in breaks_of("test", found.happened_on)], "the day is not closed over it"
        assert db.session.query(ReconLine).filter_by(source=source).count() == 2, "txn_9 waits with the rest of its file"


def test_what_was_wrong_is_kept_and_said_by_line(shop: Shop) -> None:
    raw = file_of(row(1, gross="2500"), total(1, "25.00", "0.55", "24.45"))
    with unit(shop.app):
        brought = bring_report("test", f"p{secrets.token_hex(6)}", raw, name="bad.csv", by="stf_1")
    assert brought.state == "refused"
    (line, sentence), *_ = problems_of(brought)
    assert line == 2 and "gross says 2500" in sentence and sentence.values["currency"] == "EUR"


def test_a_long_report_takes_no_more_memory_than_a_short_one() -> None:
    def lines(count: int) -> Iterator[bytes]:
        yield HEAD.encode() + b"\r\n"
        for n in range(count):
            yield row(n).encode() + b"\r\n"

    def peak(count: int) -> int:
        tracemalloc.start()
        check_report(lines(count))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(20_000) < peak(1_000) + 200_000
