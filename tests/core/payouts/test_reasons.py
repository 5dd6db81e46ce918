"""Why a payout did not arrive, in words: every code that banks give for transfers often, and what nobody knows as it came."""

from __future__ import annotations

import pytest

from core.payouts.reasons import WORDS, reason_of

ASKED = ("AC01", "AC04", "AC06", "AG01", "AM04", "BE05", "MD07", "MS03", "RR01", "RR02", "RR03", "RR04")


@pytest.mark.parametrize("code", ASKED)
def test_a_code_is_said_in_words_with_what_to_do(code: str) -> None:
    said = reason_of(code.lower())
    assert said.code == code and code not in said.what and said.what.endswith(".") and said.fix.endswith(".")


def test_what_is_no_code_of_ours_stands_as_it_came() -> None:
    assert (reason_of("ZZ99").what, reason_of("ZZ99").code) == ("ZZ99", "")
    assert reason_of(" the clerk hung up 100% ").what == "the clerk hung up 100%"


def test_our_own_words_are_no_code_of_the_banks() -> None:
    for own in ("reversed", "return", "fail"):
        assert own in WORDS and reason_of(own).code == "" and reason_of(own).what != own


def test_whoever_bears_no_fault_is_not_sent_to_look_for_one() -> None:
    assert "IBAN" not in reason_of("AM04").fix and "nothing but ask" in reason_of("AM04").fix
