"""CAMT.053 files: right ones are read to the last unit, damaged ones are refused whole with the line named."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core.providers import camt
from core.providers.camt import read_camt
from core.providers.statement import StatementRefused
from tests.core.providers.statements import Draft, Line, Tx, decimal, drafts, file_of

few = settings(max_examples=30, deadline=None)
PLAIN = Draft(
    (
        Line((Tx(2500, reference="RF18539007547034"),), bank_reference="A"),
        Line((Tx(700, sign=-1, name="Pot Maker"),), sign=-1, bank_reference="B"),
    ),
    opening=1000,
)


def refused(raw: bytes) -> StatementRefused:
    with pytest.raises(StatementRefused) as refusal:
        read_camt(raw)
    return refusal.value


def line_of(raw: bytes, text: str) -> int:
    return 1 + raw[: raw.index(text.encode())].count(b"\n")


# --- right ones ----------------------------------------------------------------------------------------------------------


@few
@given(st.lists(drafts(), min_size=1, max_size=3))
def test_what_was_written_is_what_is_read(given_drafts: list[Draft]) -> None:
    numbered = [replace(draft, identity=f"S-{n}") for n, draft in enumerate(given_drafts)]
    read = read_camt(file_of(*numbered)).statements
    for draft, statement in zip(numbered, read, strict=True):
        assert (statement.identity, statement.account, statement.currency) == (draft.identity, draft.iban, draft.currency)
        assert (statement.opening.signed_minor, statement.closing.signed_minor) == (draft.opening, draft.closing)
        booked = [line for line in draft.lines if line.status == "BOOK"]
        assert statement.pending == len(draft.lines) - len(booked)
        for line, entry in zip(booked, statement.entries, strict=True):
            assert (entry.signed_minor, entry.reversal, entry.booked_on) == (line.sign * line.minor, line.reversal, line.booked_on)
            told = [(tx.minor, tx.sign, tx.name, tx.reference, tx.text) for tx in line.txs]
            assert [(d.amount.minor, d.sign, d.name, d.reference, d.text) for d in entry.details] == told


@few
@given(drafts())
def test_opening_and_entries_come_to_the_closing_balance(draft: Draft) -> None:
    for statement in read_camt(file_of(draft)).statements:
        assert statement.opening.signed_minor + sum(e.signed_minor for e in statement.entries) == statement.closing.signed_minor


@few
@given(drafts(least=1))
def test_an_entry_keeps_its_name_and_content_in_another_statement_and_another_place(draft: Draft) -> None:
    one = dict(read_camt(file_of(draft)).statements[0].keyed())
    other = dict(read_camt(file_of(replace(draft, identity="S-9", lines=draft.lines[::-1]))).statements[0].keyed())
    assert {key: entry.digest for key, entry in one.items()} == {key: entry.digest for key, entry in other.items()}


def test_the_amounts_of_each_currency_have_its_own_decimals() -> None:
    for currency, minor in (("EUR", 1250), ("JPY", 1250), ("KWD", 12_500)):
        entry = read_camt(file_of(Draft((Line((Tx(minor),)),), currency=currency))).statements[0].entries[0]
        assert (entry.amount.minor, entry.amount.currency) == (minor, currency)


def test_five_decimals_are_read_when_they_say_nothing_more() -> None:
    raw = file_of(PLAIN).replace(b">25.00<", b">25.00000<")
    assert read_camt(raw).statements[0].entries[0].amount.minor == 2500


def test_a_batch_gives_its_transactions_each_with_its_own_line() -> None:
    raw = file_of(Draft((Line((Tx(100, name="Ada"), Tx(250, name="Ben"), Tx(50, name="Cleo")), bank_reference="A"),)))
    entry = read_camt(raw).statements[0].entries[0]
    assert entry.amount.minor == 400
    assert [(d.name, d.amount.minor) for d in entry.details] == [("Ada", 100), ("Ben", 250), ("Cleo", 50)]
    assert len({d.line for d in entry.details}) == 3


def test_a_batch_the_bank_does_not_break_down_is_one_transaction_of_which_it_says_nothing() -> None:
    raw = re.sub(rb"<TxDtls>.*</TxDtls>\n", b"", file_of(Draft((Line((Tx(100), Tx(250))),))), flags=re.S)
    (detail,) = read_camt(raw).statements[0].entries[0].details
    assert (detail.amount.minor, detail.name) == (350, "")


@pytest.mark.parametrize("version", ["02", "04", "08"])
def test_a_reversed_credit_leaves_and_names_the_payer(version: str) -> None:
    draft = Draft((Line((Tx(2500, sign=-1, name="Ada Payer"),), sign=-1, reversal=True),), opening=2500, version=version)
    entry = read_camt(file_of(draft)).statements[0].entries[0]
    assert (entry.signed_minor, entry.reversal, entry.details[0].name) == (-2500, True, "Ada Payer")


def test_a_transfer_that_comes_back_says_why() -> None:
    draft = Draft((Line((Tx(700, end_to_end="ORDER1", returned="AC04"),)),))
    (detail,) = read_camt(file_of(draft)).statements[0].entries[0].details
    assert (detail.end_to_end, detail.return_reason) == ("ORDER1", "AC04")


def test_entries_that_share_the_banks_reference_are_told_apart() -> None:
    draft = Draft(
        (
            Line((Tx(2500),), bank_reference="A"),
            Line((Tx(2500),), bank_reference="A"),
            Line((Tx(90, sign=-1),), sign=-1, bank_reference="A"),
        )
    )
    keys = [key for key, _ in read_camt(file_of(draft)).statements[0].keyed()]
    assert len(set(keys)) == 3


# --- damaged ones --------------------------------------------------------------------------------------------------------


@few
@given(drafts(least=1), st.data())
def test_a_file_that_was_cut_off_is_refused_and_the_line_named(draft: Draft, data: st.DataObject) -> None:
    raw = file_of(draft)
    cut = raw[: data.draw(st.integers(60, len(raw.rstrip()) - 1))]
    refusal = refused(cut)
    assert refusal.line and 1 <= refusal.line <= cut.count(b"\n") + 1


@few
@given(drafts(least=1), st.data())
def test_an_entry_that_was_lost_or_doubled_is_noticed(draft: Draft, data: st.DataObject) -> None:
    pick = data.draw(st.integers(0, len(draft.lines) - 1))
    assume(draft.lines[pick].status == "BOOK")
    text = file_of(draft).decode()
    entries = re.findall(r"<Ntry>.*?</Ntry>\n", text, flags=re.S)
    changed = "" if data.draw(st.booleans()) else entries[pick] * 2
    at = [m.start() for m in re.finditer(r"<Ntry>", text)][pick]
    raw = (text[:at] + changed + text[at + len(entries[pick]) :]).encode()
    assert refused(raw).line


@few
@given(drafts(least=1), st.data())
def test_a_changed_amount_is_noticed(draft: Draft, data: st.DataObject) -> None:
    pick = data.draw(st.integers(0, len(draft.lines) - 1))
    assume(draft.lines[pick].status == "BOOK")
    text = file_of(draft).decode()
    at = [m.start() for m in re.finditer(r"<Ntry>", text)][pick]
    other = data.draw(st.integers(1, 50_000_000).filter(lambda n: n != draft.lines[pick].minor))
    head, tail = text[:at], text[at:]
    raw = (head + re.sub(r'(<Amt Ccy="\w{3}">)[^<]*', rf"\g<1>{decimal(other, draft.currency)}", tail, count=1)).encode()
    assert refused(raw).line


@few
@given(st.binary(max_size=300))
@example(b"<?xml version='1.0' encoding='utf-16'?><Document/>")
@example(b"\xff\xfe<\x00D\x00/\x00>\x00")
@example(b"<Document")
@example(b"\xef\xbb\xbf")
def test_what_is_no_statement_is_refused_and_nothing_else_happens(raw: bytes) -> None:
    refused(raw)


@pytest.mark.parametrize("blanks", [1, 300, 100_000])
def test_another_encoding_cannot_hide_behind_blanks(blanks: int) -> None:
    """In UTF-7 a document type is written in signs among which nobody looks for one."""
    declared = b'<?xml version="1.0"' + b" " * blanks + b'encoding="utf-7"?>'
    hidden = b'+ADwAIQ-DOCTYPE a [+ADwAIQ-ENTITY x "5">]>'
    whole = file_of(PLAIN).partition(b"?>")[2].replace(b"+", b"+-")
    for name in (b"<BkToCstmrStmt>", b"<Stmt>", b"<Nm>", b"<MsgId>"):
        assert refused(declared + hidden + whole.replace(name, name + b"&x;", 1)).line == 1


@few
@given(drafts(least=1), st.data())
def test_a_byte_that_was_changed_is_never_more_than_a_refusal(draft: Draft, data: st.DataObject) -> None:
    raw = bytearray(file_of(draft))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = read_camt(bytes(raw))
    except StatementRefused as refusal:
        assert refusal.line or "empty" in refusal.message
    else:
        for statement in read.statements:
            assert statement.opening.signed_minor + sum(e.signed_minor for e in statement.entries) == statement.closing.signed_minor


def test_the_line_of_a_breach_of_the_schema_is_named() -> None:
    raw = file_of(PLAIN).replace(b"<CdtDbtInd>DBIT</CdtDbtInd>", b"<CdtDbtInd>DEBIT</CdtDbtInd>")
    refusal = refused(raw)
    assert refusal.line == line_of(raw, "DEBIT") and "DEBIT" in refusal.message


def test_the_line_of_a_breach_is_named_far_down_a_long_file() -> None:
    many = Draft(tuple(Line((Tx(1),), bank_reference=f"B{n}") for n in range(18_000)))
    raw = file_of(many)
    assert raw.count(b"\n") > 70_000
    at = raw.rindex(b"CRDT")
    broken = raw[:at] + b"CRXX" + raw[at + 4 :]
    assert refused(broken).line == 1 + broken[:at].count(b"\n")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"<Document", b'<!DOCTYPE x [<!ENTITY a "b">]><Document', "no document type"),
        (b"RF18539007547034", b"&a;", "damaged"),
        (b'encoding="UTF-8"', b'encoding="UTF-16"', "UTF-8"),
        (b'encoding="UTF-8"', b'encoding="UTF-7"', "UTF-8"),
        (b"camt.053.001.08", b"camt.054.001.08", "not a CAMT.053"),
        (b"CLBD", b"CLAV", "lacks its opening or its closing"),
        (b"OPBD", b"CLBD", "lacks its opening or its closing"),
        (b'<Amt Ccy="EUR">25.00', b'<Amt Ccy="EUR">25.005', "more decimals"),
        (b'<Amt Ccy="EUR">25.00', b'<Amt Ccy="XXX">25.00', "not a currency"),
        (b'<Amt Ccy="EUR">25.00', b'<Amt Ccy="GBP">25.00', "on an account in EUR"),
        (b"<NbOfNtries>2", b"<NbOfNtries>3", "says 3 entries"),
        (b"<Sum>32.00", b"<Sum>33.00", "come to EUR 32.00"),
        (b"<Amt>18.00", b"<Amt>17.00", "in all"),
        (b"<BookgDt><Dt>2026-11-20</Dt></BookgDt><ValDt><Dt>2026-11-20</Dt></ValDt>", b"", "no booking date"),
    ],
)
def test_what_contradicts_itself_is_refused_with_its_reason(old: bytes, new: bytes, words: str) -> None:
    raw = file_of(PLAIN)
    assert old in raw
    refusal = refused(raw.replace(old, new, 1))
    assert words in refusal.message
    assert refusal.line


def test_transactions_that_do_not_add_up_to_their_entry_are_refused() -> None:
    raw = file_of(Draft((Line((Tx(100), Tx(250))),)))
    refusal = refused(re.sub(rb'<Amt Ccy="EUR">2\.50', b'<Amt Ccy="EUR">2.60', raw, count=1))
    assert "do not add up" in refusal.message and refusal.line == line_of(raw, "<Ntry>")


def test_a_batch_that_lists_fewer_than_it_says_is_refused() -> None:
    raw = file_of(Draft((Line((Tx(100), Tx(250))),))).replace(b"<NbOfTxs>2", b"<NbOfTxs>3")
    assert "3 transactions and lists 2" in refused(raw).message


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    assert "megabytes" in refused(b" " * camt.LARGEST + b"<").message


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camt, "MOST_ENTRIES", 1)
    assert "too many entries" in refused(file_of(PLAIN)).message
