"""A payer's story for each way to pay in a real browser: on a phone and at a desk, with scripts and without."""

from __future__ import annotations

import pytest

from tests.checkout.desk import APPROVED, Desk, payments_of
from tests.checkout.ways import offer
from tests.core.payments.transfers import TestBank, transfer
from tests.factories import link_address, make_link, make_shop
from tests.sight import wider_than_screen

BOTH = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])


@pytest.fixture
def shop(app):
    made = make_shop(app, currency="EUR", country="NL")
    offer(made, "wallet", "bank_redirect", "qr")
    return made


class Story(Desk):
    """A payer at a small screen, on a payment's page with several ways to pay."""

    def begin(self, path):
        self.page.goto(path)
        self.fill()
        self.page.get_by_role("button", name="Continue").click()
        self.sees("How would you like to pay?")

    def choose(self, way, amount="€45.00"):
        """Picks a way and goes on to where it is paid. A wallet has a button of its own above the list, and on a phone no second place in it."""
        if way == "Wallet" and not self.page.get_by_role("radio", name=way).is_visible():
            return self.page.get_by_role("button", name="Express").click()
        self.page.get_by_role("radio", name=way).check()
        self.page.get_by_role("button", name=f"Continue to pay {amount}").click()

    def picks(self, kind):
        """On the processor's page."""
        self.page.get_by_role("radio", name=kind).check()
        self.page.get_by_role("button", name="Continue", exact=True).click()

    def answers(self, words):
        self.page.get_by_role("button", name=words).click()

    def fits(self):
        """Nothing is wider than the screen."""
        assert not wider_than_screen(self.page)


@pytest.fixture(params=[True, False], ids=["on a phone", "at a desk"])
def story(visitor, request):
    return lambda scripts: Story(visitor(scripts=scripts, phone=request.param), scripts)


def paid(shop):
    return [(p.state, p.method, p.method_kind, p.captured_minor) for p in payments_of(shop)]


@BOTH
def test_by_card(shop, new_path, story, scripts):
    payer = story(scripts)
    payer.begin(new_path())
    payer.fits()
    if scripts:
        payer.card(APPROVED)
    else:
        payer.choose("Card")
        payer.card_again(APPROVED)
    payer.sees("Paid")
    payer.page.get_by_text("Visa credit ending in 4242").wait_for()
    assert paid(shop) == [("succeeded", "card", "card", 4500)]


@BOTH
def test_by_wallet(shop, new_path, story, scripts):
    payer = story(scripts)
    payer.begin(new_path())
    payer.choose("Wallet")
    payer.page.get_by_role("link", name="Apple Pay").click()
    payer.fits()
    payer.page.get_by_role("radio", name="Visa, approved").check()
    payer.answers("Pay with Apple Pay")
    payer.sees("Paid")
    payer.page.get_by_text("Apple Pay (Visa credit ending in 4242)").wait_for()
    assert paid(shop) == [("succeeded", "wallet", "apple_pay", 4500)]


@BOTH
def test_by_bank(shop, new_path, story, scripts):
    payer = story(scripts)
    payer.begin(new_path())
    payer.choose("Your bank")
    payer.fits()
    payer.picks("Bancontact")
    payer.fits()
    payer.page.get_by_role("radio", name="Test Savings Bank").check()
    payer.answers("Approve €45.00")
    payer.sees("Paid")
    payer.page.get_by_text("Bancontact").wait_for()
    assert paid(shop) == [("succeeded", "bank_redirect", "bancontact", 4500)]


@BOTH
def test_by_scanning_a_code_with_a_banking_app(shop, new_path, story, scripts):
    payer = story(scripts)
    payer.begin(new_path())
    payer.choose("Banking app")
    payer.answers("Continue")
    payer.sees("Scan with your banking app")
    payer.fits()
    with payer.page.context.expect_page() as opened:
        payer.page.get_by_role("link", name="Open the test banking app").click()
    app = opened.value
    app.get_by_role("heading", name="Approve this payment?").wait_for()
    app.get_by_role("button", name="Approve €45.00").click()
    app.get_by_role("heading", name="Approved").wait_for()
    payer.sees("Paid")  # the page with the code goes on by itself
    payer.page.get_by_text("WeChat Pay").wait_for()
    assert paid(shop) == [("succeeded", "qr", "wechat_pay", 4500)]


