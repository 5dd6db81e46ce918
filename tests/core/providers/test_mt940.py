"""MT940: what the library leaves unlooked at is refused, and what it reads gives the same as CAMT.053 would."""

from __future__ import annotations

import pytest

from core.providers.mt940 import looks_like_mt940, read_mt940
from core.providers.statement import StatementRefused

GOOD = """:20:SBX00000001
:25:DE12500105170648489890
:28C:00001/001
:60F:C261101EUR1000,00
:61:2611021102C250,50NTRFREF12345//BANKREF1
/OCMT/EUR250,50/
:86:166?00GUTSCHRIFT?20EREF+E2E-77SVWZ+RF18 5390 0754
?21 7034?30SBOXDEFF?31DE12500105170648489890?32ADA PAYER
:61:2611031103D50,00NMSCNONREF
:86:Bank charge
:61:2611031103RC0,50NTRFNONREF//BANKREF2
:86:159?00RETOURE?20EREF+PO-1?32ADA
:62F:C261103EUR1200,00
-
"""


def test_a_statement_is_read_to_the_last_sum() -> None:
    (statement,) = read_mt940(GOOD.encode()).statements
    assert (statement.account, statement.currency, statement.sequence, statement.page) == ("DE12500105170648489890", "EUR", 1, 1)
    assert (statement.opening.signed_minor, statement.closing.signed_minor) == (100_000, 120_000)
    first, charge, back = statement.entries
    assert (first.signed_minor, first.bank_reference, first.details[0].name) == (25_050, "BANKREF1", "ADA PAYER")
    assert first.details[0].end_to_end == "E2E-77" and first.details[0].text == "RF18 5390 0754 7034"
    assert (charge.signed_minor, charge.text, charge.line) == (-5_000, "Bank charge", 9)
    assert (back.signed_minor, back.reversal, back.details[0].return_reason) == (-50, True, "RETURN")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("1200,00", "1200,01", "Opening and movements come to EUR 1200.00"),
        ("EUR1200", "USD1200", "not in one currency"),
        (":61:2611021102C250,50", ":61:26110211XX250,50", "Line 5: The file is damaged"),
        (":60F:C261101EUR1000,00\n", "", "how it begins or ends"),
        (":25:DE12500105170648489890\n", "", "whose account"),
        ("C250,50", "C250,505", "more decimals"),
        (":20:SBX", ":99:SBX", "no statement"),
        ("GUT", "G\x00T", "UTF-8"),
    ],
)
def test_a_damaged_one_is_refused_whole(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(StatementRefused, match=says):
        read_mt940(GOOD.replace(old, new).encode())


def test_german_numbers_become_ibans_and_an_overdrawn_account_is_below_zero() -> None:
    text = GOOD.replace("DE12500105170648489890\n:28C", "50010517/648489890\n:28C").replace("60F:C", "60F:D").replace("62F:C", "62F:D")
    text = text.replace("EUR1200,00", "EUR800,00")
    (statement,) = read_mt940(text.encode()).statements
    assert statement.account == "DE12500105170648489890" and statement.opening.signed_minor == -100_000


@pytest.mark.parametrize(
    ("raw", "is_one"), [(GOOD.encode(), True), (b"<?xml version='1.0'?><a>:20:</a>", False), (b"\xef\xbb\xbf<a>:20:", False), (b"", False)]
)
def test_the_two_formats_are_told_apart_by_how_they_begin(raw: bytes, is_one: bool) -> None:
    assert looks_like_mt940(raw) is is_one


def test_a_long_statement_keeps_each_movement_with_its_own_words_and_line() -> None:
    moves = "".join(f":61:2611021102C1,00NTRFNONREF//REF{n}\n:86:words {n}\n" for n in range(2_000))
    text = GOOD[: GOOD.index(":61:")] + moves + ":62F:C261103EUR3000,00\n-\n"
    (statement,) = read_mt940(text.encode()).statements
    assert [(e.line, e.bank_reference, e.text) for e in statement.entries] == [(5 + 2 * n, f"REF{n}", f"words {n}") for n in range(2_000)]
