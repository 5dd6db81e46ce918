"""Reads a processor's settlement report, a CSV in UTF-8, strictly and as a stream: all of it is right, or none of it is taken.

Amounts are decimals of their currency. An amount without its decimals is refused, and not taken for minor units or for whole ones:
between the two lies a factor of a hundred, and no control total that was written by the same hand would notice. The rows at the
end that say TOTAL hold, for each currency, how many lines there are and what they come to.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from core.kernel.currency import exponent, is_currency
from core.kernel.errors import Refusal
from core.kernel.money import Money
from core.kernel.sentence import Sentence, said
from core.providers.settlement import SettlementLine, category_of

COLUMNS = (
    "automatic_payout_id", "automatic_payout_effective_at_utc", "balance_transaction_id", "created_utc", "available_on_utc", "currency",
    "gross", "fee", "net", "reporting_category", "source_id", "description", "payment_metadata[vendor]", "payment_metadata[reference]",
)  # fmt: skip
TOTAL = "TOTAL"
MOST_PROBLEMS = 50  # kept and shown; a thousand would say no more
LONGEST_LINE = 10_000  # bytes
ZIP = b"PK\x03\x04"  # a workbook begins so
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)  # with room on both sides for whoever adds days
Typed = Mapping[str, Sequence[int | None]]  # control totals: lines, gross, fee, net; None where a summary does not say
_IDENTITY = re.compile(r"[\x21-\x7e]{1,80}")
_ROWS = re.compile(r"([0-9]{1,9}) rows")


class ReportRefused(Refusal):
    """The report is not taken, whole or in part. `problems` says what is wrong in which line."""

    code = "report_refused"

    def __init__(self, problems: list[tuple[int, Sentence]], more: int = 0) -> None:
        line, sentence = problems[0]
        super().__init__(said("Line %(line)s: %(what)s", line=line, what=sentence), field="file")
        self.problems, self.more = problems, more


class Wrong(Exception):
    """What is wrong with one row."""

    def __init__(self, sentence: Sentence) -> None:
        self.sentence = sentence


@dataclass(slots=True)
class Report:
    """What was found while the lines passed by; complete when they have."""

    sha256: str = ""
    size: int = 0
    totals: dict[str, list[int]] = field(default_factory=dict)  # by currency: lines, gross, fee, net
    stated: dict[str, list[int]] = field(default_factory=dict)
    problems: list[tuple[int, Sentence]] = field(default_factory=list)
    more: int = 0  # problems beyond those

    @property
    def lines(self) -> int:
        """How many it holds."""
        return sum(row[0] for row in self.totals.values())

    def note(self, line: int, sentence: Sentence) -> None:
        """One more thing that is wrong."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append((line, sentence))
        else:
            self.more += 1


def read_report(raw: Iterable[bytes], report: Report, *, typed: Typed | None = None) -> Iterator[tuple[int, SettlementLine]]:
    """(line number, line) for every row, one after the other: no more memory for a million than for ten.

    When the last has passed, `report` holds what they come to. Raises ReportRefused at the end if anything was wrong, so whoever
    stores the lines as they come throws them away then. `typed` are control totals from elsewhere, for a report that has none.
    """
    rows = csv.reader(_decoded(raw, report), strict=True)
    first = 0
    try:
        for cells in rows:
            first, before = rows.line_num, first
            if before == 0:
                _check_head(cells)
                continue
            try:
                found = line_of(cells, report)
            except Wrong as wrong:
                report.note(first, wrong.sentence)
                continue
            if found is not None:
                yield first, found
    except csv.Error as error:
        report.note(first + 1, said("This is no CSV: %(reason)s.", reason=str(error)))
    except Wrong as wrong:
        report.note(max(rows.line_num, 1), wrong.sentence)
    if not report.problems:
        check_totals(report, typed, rows.line_num)
    if report.problems:
        raise ReportRefused(report.problems, report.more)


def check_report(raw: Iterable[bytes], *, typed: Typed | None = None) -> Report:
    """Read it all and keep nothing but what it comes to and what is wrong with it."""
    report = Report()
    try:
        for _ in read_report(raw, report, typed=typed):
            pass
    except ReportRefused:
        pass
    return report


def is_report(raw: bytes) -> bool:
    """Whether its first line means to be the report's: all others are tables whose columns a person names. A broken report is told as one."""
    if raw.startswith(ZIP):
        return False
    cells = re.split("[,;\t|]", raw[:LONGEST_LINE].split(b"\n", 1)[0].decode("utf-8-sig", "replace").strip())
    return len(set(cells) & set(COLUMNS)) > len(COLUMNS) // 2 or len(cells) == 1


def _decoded(raw: Iterable[bytes], report: Report) -> Iterator[str]:
    """Line by line, so that a wrong byte has a line number and a file without ends of lines fills no memory."""
    seen = hashlib.sha256()
    for number, line in enumerate(raw):
        seen.update(line)
        report.size += len(line)
        if len(line) > LONGEST_LINE:
            raise Wrong(said("The line is longer than %(most)s bytes.", most=LONGEST_LINE))
        if b"\x00" in line:
            raise Wrong(said("The report holds binary data."))
        try:
            yield line.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError:
            raise Wrong(said("The report must be written in UTF-8.")) from None
    report.sha256 = seen.hexdigest()
    if not report.size:
        raise Wrong(said("The file is empty."))


