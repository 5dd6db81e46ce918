"""A settlement report on its way into the database in large pieces: one pattern looks at the shape of each line, PostgreSQL at what all of them
say, and both only answer whether everything is plainly right.

What is not plainly right is read once more row by row (core/reconciliation/report.py), and only there it is said what is wrong, and where. So
this may refuse what the other takes, and never the other way round.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from core.kernel.currency import all_exponents
from core.kernel.db import driver
from core.providers.settlement import category_words
from core.reconciliation.report import COLUMNS, LONGEST_LINE, TOTAL, Report, Typed, Wrong, check_totals, line_of

PIECE = 1 << 18  # bytes
MOST_TOTALS = 500  # rows of them; a report has one for each currency
CELLS = (
    "payout", "paid", "external_id", "created", "available", "code", "gross", "fee", "net", "word", "source_id", "description", "vendor", "reference",
)  # fmt: skip
# The same columns, whichever way the lines came. Sorted by their numbers, which is how the index of the lines wants them.
BROUGHT = """CREATE TEMP TABLE recon_brought (
  external_id text, type text, category text, currency text, gross_minor bigint, fee_minor bigint, net_minor bigint, occurred_at timestamptz,
  value_on date, source_id text, settlement_id text, reference text, counterparty text, description text, line_no int
)"""
_RAW = f"CREATE TEMP TABLE recon_raw (line_no int, {', '.join(f'{cell} text' for cell in CELLS)})"
_COPY = "COPY recon_raw FROM STDIN (FORMAT csv, FORCE_NOT_NULL *)"
# A row that has the right shape: moments between 2000 and 2200, on days that there are, and amounts. Which decimals a currency has PostgreSQL says.
_DAY = (
    "(?:2[01][0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:20(?:[02468][048]|[13579][26])|21(?:0[48]|[2468][048]|[13579][26]))-02-29)"
)
_MOMENT = f"{_DAY} (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_AMOUNT = r"-?[0-9]{1,13}(?:\.[0-9]{2,3})?"
_SHAPE = ",".join([
    "[^,]{0,80}", "[^,]*", r"[!-+\--~]{1,80}", _MOMENT, _MOMENT, "[A-Za-z]{3}", _AMOUNT, _AMOUNT, _AMOUNT, "[^,]*", "[^,]{0,80}", "[^,]*", "[^,]*", "[^,]*",
])  # fmt: skip
_ROW = f"{_SHAPE}|[^,]*,[^,]*,{TOTAL}(?:,[^,]*){{11}}"
_is_row, _is_quoted_row = re.compile(_ROW.encode()).fullmatch, re.compile(_ROW).fullmatch
_NOT_SAID = frozenset(CELLS.index(name) for name in ("paid", "word", "description", "vendor", "reference"))  # cells that may say anything
_DECIMALS = " AND ".join(
    f"CASE digits WHEN 0 THEN strpos({name}, '.') = 0 ELSE strpos({name}, '.') = length({name}) - digits END"
    for name in ("gross", "fee", "net")
)
# Amounts without the decimals of their currency stay empty, and so do those of no currency: an empty one is not right.
_READ = f"""INSERT INTO recon_brought SELECT external_id, left(word, 60), coalesce(category, 'other'), currency,
  CASE WHEN good THEN replace(gross, '.', '')::bigint END, CASE WHEN good THEN replace(fee, '.', '')::bigint END,
  CASE WHEN good THEN replace(net, '.', '')::bigint END, created::timestamp AT TIME ZONE 'UTC', left(available, 10)::date, source_id, payout,
  left(reference, 60), left(vendor, 60), left(description, 200), line_no
