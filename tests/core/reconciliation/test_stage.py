"""The quick way in and the slow one agree: whatever the quick one takes, the slow one takes and reads the same; what it does not is read slowly."""

from __future__ import annotations

import contextlib
import io
import secrets
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.kernel.db import db, driver
from core.providers.settlement import SettlementLine, category_of, category_words
from core.reconciliation.models import ReconLine
from core.reconciliation.report import Report, ReportRefused, read_report
from core.reconciliation.stage import PIECE, put_away, stage_report
from core.reconciliation.take import take_report, weigh_report
from tests.core.reconciliation.test_report import HEAD, file_of, row, total
from tests.factories import Shop, unit

NAMES = (
    "external_id", "type", "category", "currency", "gross_minor", "fee_minor", "net_minor", "occurred_at", "value_on", "source_id", "settlement_id",
    "reference", "counterparty", "description",
)  # fmt: skip
# What may stand in a cell, good and bad: each is a case that one of the two ways might see otherwise.
MOMENTS = (
    "2026-11-18 10:00:00", "2024-02-29 23:59:59", "2026-02-29 00:00:00", "2100-02-29 00:00:00", "2000-02-29 00:00:00", "2026-04-31 00:00:00",
    "2026-11-18T10:00:00", "2026-11-18 24:00:00", "2026-11-18 10:00:60", "2026-11-18 10:60:00", "1999-12-31 23:59:59", "2000-01-01 00:00:00",
    "2199-12-31 23:59:59", "2200-01-01 00:00:00", "2026-11-18", "2026-W47-3 10:00:00", "", "now", "infinity", "2026-00-10 10:00:00",
    "٢026-11-18 10:00:00", "2026-11-18 10:00:00 ", "2026-11-18 1:00:00 ",
)  # fmt: skip
AMOUNTS = (
    ("25.00", "0.55", "24.45"), ("-25.00", "0.00", "-25.00"), ("25", "0", "25"), ("25.000", "0.550", "24.450"), ("0025.00", "00.55", "24.45"),
    ("-0.00", "0.00", "0.00"), ("25.00", "0.55", "24.46"), ("25.0", "0.5", "24.5"), ("2,5.00", "0.00", "25.00"), (".50", "0.00", ".50"),
    ("-.50", "0.00", "-.50"), ("5-0.00", "0.00", "50.00"), ("+5.00", "0.00", "5.00"), ("1e3", "0", "1e3"), ("", "", ""), ("NaN", "0.00", "NaN"),
    ("9999999999999.99", "-9999999999999.99", "19999999999999.98"), ("99999999999999.00", "0.00", "99999999999999.00"), ("٢.00", "0.00", "٢.00"),
    ("9999999999999.99", "0.00", "9999999999999.99"),
)  # fmt: skip
CODES = ("eur", "EUR", "Eur", "jpy", "kwd", "xyz", "", "ınr", "eu", "XXX", "xau", " eur")
WORDS = (*category_words(), "topup", "Charge", "", "x" * 70, 'a "word"', "two\nlines", "a,b", "caf\u00e9 \U0001f600", "\x1f\u2028\x0b")
NUMBERS = ("txn_1", "txn_2", "TOTAL", "total", "", " txn", "t" * 80, "t" * 81, "tx\u00e9", "a|b", 'q"q', "c,c", "\\.", "~!")
TEXTS = ("", "ch_1", "A pot", "y" * 80, "y" * 81, "\u00e9" * 80, "\u00e9" * 201, 'say "so"', "a\r\nb", "\\N", "NULL", "  ", "\ufeff")


def cell(text: str, quoted: bool) -> str:
    """As a careful writer writes it, or as it is."""
    return '"' + text.replace('"', '""') + '"' if quoted else text


@st.composite
def rows(draw: Any) -> str:
    """A row, most of which is right most of the time."""

    def one(good: str, others: tuple[str, ...]) -> str:
        return draw(st.sampled_from(others)) if draw(st.integers(0, 11)) == 0 else good

    gross, fee, net = draw(st.sampled_from(AMOUNTS)) if draw(st.integers(0, 7)) == 0 else AMOUNTS[0]
    cells = [
        one("", TEXTS), one("", MOMENTS), one(f"txn_{draw(st.integers(1, 999))}", NUMBERS), one(MOMENTS[0], MOMENTS), one(MOMENTS[0], MOMENTS),
        one("eur", CODES), gross, fee, net, one("charge", WORDS), one("ch_1", TEXTS), one("A pot", TEXTS), one("", TEXTS), one("", TEXTS),
    ]  # fmt: skip
    quoting = draw(st.sampled_from((False, False, False, True)))
    return ",".join(cell(text, quoting or (any(sign in text for sign in ',"\n\r') and draw(st.booleans()))) for text in cells)


