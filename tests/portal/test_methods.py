"""The settings of ways to pay: switching, ordering, bounds, the try that says why, and which ones a link allows. No scripts anywhere."""

from __future__ import annotations

import pytest

from core.kernel.config import settings
from core.methods.rules import list_rules
from core.payments.models import PaymentLink
from tests.factories import fresh, make_colleague, make_link, make_paid, make_payment, make_shop, unit

PAGE = "/portal/settings/methods"
METHODS = ["card", "wallet", "bank_redirect", "qr", "bank_transfer"]


@pytest.fixture
def shop(app):
    return make_shop(app, currency="EUR", country="NL")


def rules(shop):
    with shop.app.app_context():
        return {rule.method: rule for rule in list_rules(shop.vendor.id, "test")}


def order(page):
    return [e.attrs["id"] for e in page.all("li", class_="method")]


def press(browser, page, method, action, **values):
    return browser.submit(page.form(f"{PAGE}/{method}/{action}"), **values)


def switched_on(shop, *methods):
    browser = shop.browser()
    for method in methods:
        browser.submit(browser.get(PAGE).form(f"{PAGE}/{method}/switch"), on="yes")


# --- switching and ordering ------------------------------------------------------------------------------------------------


def test_the_settings_lead_to_the_page_and_it_begins_with_cards(shop):
    browser = shop.browser()
    assert f"http://localhost{PAGE}" in browser.get("/portal/settings").links() or PAGE in browser.get("/portal/settings").html
    page = browser.get(PAGE)
    assert order(page) == METHODS
    assert [rule.enabled for rule in rules(shop).values()] == [True, False, False, False, False]


def test_a_way_is_switched_on_and_off(shop):
    browser = shop.browser()
    page = press(browser, browser.get(PAGE), "wallet", "switch", on="yes")
    assert "Wallet is on." in page.text and rules(shop)["wallet"].enabled
    page = press(browser, page, "wallet", "switch", on="no")
    assert "Wallet is off." in page.text and not rules(shop)["wallet"].enabled


def test_the_last_way_stays_on_and_the_page_says_what_to_do_instead(shop):
    browser = shop.browser()
    page = press(browser, browser.get(PAGE), "card", "switch", on="no", status=409)
    assert "pause your links" in page.text and rules(shop)["card"].enabled


def test_ways_are_moved_and_the_ends_have_no_button_that_does_nothing(shop):
    browser = shop.browser()
    page = press(browser, browser.get(PAGE), "wallet", "move", to="up")
    assert order(page) == ["wallet", "card", *METHODS[2:]]
    page = press(browser, page, "wallet", "move", to="down")
    assert order(page) == METHODS
    buttons = [(e.attrs["value"], e.attrs["aria-label"]) for e in page.all("button") if e.attrs.get("name") == "to"]
    assert ("up", "Move up: Card") not in buttons and ("down", "Move down: Bank transfer") not in buttons and len(buttons) == 8


@pytest.mark.parametrize("role", ["accountant", "support"])
def test_who_may_not_change_settings_sees_them_and_no_buttons(shop, role):
    browser = make_colleague(shop, role).browser()
    page = browser.get(PAGE)
    assert not [e for e in page.all("button") if e.attrs.get("name") in ("on", "to")]
    assert browser.get(f"{PAGE}/card").all("button", class_="button-primary") == []
    token = browser.get(PAGE).all("input", type="hidden")[0].attrs["value"]
    for path in ("card/switch", "card/move", "card"):
        browser.post(f"{PAGE}/{path}", {"csrf_token": token, "on": "no"}, status=403)


@pytest.mark.parametrize("method", ["barter", "card%00", "CARD", "x" * 200])
def test_a_way_that_does_not_exist_is_not_there(shop, method):
    browser = shop.browser()
    token = browser.get(PAGE).all("input", type="hidden")[0].attrs["value"]
    browser.get(f"{PAGE}/{method}", status=404)
    for path in ("switch", "move"):
        browser.post(f"{PAGE}/{method}/{path}", {"csrf_token": token, "on": "yes"}, status=404)


def test_without_the_token_nothing_changes(shop):
    shop.browser().post(f"{PAGE}/wallet/switch", {"on": "yes"}, status=400)
    assert not rules(shop)["wallet"].enabled


# --- bounds ----------------------------------------------------------------------------------------------------------------


