"""Documents, balance and tax: what an event gives, what is never given twice, and tax that adds up."""

from __future__ import annotations

from datetime import date

import pytest

from core.billing.balance import apply, refundable
from core.billing.documents import CreditExceedsInvoice, check_credit, void
from core.billing.effects import BalanceMoved, Drafted, Finalised, Notice, Written
from core.billing.lines import Line
from core.billing.proration import rest_of
from core.billing.subscription import TaxShare
from core.billing.tax import REVERSE, Treatment, credited_tax, tax_on, treatment
from core.billing.wishes import Cancel, ChooseTier, Hibernate
from tests.core.billing.story import Story, amounts, gbp

NOVEMBER = date(2026, 11, 1)


def test_ec_86_a_credit_above_the_remainder_is_refused() -> None:
    with pytest.raises(CreditExceedsInvoice, match=r"GBP 1\.00"):
        check_credit(gbp("3.00"), gbp("2.00"), gbp("1.50"))
    check_credit(gbp("3.00"), gbp("2.00"), gbp("1.00"))


def test_ec_88_a_void_is_a_full_credit_note_and_only_once() -> None:
    story = Story("pro", NOVEMBER)
    story.take(void(story.state, 1))
    note = story.documents()[-1]
    assert (note.kind, note.gross, note.lines[0].corrects, story.state.balance) == ("credit_note", gbp("-3.00"), 1, gbp("3.00"))
    with pytest.raises(CreditExceedsInvoice):
        void(story.state, 1)


def test_ec_88_the_void_of_lines_and_credits_that_had_gathered_takes_back_what_the_invoice_came_to() -> None:
    story = Story("starter", date(2026, 11, 1), tax_bps=2000)
    story.to(date(2026, 11, 20))
    story.branches(2)
    story.to(date(2026, 11, 23))
    story.branches(-1)
    story.to(date(2026, 12, 1))
    renewal = story.documents()[-1]
    assert [line.corrects for line in renewal.lines if line.amount.minor < 0] == [renewal.lines[0].number]
    story.take(void(story.state, renewal.number))
    assert story.documents()[-1].gross == -renewal.gross == -story.state.balance
    with pytest.raises(CreditExceedsInvoice):
        void(story.state, renewal.number)


def test_ec_88_the_void_of_an_upgrade_mirrors_both_of_its_lines() -> None:
    story = Story("starter", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 11))
    story.wish(ChooseTier("pro"))
    story.take(void(story.state, 2))
    note = story.documents()[-1]
    assert (sorted(amounts(note)), note.net, note.tax) == (["-2.00", "0.67"], gbp("-1.33"), gbp("-0.27"))
    assert story.state.entry(1).remaining == gbp("1.00")  # as if nothing had been given back of it


def test_ec_92_tax_is_taken_on_the_sum() -> None:
    story = Story("starter", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 11))
    story.wish(ChooseTier("pro"))
    document = story.documents()[-1]
    assert (amounts(document), document.net, document.tax, document.gross) == (["-0.67", "2.00"], gbp("1.33"), gbp("0.27"), gbp("1.60"))
    assert story.wanted()[-1].amount == gbp("1.60")


def test_ec_93_the_sum_is_not_the_lines_one_by_one() -> None:
    assert tax_on(gbp("2.01"), 2000) == gbp("0.40")
    assert sum(tax_on(gbp("0.67"), 2000).minor for _ in range(3)) == 39


def test_ec_94_the_last_credit_note_takes_the_rest_of_the_tax() -> None:
    share, given = TaxShare(1, 2000, gbp("2.01"), gbp("0.40"), gbp("0.00"), gbp("0.00")), []
    for _ in range(3):
        tax = credited_tax(share, gbp("0.67"))
        given.append(tax.decimal_text)
        share = TaxShare(1, 2000, share.net, share.tax, share.credited_net + gbp("0.67"), share.credited_tax + tax)
    assert given == ["0.13", "0.13", "0.14"]


def test_ec_94_through_three_real_credit_notes() -> None:
    story = Story("enterprise", NOVEMBER, tax_bps=2000, branches=3)
    taxes = []
    for day in (4, 13, 22):
        story.to(date(2026, 11, day))
        story.branches(-1)
        story.to(date(2026, 11, day + 1))
        taxes.append((story.documents()[-1].net, story.documents()[-1].tax))
    assert taxes == [(gbp("-0.90"), gbp("-0.18")), (gbp("-0.60"), gbp("-0.12")), (gbp("-0.30"), gbp("-0.06"))]


def test_ec_95_a_credit_keeps_the_rate_of_its_invoice() -> None:
    story = Story("starter", NOVEMBER, tax_bps=2000)
    story.to(date(2026, 11, 10))
    story.change(tax_bps=1750)
    story.to(date(2026, 11, 11))
    story.wish(ChooseTier("pro"))
    taxes = {tax.bps: (tax.net, tax.tax) for tax in story.documents()[-1].taxes}
    assert taxes == {1750: (gbp("2.00"), gbp("0.35")), 2000: (gbp("-0.67"), gbp("-0.13"))}


