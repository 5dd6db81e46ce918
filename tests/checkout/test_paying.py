"""Payers' stories in a browser, with scripts and without: paying, being declined, the bank's question, and every way of doing it twice."""

from __future__ import annotations

import pytest

from tests.checkout.desk import APPROVED, CHALLENGED, DECLINED, Desk, payments_of

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@BOTH
def test_a_link_is_paid_and_the_payer_sees_the_receipt(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    desk.begin(new_path())
    desk.card(APPROVED)
    desk.sees("Paid")
    assert [payment.state for payment in payments_of(shop)] == ["succeeded"]
    desk.page.get_by_role("link", name="See the receipt").click()
    desk.page.get_by_role("link", name="Download as PDF").wait_for()


@BOTH
def test_after_a_decline_the_payer_tries_again_and_is_charged_once(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    desk.begin(new_path())
    desk.card(DECLINED)
    desk.frame().get_by_text("did not go through").wait_for()
    desk.card_again(APPROVED)
    desk.sees("Paid")
    assert [(p.state, p.captured_minor) for p in payments_of(shop)] == [("succeeded", 4500)]


@BOTH
def test_a_decline_is_told_on_our_page_and_keeps_what_was_typed(shop, new_path, visitor, scripts, work):
    desk = Desk(visitor(scripts=scripts), scripts)
    path = new_path()
    desk.begin(path)
    desk.card(DECLINED)
    desk.settle(work, shop)
    desk.page.goto(path)
    desk.sees("Your card was declined")
    desk.page.get_by_text("There is not enough money on this card.").wait_for()
    desk.page.get_by_text("No money was taken.").first.wait_for()
    assert payments_of(shop)[0].email == "sam@example.com"


@BOTH
def test_the_bank_asks_and_the_payer_confirms(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    desk.begin(new_path())
    desk.card(CHALLENGED)
    desk.answer("Approve the payment")
    desk.sees("Paid")


@BOTH
def test_the_bank_asks_and_the_payer_fails_then_pays_with_another_card(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    desk.begin(new_path())
    desk.card(CHALLENGED)
    desk.answer("Fail the check")
    desk.card_again(APPROVED)
    desk.sees("Paid")
    assert [payment.state for payment in payments_of(shop)] == ["succeeded"]


@BOTH
def test_a_payer_who_leaves_the_banks_question_finds_the_truth_and_the_way_back(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    path = new_path()
    desk.begin(path)
    desk.card(CHALLENGED)
    desk.answer("Leave without answering")
    desk.page.goto(path)
    desk.sees("Pay by card" if scripts else "Not finished yet")
    assert payments_of(shop)[0].state == "requires_action"
    desk.to_the_card_again()
    desk.answer("Approve the payment")
    desk.sees("Paid")


def test_a_payer_without_scripts_goes_on_where_scripts_had_begun(shop, new_path, visitor):
    """Fields opened with scripts are closed when the same payment goes on without them."""
    first = Desk(visitor(), True)
    first.begin(new_path())
    first.frame().get_by_label("Card number").wait_for()
    second = Desk(visitor(scripts=False), False)
    second.page.goto(first.page.url)
    second.card(APPROVED)
    second.sees("Paid")
    first.page.reload()
    first.sees("Paid")


@BOTH
def test_a_double_click_is_one_payment(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    desk.page.goto(new_path())
    desk.fill()
    desk.page.get_by_role("button", name="Continue").dblclick()
    desk.sees("Pay by card")
    assert len(payments_of(shop)) == 1


@BOTH
def test_two_tabs_are_one_payment(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    path = new_path()
    other = Desk(desk.page.context.new_page(), scripts)
    for tab in (desk, other):
        tab.page.goto(path)
        tab.fill()
    for tab in (desk, other):
        tab.page.get_by_role("button", name="Continue").click()
        tab.sees("Pay by card")
    assert desk.page.url == other.page.url
    assert len(payments_of(shop)) == 1
    desk.card(APPROVED)
    desk.sees("Paid")
    other.page.reload()
    other.sees("Paid")


@BOTH
def test_the_back_button_leads_to_the_truth(shop, new_path, visitor, scripts):
    desk = Desk(visitor(scripts=scripts), scripts)
    path = new_path()
    desk.begin(path)
    desk.page.go_back()
    desk.page.goto(path)
    desk.sees("Pay by card")
    desk.card(APPROVED)
    desk.sees("Paid")
    desk.page.go_back()
    desk.page.goto(path)
    desk.page.get_by_text("You have already paid £45.00").wait_for()
    assert len(payments_of(shop)) == 1


def test_reloading_every_page_changes_nothing(shop, new_path, visitor):
    desk = Desk(visitor(scripts=False), False)
    desk.page.goto(new_path())
    desk.page.reload()
    desk.fill()
    desk.page.get_by_role("button", name="Continue").click()
    desk.sees("Pay by card")
    desk.page.reload()
    desk.card(APPROVED)
    desk.sees("Paid")
    desk.page.reload()
    desk.sees("Paid")
    assert [payment.captured_minor for payment in payments_of(shop)] == [4500]


def test_an_open_amount_is_chosen_from_the_suggestions_or_written(shop, new_path, visitor):
    path = new_path(amount=None, minimum_minor=200, maximum_minor=50_000, suggestions_minor=[500, 1000, 2500])
    desk = Desk(visitor(phone=True), True)
    desk.page.goto(path)
    desk.page.get_by_role("radio", name="£10.00").check()
    desk.fill()
    desk.page.get_by_role("button", name="Continue").click()
    desk.sees("Pay by card")
    other = Desk(visitor(scripts=False), False)
    other.page.goto(path)
    other.page.get_by_role("radio", name="Other").check()
    other.page.get_by_label("Your amount").fill("7.25")
    other.fill()
    other.page.get_by_role("button", name="Continue").click()
    other.sees("Pay by card")
    assert sorted(payment.amount_minor for payment in payments_of(shop)) == [725, 1000]


def test_the_pay_button_is_on_the_first_screen_of_a_small_phone(shop, new_path, visitor):
    path = new_path(amount=None, minimum_minor=200, maximum_minor=50_000, suggestions_minor=[500, 1000, 2500])
    desk = Desk(visitor(), True)
    desk.page.set_viewport_size({"width": 360, "height": 640})
    desk.page.goto(path)
    box = desk.page.get_by_role("button", name="Continue").bounding_box()
    assert box and box["y"] + box["height"] <= 640


def reasons(desk):
    """How often a page and the frame on it say that a card was declined."""
    return desk.page.locator(".declined").count() + desk.frame().get_by_text("did not go through").count()


def test_only_the_newest_card_is_spoken_of_and_once(shop, new_path, visitor, work):
    desk = Desk(visitor(), True)
    desk.begin(new_path())
    desk.card(DECLINED)
    desk.settle(work, shop)
    desk.page.reload()
    desk.sees("Your card was declined")
    desk.frame().get_by_label("Card number").wait_for()
    assert reasons(desk) == 1, "the page says it, and the frame not once more"
    desk.card_again(CHALLENGED)
    desk.frame().get_by_role("heading", name="Is it you who is paying?").wait_for()
    desk.sees("Pay by card")
    assert reasons(desk) == 0 and "Not paid" not in desk.page.title()
    desk.page.reload()
    desk.frame().get_by_role("heading", name="Is it you who is paying?").wait_for()
    desk.sees("Pay by card")
    assert reasons(desk) == 0
    desk.answer("Fail the check")
    desk.frame().get_by_text("could not confirm that it is you").wait_for()
    assert reasons(desk) == 1


def test_without_scripts_a_card_the_bank_asks_about_is_not_called_declined(shop, new_path, visitor, work):
    desk = Desk(visitor(scripts=False), False)
    desk.begin(new_path())
    desk.card(DECLINED)
    desk.settle(work, shop)
    desk.card_again(CHALLENGED)
    desk.answer("Leave without answering")
    desk.page.get_by_role("link", name="Back to the shop").click()
    desk.sees("Not finished yet")
    assert desk.page.get_by_text("There is not enough money on this card.").count() == 0
