"""Customers: met when they pay, found by their beginning, refused when the team says so, handed out and erased."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from core.customers.meet import CustomerBlocked
from core.customers.models import Customer
from core.customers.queries import find_customer
from core.kernel.clock import now
from core.kernel.db import db
from core.ledger.queries import find_breaks
from core.payments.prefill import Answers, make_prefill
from core.payments.sale_models import PaymentDetail
from core.payments.send_link import send_link
from tests.browser import Browser
from tests.factories import (
    Shop,
    again,
    ask_refund,
    fresh,
    link_address,
    make_colleague,
    make_link,
    make_paid,
    make_payment,
    make_shop,
    tell_refund,
    unit,
)


def known(shop: Shop, email: str) -> Customer:
    with unit(shop.app):
        found = find_customer(shop.vendor, "test", email)
        assert found
        return found


def test_one_row_for_each_address_however_often_and_however_written(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, kind="reusable")
    make_payment(shop, link, email="Ada@Example.com", name="Ada")
    make_paid(shop, link, email="ada@example.com", name="Ada Lovelace")
    make_paid(shop, link, email="grace@example.com", name="Grace Hopper")
    page = owner.get("/portal/customers")
    assert page.text.count("ada@example.com") == 1 and "Ada Lovelace" in page.text
    for word in ("ada@", "ADA love", "lovel"):
        found = owner.get(f"/portal/customers?q={word}").text
        assert "ada@example.com" in found and "grace@" not in found, word
    assert "No customer fits" in owner.get("/portal/customers?q=%25").text, "a sign of the pattern language is a sign"


def test_a_customer_shows_what_they_came_to(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop, make_link(shop, amount="40.00"))
    make_paid(shop, make_link(shop, amount="700", currency="JPY"))
    tell_refund(shop, ask_refund(shop, paid, "10.00"), "succeeded")
    page = owner.get(f"/portal/customers/{known(shop, paid.email).public_id}")
    assert (
        "Paid £40.00" in page.text
        and "Refunded −£10.00" in page.text
        and "Kept, before fees £30.00" in page.text
        and "JPY 700" in page.text
    )


def test_somebody_refused_cannot_begin_a_payment_and_is_told_whom_to_ask(shop: Shop, owner: Browser, stranger: Browser) -> None:
    link = make_link(shop, kind="reusable")
    under_way = make_payment(shop, link)
    address = f"/portal/customers/{known(shop, 'ada@example.com').public_id}"
    assert owner.submit(owner.get(address).form(f"{address}/block"), because=" ", status=422).errors
    owner.submit(owner.get(address).form(f"{address}/block"), because="Charged back twice.")
    page = stranger.submit(stranger.get(link_address(shop, link)).form(), email="ADA@example.com", status=422)
    assert any(shop.vendor.support_email in error for error in page.errors) and "Charged back" not in page.html
    assert fresh(shop, under_way).state == "created", "what was under way ends as it will"
    assert "Charged back twice." in owner.get(address).text and "Refused" in owner.get("/portal/customers?blocked=y").text
    owner.submit(owner.get(address).form(f"{address}/allow"))
    assert [cell.text for cell in owner.get("/portal/customers").all("td", data_label="State")] == [""], "nothing is said where nothing is"
    stranger.submit(stranger.get(link_address(shop, link)).form(), email="ada@example.com")


def test_the_same_form_sent_again_answers_its_payment_also_when_refused_meanwhile(app: Flask) -> None:
    from core.customers.block import block_customer
    from core.payments.start import start_payment

    shop = make_shop(app)
    link = make_link(shop, kind="reusable")
    token = secrets.token_urlsafe(18)
    form: dict[str, Any] = {"amount": link.amount, "email": "ada@example.com", "name": "", "form_token": token}
    with unit(app):
        first = start_payment(shop.vendor, link, **form).id
    with unit(app):
        block_customer(shop.vendor, known(shop, "ada@example.com"), by="usr_x", because="No.")
    with unit(app):
        assert start_payment(shop.vendor, link, **form).id == first
        with pytest.raises(CustomerBlocked):
            start_payment(shop.vendor, link, **(form | {"form_token": secrets.token_urlsafe(18)}))


def test_personal_data_is_handed_out_whole(shop: Shop, owner: Browser) -> None:
    paid = make_paid(shop)
    customer = known(shop, paid.email)
    owner.submit(
        owner.get(f"/portal/customers/{customer.public_id}").form(f"/portal/customers/{customer.public_id}/remarks"), remark="Likes rye."
    )
    answer = owner.client.get(f"/portal/customers/{customer.public_id}/personal-data.json")
    assert "attachment" in answer.headers["Content-Disposition"]
    given = json.loads(answer.data)
    assert given["about"]["email"] == paid.email and given["notes"][0]["text"] == "Likes rye." and given["complete"]
    assert given["payments"][0]["paid"] == {"amount": "25.00", "currency": "GBP"} and given["payments"][0]["history"]


def test_an_erased_person_is_nowhere_and_the_books_stay(shop: Shop, owner: Browser, work: Any) -> None:
    paid = make_paid(shop, email="erase.me@example.com", name="Erase Me-Please")
    tell_refund(shop, ask_refund(shop, paid, "5.00"), "succeeded")
    sent = make_link(shop, expires_at=now() + timedelta(days=9))
    with unit(shop.app):
        send_link(
            shop.vendor, again(sent), sender=shop.user, recipients=["erase.me@example.com"], message="Dear Mr Me-Please,", reminders=[1],
            form_token="f" * 20,
        )  # fmt: skip
        answers = Answers(email="erase.me@example.com", name="Erase Me-Please")
        make_prefill(shop.vendor, again(sent), by=shop.user.public_id, answers=answers, form_token="g" * 20)
    work()
    customer = known(shop, "erase.me@example.com")
    address = f"/portal/customers/{customer.public_id}"
    owner.submit(owner.get(address).form(f"{address}/remarks"), remark="Erase Me-Please rang.")
    with unit(shop.app):
        db.session.add(
            PaymentDetail(
                vendor_id=shop.vendor.id, mode="test", payment_id=paid.id, phone="Me-Please 1", company="Me-Please Ltd", tax_id="", billing={"line": "Me-Please Lane"},
                shipping=None, answers=[{"a": "Me-Please"}], agreed_from="Me-Please", agreed_with="Me-Please",
            )
        )  # fmt: skip
        raw = json.dumps({"data": {"object": {"billing_details": {"email": "erase.me@example.com", "name": "Erase Me-Please"}}}})
        cause = db.session.scalar(
            text("SELECT cause FROM payment_events WHERE payment_id = :id AND kind = 'payment.succeeded'"), {"id": paid.id}
        )
        db.session.execute(
            text("INSERT INTO provider_events (provider, mode, event_id, type, raw, received_at, handled_at) VALUES (:p, 'test', :e, 't', :r, now(), now())"),
            {"p": paid.provider, "e": cause, "r": raw},
        )  # fmt: skip
    page = owner.submit(owner.get(f"{address}/erase").form(f"{address}/erase"))
    assert "Their personal data is erased" in page.text
    with unit(shop.app):
        tables = db.session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        for table in tables:
            found = db.session.scalar(
                text(f"SELECT count(*) FROM {table} t WHERE t::text ILIKE '%erase.me@%' OR t::text ILIKE '%Me-Please%'")
            )
            assert found == 0, table
        assert db.session.scalar(text("SELECT count(*) FROM papers WHERE vendor_id = :v"), {"v": shop.vendor.id}) == 0
        assert not [line for line in find_breaks() if str(shop.vendor.id) in line]
    show = owner.get(f"/portal/payments/{paid.public_id}").text
    assert "£25.00" in show and "Paid" in show and "erased-" in show
    make_payment(shop, email="erase.me@example.com")
    assert known(shop, "erase.me@example.com").public_id != customer.public_id, "who comes back is met anew"


def test_nobody_is_erased_while_something_of_theirs_is_under_way(shop: Shop, owner: Browser) -> None:
    waiting = make_payment(shop)
    address = f"/portal/customers/{known(shop, waiting.email).public_id}/erase"
    page = owner.submit(owner.get(address).form(address), status=422)
    assert "still under way" in page.text and fresh(shop, waiting).email == "ada@example.com"


def test_walls_between_vendors_worlds_and_roles(app: Flask, shop: Shop, owner: Browser) -> None:
    theirs = make_shop(app)
    make_paid(theirs, email="secret-payer@example.com", name="Secret Payer")
    number = known(theirs, "secret-payer@example.com").public_id
    for path in ("", "/erase", "/personal-data.json"):
        owner.get(f"/portal/customers/{number}{path}", status=404)
    for path in (
        "/portal/customers",
        "/portal/customers?q=secret",
        "/portal/search?q=secret",
        "/portal/payments?q=secret",
        "/portal/customers.csv",
    ):
        assert "secret-payer" not in owner.client.get(path).get_data(as_text=True).replace("q=secret", ""), path
    mine = make_paid(shop)
    with unit(app):
        assert find_customer(shop.vendor, "live", mine.email) is None
    support = make_colleague(shop, "support").browser()
    support.get(f"/portal/customers/{known(shop, mine.email).public_id}/personal-data.json", status=403)
