"""The addresses that lead to a link: ones people can read, ones sent by e-mail, ones with answers filled in; and what each leaves behind."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from checkout.way_in import openings
from core.accounts.vendor_slug import claim_slug, slug_of
from core.kernel.db import db
from core.kernel.money import Money
from core.payments.funnel import funnel_of
from core.payments.link import pause_link
from core.payments.lists import list_payments
from core.payments.models import PaymentLink
from core.payments.prefill import Answers, make_prefill, prefill_token, withdraw_prefill
from core.payments.send_link import send_link, sending_token
from core.payments.sharing import Sharing, set_sharing
from core.payments.sharing_models import LinkPrefill, LinkSending
from core.payments.slug import set_link_slug
from tests.browser import Browser
from tests.factories import Shop, again, fresh, link_address, make_link, make_paid, make_payment, make_shop, unit

TYPED = {"email": "sam@example.com", "name": "Sam Whitlock"}
ASKS = {
    "reference_label": "Invoice number",
    "reference_pattern": r"INV-\d{4}",
    "reference_hint": "INV- and four digits.",
    "reference_required": True,
}


def named(shop: Shop, link: PaymentLink, slug: str = "summer-course") -> str:
    with unit(shop.app):
        set_link_slug(shop.vendor, again(link), by="usr_x", text=slug)
        return f"/pay/test/{slug_of(shop.vendor)}/{slug}"


def asking(shop: Shop, **terms: Any) -> PaymentLink:
    link = make_link(shop, **terms)
    with unit(shop.app):
        return set_sharing(again(link), by="usr_x", sharing=Sharing(**ASKS))


def filled(shop: Shop, link: PaymentLink, **answers: Any) -> tuple[LinkPrefill, str]:
    with unit(shop.app):
        prefill = make_prefill(shop.vendor, again(link), by="usr_x", answers=Answers(**answers), form_token=secrets.token_hex(10))
        return prefill, f"/pay/{prefill_token(shop.vendor, again(link), prefill)}"


def sent(shop: Shop, link: PaymentLink, to: str = "ada@example.com") -> tuple[LinkSending, str]:
    with unit(shop.app):
        (sending,) = send_link(
            shop.vendor, again(link), sender=shop.user, recipients=[to], message="", reminders=[], form_token=secrets.token_hex(10)
        )
        return sending, f"/pay/{sending_token(shop.vendor, again(link), sending)}"


def newest(shop: Shop) -> Any:
    with shop.app.app_context():
        return list_payments(shop.vendor, "test").rows[0]


# --- readable addresses --------------------------------------------------------------------------------------------------


def test_a_readable_address_is_the_link_itself(payer: Browser, shop: Shop) -> None:
    path = named(shop, make_link(shop))
    page = payer.get(path)
    assert page.heading == "Pay Blue Door Bakery: Sourdough course" and page.address == path
    page = payer.submit(page.form(), status=422, email="not an address")
    assert page.error_summary, "a mistake comes back on the same address"
    assert payer.submit(page.form(), **TYPED).heading == "Pay by card"


def test_former_names_of_link_and_vendor_lead_to_the_present_ones_with_all_that_stood_behind(payer: Browser, shop: Shop) -> None:
    link = make_link(shop)
    old = named(shop, link, "old-name")
    new = named(shop, link, "new-name")
    assert (
        payer.get(f"{old}?ref=poster&email=a@b.example", follow=False, status=303).response.headers["Location"]
        == f"{new}?ref=poster&email=a@b.example"
    )
    with unit(shop.app):
        claim_slug(shop.vendor, by="usr_x", text=f"door-{secrets.token_hex(4)}")
    assert payer.get(old).address == named(shop, link, "new-name")
    assert payer.get(new.upper().replace("/PAY/TEST", "/pay/test")).status == 200


def test_a_name_that_opens_nothing_gets_the_page_that_names_nobody(payer: Browser, shop: Shop, app: Any) -> None:
    link, ended = make_link(shop), make_link(shop)
    path, paused = named(shop, link), named(shop, ended, "paused-one")
    with unit(app):
        pause_link(again(ended), by="usr_x", message="Secret plans.")
    other = make_shop(app, business="Another House")
    with unit(app):
        theirs = claim_slug(other.vendor, by="usr_x", text=f"other-{secrets.token_hex(4)}")
    texts = set()
    for wrong in (
        paused, path + "x", f"/pay/test/{theirs}/summer-course", path.replace("/test", ""), "/pay/test/no-such-vendor/at-all", "/pay/x/y",
        f"{path}%00", f"/pay/test/{'a' * 3000}/b", "/pay/test/%ED%A0%80/x", "/pay/%E6%97%A5/%E6%9C%AC",
    ):  # fmt: skip
        page = payer.get(wrong, status=404)
        assert shop.vendor.name not in page.html and "Another House" not in page.html and "Secret plans" not in page.html
        if "%00" not in wrong:
            texts.add(page.text)
    assert len(texts) == 1
    assert payer.get(link_address(shop, ended)).heading == "Payments are paused", "by the signed address the vendor's words are read"


def test_no_address_shows_a_receipt_to_another_browser_than_the_payers(payer: Browser, shop: Shop) -> None:
    link = make_link(shop, kind="single")
    path = named(shop, link)
    make_paid(shop, link, email="ada@example.com")
    page = payer.get(path)
    assert page.heading == "Already paid" and "/receipt/" not in page.html
    assert "/receipt/" not in payer.get(link_address(shop, link)).html


def test_the_same_browser_by_two_addresses_is_one_payment(payer: Browser, shop: Shop) -> None:
    link = make_link(shop)
    begun = payer.submit(payer.get(named(shop, link)).form(), **TYPED)
    assert payer.get(link_address(shop, link)).address == begun.address


# --- filled in through the address ---------------------------------------------------------------------------------------


def test_what_an_address_proposes_may_be_changed(payer: Browser, shop: Shop) -> None:
    link = asking(shop, amount=None, suggestions_minor=[1_000])
    path = f"{link_address(shop, link)}?email=sam@example.com&name=Sam&reference=INV-0001&amount=12.50"
    form = payer.get(path).form()
    assert {name: form.values[name] for name in ("email", "name", "payer_reference", "choice", "amount")} == {
        "email": "sam@example.com", "name": "Sam", "payer_reference": "INV-0001", "choice": "own", "amount": "12.50",
    }  # fmt: skip
    payer.submit(form, payer_reference="inv-0002", amount="13")
    payment = newest(shop)
    assert (payment.payer_reference, payment.reference_label, payment.amount_minor) == ("INV-0002", "Invoice number", 1_300)


@pytest.mark.parametrize(
    "query",
    ["amount=-5", "amount=1e9", "amount=0", "amount=%00", "amount=" + "9" * 4000, "email=%00", "email=%ED%A0%80", "name=" + "x" * 4000,
     "name=%3Cscript%3Ealert(1)%3C/script%3E", "reference=%0d%0aSet-Cookie:x", "email[]=1&email=2&email=3", "utm_source=%00&ref=%ff"],
)  # fmt: skip
def test_nonsense_in_an_address_does_no_harm(payer: Browser, shop: Shop, query: str) -> None:
    page = payer.get(f"{link_address(shop, asking(shop, amount=None))}?{query}")
    assert page.status == 200 and "<script>alert" not in page.html
    assert payer.submit(page.form(), amount="5", payer_reference="INV-1234", **TYPED).heading == "Pay by card"


def test_what_an_address_fixes_cannot_be_changed_by_the_form_or_the_query(payer: Browser, shop: Shop) -> None:
    link = asking(shop, amount=None)
    _, path = filled(shop, link, email="Ada@example.com", reference="INV-2041", amount=Money(12_345, "GBP"))
    page = payer.get(f"{path}?email=evil@example.com&amount=1&reference=INV-0000")
    assert "INV-2041" in page.text and "£123.45" in page.text and "ada@example.com" in page.text
    assert not {"email", "amount", "payer_reference", "choice"} & set(page.form().values)
    payer.submit(page.form(), email="evil@example.com", amount="1.00", choice="own", payer_reference="INV-0000", name="Sam")
    payment = newest(shop)
    assert (payment.email, payment.payer_reference, payment.amount_minor, payment.payer_name) == (
        "ada@example.com",
        "INV-2041",
        12_345,
        "Sam",
    )


def test_two_filled_in_addresses_of_one_link_are_two_payments_of_one_browser(payer: Browser, shop: Shop) -> None:
    link = asking(shop, amount=None)
    paths = [filled(shop, link, reference=f"INV-000{n}", amount=Money(1_000 * n, "GBP"))[1] for n in (1, 2)]
    pages = [payer.submit(payer.get(path).form(), **TYPED) for path in paths]
    assert pages[0].address != pages[1].address and "£10.00" in pages[0].text and "£20.00" in pages[1].text
    assert payer.get(paths[0]).address == pages[0].address


def test_a_withdrawn_or_replaced_filled_in_address_opens_nothing(payer: Browser, shop: Shop) -> None:
    from core.payments.link import replace_address

    link = asking(shop, amount=None)
    (first, path), (_, other) = filled(shop, link, reference="INV-0001"), filled(shop, link, reference="INV-0002")
    form = payer.get(path).form()
    with unit(shop.app):
        withdraw_prefill(again(first), by="usr_x")
    assert payer.get(path, status=404).heading == "This link is not valid"
    assert payer.submit(form, status=404, **TYPED).heading == "This link is not valid"
    with unit(shop.app):
        replace_address(again(link), by="usr_x")
    assert payer.get(other, status=404).heading == "This link is not valid"


# --- the payer's reference -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"), [("", "Enter this: Invoice number."), ("2041", "INV- and four digits."), ("INV-2041\nx", "one line")]
)
def test_a_missing_or_wrong_reference_is_said_at_its_field_and_nothing_typed_is_lost(
    payer: Browser, shop: Shop, typed: str, said: str
) -> None:
    page = payer.get(link_address(shop, asking(shop)))
    assert "Invoice number" in page.text and "INV- and four digits." in page.text
    page = payer.submit(page.form(), status=422, payer_reference=typed, **TYPED)
    assert any(said in error for error in page.errors), page.errors
    assert any(e.attrs.get("id") == "payer_reference-error" for e in page.elements)
    assert page.form().values["email"] == TYPED["email"]


def test_the_reference_stands_on_the_receipt(payer: Browser, shop: Shop, app: Any) -> None:
    from core.payments.origin import Origin
    from core.payments.start import receipt_token, start_payment
    from tests.factories import open_payment, tell

    link = asking(shop)
    with unit(app):
        payment = start_payment(
            shop.vendor, again(link), amount=link.amount, email="a@b.example", name="", form_token="f" * 20, origin=Origin(payer_reference="INV-2041")
        )  # fmt: skip
    tell(shop, payment, open_payment(shop, payment), "succeeded", charge="ch_" + secrets.token_hex(8), captured=payment.amount)
    with app.app_context():
        path = f"/receipt/{receipt_token(shop.vendor, payment)}"
    assert "Invoice number INV-2041" in payer.get(path).text


# --- where payers came from ----------------------------------------------------------------------------------------------


def test_what_the_address_said_goes_onto_the_payment_through_mistakes_and_all(payer: Browser, shop: Shop) -> None:
    path = f"{link_address(shop, make_link(shop))}?utm_source=letter&utm_campaign=may&ref=poster&other=1"
    page = payer.submit(payer.get(path).form(), status=422, email="wrong")
    payer.submit(page.form(), **TYPED)
    assert newest(shop).attribution == {"ref": "poster", "utm_source": "letter", "utm_campaign": "may"}


def test_a_letters_address_is_noted_once_opened_and_on_the_payment_even_after_cancelling(payer: Browser, shop: Shop) -> None:
    link = make_link(shop)
    sending, path = sent(shop, link)
    form = payer.get(path).form()
    assert form.values["email"] == "ada@example.com", "the letter's own recipient, to be changed at will"
    opened = fresh(shop, sending).opened_at
    assert opened and payer.get(path).status == 200 and fresh(shop, sending).opened_at == opened
    begun = payer.submit(form, **TYPED)
    assert newest(shop).sending_id == sending.id
    payer.submit(begun.form(f"{begun.address}/cancel"))
    payer.submit(payer.get(link_address(shop, link)).form())
    assert newest(shop).state == "created" and newest(shop).sending_id == sending.id


def counted(shop: Shop, link: PaymentLink) -> dict[str, int]:
    openings.flush(shop.app)
    with unit(shop.app):
        return dict(funnel_of(shop.vendor, again(link), days=7).sources)


def test_a_visit_is_counted_once_and_again_for_the_next_payment(payer: Browser, another_payer: Browser, shop: Shop) -> None:
    link = make_link(shop)
    path = link_address(shop, link)
    for _ in range(3):
        payer.get(path)
    another_payer.get(f"{path}?ref=poster")
    assert counted(shop, link) == {"other": 1, "poster": 1}
    begun = payer.submit(payer.get(path).form(), **TYPED)
    payer.submit(begun.form(f"{begun.address}/cancel"))
    payer.get(path)
    assert counted(shop, link) == {"other": 2, "poster": 1}


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "WhatsApp/2.23",
        "facebookexternalhit/1.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1)",
        "Slackbot-LinkExpanding 1.0",
        "curl/8.5",
        "python-requests/2",
    ],
)
def test_programs_are_not_visitors_and_start_no_clock(app: Any, shop: Shop, agent: str) -> None:
    link = make_link(shop, hours_after_opening=1)
    sending, mail = sent(shop, link)
    browser = Browser(app)
    for path in (link_address(shop, link), mail):
        browser.get(path, User_Agent=agent)
    assert counted(shop, link) == {}
    assert fresh(shop, link).first_opened_at is None and fresh(shop, sending).opened_at is None


def test_what_is_only_fetched_ahead_is_no_visit(app: Any, shop: Shop) -> None:
    link = make_link(shop)
    Browser(app).get(link_address(shop, link), Sec_Purpose="prefetch;prerender")
    assert app.test_client().head(link_address(shop, link)).status_code == 200
    assert counted(shop, link) == {}


# --- in parts ------------------------------------------------------------------------------------------------------------


def test_a_request_shows_what_is_open_and_takes_a_part(payer: Browser, another_payer: Browser, shop: Shop) -> None:
    link = make_link(shop, amount=None, kind="request", total_minor=30_000, minimum_minor=2_000)
    path = link_address(shop, link)
    make_paid(shop, link, amount="100.00")
    page = payer.get(path)
    assert "£200.00 of £300.00 is open" in page.text and "Between £20.00 and £200.00." in page.text
    page = payer.submit(page.form(), status=422, choice="own", amount="250", **TYPED)
    assert page.errors == ["Only £200.00 is open."] and page.form().values["amount"] == "250"
    assert "£150.00" in payer.submit(page.form(), choice="own", amount="150").text
    page = another_payer.get(path)
    assert "£150.00 is being paid right now" in page.text
    assert another_payer.submit(page.form(), choice="5000", **TYPED).heading == "Pay by card"
    assert Browser(shop.app).get(path).heading == "Being paid right now"


def test_what_is_left_below_the_smallest_part_is_asked_for_in_one(payer: Browser, shop: Shop) -> None:
    link = make_link(shop, amount=None, kind="request", total_minor=30_000, minimum_minor=2_000)
    make_paid(shop, link, amount="285.00")
    page = payer.get(link_address(shop, link))
    assert "£15.00 of £300.00 is open" in page.text and "Between" not in page.text and "or a part" not in page.text
    form = page.form()
    assert form.values["choice"] == "1500" and "amount" not in form.values, "there is nothing to choose"
    page = payer.submit(form, status=422, choice="own", amount="250", **TYPED)
    assert page.errors == ["Only £15.00 is open."] and page.form().values["choice"] == "1500"
    assert "£15.00" in payer.submit(page.form(), **TYPED).text


def test_a_request_paid_in_full_says_so_and_shows_no_receipt_of_anybody(payer: Browser, shop: Shop) -> None:
    link = make_link(shop, amount=None, kind="request", total_minor=30_000)
    make_paid(shop, link, amount="300.00")
    page = payer.get(link_address(shop, link))
    assert page.heading == "Paid in full" and "/receipt/" not in page.html


def test_the_sum_that_was_open_a_moment_ago_is_refused_kindly(payer: Browser, shop: Shop) -> None:
    link = make_link(shop, amount=None, kind="request", total_minor=30_000)
    form = payer.get(link_address(shop, link)).form()
    make_payment(shop, link, amount="100.00")
    page = payer.submit(form, status=422, choice="30000", **TYPED)
    assert page.errors == ["Choose one of these amounts, or enter your own."] and "£200.00 of £300.00" not in page.errors


def test_every_way_in_answers_an_archived_link_as_expired(payer: Browser, shop: Shop, new_path: Callable[..., str]) -> None:
    from core.payments.archive import archive_link

    link = make_link(shop)
    paths = [link_address(shop, link), sent(shop, link)[1], filled(shop, link, name="Ada")[1]]
    with unit(shop.app):
        archive_link(again(link), by="usr_x")
    assert {payer.get(path).heading for path in paths} == {"This link has expired"}
    with unit(shop.app):
        assert db.session.get(PaymentLink, (link.vendor_id, link.mode, link.id)).first_opened_at is None