def test_bounds_are_saved_shown_and_open_again_as_they_were(shop):
    browser = shop.browser()
    form = browser.get(f"{PAGE}/bank_redirect").form()
    assert form.values["currency"] == "EUR"
    page = browser.submit(form, minimum="5.00", maximum="250", currencies="eur, pln", countries="NL, poland; nl")
    for words in ("from €5.00", "up to €250.00", "in EUR, PLN", "payers in NL, PL"):
        assert words in page.text
    kept = browser.get(f"{PAGE}/bank_redirect").form().values
    assert (kept["minimum"], kept["maximum"], kept["currencies"], kept["countries"]) == ("5.00", "250.00", "EUR, PLN", "NL, PL")
    assert rules(shop)["bank_redirect"].bounds.countries == ("NL", "PL")


def test_the_page_of_one_way_says_what_the_processor_can_do(shop, monkeypatch):
    text = shop.browser().get(f"{PAGE}/bank_redirect").text
    assert "iDEAL" in text and "Up to 4 days" in text
    text = shop.browser().get(f"{PAGE}/bank_transfer").text
    assert "Bank transfer CHF, EUR, GBP, JPY, KWD, USD All countries Up to 5 days Whole or in part" in " ".join(text.split())
    monkeypatch.setitem(settings().bank_accounts, "test", "")  # an operator who takes no transfers
    assert "No connected processor offers this" in shop.browser().get(f"{PAGE}/bank_transfer").text


def test_where_no_processor_is_connected_the_pages_say_so(shop):
    """Live mode without keys: what is set counts as soon as there are some."""
    from core.accounts.models import UserSession
    from core.kernel.db import db

    with unit(shop.app):
        db.session.query(UserSession).filter_by(user_id=shop.user.id).update({"mode": "live"})
    browser = shop.browser()
    assert "No connected processor offers this" in browser.get(f"{PAGE}/bank_redirect").text
    assert browser.get(PAGE).text.count("No connected processor offers it in this mode") == len(METHODS)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("minimum", "5,00", "Write the amount with digits and a point, like 12.50."),
        ("minimum", "0", "Enter an amount above zero."),
        ("minimum", "-1", "Write the amount with digits and a point, like 12.50."),
        ("minimum", "9" * 40, "The largest amount here is €999,999,999,999.99."),
        ("maximum", "1.999", "EUR has 2 decimals at most, like 12.50."),
        ("maximum", "NaN", "Write the amount with digits and a point, like 12.50."),
        ("currencies", "EUR, XYZ", "“XYZ” is no currency you can charge in. Write codes like GBP, EUR."),
        ("currencies", "E" * 300, f"“{'E' * 20}” is no currency you can charge in. Write codes like GBP, EUR."),
        ("countries", "NL, Atlantis", "“Atlantis” is no country we know. Write codes like GB, IE, or English names."),
        ("countries", "NL\x00", "This contains a character that cannot be stored (NUL). Type it again instead of pasting it."),
        ("countries", "<script>alert(1)</script>", "“<script>alert(1)</script>” is no country we know. Write codes like GB, IE, or English names."),
        ("currency", "XXX", "Choose a currency from the list."),
    ],
)  # fmt: skip
def test_bad_bounds_are_refused_at_their_field_and_nothing_typed_is_lost(shop, field, typed, said):
    browser = shop.browser()
    good = {"minimum": "5.00", "maximum": "250.00", "currencies": "EUR", "countries": "NL"}
    page = browser.submit(browser.get(f"{PAGE}/card").form(), status=422, **{**good, field: typed})
    assert page.errors == [said] and page.error_summary == [said]
    kept = page.form().values
    assert all(kept[name] == value for name, value in good.items() if name != field)
    assert rules(shop)["card"].bounds.minimum_minor is None


def test_limits_that_cross_are_refused_at_the_second(shop):
    browser = shop.browser()
    page = browser.submit(browser.get(f"{PAGE}/card").form(), minimum="10.00", maximum="5.00", status=422)
    assert page.errors == ["The largest amount cannot be below the smallest."]
    assert page.form().values["maximum"] == "5.00"


# --- the try ---------------------------------------------------------------------------------------------------------------


def tried(shop, **values):
    browser = shop.browser()
    query = "&".join(f"{name}={value}" for name, value in {"amount": "25.00", "currency": "EUR", "country": "", **values}.items())
    return browser.get(f"{PAGE}?{query}", status=values.pop("status", 200) if "status" in values else None)