def _check_head(cells: list[str]) -> None:
    if tuple(cells) == COLUMNS:
        return
    missing, strange = [name for name in COLUMNS if name not in cells], [name for name in cells if name not in COLUMNS]
    if missing:
        raise Wrong(said("The columns are not those of the report: %(names)s is missing.", names=", ".join(missing)))
    if strange:
        raise Wrong(said("The column %(name)s is not one of the report’s.", name=strange[0][:60] or "–"))
    raise Wrong(said("The columns stand in another order than the report’s, or twice."))


def line_of(cells: list[str], report: Report) -> SettlementLine | None:
    """One row in the columns of the report, counted in `report`; None for a row of totals. Raises Wrong."""
    if len(cells) != len(COLUMNS):
        raise Wrong(said("The line has %(found)s cells, the report has %(wanted)s columns.", found=len(cells), wanted=len(COLUMNS)))
    payout, _paid, external, created, available, code, gross, fee, net, word, source, description, vendor, reference = cells
    currency = code.upper()
    if len(currency) != 3 or not is_currency(currency):
        raise Wrong(said("%(code)s is no currency.", code=code[:10] or "–"))
    money = [_minor(text, currency, name) for text, name in ((gross, "gross"), (fee, "fee"), (net, "net"))]
    if money[0] - money[1] != money[2]:
        raise Wrong(said("Gross less fee is not net: %(gross)s, %(fee)s, %(net)s.", gross=gross, fee=fee, net=net))
    if external == TOTAL:
        _state(report, currency, source or description, money)
        return None
    if report.stated:
        raise Wrong(said("A line stands below the totals."))
    if not _IDENTITY.fullmatch(external) or len(source) > 80 or len(payout) > 80:
        raise Wrong(said("The line has no number of the processor’s that can be read."))
    counted = report.totals.setdefault(currency, [0, 0, 0, 0])
    counted[0] += 1
    for place, minor in enumerate(money):
        counted[place + 1] += minor
    occurred = _moment(created, "created_utc")
    return SettlementLine(
        external, word[:60], category_of(word), currency, money[0], money[1], money[2], occurred, _moment(available, "available_on_utc").date(),
        source, payout, reference[:60], vendor[:60], description[:200],
    )  # fmt: skip


def _state(report: Report, currency: str, words: str, money: list[int]) -> None:
    counted = _ROWS.fullmatch(words)
    if counted is None or currency in report.stated:
        raise Wrong(said("A total says how many rows it is of, once for each currency."))
    report.stated[currency] = [int(counted[1]), *money]


@cache
def _grammar(currency: str) -> re.Pattern[str]:
    digits = exponent(currency)
    return re.compile(r"-?[0-9]{1,13}" + (rf"\.[0-9]{{{digits}}}" if digits else ""))


def _minor(text: str, currency: str, name: str) -> int:
    if not _grammar(currency).fullmatch(text):
        wanted = Money(123456, currency).decimal_text
        raise Wrong(
            said("%(column)s says %(text)s: an amount in %(currency)s is written like %(wanted)s.", column=name, text=text[:30] or "–", currency=currency, wanted=wanted)
        )  # fmt: skip
    return int(text.replace(".", ""))


def _moment(text: str, name: str) -> datetime:
    try:
        if len(text) == 19 and EARLIEST <= (found := datetime.fromisoformat(f"{text}+00:00")) < LATEST:
            return found
    except ValueError:
        pass
    raise Wrong(said("%(column)s says %(text)s: a moment is written like 2026-11-30 23:59:59, in UTC.", column=name, text=text[:30] or "–"))


def check_totals(report: Report, typed: Typed | None, last: int) -> None:
    """Whether the lines come to what the report says, or to what was typed; what is not so is a problem of its last line."""
    stated: dict[str, list[Any]] = {**report.stated} or {code: list(row) for code, row in (typed or {}).items()}
    if not stated:
        report.note(max(last, 1), said("The report has no totals at its end. Type those of the processor’s own summary."))
        return
    for currency in sorted({*stated, *report.totals}):
        said_, found = stated.get(currency, [0, 0, 0, 0]), report.totals.get(currency, [0, 0, 0, 0])
        if said_[0] != found[0]:
            report.note(
                last,
                said(
                    "The totals say %(said)s lines in %(currency)s, the report holds %(found)s.",
                    said=said_[0],
                    currency=currency,
                    found=found[0],
                ),
            )
        for place, name in ((1, "gross"), (2, "fee"), (3, "net")):
            if said_[place] is not None and said_[place] != found[place]:
                report.note(
                    last,
                    said("The totals say %(said)s %(column)s, the lines come to %(found)s.", said=Money(said_[place], currency), column=name, found=Money(found[place], currency)),
                )  # fmt: skip
