"""A payment link as payers find it: open, closed in each way, half paid by somebody, and not a link at all."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.factories import ask_refund, fresh, link_address, make_link, make_payment, open_payment, tell, tell_refund, unit

NAMED = re.compile(r"\bada\b", re.IGNORECASE)  # the payer, in name or address, and not three letters of a number
TYPED = {"email": "sam@example.com", "name": "Sam Whitlock"}


def test_an_open_link_asks_only_for_what_it_needs(payer, new_path):
    page = payer.get(new_path())
    assert page.heading == "Pay Blue Door Bakery: An evening at the wheel"
    assert {"email", "name", "form_token", "csrf_token", "shown", "shown_in"} == set(page.form().values)
    assert "£45.00" in page.text and "Test page" in page.text


def test_the_form_leads_to_the_payments_own_page(payer, new_path, shop):
    page = payer.submit(payer.get(new_path()).form(), **TYPED)
    assert page.heading == "Pay by card"
    assert page.address.startswith("/checkout/")


def test_an_open_amount_starts_with_nothing_chosen_and_says_so(payer, new_path):
    path = new_path(amount=None, minimum_minor=200, suggestions_minor=[500, 1000])
    page = payer.get(path)
    assert "choice" not in page.form().values
    page = payer.submit(page.form(), status=422, **TYPED)
    assert page.error_summary == ["Choose or enter an amount."]
    assert page.form().values["email"] == "sam@example.com"


def test_an_amount_nobody_suggested_is_refused(payer, new_path):
    page = payer.get(new_path(amount=None, suggestions_minor=[500, 1000]))
    page = payer.submit(page.form(), status=422, choice="1", **TYPED)
    assert page.errors == ["Choose one of these amounts, or enter your own."]


@pytest.mark.parametrize(
    ("typed", "said"), [("1.99", "The smallest amount here is £2.00."), ("500.01", "The largest amount here is £500.00.")]
)
def test_an_amount_outside_the_bounds_is_refused_at_its_field(payer, new_path, typed, said):
    page = payer.get(new_path(amount=None, minimum_minor=200, maximum_minor=50_000))
    assert "From £2.00 to £500.00." in page.text
    page = payer.submit(page.form(), status=422, amount=typed, **TYPED)
    assert page.errors == [said]
    assert page.form().values["amount"] == typed


def test_a_fixed_amount_cannot_be_changed_by_the_form(payer, new_path, shop):
    page = payer.submit(payer.get(new_path()).form(), amount="0.01", choice="own", **TYPED)
    assert "£45.00" in page.text


def test_a_paused_link_shows_the_vendors_words_as_text(payer, shop):
    from core.payments.link import pause_link

    link = make_link(shop)
    with unit(shop.app):
        pause_link(link, by="usr_x", message="Back on <b>Monday</b>!")
    page = payer.get(link_address(shop, link))
    assert page.heading == "Payments are paused"
    assert "Back on <b>Monday</b>!" in page.text and not page.all("b")


def test_a_paused_link_takes_no_form_that_was_opened_before(payer, shop):
    from core.payments.link import pause_link

    link = make_link(shop)
    form = payer.get(link_address(shop, link)).form()
    with unit(shop.app):
        pause_link(link, by="usr_x")
    assert payer.submit(form, status=409, **TYPED).heading == "Payments are paused"


def test_a_link_past_its_date_has_expired(payer, shop, app):
    from core.kernel import clock

    link = make_link(shop, expires_at=clock.now() + timedelta(hours=2))
    path = link_address(shop, link)
    assert payer.get(path).heading.startswith("Pay ")
    with clock.shifted(timedelta(hours=3)):
        assert payer.get(path).heading == "This link has expired"


def test_a_link_may_end_some_hours_after_it_was_first_opened(payer, shop):
    from core.kernel import clock

    link = make_link(shop, hours_after_opening=1)
    path = link_address(shop, link)
    with clock.shifted(timedelta(days=3)):
        assert payer.get(path).heading.startswith("Pay ")
    with clock.shifted(timedelta(days=3, hours=2)):
        assert payer.get(path).heading == "This link has expired"


def test_a_link_that_was_paid_says_so_to_everybody_and_shows_its_receipt_to_the_browser_that_paid(payer, shop, app):
    from tests.browser import Browser
    from tests.checkout.desk import payments_of

    link = make_link(shop, kind="single")
    payer.submit(payer.get(link_address(shop, link)).form(), email="ada@example.com", name="Ada Payer")
    payment = payments_of(shop)[0]
    tell(shop, payment, open_payment(shop, payment), "succeeded", charge=f"ch_{payment.public_id}", captured=payment.amount)
    mine, others = payer.get(link_address(shop, link)), Browser(app).get(link_address(shop, link))
    assert mine.heading == others.heading == "Already paid"
    assert "/receipt/" in mine.html and "/receipt/" not in others.html
    assert not NAMED.search(others.html)


def test_a_link_being_paid_by_somebody_else_says_that_and_names_nobody(payer, shop):
    link = make_link(shop, kind="single")
    make_payment(shop, link, email="ada@example.com", name="Ada Payer")
    page = payer.get(link_address(shop, link))
    assert page.heading == "Being paid right now"
    assert not NAMED.search(page.html)


def test_the_payer_in_the_middle_of_the_last_place_finds_their_own_payment(payer, another_payer, shop):
    link = make_link(shop, kind="single")
    path = link_address(shop, link)
    begun = payer.submit(payer.get(path).form(), **TYPED)
    assert payer.get(path).address == begun.address
    assert another_payer.get(path).heading == "Being paid right now"


def test_two_people_cannot_both_have_the_last_place(payer, another_payer, shop):
    link = make_link(shop, max_payments=1)
    path = link_address(shop, link)
    forms = [browser.get(path).form() for browser in (payer, another_payer)]
    assert payer.submit(forms[0], **TYPED).heading == "Pay by card"
    assert another_payer.submit(forms[1], status=409, **TYPED).heading == "Sold out"


def test_a_form_sent_twice_is_one_payment_even_when_the_link_has_closed_meanwhile(payer, shop):
    from core.payments.link import pause_link

    link = make_link(shop)
    form = payer.get(link_address(shop, link)).form()
    first = payer.submit(form, **TYPED)
    with unit(shop.app):
        pause_link(link, by="usr_x")
    assert payer.submit(form, **TYPED).address == first.address


def test_after_cancelling_what_was_typed_is_still_there(payer, shop, new_path):
    path = new_path(amount=None, minimum_minor=100, suggestions_minor=[500])
    begun = payer.submit(payer.get(path).form(), choice="own", amount="7.25", **TYPED)
    gone = payer.submit(begun.form(f"{begun.address}/cancel"))
    assert gone.heading == "Payment cancelled"
    form = payer.get(path).form()
    assert {name: form.values[name] for name in ("choice", "amount", "email", "name")} == {"choice": "own", "amount": "7.25", **TYPED}


def test_the_next_payment_after_a_cancelled_one_is_a_new_one(payer, new_path):
    path = new_path()
    begun = payer.submit(payer.get(path).form(), **TYPED)
    payer.submit(begun.form(f"{begun.address}/cancel"))
    assert payer.submit(payer.get(path).form()).address != begun.address


def _altered(path: str, shop) -> dict[str, str]:
    """Addresses that are not this link's, each in its own way."""
    token = path.removeprefix("/pay/")
    payload, _, signature = token.rpartition(".")
    from core.payments.start import payment_token

    payment = make_payment(shop)
    with shop.app.app_context():
        other = payment_token(shop.vendor, payment)
    return {
        "cut short": token[:-4],
        "without its signature": payload,
        "with one letter changed": token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
        "with another last letter": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "padded": token + "=",
        "another purpose's": other,
        "empty payload": f".{signature}",
        "full-width": "\uff21" * 20,
        "with a nul byte": token[:5] + "%00" + token[5:],
        "very long": "a" * 5000,
        "half a character": "%ED%A0%80",
        "words": "hello",
    }