def test_the_try_says_what_is_shown_and_why_the_rest_is_hidden(shop):
    switched_on(shop, "wallet", "bank_redirect", "qr")
    browser = shop.browser()
    browser.submit(browser.get(f"{PAGE}/wallet").form(), minimum="30.00")
    page = tried(shop, country="DE")
    assert "Shown Card" in page.text
    for sentence in (
        "Wallet, because the amount is below the smallest you allow, €30.00.",
        "Bank, because it is for payers in Austria, Belgium, Netherlands, Poland only.",
        "Bank transfer, because you have switched it off.",
    ):
        assert sentence in page.text, page.text
    assert "Code to scan WeChat Pay" in page.text


def test_the_try_of_what_nobody_could_pay_says_so(shop):
    browser = shop.browser()
    browser.submit(browser.get(f"{PAGE}/card").form(), currencies="GBP")
    page = tried(shop)
    assert "Nothing: nobody could pay this." in page.text and "Card, because you allow it in GBP only." in page.text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"amount": ""}, "Enter an amount."),
        ({"amount": "1e3"}, "Write the amount with digits and a point, like 12.50."),
        ({"currency": "XXX"}, "Choose a currency from the list."),
        ({"country": "XX"}, "Choose a country from the list."),
    ],
)
def test_a_try_that_cannot_be_read_is_refused_at_its_field(shop, values, said):
    page = tried(shop, **values)
    assert page.status == 422 and page.errors == [said] and "Shown" not in page.text


def test_what_the_try_shows_is_what_the_payer_sees(shop):
    from tests.browser import Browser
    from tests.checkout.test_stages import address_of
    from tests.checkout.ways import listed

    switched_on(shop, "wallet", "bank_redirect")
    page = Browser(shop.app).get(address_of(shop, make_payment(shop)))
    shown = tried(shop).all("div", class_="preview")[0].text.split("Hidden")[0]
    assert listed(page) == ["card", "wallet", "bank_redirect"]
    assert shown.index("Card") < shown.index("Wallet") < shown.index("Bank")


# --- a link's own choice -----------------------------------------------------------------------------------------------------


def new_link(shop, *, status=200, **values):
    browser = shop.browser()
    form = browser.get("/portal/links/new").form()
    return browser.submit(form, status=status, **{"title": "A bowl", "amount": "25.00", **values})


def test_a_link_offers_only_boxes_for_ways_that_are_on(shop):
    switched_on(shop, "wallet")
    boxes = [
        e.attrs["value"] for e in shop.browser().get("/portal/links/new").all("input", type="checkbox") if e.attrs["name"] == "methods"
    ]
    assert boxes == ["card", "wallet"]


def test_a_link_narrowed_to_some_keeps_them_and_says_so(shop):
    switched_on(shop, "wallet", "bank_redirect")
    page = new_link(shop, methods=["wallet", "bank_redirect"])
    assert "Wallet, Bank" in page.text
    edit = shop.browser().get(page.address.rstrip("/") + "/edit")
    assert edit.form().values["methods"] == ["wallet", "bank_redirect"]


def test_a_link_without_a_choice_allows_all(shop):
    page = new_link(shop)
    assert "All that you offer" in page.text


def test_a_link_nobody_could_pay_is_refused_with_the_reason_at_the_field(shop):
    switched_on(shop, "bank_redirect")
    page = new_link(shop, status=422, methods=["bank_redirect"], currency="JPY", amount="5000")
    assert page.errors == ["With these terms nobody could pay. Bank: it works in EUR, GBP, PLN, USD only."]
    assert page.form().values["methods"] == "bank_redirect" and page.form().values["title"] == "A bowl"


def test_a_link_whose_amounts_are_all_outside_the_limits_is_refused(shop):
    browser = shop.browser()
    browser.submit(browser.get(f"{PAGE}/card").form(), minimum="10.00")
    page = new_link(shop, status=422, amount="9.99")
    assert page.errors == ["With these terms nobody could pay. Card: the amount is below the smallest that is allowed, €10.00."]
    page = new_link(shop, amount_kind="open", amount="", minimum="5.00", maximum="20.00")
    assert page.heading == "A bowl"


def test_a_way_nobody_has_heard_of_is_refused(shop):
    page = new_link(shop, status=422, methods=["barter"])
    assert page.errors == ["Choose ways to pay from the list."]


def test_a_link_that_lost_its_ways_later_says_so_to_the_vendor(shop):
    switched_on(shop, "wallet")
    link = make_link(shop, methods=("wallet",))
    browser = shop.browser()
    assert "Nobody can pay this link now" not in browser.get(f"/portal/links/{link.public_id}").text
    press(browser, browser.get(PAGE), "wallet", "switch", on="no")
    assert "Nobody can pay this link now" in browser.get(f"/portal/links/{link.public_id}").text
    assert isinstance(fresh(shop, link), PaymentLink)


