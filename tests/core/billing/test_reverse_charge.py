"""P-15: reverse charge only for a business in another state of the Union whose number is proved; it begins and ends with a period."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing.effects import Drafted
from core.billing.lines import Document, TaxLine
from core.billing.renew import Offer
from core.billing.tax import REVERSE, Treatment, tax_on, treatment, with_tax
from core.billing.terms import POLICY
from core.billing.wishes import ChooseTier
from tests.core.billing.story import Story, gbp

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


@pytest.mark.parametrize(
    ("seller", "buyer", "standard", "proved", "comes_to"),
    [
        ("DE", "AT", 1900, True, REVERSE),
        ("DE", "AT", 1900, False, 1900),
        ("DE", "DE", 1900, True, 1900),
        ("DE", "GB", 1900, True, 1900),
        ("GB", "DE", 2000, True, 2000),
        ("DE", "AT", None, True, None),
    ],
)
def test_who_accounts_for_the_tax(seller: str, buyer: str, standard: int | None, proved: bool, comes_to: int | None) -> None:
    assert treatment(seller=seller, buyer=buyer, standard_bps=standard, validated_id=proved) == Treatment(comes_to)


def test_reverse_charge_is_no_tax_and_no_part_of_a_price() -> None:
    assert tax_on(gbp("3.00"), REVERSE) == gbp("0.00") and with_tax(gbp("3.00"), REVERSE) == gbp("3.00")


def documents(story: Story) -> list[Document]:
    return [effect.document for effect in story.effects if isinstance(effect, Drafted)]


def test_every_document_says_it_a_credit_note_too() -> None:
    story = Story("pro", NOVEMBER, tax_bps=REVERSE)
    story.to(date(2026, 11, 16))
    story.wish(ChooseTier("starter", now=True))
    start, note = documents(story)
    assert start.taxes == (TaxLine(REVERSE, gbp("3.00"), gbp("0.00")),) and start.gross == gbp("3.00")
    assert note.kind == "credit_note" and note.taxes == (TaxLine(REVERSE, gbp("-1.00"), gbp("0.00")),)
    assert story.state.balance == gbp("1.00")


def test_it_begins_with_the_next_period_and_the_present_one_is_credited_at_its_own_rate() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 16))
    story.offer = Offer(POLICY, tax=Treatment(REVERSE))
    story.wish(ChooseTier("starter", now=True))
    assert documents(story)[-1].taxes == (TaxLine(2000, gbp("-1.00"), gbp("-0.20")),), "EC-95: the rate of the invoice it corrects"
    story.to(DECEMBER)
    renewal = documents(story)[-1]
    assert (renewal.taxes, renewal.gross) == ((TaxLine(REVERSE, gbp("1.00"), gbp("0.00")),), gbp("1.00"))
    story.offer = Offer(POLICY, tax=Treatment(2000))
    story.to(date(2027, 1, 1))
    assert documents(story)[-1].gross == gbp("1.20"), "the number was struck off: the standard rate again"


def test_without_a_word_about_tax_a_boundary_changes_nothing() -> None:
    story = Story("pro", NOVEMBER, tax_bps=REVERSE)
    story.to(DECEMBER)
    assert story.state.tax_bps == REVERSE