@BOTH
def test_by_bank_transfer_in_two_parts(app, story, scripts):
    shop = make_shop(app, currency="USD", country="NL")
    offer(shop, "bank_transfer")
    payer, bank = story(scripts), TestBank(shop)
    payer.begin(link_address(shop, make_link(shop, amount="45.00", currency="USD")))
    payer.choose("Bank transfer", "USD 45.00")
    payer.sees("Pay by bank transfer")
    payer.page.get_by_text("We have not received it yet").wait_for()
    payer.fits()
    reference = payer.page.locator("#transfer-reference").input_value().replace(" ", "")
    bank.tell(transfer(2_000, reference))
    payer.page.reload()
    payer.page.get_by_text("USD 20.00 has arrived.").wait_for()
    assert payer.page.locator("#transfer-amount").input_value() == "25.00"
    payer.fits()
    bank.tell(transfer(2_500, reference))
    payer.page.reload()
    payer.sees("Paid")
    assert paid(shop) == [("succeeded", "bank_transfer", "transfer", 4500)]


@BOTH
def test_a_bank_that_says_no_and_then_a_card(shop, new_path, story, scripts, work):
    payer = story(scripts)
    path = new_path()
    payer.begin(path)
    payer.choose("Your bank")
    payer.picks("iDEAL")
    payer.answers("The bank refuses")
    payer.page.get_by_text("The payment did not go through.").wait_for()
    payer.page.get_by_role("link", name="Back").click()
    payer.sees("The payment did not go through")
    payer.fits()
    if scripts:
        payer.page.get_by_role("radio", name="Card").check()
        payer.frame().get_by_label("Card number").wait_for()
        payer.card_again(APPROVED)
    else:
        payer.choose("Card")
        payer.card_again(APPROVED)
    payer.sees("Paid")
    assert paid(shop) == [("succeeded", "card", "card", 4500)]


@BOTH
def test_leaving_the_bank_and_choosing_another_way(shop, new_path, story, scripts):
    payer = story(scripts)
    path = new_path()
    payer.begin(path)
    payer.choose("Your bank")
    payer.picks("iDEAL")
    bank = payer.page.url
    payer.answers("Leave without answering")
    payer.page.goto(path)
    payer.sees("Not finished yet")
    payer.choose("Wallet")
    payer.page.get_by_role("link", name="Google Pay").click()
    other = payer.page.context.new_page()
    other.goto(bank)
    other.get_by_text("Nothing to pay here").or_(other.get_by_text("This check is over")).or_(
        other.get_by_text("has expired")
    ).first.wait_for()
    payer.answers("Pay with Google Pay")
    payer.sees("Paid")
    assert paid(shop) == [("succeeded", "wallet", "google_pay", 4500)]


@BOTH
def test_a_bank_that_answers_later_is_explained_and_told_in_the_end(shop, new_path, story, scripts, work):
    payer = story(scripts)
    path = new_path(currency="GBP")
    payer.page.goto(path)
    payer.fill()
    payer.page.get_by_role("button", name="Continue").click()
    payer.sees("How would you like to pay?")
    payer.page.get_by_role("radio", name="Your bank").check()
    payer.page.get_by_text("Can take up to 4 days.").wait_for()
    payer.page.get_by_role("button", name="Continue to pay £45.00").click()
    payer.page.get_by_role("button", name="Continue", exact=True).click()
    payer.answers("Approve; it is paid later")
    payer.sees("We have received your instruction")
    payer.fits()
    payer.page.get_by_text("This can take up to 4 days.").wait_for()
    payer.page.goto(path)
    payer.sees("We have received your instruction")
    for _ in range(300):
        work()
        if payments_of(shop)[0].state == "succeeded":
            break
        payer.page.wait_for_timeout(100)
    payer.page.reload()
    payer.sees("Paid")
    assert paid(shop) == [("succeeded", "bank_redirect", "pay_by_bank", 4500)]


def test_with_scripts_the_cards_fields_come_and_go_with_the_choice(shop, new_path, story):
    payer = story(True)
    payer.begin(new_path())
    number = payer.frame().get_by_label("Card number")
    number.wait_for()
    number.fill("4242")
    go_on = payer.page.get_by_role("button", name="Continue to pay €45.00")
    assert not go_on.is_visible()
    payer.page.get_by_role("radio", name="Your bank").check()
    go_on.wait_for()
    assert not number.is_visible()
    payer.page.get_by_role("radio", name="Card").check()
    number.wait_for()
    assert number.input_value() == "4242" and not go_on.is_visible()


def test_the_list_is_worked_by_the_keyboard_alone(shop, new_path, story):
    payer = story(False)
    payer.begin(new_path())
    payer.page.get_by_role("radio", name="Card").focus()
    for _ in range(2 if payer.page.get_by_role("radio", name="Wallet").is_visible() else 1):
        payer.page.keyboard.press("ArrowDown")
    assert payer.page.get_by_role("radio", name="Your bank").is_checked()
    payer.page.keyboard.press("Tab")
    payer.page.keyboard.press("Enter")
    payer.page.get_by_role("radio", name="iDEAL").wait_for()
