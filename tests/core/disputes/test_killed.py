"""Whoever follows a dispute or sends its answer dies between any two lines, and somebody else does it again: once in the books, once at the bank."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from core.disputes.answer import request_answer
from core.disputes.evidence import save_draft
from core.disputes.queries import history_of
from core.payments.models import Payment
from core.providers.disputes import DisputeOutcome, Evidence
from core.web.pdf import PressMissing
from tests.core.disputes.cases import Case, case_of, usd
from tests.core.disputes.test_money import stands
from tests.core.payouts.sellers import Seller
from tests.factories import unit
from tests.killed import Axe, Killed
from workers.disputes import send_dispute_answer

SOURCES = ("/core/disputes/", "workers/disputes.py")


def lives(case: Case, axe: Axe) -> None:
    """Opened, answered, won, opened again and lost; each news is told until somebody has lived to write it down."""
    for step in (
        lambda: case, lambda: case.now("under_review", submissions=1), case.won, lambda: case.again(fee=1500), lambda: case.now("lost"),
    ):  # fmt: skip
        step()
        for _again in range(2):
            try:
                with axe.over():
                    case.tell()
            except Killed:
                continue
            break


def test_whichever_line_it_dies_at_the_books_are_the_same(seller: Seller, released: Payment) -> None:
    counted = Axe(*SOURCES)
    lives(case_of(seller, released, 100, fee=1500), counted)
    before, each = stands(seller), -100 + 2  # a share of 2.5 %, rounded to 2 or 3 cents, goes back with it
    assert before["charged"] == 3000 and counted.lines > 150
    for number, at in enumerate(sorted(random.Random(7).sample(range(1, counted.lines), 20)), 2):
        axe = Axe(*SOURCES, at=at)
        case = case_of(seller, released, 100, fee=1500)
        lives(case, axe)
        assert axe.fallen and (case.here.state, case.here.cycle) == ("lost", 2), axe.fallen
        found = stands(seller)
        assert found["charged"] == 3000 * number, axe.fallen
        assert set(found) == {"available", "charged"} and abs(found["available"] - (9750 + each * number)) <= number
        assert seller.has() == case.paid.net and seller.books_are_whole()


class Bank:
    """The processor: takes one answer under each reference, and reads a dispute as it stands there."""

    def __init__(self, case: Case) -> None:
        self.case, self.taken = case, dict[str, Evidence]()

    def inquire_dispute(self, _reference: str) -> DisputeOutcome:
        return self.case.outcome

    def answer_dispute(self, reference: str, _dispute: str, evidence: Evidence) -> DisputeOutcome:
        if self.taken and reference not in self.taken:
            raise AssertionError("a second answer")
        self.taken[reference] = evidence
        self.case.outcome = replace(self.case.outcome, state="under_review", submissions=1)
        return self.case.outcome


def test_an_answer_is_handed_over_once_whenever_its_sender_dies(seller: Seller, released: Payment, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_press(_html: str) -> Any:
        raise PressMissing("none here")

    monkeypatch.setattr("workers.disputes.render_pdf", no_press)
    sources = ("/core/disputes/answer.py", "workers/disputes.py", "/core/disputes/follow.py")

    def sends(axe: Axe) -> Case:
        case = case_of(seller, released, 100)
        case.tell()
        bank = Bank(case)
        monkeypatch.setattr("core.disputes.answer.provider_named", lambda *_: bank)
        with unit(seller.shop.app):
            save_draft(case.here, {"uncategorized_text": "They came."})
            request_answer(seller.shop.vendor, case.here, by="usr_owner")
        for _again in range(2):
            try:
                with axe.over(), seller.shop.app.app_context():
                    send_dispute_answer(seller.shop.vendor.id, mode="test", dispute=str(case.here.id))
            except Killed:
                continue
            break
        assert (case.here.state, case.here.wish, case.here.submissions) == ("under_review", None, 1), axe.fallen
        assert len(bank.taken) == 1
        with unit(seller.shop.app):
            kinds = [event.kind for event in history_of(seller.shop.vendor, case.here)]
        assert kinds == ["dispute.needs_response", "dispute.answered_asked", "dispute.under_review"]
        return case

    counted = Axe(*sources)
    sends(counted)
    for at in range(1, counted.lines, max(counted.lines // 25, 1)):
        sends(Axe(*sources, at=at))
    assert seller.has("seller_hold").minor > 0 and usd(0) == seller.has("seller_receivable") and seller.books_are_whole()
