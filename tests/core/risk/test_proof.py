"""A proof is good for one try of one payment: solved by work, or waited for, one after another."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

import pytest

from core.kernel.clock import shifted
from core.risk import proof

pytestmark = pytest.mark.usefixtures("app")


def solve(question: proof.Question) -> str:
    """What a browser does."""
    number = 0
    while int.from_bytes(hashlib.sha256(f"{question.challenge}:{number}".encode()).digest(), "big") >> (256 - question.bits):
        number += 1
    return str(number)


def asked(hard: bool = False) -> tuple[proof.Question, str]:
    subject = f"tok_{secrets.token_hex(8)}.0"
    return proof.ask("vnd_1", "test", subject, hard=hard), subject


def check(question: proof.Question, nonce: str, subject: str, *, hard: bool = False, address: str = "") -> proof.Answer:
    return proof.check(question.token, nonce, subject=subject, hard=hard, address=address or secrets.token_hex(8))


@pytest.mark.parametrize("hard", [False, True])
def test_work_is_proof_at_once(hard: bool) -> None:
    question, subject = asked(hard)
    assert check(question, solve(question), subject, hard=hard).good


def test_a_proof_is_no_proof_for_another_try_or_another_payment() -> None:
    question, subject = asked()
    nonce = solve(question)
    for other in (subject.replace(".0", ".1"), "tok_other.0"):
        assert check(question, nonce, other) == proof.Answer(False)


def test_an_easy_proof_is_not_enough_once_it_is_hard() -> None:
    question, subject = asked()
    assert not check(question, solve(question), subject, hard=True).good


@pytest.mark.parametrize("nonce", ["", "x", "-1", "1e9", "٣", "9" * 11, "0\n"])
def test_an_answer_that_is_none_proves_nothing_and_the_question_stands(nonce: str) -> None:
    question, subject = asked()
    answer = check(question, nonce, subject)
    assert not answer.good and answer.again is not None and answer.again.token == question.token


def test_waiting_is_proof_and_counts_on_when_it_was_too_short() -> None:
    question, subject = asked()
    with shifted(timedelta(seconds=question.wait - 3)):
        early = check(question, "", subject)
        assert not early.good and early.again is not None and 2 <= early.again.wait <= 4
    with shifted(timedelta(seconds=question.wait + 1)):
        assert check(question, "", subject).good


def test_from_one_address_people_wait_one_after_another() -> None:
    address, (first, one), (second, two) = secrets.token_hex(8), asked(), asked()
    with shifted(timedelta(seconds=first.wait + 1)):
        assert check(first, "", one, address=address).good
        late = check(second, "", two, address=address)
        assert not late.good and late.again is not None and late.again.token == second.token
        assert check(second, "", two).good, "somebody elsewhere does not wait for them"


@pytest.mark.parametrize("token", ["", "x", "a.b", "é", "A" * 2000])
def test_what_is_no_token_of_ours_is_asked_anew(token: str) -> None:
    assert proof.check(token, "1", subject="tok_1.0", hard=False, address="a") == proof.Answer(False)


def test_a_question_runs_out() -> None:
    question, subject = asked()
    nonce = solve(question)
    with shifted(proof.LIFE + timedelta(minutes=2)):
        assert check(question, nonce, subject) == proof.Answer(False)