@pytest.mark.parametrize(
    ("seller", "buyer", "valid", "bps"),
    [("IE", "DE", True, REVERSE), ("IE", "DE", False, 2300), ("IE", "IE", True, 2300), ("IE", "GB", True, 2300), ("GB", "DE", True, 2300)],
)
def test_ec_96_reverse_charge_only_with_a_valid_id_in_another_member_state(seller: str, buyer: str, valid: bool, bps: int) -> None:
    assert treatment(seller=seller, buyer=buyer, standard_bps=2300, validated_id=valid) == Treatment(bps)


def test_ec_96_an_id_that_is_valid_later_gives_a_credit_note_and_the_old_invoice_stays() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    before = story.documents()[0]
    story.take(void(story.state, 1))
    note = story.documents()[-1]
    assert (note.net, note.tax, story.documents()[0]) == (gbp("-3.00"), gbp("-0.60"), before)


def test_ec_99_a_balance_greater_than_the_invoice() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 10))
    story.wish(Hibernate(now=True))
    story.to(date(2026, 12, 1))
    assert (amounts(story.documents()[-1]), story.wanted(new=True), story.state.balance) == (["0.50"], [], gbp("1.17"))


def test_ec_100_a_remainder_too_small_for_the_gateway_is_carried() -> None:
    assert apply(gbp("3.00"), gbp("2.80"), gbp("0.30")).carried == gbp("0.20")
    story = Story("pro", NOVEMBER)
    story.change(balance=gbp("2.80"))
    story.to(date(2026, 12, 1))
    assert (story.wanted(new=True), story.state.status, story.state.balance) == ([], "active", gbp("0.00"))
    story.to(date(2027, 1, 1))
    assert [(charge.documents, charge.amount) for charge in story.wanted(new=True)] == [((3, 2), gbp("3.20"))]
    assert story.state.open == ()


def test_ec_101_dust_at_the_end_is_waived_in_the_books() -> None:
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 11, 30))
    story.wish(ChooseTier("pro"))
    story.wish(Cancel())
    story.to(date(2026, 12, 1))
    assert story.state.status == "cancelled"
    assert story.of(Written) == [Written("waived", gbp("0.07"))]
    assert not story.wanted(new=True)


def test_what_waits_at_the_end_and_is_enough_is_charged() -> None:
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 11, 20))
    story.wish(ChooseTier("pro"))  # 0.73 waits
    story.wish(Cancel())
    story.to(date(2026, 12, 1))
    assert [charge.amount for charge in story.wanted(new=True)] == [gbp("0.73")]
    assert (story.state.status, story.state.open) == ("cancelled", ())


def test_cancelling_now_gives_the_unused_days_to_the_balance() -> None:
    story = Story("pro", NOVEMBER)
    story.to(date(2026, 11, 10))
    story.wish(Cancel(now=True))
    story.to(date(2026, 11, 11))
    assert (story.state.status, story.state.balance) == ("cancelled", gbp("2.00"))
    assert story.notice("cancelled") == Notice("cancelled", date(2026, 11, 11), date(2027, 2, 9), gbp("2.00"))


def test_ec_107_only_money_that_was_received_is_refunded() -> None:
    assert refundable(gbp("1.00"), gbp("3.00"), gbp("0.00")) == gbp("1.00")
    assert refundable(gbp("1.00"), gbp("3.00"), gbp("2.60")) == gbp("0.40")
    assert refundable(gbp("1.00"), gbp("0.00"), gbp("0.00")) == gbp("0.00")


def test_a_credit_always_names_the_line_it_corrects() -> None:
    story = Story("starter", NOVEMBER)
    story.to(date(2026, 11, 11))
    story.wish(ChooseTier("pro"))
    credits = [line for document in story.documents() for line in document.lines if line.amount.minor < 0]
    assert [line.corrects for line in credits] == [1]


def test_a_document_that_waits_for_its_payment_is_final_only_then() -> None:
    story = Story("starter", NOVEMBER, pays=False)
    story.pays = False
    story.to(date(2026, 11, 11))
    story.wish(ChooseTier("pro"))
    (drafted,) = story.of(Drafted, new=True)
    assert drafted.document.until == "paid"
    story.settle()
    assert story.of(Finalised, new=True) == [Finalised(drafted.document.number)]
    story.to(date(2026, 12, 1))
    assert story.documents()[-1].until == "hour"


def test_the_balance_never_lowers_what_is_taxed() -> None:
    story = Story("pro", NOVEMBER, tax_bps=2000)
    story.change(balance=gbp("1.00"))
    story.to(date(2026, 12, 1))
    assert (story.documents()[-1].tax, story.wanted()[-1].amount) == (gbp("0.60"), gbp("2.60"))
    assert [moved.amount for moved in story.of(BalanceMoved)] == [gbp("-1.00")]


def test_all_that_is_left_of_a_line_can_be_given_back() -> None:
    story = Story("pro", NOVEMBER)
    line: Line = rest_of(story.state.entry(1))
    assert (line.amount, line.corrects) == (gbp("-3.00"), 1)