FROM (SELECT r.*, c.currency, k.category, {_DECIMALS} AS good
  FROM recon_raw r LEFT JOIN unnest(%(currencies)s::text[], %(digits)s::int[]) AS c(currency, digits) ON c.currency = upper(r.code COLLATE "C")
  LEFT JOIN unnest(%(words)s::text[], %(categories)s::text[]) AS k(word, category) ON k.word = r.word
  WHERE external_id <> '{TOTAL}' OFFSET 0) one ORDER BY external_id, line_no"""
_SUMS = """SELECT currency, count(*), sum(gross_minor), sum(fee_minor), sum(net_minor), max(line_no),
  bool_and(coalesce(gross_minor - fee_minor = net_minor, false)) FROM recon_brought GROUP BY currency"""
_TOTALS = f"SELECT line_no, {', '.join(CELLS)} FROM recon_raw WHERE external_id = '{TOTAL}' ORDER BY line_no LIMIT {MOST_TOTALS}"
# For statements about many rows at once: what sorts and joins them may take some memory, and no more for a million than for ten thousand.
IN_BULK = ("SET LOCAL jit = off", "SET LOCAL work_mem = '64MB'", "SET LOCAL default_statistics_target = 10")


class NotPlain(Exception):
    """Something in it has to be read row by row."""


def stage_report(raw: BinaryIO, report: Report, *, typed: Typed | None = None) -> bool:
    """Lay a report out in `recon_brought`, in the present unit, and note in `report` what it comes to. False, and nothing changed, when anything in
    it is not plainly right: `raw` is at its beginning again then."""
    begins, found = raw.tell(), Report()
    try:
        _bring(raw, found)
        _weigh(found, typed)
    except NotPlain:
        put_away()
        raw.seek(begins)
        return False
    driver().execute("DROP TABLE recon_raw")
    report.sha256, report.size, report.totals, report.stated = found.sha256, found.size, found.totals, found.stated
    return True


def lay_out() -> None:
    """Room for the lines of one report."""
    put_away()
    ask = driver().execute
    for setting in IN_BULK:
        ask(setting)
    ask(BROUGHT)


def put_away() -> None:
    """Nothing of it is left."""
    driver().execute("DROP TABLE IF EXISTS recon_brought, recon_raw, recon_known, recon_twice")


def _bring(raw: BinaryIO, report: Report) -> None:
    lay_out()
    driver().execute(_RAW)
    refused = None
    with driver().cursor().copy(_COPY) as copy:
        try:
            for piece in pieces(raw, report):
                copy.write(piece)
        except NotPlain as wrong:  # said after the statement has come to its end: a statement broken off would take the unit with it
            refused = wrong
    if refused is not None:
        raise refused


def _weigh(report: Report, typed: Typed | None) -> None:
    ask = driver().execute
    exponents, words = all_exponents(), category_words()
    values = {
        "currencies": list(exponents), "digits": list(exponents.values()), "words": list(words), "categories": list(words.values()),
    }  # fmt: skip
    ask(_READ, values)
    last = 1
    for currency, lines, gross, fee, net, line, good in ask(_SUMS).fetchall():
        if not good:
            raise NotPlain
        report.totals[currency], last = [lines, int(gross), int(fee), int(net)], max(last, line)
    totals = ask(_TOTALS).fetchall()
    if len(totals) == MOST_TOTALS or (totals and totals[0][0] <= last):
        raise NotPlain
    try:
        for _, *cells in totals:
            line_of(cells, report)
    except Wrong:
        raise NotPlain from None
    check_totals(report, typed, last)
    if report.problems:  # where they stand the other way says
        raise NotPlain


def pieces(raw: BinaryIO, report: Report) -> Iterator[bytes]:
    """The rows below the names, each with its line number before it, in pieces as COPY takes them. Raises NotPlain."""
    seen = hashlib.sha256()
    head = raw.readline(LONGEST_LINE)
    _check_head(head)
    seen.update(head)
    report.size, number, rest = len(head), 2, b""
    while piece := raw.read(PIECE):
        seen.update(piece)
        report.size += len(piece)
        whole, end, begun = piece.rpartition(b"\n")
        if end:
            block, rest = b"".join((rest, whole, end)), begun
            yield _numbered(block, number)
            number += block.count(b"\n")
        else:
            rest += begun
        if len(rest) > LONGEST_LINE:
            raise NotPlain
    if rest:
        yield _numbered(rest + b"\n", number)
    report.sha256 = seen.hexdigest()


def _check_head(head: bytes) -> None:
    try:
        names = next(csv.reader([head.decode("utf-8-sig")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        raise NotPlain from None
    if tuple(names) != COLUMNS:
        raise NotPlain


def _numbered(block: bytes, number: int) -> bytes:
    """Whole lines, the first of which is `number`. Only where there are quotes it is looked at what stands between the commas."""
    if b"\x00" in block:
        raise NotPlain
    if b'"' in block:
        return _quoted(block, number)
    _check_text(block)
    lines = block.replace(b"\r\n", b"\n").split(b"\n")
    lines.pop()  # below the last end of a line there is nothing
    if block.count(b"\r") != block.count(b"\r\n") or max(map(len, lines)) > LONGEST_LINE - 2 or not all(map(_is_row, lines)):
        raise NotPlain
    return b"\n".join(map(b"%d,%b".__mod__, zip(count(number), lines, strict=False))) + b"\n"


def _check_text(block: bytes) -> str:
    try:
        return block.decode()
    except UnicodeDecodeError:
        raise NotPlain from None


def _quoted(block: bytes, number: int) -> bytes:
    """Where a cell ends is CSV's to say here. A row that goes on below the block is not plain."""
    lines = _check_text(block).split("\n")
    lines.pop()
    if max(map(len, block.split(b"\n"))) > LONGEST_LINE - 1:
        raise NotPlain
    rows, out = csv.reader(map("%s\n".__mod__, lines), strict=True), io.StringIO(newline="")
    again = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    try:
        for cells in rows:
            if not _is_quoted_row(",".join("" if place in _NOT_SAID else cell for place, cell in enumerate(cells))):
                raise NotPlain
            again.writerow([number - 1 + rows.line_num, *cells])
    except csv.Error:
        raise NotPlain from None
    return out.getvalue().encode()