def test_every_address_that_is_not_ours_gets_one_page_that_names_nobody(payer, shop, new_path):
    pages = {}
    for kind, token in _altered(new_path(), shop).items():
        for door in ("pay", "checkout", "receipt"):
            if (kind, door) == ("another purpose's", "checkout"):
                continue
            page = payer.get(f"/{door}/{token}", status=404)
            assert page.heading == "This link is not valid", (kind, door)
            assert shop.vendor.name not in page.html and shop.vendor.support_email not in page.html
            pages[kind, door] = page.text
    assert len(set(pages.values())) == 2
    assert len({text for (_, door), text in pages.items() if door != "pay"}) == 1, "whoever may have paid is promised nothing"


def test_a_revoked_link_gets_the_same_page(payer, shop):
    from core.payments.link import replace_address

    link = make_link(shop)
    path = link_address(shop, link)
    with unit(shop.app):
        replace_address(link, by=shop.user.public_id)
    assert payer.get(path, status=404).heading == "This link is not valid"


def test_a_form_on_an_address_that_is_not_ours_is_refused_the_same_way(payer, new_path):
    form = payer.get(new_path()).form()
    form.action = form.action[:-3]
    assert payer.submit(form, status=404, **TYPED).heading == "This link is not valid"


def test_opening_a_link_again_after_paying_warns_before_paying_twice(payer, shop):
    from core.payments.lists import list_payments

    link = make_link(shop, amount="45.00")
    path = link_address(shop, link)
    payer.submit(payer.get(path).form(), **TYPED)
    with shop.app.app_context():
        payment = list_payments(shop.vendor, "test").rows[0]
    tell(shop, payment, open_payment(shop, payment), "succeeded", charge="ch_1" + payment.public_id, captured=payment.amount)
    assert fresh(shop, payment).state == "succeeded"
    assert "You have already paid £45.00" in payer.get(path).text
    tell_refund(shop, ask_refund(shop, fresh(shop, payment)), "succeeded")
    assert "already paid" not in payer.get(path).text, "it was given back"


def test_a_replaced_address_opens_nothing_and_the_new_one_works(payer, shop):
    link = make_link(shop)
    old = link_address(shop, link)
    owner = shop.browser()
    page = owner.get(f"/portal/links/{link.public_id}/replace-address")
    page = owner.submit(page.form(f"/portal/links/{link.public_id}/replace-address"))
    assert "The old address opens nothing any more." in page.text
    stranger = payer.get(old, status=404)
    assert shop.vendor.name not in stranger.text
    assert payer.get(link_address(shop, fresh(shop, link))).heading == "Pay Blue Door Bakery: Sourdough course"


def test_a_link_that_is_paid_out_gives_no_hope_and_one_that_is_being_paid_does(payer, shop):
    link = make_link(shop, max_payments=1)
    payment, hope = make_payment(shop, link), "a place opens again"
    assert hope in payer.get(link_address(shop, link)).text
    tell(shop, payment, open_payment(shop, payment), "succeeded", charge=f"ch_{payment.public_id}", captured=payment.amount)
    page = payer.get(link_address(shop, link))
    assert page.heading == "Sold out" and "Every payment this link was made for has been made." in page.text
    assert hope not in page.text and "right now" not in page.text
