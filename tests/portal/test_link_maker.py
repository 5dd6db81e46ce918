"""Making a link in three steps: nothing is lost between them, what is refused is said on its own step, and the picture shows the payer's page."""

from __future__ import annotations

import re
from html import unescape
from threading import Barrier, Thread

import pytest

from core.payments.queries import list_links
from tests.browser import Page
from tests.factories import Shop, make_colleague, make_link

NEW = "/portal/links/new"


def form(page: Page):
    return page.form(NEW)


def step(page: Page) -> str:
    return next(e.text for e in page.all("button") if e.attrs.get("aria-current") == "step")


def picture(page: Page) -> str:
    frame = next(e for e in page.all("iframe") if e.attrs.get("name") == "picture")
    return unescape(re.sub(r"<[^>]+>", " ", frame.attrs["srcdoc"]))


def links(shop: Shop):
    with shop.app.app_context():
        return list_links(shop.vendor, shop.mode).rows


def test_three_steps_lead_to_a_link_and_nothing_is_lost(shop, owner):
    page = owner.get(NEW)
    assert "What and how much" in step(page)
    page = owner.submit(form(page), go="2", title="Evening class", amount="45.00", description="Bring an apron")
    assert "How it is paid" in step(page)
    page = owner.submit(form(page), go="3", kind="reusable", max_payments="12")
    assert "Questions and sharing" in step(page)
    page = owner.submit(form(page), go="1", labels="autumn")
    assert "What and how much" in step(page)
    owner.submit(form(page))
    (made,) = links(shop)
    assert (made.title, made.amount_minor, made.description, made.kind, made.max_payments) == (
        "Evening class",
        4500,
        "Bring an apron",
        "reusable",
        12,
    )


@pytest.mark.parametrize(("typed", "kept"), [("5", 500), ("", None)])
def test_the_payer_s_amount_has_the_steps_that_were_typed_and_no_others(shop, owner, typed, kept):
    page = owner.submit(form(owner.get(NEW)), go="2", title="For the roof", amount_kind="open", minimum="10", maximum="50", step=typed)
    page = owner.submit(form(page), go="3", kind="reusable")
    owner.submit(form(page))
    (made,) = links(shop)
    assert (made.minimum_minor, made.maximum_minor, made.step_minor) == (1_000, 5_000, kept)


def test_the_same_form_sent_twice_makes_one_link_and_one_that_was_changed_another(shop, owner):
    filled = form(owner.get(NEW))
    first = owner.submit(filled, title="Evening class", amount="45.00")
    assert owner.submit(filled, title="Evening class", amount="45.00").heading == first.heading and len(links(shop)) == 1
    owner.submit(filled, title="Evening class", amount="50.00")
    owner.submit(form(owner.get(NEW)), title="Evening class", amount="45.00")
    assert [made.amount_minor for made in links(shop)] == [4500, 5000, 4500]


def test_the_same_form_sent_six_times_at_one_moment_makes_one_link(shop, owner):
    filled, gun, answers = form(owner.get(NEW)), Barrier(6), []
    data = {**filled.values, "title": "Evening class", "amount": "45.00"}

    def send():
        client = shop.app.test_client()
        for kept in map(owner.client.get_cookie, ("seat", "form")):
            client.set_cookie(kept.key, kept.value)
        gun.wait(60)
        answers.append(client.post(NEW, data=data))

    windows = [Thread(target=send) for _ in range(6)]
    for window in windows:
        window.start()
    for window in windows:
        window.join(60)
    assert [answer.status_code for answer in answers] == [303] * 6 and len(links(shop)) == 1


def test_who_knows_what_they_want_makes_it_on_the_first_step(shop, owner):
    owner.submit(form(owner.get(NEW)), title="Loaf", amount="4.50")
    assert [link.title for link in links(shop)] == ["Loaf"]


def test_going_on_is_refused_with_the_reason_at_the_field_and_what_comes_later_is_not_judged_yet(owner):
    page = owner.submit(form(owner.get(NEW)), go="2", status=422, title="", amount="much", max_payments="x", slug="!!")
    assert "What and how much" in step(page)
    assert len(page.errors) == 2 and "Say what the payment is for." in page.error_summary[0]
    assert form(page).values["amount"] == "much" and form(page).values["slug"] == "!!"


def test_going_back_is_never_refused(owner):
    page = owner.submit(form(owner.get(NEW)), go="2", title="Loaf", amount="4.50")
    page = owner.submit(form(page), go="1", max_payments="x")
    assert "What and how much" in step(page) and not page.errors and form(page).values["max_payments"] == "x"


def test_a_refusal_at_the_end_leads_to_the_step_it_is_about(owner):
    page = owner.submit(form(owner.get(NEW)), status=422, at="3", title="Loaf", amount="4.50", kind="reusable", max_payments="x")
    assert "How it is paid" in step(page) and page.errors
    page = owner.submit(form(page), status=422, max_payments="", reference_label="Member", reference_pattern="[")
    assert "Questions and sharing" in step(page) and page.errors


def test_more_rows_stay_on_the_step_they_belong_to(owner):
    page = owner.submit(form(owner.get(NEW)), at="3", more="questions", title="Loaf")
    assert "Questions and sharing" in step(page) and "question_3_label" in form(page).values