STRAY = (
    "",
    ",",
    '"',
    "\x00",
    "a,b",
    "\r",
    "\ufeff",
    '"a"b,c',
    ",,TOTAL,,,eur,25.00,0.55,24.45,total,,1 rows,,",
    ",,TOTAL,,,usd,0.00,0.00,0.00,total,,0 rows,,",
)


@st.composite
def files(draw: Any) -> bytes:
    """A report: rows, sometimes something astray among them, and totals that are right if the rows are."""
    lines = draw(st.lists(rows(), min_size=0, max_size=4))
    if draw(st.integers(0, 5)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(STRAY)))
    end = draw(st.sampled_from(("\r\n", "\r\n", "\n")))
    report = Report()
    text = end.join([HEAD, *lines, ""]).encode()
    with contextlib.suppress(ReportRefused):
        list(read_report(io.BytesIO(text), report, typed={"EUR": [0, 0, 0, 0]}))
    totals = [
        f",,TOTAL,,,{code},{gross / 100:.2f},{fee / 100:.2f},{net / 100:.2f},total,,{count} rows,,"
        for code, (count, gross, fee, net) in report.totals.items()
    ]
    whole = text + end.join([*totals, ""]).encode()
    return whole.removesuffix(end.encode()) if draw(st.booleans()) else whole


def quickly(raw: bytes) -> tuple[Report, list[tuple[Any, ...]]] | None:
    """What the quick way makes of it, in the present unit; None when it leaves it to the other."""
    report = Report()
    if not stage_report(io.BytesIO(raw), report):
        return None
    found = driver().execute(f"SELECT line_no, {', '.join(NAMES)} FROM recon_brought ORDER BY line_no").fetchall()
    put_away()
    return report, [tuple(one) for one in found]


def slowly(raw: bytes) -> tuple[Report, list[tuple[Any, ...]]] | None:
    """The same row by row; None when it refuses."""
    report = Report()
    try:
        lines: list[tuple[int, SettlementLine]] = list(read_report(io.BytesIO(raw), report))
    except ReportRefused:
        return None
    return report, [(number, *(getattr(line, name) for name in NAMES)) for number, line in lines]


def same(one: Report, other: Report) -> bool:
    return (one.sha256, one.size, one.totals, one.stated, one.lines) == (other.sha256, other.size, other.totals, other.stated, other.lines)


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(raw=files())
def test_what_the_quick_way_takes_the_slow_one_takes_and_reads_the_same(shop: Shop, raw: bytes) -> None:
    with unit(shop.app):
        assert agree(raw)


def agree(raw: bytes) -> bool:
    """Whether the quick way leaves it to the slow one, or takes what that takes, as that reads it."""
    quick, slow = quickly(raw), slowly(raw)
    return quick is None or (slow is not None and same(quick[0], slow[0]) and quick[1] == slow[1])


def test_every_odd_cell_is_seen_alike(shop: Shop) -> None:
    """Each cell of an otherwise right row in turn, quoted and not, with everything that is odd in such a cell."""
    good = ["", "", "txn_1", MOMENTS[0], MOMENTS[0], "eur", "25.00", "0.55", "24.45", "charge", "ch_1", "A pot", "", ""]
    amounts = tuple({text for three in AMOUNTS for text in three})
    odd = (TEXTS, TEXTS, NUMBERS, MOMENTS, MOMENTS, CODES, amounts, amounts, amounts, WORDS, TEXTS, TEXTS, TEXTS, TEXTS)
    with unit(shop.app):
        for place, texts in enumerate(odd):
            for text in texts:
                for quoted in (False, True):
                    line = ",".join(cell(one, quoted) for one in [*good[:place], text, *good[place + 1 :]])
                    assert agree(file_of(line, total(1, "25.00", "0.55", "24.45"))), (place, text, quoted)


def test_amounts_have_the_decimals_of_their_currency_either_way(shop: Shop) -> None:
    with unit(shop.app):
        for code in ("eur", "jpy", "kwd", "xyz"):
            for three in AMOUNTS:
                cells = ["", "", "txn_1", MOMENTS[0], MOMENTS[0], code, *three, "charge", "ch_1", "", "", ""]
                line = ",".join(cell(one, "," in one) for one in cells)
                assert agree(file_of(line, total(1, *three, code))), (code, three)


