"""Banks' answers to files of transfers are read strictly: the standard's schema, nothing hidden in them, and nothing that contradicts itself."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.money import Money
from core.providers.pain_status import read_pain_002
from core.providers.statement import StatementRefused
from sandbox.bank_files import write_answer

AT = 1_796_000_000.25
NAMES = [secrets.token_hex(16) for _ in range(3)]
ORDERS = [
    {"end_to_end": name, "amount": amount, "to_iban": "DE12500105170648489890"}
    for name, amount in zip(NAMES, ("10.00", "2.5", "7"), strict=True)
]


def text(story: str = "each", refused: dict[str, str] | None = None) -> str:
    return write_answer("BANK-1", "f" * 32, ORDERS, story, {NAMES[2]: "AC04"} if refused is None else refused, AT)


def test_everything_that_the_bank_says_is_read() -> None:
    report = read_pain_002(text().encode())
    assert (report.message, report.about.number, report.about.count, report.about.total) == ("BANK-1", "f" * 32, 3, Money(1950, "EUR"))
    assert (report.status, report.made_at.timestamp()) == ("PART", AT)
    assert [(one.end_to_end, one.status, one.amount and one.amount.minor, one.reason.code) for one in report.transfers] == [
        (NAMES[0], "ACSP", 1000, ""), (NAMES[1], "ACSP", 250, ""), (NAMES[2], "RJCT", 700, "AC04"),
    ]  # fmt: skip
    assert report.transfers[2].reason.short == "AC04 Account closed" and report.transfers[2].line > report.transfers[1].line


def test_of_the_whole_it_may_say_the_reason_once() -> None:
    report = read_pain_002(text("poor", dict.fromkeys(NAMES, "AM04")).encode())
    assert (report.status, report.reason.short, report.transfers) == ("RJCT", "AM04 Insufficient funds", ())


def test_references_in_capitals_are_ours_all_the_same() -> None:
    shouted = re.sub(r"(<OrgnlEndToEndId>)(.*?)(<)", lambda m: m[1] + m[2].upper() + m[3], text())
    assert [one.end_to_end for one in read_pain_002(shouted.encode()).transfers] == NAMES


def _twice(said: str) -> str:
    tx = re.search(r"<TxInfAndSts>.*?</TxInfAndSts>", said)
    assert tx
    return said.replace(tx[0], tx[0] + tx[0], 1)


def _two_batches(said: str) -> str:
    batch = re.search(r"<OrgnlPmtInfAndSts>.*</OrgnlPmtInfAndSts>", said, re.DOTALL)
    assert batch
    return said.replace(batch[0], batch[0] + batch[0].replace(NAMES[0], "a").replace(NAMES[1], "b").replace(NAMES[2], "c"))


WRONG: dict[str, tuple[Callable[[str], str], str]] = {
    "an older version": (lambda said: said.replace("pain.002.001.10", "pain.002.001.03"), "no status report of version"),
    "another message": (lambda said: said.replace("CstmrPmtStsRpt", "CstmrDrctDbtInitn"), "does not follow the schema"),
    "an element more": (lambda said: said.replace("<GrpSts>", "<Sts>x</Sts><GrpSts>"), "does not follow the schema"),
    "a long number": (lambda said: said.replace("BANK-1", "B" * 36), "does not follow the schema"),
    "an entity": (lambda said: said.replace("<Document", '<!DOCTYPE d [<!ENTITY a "b">]><Document', 1), "no document type"),
    "cut off": (lambda said: said[: len(said) // 2], "damaged"),
    "a status nobody knows": (lambda said: said.replace("<TxSts>ACSP", "<TxSts>FINE"), "is no status that is known"),
    "a part of one transfer": (lambda said: said.replace("<TxSts>ACSP", "<TxSts>PART"), "is no status that is known"),
    "one that names itself not": (lambda said: re.sub(r"<OrgnlEndToEndId>.*?</OrgnlEndToEndId>", "", said, count=1), "does not say which one"),
    "one of them twice": (_twice, "stands in it twice"),
    "two batches": (_two_batches, "speaks of several"),
    "yes and no": (lambda said: said.replace("<GrpSts>PART", "<GrpSts>ACCP"), "The whole is told as ACCP"),
    "no and yes": (lambda said: said.replace("<GrpSts>PART", "<GrpSts>RJCT"), "The whole is told as RJCT"),
    "nothing": (
        lambda said: re.sub(r"<(GrpSts|TxSts)>.*?</\1>", "", said), "says of nothing",
    ),
    "too many decimals": (lambda said: said.replace(">10.00<", ">10.001<"), "decimals"),
    "direct debits": (lambda said: said.replace(">pain.001.001.09<", ">pain.008.001.08<"), "no file of transfers"),
    "a day that is none": (lambda said: re.sub(r"<CreDtTm>.*?<", "<CreDtTm>2026-02-30T10:00:00<", said), "schema|moment"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_refused_with_its_line(what: str) -> None:
    change, words = WRONG[what]
    wrong = change(text())
    assert wrong != text()
    with pytest.raises(StatementRefused, match=words) as refused:
        read_pain_002(wrong.encode())
    assert refused.value.line


@pytest.mark.parametrize("raw", [b"", b"   ", b"x", b"<a/>", b"\x00" * 9, b"<?xml version='1.0' encoding='utf-16'?><a/>"])
def test_what_is_no_report_at_all_is_refused(raw: bytes) -> None:
    with pytest.raises(StatementRefused):
        read_pain_002(raw)


@given(st.integers(0, 3000), st.binary(max_size=12))
def test_whatever_it_is_given_it_says_yes_or_no(at: int, put: bytes) -> None:
    raw = text().encode()
    with suppress(StatementRefused):
        read_pain_002(raw[:at] + put + raw[at + len(put) :])