def test_the_picture_is_the_payers_page_of_what_was_typed(owner):
    page = owner.get(NEW)
    assert "What it is for" in picture(page) and "Continue to pay £25.00" in picture(page)
    page = owner.submit(form(page), go="1", title="Evening <class>", amount="45.00", description="Bring an apron")
    shown = picture(page)
    assert "Evening <class>" in shown and "Continue to pay £45.00" in shown and "Bring an apron" in shown


def drawn(owner, **typed: str) -> str:
    page = owner.submit(form(owner.get(NEW)), go="1", status=None, **typed)
    return picture(page)


def test_the_picture_shows_every_kind_of_link(owner):
    assert "£3.00" in drawn(owner, title="Tip", amount_kind="open", suggestions="3, 5")
    cart = drawn(
        owner, title="Breakfast", amount_kind="items", item_0_title="Loaf", item_0_price="4.50", item_1_title="half typed", discounts="y"
    )
    assert "Loaf" in cart and "half typed" not in cart and "Discount code" in cart
    assert "£480.00" in drawn(owner, title="Cake", kind="request", amount="480.00")
    asked = drawn(owner, title="Class", amount="5", question_0_label="Your shoe size", terms_text="No refunds", shipping="required")
    assert "Your shoe size" in asked and "No refunds" in asked
    assert "Member number" in drawn(owner, title="Class", amount="5", reference_label="Member number")


def test_the_picture_speaks_the_links_language_and_the_page_around_it_the_vendors(owner):
    page = owner.submit(form(owner.get(NEW)), go="2", title="Kurs", amount="5.00", locale="de")
    assert "Weiter zur Zahlung" in picture(page) or "E-Mail-Adresse" in picture(page)
    assert page.heading == "New payment link"


@pytest.mark.parametrize("typed", [{"amount": "1e999"}, {"currency": "XXX"}, {"amount_kind": "magic"}, {"item_0_price": "-1", "amount_kind": "items"}, {"kind": "request", "amount": ""}, {"minimum": "9", "maximum": "1", "amount_kind": "open"}, {"tip_presets": "5,5,5,5,5,5", "amount": "5"}, {"title": "\x00"}, {"rate": "txr_none", "amount": "5"}])  # fmt: skip
def test_whatever_is_typed_there_is_a_picture(owner, typed):
    answer = owner.client.post("/portal/links/preview", data={**form(owner.get(NEW)).values, **typed})
    assert answer.status_code == 200 and "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert 'class="till' in answer.text and "<script" not in answer.text


def test_the_picture_keeps_nothing(shop, owner):
    owner.client.post("/portal/links/preview", data={**form(owner.get(NEW)).values, "title": "Never", "amount": "5"})
    assert links(shop) == []


def test_only_who_may_make_links_sees_the_picture(shop):
    support = make_colleague(shop, "support").browser()
    values = {"csrf_token": support.get("/portal/settings/notifications").form("/portal/settings/notifications").values["csrf_token"]}
    assert support.client.post("/portal/links/preview", data=values).status_code == 403


def test_htmx_gets_the_form_alone(owner):
    sent = owner.client.post(
        NEW, data={**form(owner.get(NEW)).values, "title": "Loaf", "amount": "4.50", "go": "2"}, headers={"HX-Request": "true"}
    )
    assert sent.status_code == 200 and "<html" not in sent.text and 'id="maker"' in sent.text and "<iframe" not in sent.text


def test_editing_shows_the_picture_of_the_link_as_it_is(shop, owner):
    link = make_link(shop, title="Course", amount="25.00")
    page = owner.get(f"/portal/links/{link.public_id}/edit")
    assert "Continue to pay £25.00" in picture(page) and not [e for e in page.all("button") if e.attrs.get("name") == "go"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"amount": "0.29"}, "Between £0.30 and £1,000,000.00."),
        ({"amount_kind": "open", "minimum": "10", "maximum": "5"}, "The maximum cannot be below the minimum."),
        ({"amount_kind": "open", "minimum": "10", "step": "5", "suggestions": "12"}, "Every suggestion must be an amount"),
        ({"amount": "5", "tip_presets": "5, 10", "tip_usual": "7"}, "One of the percentages above"),
    ],
)
def test_what_contradicts_itself_is_refused_on_its_own_step(owner, typed, said):
    page = owner.submit(form(owner.get(NEW)), go="2", status=422, title="Loaf", **typed)
    assert "What and how much" in step(page) and any(said in error for error in page.errors)


def test_a_contradiction_of_the_next_step_is_left_for_it(owner):
    page = owner.submit(
        form(owner.get(NEW)), go="2", title="Loaf", amount_kind="items", item_0_title="Loaf", item_0_price="5", kind="request"
    )
    assert "How it is paid" in step(page) and not page.errors
    page = owner.submit(form(page), go="3", status=422)
    assert "How it is paid" in step(page) and page.errors


def test_digits_beyond_the_largest_are_told_the_largest(owner):
    page = owner.submit(form(owner.get(NEW)), go="2", status=422, title="Loaf", amount="9" * 18)
    assert any("The largest amount here is £999,999,999,999.99." in error for error in page.errors)
    page = owner.submit(form(page), go="2", amount="5")
    page = owner.submit(form(page), go="3", status=422, kind="reusable", max_payments="9" * 20)
    assert any("from 1 to 10000" in error for error in page.errors)


def test_ways_that_can_take_nothing_of_it_are_refused_on_their_own_step(owner):
    page = owner.submit(form(owner.get(NEW)), go="2", title="Loaf", amount="5")
    page = owner.submit(form(page), go="3", status=422, methods="wallet")
    assert "How it is paid" in step(page) and page.errors
