"""The file of transfers: valid by the standard's schema, the same bytes each time, and what the library lets through is refused here."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from core.kernel.money import Money
from core.providers.bank_accounts import Account
from core.providers.pain import NAMESPACE, NotATransfer, Transfer, sepa_text, write_pain_001

OURS = Account("EUR", "DE12500105170648489890", "COBADEFFXXX", "Portal Plattform GmbH & Co. KG")
AT, DAY = datetime(2026, 11, 26, 12, 30, tzinfo=UTC), date(2026, 11, 26)


def transfer(number: str = "0" * 32, minor: int = 12345, **more: str) -> Transfer:
    words = {"name": "Zoë Müller", "iban": "GB33BUKB20201555555555", "bic": "", "text": "Payout po_1"} | more
    return Transfer(number, Money(minor, "EUR"), **words)


def written(*transfers: Transfer) -> bytes:
    return write_pain_001("a" * 32, AT, OURS, transfers, on=DAY)


def values(raw: bytes, name: str) -> list[str | None]:
    return [one.text for one in etree.fromstring(raw).iter(f"{{{NAMESPACE}}}{name}")]


def test_a_file_says_what_is_to_be_transferred() -> None:
    raw = written(transfer(), transfer("1" * 32, 5, bic="BUKBGB22"))
    assert values(raw, "MsgId") == values(raw, "PmtInfId") == ["a" * 32]
    assert values(raw, "CreDtTm") == ["2026-11-26T12:30:00+00:00"]
    assert values(raw, "NbOfTxs") == ["2", "2"] and values(raw, "CtrlSum") == ["123.50", "123.50"]
    assert values(raw, "InstdAmt") == ["123.45", "0.05"] and values(raw, "EndToEndId") == ["0" * 32, "1" * 32]
    assert values(raw, "IBAN") == [OURS.iban, "GB33BUKB20201555555555", "GB33BUKB20201555555555"]
    assert values(raw, "BICFI") == ["COBADEFFXXX", "BUKBGB22"] and values(raw, "ChrgBr") == ["SLEV"]
    assert values(raw, "Nm") == ["Portal Plattform GmbH Co. KG"] * 2 + ["Zoe Muller"] * 2
    assert written(transfer(), transfer("1" * 32, 5, bic="BUKBGB22")) == raw


def test_each_transfer_is_asked_for_as_a_debit_of_its_own() -> None:
    """Booked as one sum a statement names none of them: they would be on their way for ever, and the sum a debit that nobody ordered."""
    assert values(written(transfer(), transfer("1" * 32, 5)), "BtchBookg") == ["false"]


def test_without_a_bic_of_ours_the_bank_is_not_provided() -> None:
    raw = write_pain_001("a" * 32, AT, Account("EUR", OURS.iban, "", "Portal"), [transfer()], on=DAY)
    assert values(raw, "BICFI") == [] and "NOTPROVIDED" in values(raw, "Id")


@pytest.mark.parametrize("bic", ["50010517", "NOTPROVIDED", "deutdeff!", "DEUT", "DEUTDEFF12", "🏦"])
def test_what_is_no_bic_is_left_out_and_stops_nobody_elses_transfer(bic: str) -> None:
    """A statement may say a sort code, or anything, where the sender's BIC should be; returns go back to what it said."""
    raw = written(transfer(bic=bic), transfer("1" * 32, bic="BUKBGB22"))
    assert values(raw, "BICFI") == ["COBADEFFXXX", "BUKBGB22"]


@pytest.mark.parametrize(
    "bad",
    [
        transfer(iban="GB34BUKB20201555555555"),
        transfer(iban=""),
        transfer(minor=0),
        transfer(minor=-5),
        transfer(minor=100_000_000_000),
        transfer(number="x" * 36),
        transfer(number=""),
        transfer(name="   "),
        Transfer("2" * 32, Money(500, "GBP"), "Ada", "GB33BUKB20201555555555", "", "x"),
    ],
)
def test_what_the_bank_would_refuse_or_misdirect_is_refused_here(bad: Transfer) -> None:
    with pytest.raises(NotATransfer):
        written(transfer("3" * 32), bad)


def test_a_number_stands_there_once_and_an_empty_file_is_none() -> None:
    with pytest.raises(NotATransfer, match="stands there twice"):
        written(transfer(), transfer())
    with pytest.raises(NotATransfer):
        written()


@given(
    st.lists(
        st.tuples(st.integers(1, 10**11 - 1), st.text(min_size=1, max_size=140), st.text(min_size=1, max_size=200)), min_size=1, max_size=4
    )
)
def test_whatever_people_are_called_the_file_is_valid_and_adds_up(rows: list[tuple[int, str, str]]) -> None:
    transfers = [transfer(f"{n:032x}", minor, name=f"A{name}", text=f"P{text}") for n, (minor, name, text) in enumerate(rows)]
    raw = written(*transfers)
    assert values(raw, "CtrlSum") == [Money(sum(minor for minor, _, _ in rows), "EUR").decimal_text] * 2
    assert all(name and len(name) <= 70 for name in values(raw, "Nm")) and all(text and len(text) <= 140 for text in values(raw, "Ustrd"))


def test_a_name_without_any_letter_a_bank_can_write_is_told() -> None:
    assert sepa_text("東京屋", 70) and sepa_text("Łódź Œuvre", 70) == "Lodz OEuvre"
    with pytest.raises(NotATransfer, match="no letters"):
        sepa_text("🥐", 70)
