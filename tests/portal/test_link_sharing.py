"""Handing a link out from its pages: readable address, letters, filled-in addresses, poster, report, a copy."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader

from core.accounts.vendor_slug import slug_of
from core.kernel.clock import now
from core.kernel.db import db
from core.payments.funnel import add_openings, today_of
from core.payments.models import PaymentLink
from core.payments.sharing import Sharing, labels_of, set_sharing
from core.payments.sharing_models import LinkPrefill, LinkSending
from core.payments.slug import link_slug
from tests.browser import Browser, Page
from tests.factories import (
    Shop,
    again,
    fresh,
    link_address,
    make_colleague,
    make_declined,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    unit,
)
from tests.portal.test_links import TERMS, make, newest


def rows(shop: Shop, model: type[Any]) -> list[Any]:
    with unit(shop.app):
        return list(db.session.scalars(db.select(model).where(model.vendor_id == shop.vendor.id).order_by(model.id)))


# --- the form ------------------------------------------------------------------------------------------------------------

SHARING = {
    "slug": "Summer Course", "labels": "garden, 2026", "reference_label": "Invoice number", "reference_hint": "INV- and four digits.",
    "reference_pattern": r"INV-\d{4}", "reference_required": "y", "key_values": "project = roof\ncost.centre = 7 = seven",
}  # fmt: skip


def test_what_is_typed_about_sharing_is_kept_and_shown_again(shop: Shop, owner: Browser) -> None:
    page = make(owner, **SHARING)
    link = newest(shop)
    with unit(shop.app):
        assert link_slug(again(link)) == "summer-course" and labels_of(again(link)) == ["2026", "garden"]
        name = slug_of(shop.vendor)
    assert link.key_values == {"project": "roof", "cost.centre": "7 = seven"} and link.reference_required
    assert page.all("input", id="link-readable")[0].attrs["value"].endswith(f"/pay/test/{name}/summer-course")
    form = owner.get(f"/portal/links/{link.public_id}/edit").form()
    assert form.values["slug"] == "summer-course" and form.values["key_values"] == "project = roof\ncost.centre = 7 = seven"
    assert form.values["reference_required"] == "y" and form.values["labels"] == "2026, garden"
    emptied = dict.fromkeys(SHARING, "")
    page = owner.submit(form, status=422, **{**emptied, "reference_required": "y"})
    assert page.errors == ["Name what you ask for, or leave the pattern and the switch alone."]
    del form.values["reference_required"]
    owner.submit(form, **{name: "" for name in emptied if name != "reference_required"})
    link = fresh(shop, link)
    assert (link.reference_label, link.reference_pattern, link.reference_required, link.key_values) == ("", "", False, {})
    with unit(shop.app):
        assert link_slug(again(link)) is None and labels_of(again(link)) == []


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"slug": "x"}, "slug", "3 to 60"),
        ({"slug": "naïve café"}, "slug", "a to z"),
        ({"labels": "x" * 31}, "labels", "30 characters"),
        ({"key_values": "no equals sign"}, "key_values", "has no “=”"),
        ({"key_values": "a = 1\na = 2"}, "key_values", "twice"),
        ({"key_values": "1st = x"}, "key_values", "begins with a letter"),
        ({"key_values": "\n".join(f"k{n} = v" for n in range(16))}, "key_values", "15 lines"),
        ({"reference_label": "Number", "reference_pattern": "(a+)+", "reference_hint": "x"}, "reference_pattern", "cannot stand here"),
        ({"reference_label": "Number", "reference_pattern": r"\d{4}"}, "reference_hint", "in words"),
        ({"reference_required": "y"}, "reference_label", "Name what you ask for"),
        ({"kind": "request", "amount_kind": "open", "amount": ""}, "kind", "amount that you decide"),
        ({"kind": "request", "part_minimum": "46.00"}, "part_minimum", "Between"),
        ({"kind": "request", "due_on": "soon"}, "due_on", "like 2026"),
    ],
)
def test_a_mistake_about_sharing_is_said_at_its_field_and_makes_no_link(
    shop: Shop, owner: Browser, changes: dict[str, str], field: str, said: str
) -> None:
    page = make(owner, status=422, **changes)
    assert any(said in error for error in page.errors), page.errors
    assert any(e.attrs.get("id") == f"{field}-error" for e in page.elements)
    kept = page.form().values
    assert all(kept[name] == value for name, value in {**TERMS, **changes}.items() if name != "amount_kind" or value != "open")
    assert rows(shop, PaymentLink) == []


def test_a_readable_address_can_be_one_links_only(shop: Shop, owner: Browser) -> None:
    make(owner, slug="summer")
    page = make(owner, status=422, slug="summer", title="Another")
    assert "Another of your links has this address" in page.errors[0]
    assert len(rows(shop, PaymentLink)) == 1


def test_a_request_to_be_paid_in_parts_is_made_and_followed(shop: Shop, owner: Browser) -> None:
    due = (now() + timedelta(days=40)).date()
    page = make(owner, kind="request", amount="300", part_minimum="20", due_on=due.isoformat())
    link = newest(shop)
    assert (link.amount_minor, link.total_minor, link.minimum_minor, link.due_on) == (None, 30_000, 2_000, due)
    make_paid(shop, link, amount="100.00")
    make_payment(shop, link, amount="50.00")
    page = owner.get(f"/portal/links/{link.public_id}")
    for words in ("33% of it", "Being paid right now £50.00", "Open £150.00", "Smallest part £20.00"):
        assert words in page.text, words
    form = owner.get(f"/portal/links/{link.public_id}/edit").form()
    assert form.values["amount"] == "300.00" and form.values["part_minimum"] == "20.00" and form.values["due_on"] == due.isoformat()
    page = owner.submit(form, status=422, amount="149.99")
    assert "£150.00 is paid or being paid already." in page.errors
    owner.submit(form, amount="150.00")
    assert fresh(shop, link).total_minor == 15_000


# --- letters -------------------------------------------------------------------------------------------------------------


def write(browser: Browser, link: PaymentLink, *, status: int = 200, **typed: str) -> Page:
    path = f"/portal/links/{link.public_id}/send"
    return browser.submit(browser.get(path).form(path), status=status, **{"recipients": "ada@example.com", **typed})


def test_a_link_is_sent_to_several_and_each_letter_is_followed(shop: Shop, owner: Browser, work: Callable[[], int]) -> None:
    link = make_link(shop, expires_at=now() + timedelta(days=9))
    page = write(
        owner, link, recipients="ada@example.com, bob@example.com;\ncy@EXAMPLE.com\nada@example.com", message="Hello!", first_reminder="3"
    )
    assert "3 letters are on their way." in page.text and page.text.count("Waiting to be sent") == 3 and page.text.count("Planned for") == 3
    work()
    page = owner.get(page.address)
    assert page.text.count("Kept here") == 3, "the demo has no mail server"
    letter = next(e for e in owner.get("/portal/outbox").all("a") if "/portal/outbox/msg_" in e.attrs["href"])
    text = owner.get(letter.attrs["href"]).text
    assert "Blue Door Bakery asks you to pay" in text and "Hello!" in text


def test_a_link_that_is_sent_ends_after_thirty_days_unless_its_sender_chooses_otherwise(shop: Shop, owner: Browser) -> None:
    link, kept, wall = (make_link(shop, kind=kind) for kind in ("single", "single", "reusable"))
    write(owner, link, status=422, recipients="nobody")
    assert fresh(shop, link).expires_at is None and "in 30 days" in owner.get(f"/portal/links/{link.public_id}/send").text
    write(owner, link, first_reminder="7")
    ends = fresh(shop, link).expires_at
    assert ends and abs(ends - now() - timedelta(days=30)) < timedelta(minutes=1)
    assert "The link ends" not in owner.get(f"/portal/links/{link.public_id}/send").text
    write(owner, kept, ends_in="")
    write(owner, wall)
    assert fresh(shop, kept).expires_at is None and fresh(shop, wall).expires_at is None


def test_the_same_form_twice_sends_once(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    form = owner.get(f"/portal/links/{link.public_id}/send").form(f"/portal/links/{link.public_id}/send")
    for _ in range(2):
        owner.submit(form, recipients="ada@example.com")
    assert len(rows(shop, LinkSending)) == 1


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"recipients": ""}, "recipients", "at least one"),
        ({"recipients": "ada@example.com, not an address"}, "recipients", "“not an address” is not"),
        ({"recipients": ",".join(f"p{n}@example.com" for n in range(51))}, "recipients", "50 addresses"),
        ({"message": "See http://x.example"}, "message", "web addresses"),
        ({"message": "x" * 1001}, "message", "1000 characters"),
        ({"first_reminder": "4"}, "first_reminder", "from the list"),
        ({"first_reminder": "3"}, "first_reminder", "no end"),
    ],
)
def test_a_letter_that_cannot_be_sent_says_why_at_its_field_and_keeps_what_was_typed(
    shop: Shop, owner: Browser, typed: dict[str, str], field: str, said: str
) -> None:
    page = write(owner, make_link(shop), status=422, **typed)
    assert any(said in error for error in page.errors), page.errors
    assert any(e.attrs.get("id") == f"{field}-error" for e in page.elements)
    if "message" in typed:
        assert page.form().values["message"] == typed["message"]
    assert rows(shop, LinkSending) == []


def test_letters_go_out_only_for_somebody_whose_own_address_is_known(app: Flask) -> None:
    shop = make_shop(app, verified=False)
    page = write(shop.browser(), make_link(shop), status=422)
    assert "Confirm your own e-mail address first" in page.text


def test_a_letter_is_called_off_by_ones_own_people_only(app: Flask, shop: Shop, owner: Browser) -> None:
    link = make_link(shop, expires_at=now() + timedelta(days=9))
    page = write(owner, link, first_reminder="3")
    (sending,) = rows(shop, LinkSending)
    path = f"/portal/sendings/{sending.public_id}/cancel"
    thief = make_shop(app).browser()
    token = thief.get("/portal/").form("/sign-out").values["csrf_token"]
    assert thief.post(path, {"csrf_token": token}).status == 404
    support = make_colleague(shop, "support").browser()
    token = support.get("/portal/").form("/sign-out").values["csrf_token"]
    assert support.post(path, {"csrf_token": token}).status == 403
    assert fresh(shop, sending).canceled_at is None
    page = owner.submit(page.form(path))
    assert "Called off" in page.text and "Not sent: cancelled" in page.text and not page.all("form", action=path)


def test_a_paused_link_offers_no_letter(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    path = f"/portal/links/{link.public_id}"
    owner.submit(owner.get(path).form(f"{path}/pause"))
    assert not owner.get(f"{path}/send").all("textarea")
    assert "Send it by e-mail" not in owner.get(path).text


# --- filled-in addresses -------------------------------------------------------------------------------------------------


def test_an_address_is_filled_in_and_withdrawn(shop: Shop, owner: Browser, stranger: Browser, app: Flask) -> None:
    link = make_link(shop, amount=None)
    with unit(app):
        set_sharing(again(link), by="usr_x", sharing=Sharing(reference_label="Invoice number"))
    path = f"/portal/links/{link.public_id}/filled"
    page = owner.submit(owner.get(path).form(path), reference="INV-7", amount="12.50")
    (prefill,) = rows(shop, LinkPrefill)
    address = page.all("input", id=f"filled-{prefill.public_id}")[0].attrs["value"]
    assert "£12.50" in stranger.get(address.partition("/pay/")[1] + address.partition("/pay/")[2]).text
    withdraw = f"/portal/filled/{prefill.public_id}/withdraw"
    thief = make_shop(app).browser()
    token = thief.get("/portal/").form("/sign-out").values["csrf_token"]
    assert thief.post(withdraw, {"csrf_token": token}).status == 404
    page = owner.submit(page.form(withdraw))
    assert "opens nothing any more" in page.text and not page.all("form", action=withdraw)
    stranger.get("/pay/" + address.partition("/pay/")[2], status=404)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "at least one answer"),
        ({"amount": "0.01"}, "smallest amount"),
        ({"email": "x"}, "like name@example.com"),
        ({"amount": "ten"}, "digits"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(shop: Shop, owner: Browser, typed: dict[str, str], said: str) -> None:
    path = f"/portal/links/{make_link(shop, amount=None).public_id}/filled"
    page = owner.submit(owner.get(path).form(path), status=422, **typed)
    assert said in page.text and rows(shop, LinkPrefill) == []


# --- the business's name in addresses ------------------------------------------------------------------------------------


def test_the_business_chooses_its_name_in_addresses(app: Flask, shop: Shop, owner: Browser) -> None:
    path, word = "/portal/settings/address", f"door-{secrets.token_hex(4)}"
    page = owner.submit(owner.get(path).form(path), slug=word.upper())
    assert "Saved." in page.text and f"/pay/{word}/" in page.text
    other = make_shop(app).browser()
    assert other.submit(other.get(path).form(path), status=422, slug=word).errors == ["This name is taken. Choose another."]
    for wrong in ("", "api", "a b c!", "x" * 41):
        page = owner.submit(owner.get(path).form(path), status=422, slug=wrong)
        assert page.errors and page.form(path).values["slug"] == wrong


# --- report --------------------------------------------------------------------------------------------------------------


def test_the_report_says_how_far_people_came_and_why_they_stopped(shop: Shop, owner: Browser) -> None:
    link = make_link(shop)
    with unit(shop.app):
        day = today_of(shop.vendor)
        add_openings({(shop.vendor.id, "test", link.id, day, "other"): 6, (shop.vendor.id, "test", link.id, day, "poster"): 2})
    make_paid(shop, link)
    make_payment(shop, link)
    make_declined(shop, link, code="insufficient_funds")
    page = owner.get(f"/portal/links/{link.public_id}/report")
    for words in ("Opened 8", "Started 3 38% of the step before", "Attempted 2", "Paid 1 50%", "Declined: insufficient funds 1",
                  "Still under way 1", "Opened it and did not start 5", "Printed poster 2"):  # fmt: skip
        assert words in page.text, (words, page.text)
    assert page.all("svg", role="img") and "The same as a table" in page.text
    assert "Last" not in owner.get(f"/portal/links/{link.public_id}/report?days=7").errors
    assert owner.get(f"/portal/links/{link.public_id}/report?days=%00").status == 200


def test_a_report_without_visitors_says_what_will_stand_there(shop: Shop, owner: Browser) -> None:
    assert "Nobody yet" in owner.get(f"/portal/links/{make_link(shop).public_id}/report").text


# --- poster --------------------------------------------------------------------------------------------------------------


def test_a_poster_is_printed_by_a_worker_and_printed_anew_when_the_link_changes(
    shop: Shop, owner: Browser, work: Callable[[], int]
) -> None:
    make(owner, slug="summer-course", title="Sourdough & <b>butter</b>")
    link = newest(shop)
    path = f"/portal/links/{link.public_id}/poster"
    page = owner.get(path)
    assert "/summer-course" in page.text and not page.all("a", href=f"{path}-a6.pdf")
    assert owner.get(f"{path}-a6.pdf", status=404).status == 404
    form = next(
        f for f in page.all("form", action=path) if any(e.within("form") is f and e.attrs.get("value") == "a6" for e in page.all("input"))
    )
    token = next(e.attrs["value"] for e in page.all("input", name_="csrf_token") if e.within("form") is form)
    page = owner.post(path, {"csrf_token": token, "size": "a6"}, status=200)
    assert "being printed" in page.text and page.all("meta", http_equiv="refresh")
    work()
    page = owner.get(page.address)
    assert not page.all("meta", http_equiv="refresh")
    pdf = owner.client.get(f"{path}-a6.pdf")
    reader = PdfReader(io.BytesIO(pdf.data))
    (sheet,) = reader.pages
    text = " ".join(sheet.extract_text().split())
    assert pdf.mimetype == "application/pdf" and [round(float(side) / 72 * 25.4) for side in sheet.mediabox[2:]] == [105, 148]
    for words in ("Blue Door Bakery", "Sourdough & <b>butter</b>", "£45.00", "/summer-course", "TEST"):
        assert words.replace(" ", "") in text.replace(" ", ""), (words, text)  # a long address is set in two lines
    owner.submit(owner.get(f"/portal/links/{link.public_id}/edit").form(), title="Something else")
    assert owner.get(f"{path}-a6.pdf", status=404).status == 404, "what hangs there would say something else"


def test_a_size_that_is_none_is_not_printed(shop: Shop, owner: Browser) -> None:
    path = f"/portal/links/{make_link(shop).public_id}/poster"
    token = owner.get(path).form("/sign-out").values["csrf_token"]
    assert owner.post(path, {"csrf_token": token, "size": "a0"}).status == 404
    assert owner.get(f"{path}-..%2f.pdf", status=404).status == 404


# --- a copy, and payments ------------------------------------------------------------------------------------------------


def test_a_copy_is_opened_for_editing(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, title="Autumn fair")
    path = f"/portal/links/{link.public_id}"
    page = owner.submit(owner.get(path).form(f"{path}/clone"))
    assert page.heading == "Edit the link" and page.form().values["title"] == "Autumn fair (copy)"
    assert len(rows(shop, PaymentLink)) == 2


def test_a_payment_shows_its_reference_its_columns_and_where_it_came_from(shop: Shop, owner: Browser, stranger: Browser) -> None:
    make(owner, **SHARING)
    form = stranger.get(f"{link_address(shop, newest(shop))}?utm_source=spring&ref=poster").form()
    stranger.submit(form, email="sam@example.com", payer_reference="inv-2041")
    page = owner.get("/portal/payments?q=INV-2041")
    page = owner.get(next(link for link in page.links() if "/portal/payments/pay_" in link))
    for words in ("Invoice number INV-2041", "project roof", "cost.centre 7 = seven", "utm_source spring", "ref poster"):
        assert words in page.text, words
