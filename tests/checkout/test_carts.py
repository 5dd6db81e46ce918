"""A link that sells more than one sum, as payers meet it: nothing is charged that was not shown, nothing typed is lost, no script is needed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.kernel.clock import now, shifted
from core.payments.discount import DiscountTerms, make_code
from core.payments.link import edit_link, pause_link
from core.payments.link_terms import LinkTerms
from core.payments.offer import Item, Offer, Question, Terms, Tips
from core.payments.sale import find_cart, find_details
from core.payments.tax import make_rate
from tests.checkout.desk import payments_of
from tests.factories import again, link_address, make_link, unit

TYPED = {"email": "sam@example.com", "name": "Sam Whitlock"}
LOAF, JAM = Item("itm_loaf", "Loaf", 450, 1, 10), Item("itm_jam", "Jam", 320, 0, 5)
TERMS = Terms("I agree to the terms", "Bread is not given back.\nJam is.")


@pytest.fixture
def cart_link(shop):
    def made(amount: str | None = None, **offer: Any):
        offer.setdefault("items", () if amount else (LOAF, JAM))
        return make_link(shop, title="Breakfast", amount=amount, offer=Offer(**offer))

    return made


def spring(shop, **terms):
    with unit(shop.app):
        make_code(shop.vendor, "test", by="usr_x", terms=DiscountTerms(**({"code": "SPRING", "bps": 1_000} | terms)))


def vat(shop, *, inclusive=False):
    with unit(shop.app):
        return make_rate(shop.vendor, "test", name="VAT", bps=2_000, inclusive=inclusive, by="usr_x").public_id


def test_a_cart_begins_with_the_least_and_its_total(payer, shop, cart_link):
    page = payer.get(link_address(shop, cart_link()))
    values = page.form().values
    assert (values["quantity-itm_loaf"], values["quantity-itm_jam"], values["shown"]) == ("1", "0", "450")
    assert "Continue to pay £4.50" in page.text


def test_update_works_the_total_out_and_begins_nothing(payer, shop, cart_link):
    spring(shop)
    path = link_address(shop, cart_link(tips=Tips((1_000, 2_000)), discounts=True))
    form = payer.get(path).form()
    page = payer.submit(
        form, update="1", **{"quantity-itm_loaf": "3", "quantity-itm_jam": "2", "tip": "1000", "code": "spring", "name": "Sam"}
    )
    # 1350 + 640 = 1990; 199 off; tip 10 % of 1791
    for words in ("Goods £19.90", "Discount SPRING −£1.99", "Tip £1.79", "To pay £19.70", "Continue to pay £19.70"):
        assert words in page.text, words
    values = page.form().values
    assert (values["quantity-itm_loaf"], values["tip"], values["code"], values["name"], values["shown"]) == (
        "3",
        "1000",
        "spring",
        "Sam",
        "1970",
    )
    assert page.errors == [] and payments_of(shop) == []


def test_what_was_shown_is_what_is_charged_and_frozen(payer, shop, cart_link):
    rate = vat(shop)
    path = link_address(shop, cart_link(items=(LOAF, Item("itm_jam", "Jam", 320, 0, 5, rate)), rate=rate))
    form = payer.get(path).form()
    form = payer.submit(form, update="1", **{"quantity-itm_jam": "2"}).form()
    page = payer.submit(form, **TYPED)
    assert page.heading == "Pay by card"
    for words in ("Loaf £4.50", "2 × Jam £6.40", "VAT 20% £1.28", "Total £12.18"):
        assert words in page.text, words
    (payment,) = payments_of(shop)
    assert payment.amount_minor == int(form.values["shown"]) == 450 + 640 + 128


def test_going_on_without_update_tells_the_new_total_first(payer, shop, cart_link):
    form = payer.get(link_address(shop, cart_link())).form()
    page = payer.submit(form, status=422, **{"quantity-itm_loaf": "2"}, **TYPED)
    assert page.error_summary == ["The total is now £9.00. Look it over, and go on if you agree."]
    assert payments_of(shop) == [] and page.form().values["email"] == TYPED["email"]
    assert payer.submit(page.form()).heading == "Pay by card"
    assert payments_of(shop)[0].amount_minor == 900


@pytest.mark.parametrize("amount", [None, "45.00"], ids=["a cart", "one sum"])
def test_a_price_that_changed_under_an_open_page_is_told_and_confirmed(payer, shop, cart_link, amount):
    link = cart_link(amount)
    form = payer.get(link_address(shop, link)).form()
    dearer: dict[str, Any] = {"amount_minor": 5_000} if amount else {"offer": Offer(items=(Item("itm_loaf", "Loaf", 5_000, 1, 10), JAM))}
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms("Breakfast", "GBP", **dearer))
    page = payer.submit(form, status=422, **TYPED)
    assert page.error_summary == ["The total is now £50.00. Look it over, and go on if you agree."]
    assert payments_of(shop) == []
    payer.submit(page.form())
    assert payments_of(shop)[0].amount_minor == 5_000


def test_a_thing_taken_off_the_link_under_an_open_page_is_told(payer, shop, cart_link):
    link = cart_link()
    form = payer.submit(payer.get(link_address(shop, link)).form(), update="1", **{"quantity-itm_jam": "2"}).form()
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms("Breakfast", "GBP", offer=Offer(items=(LOAF,))))
    page = payer.submit(form, status=422, **TYPED)
    assert "no longer offered" in " ".join(page.error_summary)
    assert payer.submit(page.form()).heading == "Pay by card"
    assert payments_of(shop)[0].amount_minor == 450


BAD = ["NaN", "-1", "1e400", "1.5", "０", "１２", "٣", "99999999999999999999", "11", "0", "", " ", "1_0", "0x1", "a\x00b", "null", "1\n2"]


@pytest.mark.parametrize("typed", BAD, ids=repr)
@pytest.mark.parametrize("update", [True, False], ids=["update", "go on"])
def test_a_strange_quantity_is_refused_at_its_field_and_kept(payer, shop, cart_link, typed, update):
    form = payer.get(link_address(shop, cart_link())).form()
    page = payer.submit(
        form, status=422, **{"quantity-itm_loaf": typed, "quantity-itm_jam": "2"}, **TYPED, **({"update": "1"} if update else {})
    )
    assert len(page.errors) == 1 and page.error_summary == page.errors
    assert page.form().values["quantity-itm_jam"] == "2" and page.form().values["email"] == TYPED["email"]
    assert payments_of(shop) == []


@pytest.mark.parametrize("typed", ["NaN", "-1", "1e400", "1_000", "12.345", "１２", "0", "", "1,00", "9" * 40], ids=repr)
def test_a_strange_tip_is_refused_at_its_field(payer, shop, cart_link, typed):
    form = payer.get(link_address(shop, cart_link(tips=Tips((1_000,))))).form()
    page = payer.submit(form, status=422, tip="own", tip_amount=typed, **TYPED)
    assert len(page.errors) == 1 and page.form().values["tip_amount"] == typed.strip("\n")


@pytest.mark.parametrize("chosen", ["999", "-5", "NaN", "1e3", "１０００", "x" * 21])
def test_a_tip_nobody_offered_is_not_taken(payer, shop, cart_link, chosen):
    form = payer.get(link_address(shop, cart_link(tips=Tips((1_000,))))).form()
    page = payer.submit(form, tip=chosen, status=None, **TYPED)
    assert page.status in (200, 422)
    assert all(payment.tip_minor == 0 for payment in payments_of(shop))


@pytest.mark.parametrize("shown", ["", "449", "-450", "NaN", "４５０", "9" * 40, "450.0"], ids=repr)
def test_a_total_the_page_did_not_show_is_confirmed_first(payer, shop, cart_link, shown):
    form = payer.get(link_address(shop, cart_link())).form()
    page = payer.submit(form, status=422, shown=shown, **TYPED)
    assert "The total is now £4.50" in page.text and payments_of(shop) == []


@pytest.mark.parametrize("terms", [{"amount_minor": 2_500}, {"amount_minor": None}, {"amount_minor": None, "suggestions_minor": [2_500]}])
def test_a_sum_read_in_one_currency_is_not_charged_in_another(payer, shop, terms):
    """The vendor changes the currency while the page is open: the same figure, and another sum of money."""
    link = make_link(shop, amount=None, title="Course")
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms(title="Course", currency="GBP", **terms))
    form = payer.get(link_address(shop, link)).form()
    with unit(shop.app):
        edit_link(again(link), by="usr_x", terms=LinkTerms(title="Course", currency="EUR", **terms))
    chosen = {} if terms["amount_minor"] else {"choice": "2500"} if "suggestions_minor" in terms else {"amount": "25.00"}
    page = payer.submit(form, status=422, **TYPED, **chosen)
    assert "The total is now €25.00" in page.text and payments_of(shop) == []
    payer.submit(page.form(), **TYPED, **chosen)
    assert [str(payment.amount) for payment in payments_of(shop)] == ["EUR 25.00"]


@pytest.mark.parametrize("typed", ["NOPE", "😀", "x" * 41, "a\x00b", "'; drop table--"])
def test_a_code_that_cannot_be_used_says_why_at_its_field_and_the_rest_goes_on(payer, shop, cart_link, typed):
    form = payer.get(link_address(shop, cart_link(discounts=True))).form()
    page = payer.submit(form, status=422, update="1", code=typed, **TYPED)
    assert len(page.errors) == 1 and "Continue to pay £4.50" in page.text
    assert page.form().values["email"] == TYPED["email"]


def test_a_code_used_up_under_an_open_page_is_told(payer, another_payer, shop, cart_link):
    spring(shop, most_uses=1)
    path = link_address(shop, cart_link(discounts=True))
    forms = [browser.submit(browser.get(path).form(), update="1", code="SPRING").form() for browser in (payer, another_payer)]
    assert payer.submit(forms[0], **TYPED).heading == "Pay by card"
    page = another_payer.submit(forms[1], status=422, **{**TYPED, "email": "eve@example.com"})
    assert page.errors == ["This code has been used up."] and "Continue to pay £4.50" in page.text


def test_tips_and_codes_are_also_for_a_link_of_one_sum(payer, shop, cart_link):
    spring(shop)
    path = link_address(shop, cart_link("45.00", tips=Tips((1_000,), 1_000), discounts=True))
    page = payer.get(path)
    assert page.form().values["tip"] == "1000" and "Continue to pay £49.50" in page.text
    page = payer.submit(page.form(), update="1", code="SPRING")
    assert "Continue to pay £44.55" in page.text
    payer.submit(page.form(), **TYPED)
    assert payments_of(shop)[0].amount_minor == 4_455


def test_tax_is_added_to_an_amount_the_payer_chooses(payer, shop, cart_link):
    link = make_link(shop, amount=None, suggestions_minor=[500, 1_000], offer=Offer(rate=vat(shop)))
    page = payer.get(link_address(shop, link))
    assert "Continue" in page.text and page.form().values.get("shown") is None
    page = payer.submit(page.form(), update="1", choice="1000")
    assert "VAT 20% £2.00" in page.text and "Continue to pay £12.00" in page.text
    payer.submit(page.form(), **TYPED)
    assert payments_of(shop)[0].amount_minor == 1_200


def test_with_scripts_only_the_total_comes_back(payer, shop, cart_link):
    path = link_address(shop, cart_link())
    form = payer.get(path).form()
    answer = payer.client.post(path, data={**form.values, "quantity-itm_loaf": "2", "update": "1"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "<html" not in answer.text
    assert 'name="shown" value="900"' in answer.text and "Continue to pay £9.00" in answer.text
    with unit(shop.app):
        pause_link(_link_of(shop), by="usr_x")
    answer = payer.client.post(path, data={**form.values, "update": "1"}, headers={"HX-Request": "true"})
    assert answer.status_code == 204 and answer.headers["HX-Redirect"] == path


def _link_of(shop):
    from core.payments.queries import list_links

    return list_links(shop.vendor, "test").rows[0]


# --- what is asked ----------------------------------------------------------------------------------------------------------

QUESTIONS = (
    Question("table", "Table number", "number", True),
    Question("day", "Which day?", "date"),
    Question("size", "Size", "select", True, ("Small", "Large")),
    Question("gift", "It is a present", "checkbox"),
    Question("note", "A note", "text"),
)
PLACE = {"billing_line1": "1 High Street", "billing_city": "Leeds", "billing_postcode": "LS1 1AA", "billing_country": "GB"}


def test_answers_addresses_and_consent_are_kept_with_the_payment(payer, shop, cart_link):
    link = cart_link("10.00", questions=QUESTIONS, terms=TERMS, phone="required", billing="required", shipping="required")
    form = payer.get(link_address(shop, link)).form()
    page = payer.submit(
        form, **TYPED, **PLACE, phone="+44 20 7946 0000", same_address="y", terms="y",
        answer_table="7", answer_day="2026-12-24", answer_size="Large", answer_note="No <b>nuts</b>",
    )  # fmt: skip
    assert page.heading == "Pay by card"
    (payment,) = payments_of(shop)
    with shop.app.app_context():
        kept = find_details(shop.vendor, payment)
    assert kept and kept.phone == "+44 20 7946 0000" and kept.billing == kept.shipping
    assert kept.billing == {"line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"}
    assert {answer["slug"]: answer["value"] for answer in kept.answers} == {
        "table": "7", "day": "2026-12-24", "size": "Large", "gift": False, "note": "No <b>nuts</b>",
    }  # fmt: skip
    assert kept.terms_version == TERMS.version and kept.agreed_at and kept.agreed_from == payer.client.environ_base["REMOTE_ADDR"]
    shown = shop.browser().get(f"/portal/payments/{payment.public_id}")
    for words in ("Table number 7", "No <b>nuts</b>", "1 High Street", "+44 20 7946 0000", TERMS.version):
        assert words in shown.text, words


def test_everything_missing_is_said_together_each_at_its_field(payer, shop, cart_link):
    link = cart_link("10.00", questions=QUESTIONS, terms=TERMS, phone="required", billing="required", shipping="required")
    page = payer.submit(payer.get(link_address(shop, link)).form(), status=422, email="", billing_country="", shipping_country="")
    said = page.error_summary
    assert len(said) == len(page.errors) == 1 + 1 + 3 + 3 + 2 + 1
    targets = [e.attrs["href"].lstrip("#") for e in page.all("a") if any("error-summary" in p.attrs.get("class", "") for p in e.parents)]
    assert len(targets) == len(said) and all(any(e.attrs.get("id") == target for e in page.elements) for target in targets)


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("answer_table", "seven"), ("answer_table", "NaN"), ("answer_table", "1e400"), ("answer_table", "７"), ("answer_day", "24.12.2026"),
        ("answer_day", "2026-02-30"), ("answer_day", "２０２６-12-24"), ("answer_size", "Medium"), ("answer_note", "x" * 501), ("answer_note", "a\x00b"),
        ("phone", "call me"), ("phone", "1"), ("phone", "+" * 20), ("billing_country", "XX"), ("billing_line1", "x" * 121), ("billing_city", "a\nb"),
    ],
)  # fmt: skip
def test_a_strange_answer_is_refused_at_its_field(payer, shop, cart_link, field, typed):
    link = cart_link("10.00", questions=QUESTIONS, phone="optional", billing="optional")
    good = {**TYPED, **PLACE, "answer_table": "7", "answer_size": "Large"}
    page = payer.submit(payer.get(link_address(shop, link)).form(), status=422, **{**good, field: typed})
    assert len(page.errors) == 1 and payments_of(shop) == []
    assert page.form().values["email"] == TYPED["email"]


def test_an_optional_address_may_be_left_out_but_not_half_given(payer, shop, cart_link):
    path = link_address(shop, cart_link("10.00", billing="optional"))
    page = payer.submit(payer.get(path).form(), status=422, billing_line1="1 High Street", billing_country="GB", **TYPED)
    assert page.errors == ["Enter the town or city."]
    assert payer.submit(page.form(), billing_line1="", billing_country="GB").heading == "Pay by card"
    with shop.app.app_context():
        assert find_details(shop.vendor, payments_of(shop)[0]) is None


def test_a_business_gives_its_company_and_a_number_that_is_checked(payer, shop, cart_link):
    path = link_address(shop, cart_link("10.00", business=True))
    form = payer.get(path).form()
    page = payer.submit(form, status=422, business="y", tax_id="DE136695975", **TYPED)
    assert len(page.errors) == 5  # company, number, street, town, country
    page = payer.submit(page.form(), business="y", company="Bread & Co", tax_id="de 136 695 976", **PLACE)
    assert page.heading == "Pay by card"
    with shop.app.app_context():
        kept = find_details(shop.vendor, payments_of(shop)[0])
    assert kept and (kept.company, kept.tax_id) == ("Bread & Co", "DE136695976") and kept.billing


def test_what_a_business_would_give_is_not_read_from_anybody_else(payer, shop, cart_link):
    path = link_address(shop, cart_link("10.00", business=True))
    page = payer.submit(payer.get(path).form(), company="Bread & Co", tax_id="nonsense", **TYPED)
    assert page.heading == "Pay by card"


def test_terms_that_changed_under_an_open_page_must_be_read_again(payer, shop, cart_link):
    link = cart_link("10.00", terms=TERMS)
    form = payer.get(link_address(shop, link)).form()
    with unit(shop.app):
        new = Offer(terms=Terms(TERMS.label, "Nothing is given back."))
        edit_link(again(link), by="usr_x", terms=LinkTerms("Breakfast", "GBP", amount_minor=1_000, offer=new))
    page = payer.submit(form, status=422, terms="y", **TYPED)
    assert "The terms have changed" in page.errors[0] and "terms" not in page.form().values and "Nothing is given back." in page.text
    assert payer.submit(page.form(), terms="y").heading == "Pay by card"


def test_without_the_box_ticked_nothing_begins(payer, shop, cart_link):
    page = payer.submit(payer.get(link_address(shop, cart_link("10.00", terms=TERMS))).form(), status=422, **TYPED)
    assert page.errors == ["To go on, tick “I agree to the terms”."] and payments_of(shop) == []


# --- starting again ---------------------------------------------------------------------------------------------------------


def test_an_expired_payment_starts_again_with_the_same_cart_and_answers_also_on_another_device(payer, another_payer, shop, cart_link):
    spring(shop)
    link = cart_link(
        tips=Tips((1_000,)), discounts=True, questions=(Question("table", "Table number", "number", True),), terms=TERMS, phone="optional"
    )
    form = payer.get(link_address(shop, link)).form()
    chosen = {
        "quantity-itm_loaf": "2",
        "quantity-itm_jam": "1",
        "tip": "own",
        "tip_amount": "1.50",
        "code": "SPRING",
        "answer_table": "7",
        "phone": "+442079460000",
    }
    form = payer.submit(form, update="1", **chosen).form()
    begun = payer.submit(form, terms="y", **TYPED)
    gone = payer.submit(begun.form(f"{begun.address}/expire"))
    assert gone.heading == "This page has expired" and "No money was taken." in gone.text and shop.vendor.support_email in gone.text
    for browser in (another_payer, payer):
        (address,) = [a for a in browser.get(begun.address).links() if "/pay/" in a]
        page = browser.get(address)
        values = page.form().values
        assert {name: values[name] for name in chosen} == chosen and (values["email"], values["name"]) == tuple(TYPED.values())
        assert "terms" not in values and page.errors == []
    again_ = another_payer.get(address).form()
    assert another_payer.submit(again_, terms="y").heading == "Pay by card"
    first, second = reversed(payments_of(shop))
    assert second.recovered_from == first.id and second.amount_minor == first.amount_minor
    with shop.app.app_context():
        assert find_cart(shop.vendor, first) == find_cart(shop.vendor, second)


@pytest.mark.parametrize("again_", ["x", "a" * 3000, "%00", "＝"])
def test_a_fresh_start_of_nothing_is_an_ordinary_visit(payer, shop, cart_link, again_):
    page = payer.get(f"{link_address(shop, cart_link())}?again={again_}")
    assert "again" not in page.form().values and page.form().values["email"] == ""


def test_a_payment_of_another_vendor_is_no_fresh_start_here(payer, shop, cart_link, app):
    from core.payments.start import payment_token
    from tests.factories import make_payment, make_shop

    other = make_shop(app)
    payment = make_payment(other)
    with app.app_context():
        token = payment_token(other.vendor, payment)
    page = payer.get(f"{link_address(shop, cart_link())}?again={token}")
    assert page.form().values["email"] == "" and "again" not in page.form().values


def test_live_mode_has_no_button_to_run_out(payer, shop, cart_link):
    begun = payer.submit(payer.get(link_address(shop, cart_link())).form(), **TYPED)
    assert "Try what can happen" in begun.text and "4242 4242 4242 4242" in begun.text
    with shifted(timedelta(hours=3)):
        assert payer.get(begun.address).heading == "This page has expired"
    assert now()


def test_the_heaviest_page_stays_light(payer, shop, cart_link):
    items = tuple(Item(f"itm_{n}", f"A thing with a longer name, number {n}", 100 + n, 0, 9) for n in range(20))
    questions = tuple(Question(f"q{n}", f"Question number {n}", "select", False, ("One", "Two", "Three")) for n in range(10))
    path = link_address(shop, cart_link(items=items, questions=questions, tips=Tips((500, 1_000)), discounts=True, business=True, billing="required", shipping="required", phone="required", terms=TERMS))  # fmt: skip
    assert len(payer.client.get(path, headers={"Accept-Encoding": "gzip"}).data) < 60_000  # on its way, the sheet in it