ORDINARY = [
    file_of(row(1), row(2), total(2, "50.00", "1.10", "48.90")),
    file_of(row(1), row(2), total(2, "50.00", "1.10", "48.90")).replace(b"\r\n", b"\n"),
    file_of(row(1), row(2), total(2, "50.00", "1.10", "48.90")).removesuffix(b"\r\n"),
    b"\xef\xbb\xbf" + file_of(row(1), total(1, "25.00", "0.55", "24.45")),
    file_of(row(1).replace("A pot", '"A ""blue"" pot, large"'), row(2), total(2, "50.00", "1.10", "48.90")),
    file_of(row(1).replace("A pot", '"A pot\r\nin two lines"'), row(2), total(2, "50.00", "1.10", "48.90")),
    file_of(row(1), row(2, "2500", "55", "2445", "jpy"), total(1, "25.00", "0.55", "24.45"), total(1, "2500", "55", "2445", "jpy")),
    file_of(row(1, "2.500", "0.055", "2.445", "kwd"), total(1, "2.500", "0.055", "2.445", "kwd")),
    file_of(row(1, "-25.00", "0.00", "-25.00"), row(1, "-25.00", "0.00", "-25.00"), total(2, "-50.00", "0.00", "-50.00")),
    file_of(row(1).replace("A pot", "Ein Töpfchen 🍯"), total(1, "25.00", "0.55", "24.45")),
    file_of(*(row(n) for n in range(4_000)), total(4_000, "100000.00", "2200.00", "97800.00")),
    file_of(
        *(row(n).replace("A pot", f'"Pot, {n}"') if n % 3 else row(n) for n in range(4_000)),
        total(4_000, "100000.00", "2200.00", "97800.00"),
    ),
]


def test_ordinary_reports_go_the_quick_way(shop: Shop) -> None:
    """Also with quotes, over several pieces, and with the last line unended."""
    with unit(shop.app):
        for place, raw in enumerate(ORDINARY):
            quick, slow = quickly(raw), slowly(raw)
            assert quick is not None and slow is not None and same(quick[0], slow[0]) and quick[1] == slow[1], place


def test_the_long_ones_above_are_longer_than_a_piece() -> None:
    assert len(file_of(*(row(n) for n in range(4_000)))) > PIECE


def test_the_words_of_processors_are_the_same_for_both() -> None:
    assert all(category_of(word) == ours for word, ours in category_words().items()) and category_of("never heard of") == "other"


def test_what_is_wrong_is_said_row_by_row_in_the_middle_of_a_unit(shop: Shop) -> None:
    """The quick way leaves the unit whole, whatever it met: in a later piece, within a quote, or in the sums."""
    source = f"p{secrets.token_hex(6)}"
    many = [row(n) for n in range(4_000)]
    late = file_of(*many, row(1, gross="2500"), total(4_001, "1.00", "0.00", "1.00"))
    open_quote = file_of(row(1), row(2).replace("A pot", '"A pot'), total(2, "50.00", "1.10", "48.90"))
    sums = file_of(row(1), total(1, "25.00", "0.55", "24.46"))
    with unit(shop.app):
        take_report("test", source, io.BytesIO(file_of(row(9), total(1, "25.00", "0.55", "24.45"))), Report(), file="a" * 64)
        found = weigh_report(io.BytesIO(late)).problems
        assert [line for line, _ in found] == [4_002] and "gross says 2500" in found[0][1]
        assert "CSV" in weigh_report(io.BytesIO(open_quote)).problems[0][1]
        assert weigh_report(io.BytesIO(sums)).problems[0] == (3, weigh_report(io.BytesIO(sums)).problems[0][1])
        assert weigh_report(io.BytesIO(file_of(row(1), total(1, "25.00", "0.55", "24.45")))).problems == []
    with unit(shop.app):
        assert db.session.query(ReconLine).filter_by(source=source).count() == 1


def test_the_same_number_twice_in_one_report_is_one_line_or_a_contradiction(shop: Shop) -> None:
    source = f"p{secrets.token_hex(6)}"
    twice = file_of(row(1), row(2), row(1), total(3, "75.00", "1.65", "73.35"))
    other = file_of(row(3), row(4), row(3, "26.00", "0.55", "25.45"), total(3, "76.00", "1.65", "74.35"))
    with unit(shop.app):
        taken = take_report("test", source, io.BytesIO(twice), Report(), file="a" * 64)
        assert (taken.lines, taken.fresh, taken.twisted) == (3, 2, [])
        taken = take_report("test", source, io.BytesIO(other), Report(), file="b" * 64)
        assert [(one.external_id, one.line_no) for one in taken.twisted] == [("txn_3", 4)] and taken.fresh == 0
        assert (taken.twisted[0].before["gross_minor"], taken.twisted[0].brought["gross_minor"]) == (2500, 2600)
    with unit(shop.app):
        assert sorted((one.external_id, one.line_no) for one in db.session.query(ReconLine).filter_by(source=source)) == [
            ("txn_1", 2),
            ("txn_2", 3),
        ]


def test_a_line_learns_its_payout_later_and_once(shop: Shop) -> None:
    source = f"p{secrets.token_hex(6)}"
    unpaid, paid, moved = (file_of(row(1).replace("po_1", payout), total(1, "25.00", "0.55", "24.45")) for payout in ("", "po_2", "po_3"))
    for raw, payout in ((unpaid, ""), (paid, "po_2"), (moved, "po_2")):
        with unit(shop.app):
            take_report("test", source, io.BytesIO(raw), Report(), file="a" * 64)
        with unit(shop.app):
            assert db.session.query(ReconLine).filter_by(source=source).one().settlement_id == payout
