"""The statement of a payout on paper: it says what the page and the file say, names payments as a merchant knows them, and owns up when the money came back."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask

from core.payouts.models import Payout
from core.web.statement_paper import MOST_LINES
from tests.core.payouts.sellers import THEIRS, Seller
from tests.factories import make_colleague, make_shop
from tests.portal.test_statement_pdf import squeezed, words
from workers import papers

Work = Callable[[], int]


@pytest.fixture
def payout(seller: Seller) -> Payout:
    """Of two payments."""
    return seller.pays_out()


def printed(seller: Seller, payout: Payout, work: Work) -> str:
    owner, path = seller.shop.browser(), f"/portal/payouts/{payout.public_id}"
    assert owner.get(f"{path}.pdf", status=404).status == 404
    waiting = owner.submit(owner.get(path).form(f"{path}/paper"))
    assert "is being printed" in waiting.text and "refresh" in waiting.html
    work()
    page = owner.get(f"{path}?waiting=yes")
    assert "is being printed" not in page.text
    (href,) = [e.attrs["href"] for e in page.all("a") if e.text == "Open the PDF"]
    answer = owner.client.get(href)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    assert f"payout-test-{payout.public_id}.pdf" in answer.headers["Content-Disposition"]
    return words(bytes(answer.data))


def test_paper_page_and_file_say_the_same(seller: Seller, payout: Payout, work: Work) -> None:
    owner, path = seller.shop.browser(), f"/portal/payouts/{payout.public_id}"
    page, text = owner.get(path), printed(seller, payout, work)
    for cell in (e.text for e in page.all("td") if e.within("main")):
        assert squeezed(cell).removesuffix("pay_") in squeezed(text), cell
    rows = list(csv.DictReader(io.StringIO(owner.client.get(f"{path}.csv").get_data(as_text=True))))
    references = [row["reference"] for row in rows if row["reference"]]
    assert (
        len(references) == 3
        and references[-1] == seller.on_their_statement(payout)
        and all(reference in text and reference in page.text for reference in references)
    )
    assert "TEST MODE" in text and "It adds up: USD 0.00 carried over and lines of USD 147.75 make USD 147.75 paid out" in text
    assert THEIRS[-4:] in text and THEIRS not in text, "the account is named by its end"


def test_a_payout_that_came_back_says_so_on_a_new_paper(seller: Seller, payout: Payout, work: Work) -> None:
    assert "went back to the balance" not in printed(seller, payout, work)
    seller.bank_says(payout)
    seller.bank_says(payout, back="AC04")
    text = squeezed(printed(seller, payout, work))
    assert squeezed("The bank could not pay it: the money went back to the balance. The account is closed. (AC04)") in text
    page = seller.shop.browser().get(f"/portal/payouts/{payout.public_id}")
    assert any("The account is closed. (AC04)" in notice and "another bank account" in notice for notice in page.notices)


def test_more_lines_than_a_paper_holds_are_in_the_file(seller: Seller, payout: Payout, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "MOST_LINES", 1)
    assert MOST_LINES > 100
    text = printed(seller, payout, work)
    assert "too many lines for paper" in text and "USD 147.75" in text and "98.50" not in text


def test_nobody_else_has_it(app: Flask, seller: Seller, payout: Payout) -> None:
    path = f"/portal/payouts/{payout.public_id}.pdf"
    make_shop(app).browser().get(path, status=404)
    make_colleague(seller.shop, "support").browser().get(path, status=403)