# --- how a payment was paid --------------------------------------------------------------------------------------------------


def test_the_payment_and_the_list_name_how_it_was_paid(shop):
    payment = make_paid(shop)
    browser = shop.browser()
    page = browser.get(f"/portal/payments/{payment.public_id}")
    assert "Paid with Visa ending in 4242" in page.text and "Try number 1" in page.text
    assert "Visa ending in 4242" in browser.get("/portal/payments").text


def test_a_payment_being_made_names_what_was_chosen(shop):
    from tests.factories import open_payment

    payment = make_payment(shop)
    open_payment(shop, payment)
    assert "Chosen way to pay Card" in shop.browser().get(f"/portal/payments/{payment.public_id}").text


@pytest.mark.parametrize(
    ("refunds", "partial", "amount", "said"),
    [
        (True, True, 500, None),
        (True, False, 2500, None),
        (True, False, 500, "Konbini can only be refunded whole: EUR 25.00."),
        (False, False, 2500, "Konbini cannot be refunded through the processor. Pay your customer back in another way."),
    ],
)
def test_a_refund_the_provider_cannot_make_is_refused_before_it_is_asked_for(refunds, partial, amount, said):
    from core.kernel.money import Money
    from core.payments.refundable import NotRefundable, check_offer
    from core.providers.contract import Offer

    offer = Offer("qr", "konbini", "Konbini", refunds=refunds, partial_refunds=partial)
    if said is None:
        check_offer(offer, Money(amount, "EUR"), Money(2500, "EUR"))
        return
    with pytest.raises(NotRefundable) as refusal:
        check_offer(offer, Money(amount, "EUR"), Money(2500, "EUR"))
    assert (refusal.value.message, refusal.value.field) == (said, "amount")


def test_the_try_counts_what_a_chosen_link_allows(shop):
    switched_on(shop, "wallet", "bank_transfer")
    link = make_link(shop, amount="25.00", currency="EUR", title="By transfer", methods=("bank_transfer",))
    page = shop.browser().get(f"{PAGE}?amount=25&currency=EUR&country=NL&link={link.public_id}")
    preview = page.all("div", class_="preview")[0].text
    assert "Bank transfer" in preview.split("Hidden")[0] and "Card" not in preview.split("Hidden")[0]
    assert "Card, because the link does not allow it." in preview
    everywhere = shop.browser().get(f"{PAGE}?amount=25&currency=EUR&country=NL&link=").all("div", class_="preview")[0].text
    assert "the link does not allow it" not in everywhere


@pytest.mark.parametrize(("query", "words"), [("currency=GBP&link={link}", "This link is in EUR."), ("currency=EUR&link=lnk_x", "Choose a link"), ("currency=EUR&link={theirs}", "Choose a link")])  # fmt: skip
def test_a_link_that_cannot_be_tried_is_said_at_its_field(shop, query, words):
    link, theirs = make_link(shop, amount="25.00", currency="EUR"), make_link(make_shop(shop.app), title="Their secret")
    page = shop.browser().get(f"{PAGE}?amount=25&country=NL&{query.format(link=link.public_id, theirs=theirs.public_id)}", status=422)
    assert any(words in line for line in page.error_summary) and "Their secret" not in page.html


def test_the_domain_of_the_payment_page_is_checked_with_the_processor(shop):
    browser = shop.browser()
    page = browser.get(f"{PAGE}/wallet")
    assert "Yours are paid at" in page.text
    page = browser.submit(page.form(f"{PAGE}/wallet/domain"))
    assert all(word in page.text for word in ("Apple Pay", "Google Pay")) and ("May be shown" in page.text) != ("Not shown" in page.text)
    assert not browser.get(f"{PAGE}/card").all("form", action=f"{PAGE}/wallet/domain")


def test_only_who_may_edit_checks_the_domain(shop):
    colleague = make_colleague(shop, "viewer").browser()
    assert not colleague.get(f"{PAGE}/wallet").all("form", action=f"{PAGE}/wallet/domain")


def test_a_way_with_one_kind_only_is_named_once(shop):
    box = next(e for e in shop.browser().get(PAGE).all("li", class_="method") if e.attrs["id"] == "bank_transfer")
    assert box.text.count("Bank transfer") == box.text.count(": Bank transfer") + 1
