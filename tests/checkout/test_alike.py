"""The card page and the page that says paid are written once for many payments; of one payer nothing is ever on another one's page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from checkout import alike, result
from core.accounts.embed_origins import allow_origin
from core.accounts.models import Vendor
from core.kernel.clock import now
from core.kernel.db import db
from core.kernel.money import Money
from core.methods.rules import Bounds, bound_method, move_method, switch_method
from core.payments.choose import note_country
from core.payments.models import Attempt, Payment
from core.payments.start import payment_token
from core.web import stencil
from tests.browser import Browser, Page
from tests.factories import again, make_declined, make_link, make_paid, make_payment, make_shop, open_payment, unit


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The words of every page that was written, and not filled in; nothing of earlier tests is kept."""
    seen: list[Any] = []
    for name in ("write_card", "write_paid"):
        write = getattr(alike, name)

        def noted(words: Any, own: dict[str, str], write: Callable[..., Any] = write) -> Any:
            seen.append(words)
            return write(words, own)

        monkeypatch.setattr(result, name, noted)
    return seen


def path_of(shop: Any, payment: Payment) -> str:
    return f"/checkout/{payment_token(shop.vendor, payment)}"


def bare(page: Page, *own: str) -> str:
    """The page without what may be on no other: its tokens, its nonce, and these."""
    nonces = set(re.findall(r'nonce="([^"]+)"', page.html))
    assert len(nonces) == 1 and f"'nonce-{nonces.copy().pop()}'" in page.response.headers["Content-Security-Policy"]
    tokens = set(re.findall(r'name="csrf_token" value="([^"]+)"', page.html))
    assert len(tokens) <= 1
    text = re.sub(r'data-seconds-left="\d+"', "", page.html)
    for word in (*nonces, *tokens, page.address.rpartition("/")[2], *own):
        text = text.replace(word, "")
    return text


def test_the_next_payer_gets_the_same_page_with_words_of_their_own(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    payments = [make_payment(shop, link, email=f"{name}@example.com", name=name) for name in ("zebedee", "wilhelmina", "xanthippe")]
    pages = [Browser(shop.app).get(path_of(shop, payment)) for payment in payments]
    assert len(written) == 1
    assert len({bare(page, payment.reference) for page, payment in zip(pages, payments, strict=True)}) == 1
    for page, payment in zip(pages, payments, strict=True):
        token = page.address.rpartition("/")[2]
        assert payment.reference in page.html and page.html.count(token) >= 4
        for other in payments:
            strange = {other.public_id, other.token_id, other.email, other.payer_name, str(other.id)}
            strange |= {other.reference, payment_token(shop.vendor, other)} if other is not payment else set()
            assert not [word for word in strange if word in page.html]
        assert 3300 < int(page.all("p", id="closing")[0].attrs["data-seconds-left"]) <= 3600


def test_no_mark_of_ours_is_left_on_a_page(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    pages = [Browser(shop.app).get(path_of(shop, make(shop, link))) for make in (make_payment, make_payment, make_paid, make_paid)]
    assert len(written) == 2
    marks = [stencil._mark(name) for name in ("token", "reference", "seconds_left", "email", "receipt", "paid_at", "paid_with")]
    assert not [mark for mark in marks for page in pages if mark in page.html]


def test_each_of_them_is_sent_on_with_a_form_of_their_own(shop: Any, written: list[Any], sandbox: str) -> None:
    link = make_link(shop)
    payers = [Browser(shop.app) for _ in range(2)]
    pages = [payer.get(path_of(shop, make_payment(shop, link))) for payer in payers]
    assert len(written) == 1
    forms = [page.form(f"{page.address}/attempts") for page in pages]
    payers[1].post(forms[1].action, {**forms[1].values, "csrf_token": forms[0].values["csrf_token"]}, status=400)
    onward = [
        payer.client.post(f"{page.address}/attempts", data=form.values) for payer, page, form in zip(payers, pages, forms, strict=True)
    ]
    assert [answer.status_code for answer in onward] == [303, 303]
    assert len({answer.headers["Location"] for answer in onward}) == 2 and onward[0].headers["Location"].startswith(sandbox)


def test_every_word_that_differs_makes_another_page(shop: Any, written: list[Any]) -> None:
    """Two vendors, two links, two sums, two titles, two modes of the same name: none is taken for the other."""
    other = make_shop(shop.app, business="Green Door Bakery")
    links = [make_link(shop), make_link(shop, amount="26.00"), make_link(shop, title="Rye course"), make_link(other)]
    for owner, link in zip((shop, shop, shop, other), links, strict=True):
        for _ in range(2):
            page = Browser(shop.app).get(path_of(owner, make_payment(owner, link)))
            assert owner.vendor.name in page.text and link.title in page.text
            assert owner.vendor.support_email in page.html and ("£26.00" in page.text) == (link.amount == Money(2600, "GBP"))
    assert len(written) == 4
    assert not [page for page in (Browser(shop.app).get(path_of(shop, make_payment(shop))),) if "Green Door" in page.html]


def test_what_the_vendor_changes_is_on_the_next_page(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    paths = [path_of(shop, make_payment(shop, link)) for _ in range(2)]

    def seen() -> list[Page]:
        return [Browser(shop.app).get(path) for path in paths]

    assert all("Ways to pay" not in page.text for page in seen())
    changes: list[tuple[dict[str, Any], str]] = [
        ({"name": "Yellow Door Bakery"}, "Yellow Door Bakery"),
        ({"support_phone": "+44 20 7946 0000"}, '"tel:+442079460000"><bdi dir="ltr">+44 20 7946 0000</bdi>'),
        ({"accent": "#7a1f5c", "accent_dark": "#f0a8d8"}, "--brand:#7a1f5c"),
        ({"support_email": "till@example.org"}, "mailto:till@example.org"),
    ]
    for columns, word in changes:
        assert all(word not in page.html for page in seen())
        with unit(shop.app):
            vendor = db.session.get_one(Vendor, shop.vendor.id)
            for name, value in columns.items():
                setattr(vendor, name, value)
        assert all(word in page.html for page in seen())
    with unit(shop.app):
        switch_method(shop.vendor, "test", "wallet", on=True, by="usr_x")
    assert [[one.attrs["value"] for one in page.all("input", type="radio")] for page in seen()] == [["card", "wallet"]] * 2
    with unit(shop.app):
        move_method(shop.vendor, "test", "wallet", up=True, by="usr_x")
    assert [[one.attrs["value"] for one in page.all("input", type="radio")] for page in seen()] == [["wallet", "card"]] * 2
    with unit(shop.app):
        bound_method(shop.vendor, "test", "wallet", bounds=Bounds("GBP", 9_000), by="usr_x")
    assert [page.all("input", type="radio") for page in seen()] == [[], []]
    with unit(shop.app):
        again(link).methods = ["wallet"]
    assert not [page for page in seen() if page.all("form", id="card-leave")], "the only way its link allows is out of bounds"


def test_language_and_theme_are_the_readers_own(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    path = path_of(shop, make_payment(shop, link))
    german, dark, plain = (Browser(shop.app) for _ in range(3))
    german.get(f"{path}?lang=de")
    dark.get(f"{path}?theme=dark")
    assert not written, "an address with something of its reader in it is written anew"
    for _ in range(2):
        assert german.get(path).all("html")[0].attrs["lang"] == "de" and "Mit Karte zahlen" in german.get(path).text
        assert 'content="dark"' in dark.get(path).html and "--ground" in dark.get(path).html
        page = plain.get(path)
        assert page.all("html")[0].attrs["lang"] == "en" and 'content="light dark"' in page.html and "Pay by card" in page.text
    assert len(written) == 3
    arabic = Browser(shop.app)
    arabic.get(f"{path}?lang=ar")
    assert arabic.get(path).all("html")[0].attrs["dir"] == "rtl" and len(written) == 4


def test_every_stage_has_a_page_of_its_own(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    payment = make_payment(shop, link)
    path = path_of(shop, payment)
    assert Browser(shop.app).get(path).heading == "Pay by card"
    open_payment(shop, payment)
    assert Browser(shop.app).get(path).heading == "Not finished yet", "with a try under way it is about that try, and is not kept"
    assert len(written) == 1
    reasons = {"insufficient_funds": "not enough money", "expired_card": "has expired"}
    for _ in range(2):
        for code, words in reasons.items():
            declined = make_declined(shop, link, code=code)
            with unit(shop.app):  # the try is over: closed at its provider
                db.session.execute(update(Attempt).where(Attempt.payment_id == declined.id).values(state="abandoned", next_inquiry_at=None))
            page = Browser(shop.app).get(path_of(shop, declined))
            assert words in page.text and not [other for other in reasons.values() if other != words and other in page.text]
            assert [one for one in page.links() if one.endswith(f"{page.address}/history")]
    assert len(written) == 3
    with unit(shop.app):
        again(payment).state = "canceled"
    assert "Pay by card" not in Browser(shop.app).get(path).text


def test_in_its_last_minutes_a_page_says_when_it_closes_and_is_not_kept(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    early, late = make_payment(shop, link), make_payment(shop, link)
    with unit(shop.app):
        again(late).expires_at = now() + timedelta(minutes=4)
    for _ in range(2):
        assert "This page closes at" in Browser(shop.app).get(path_of(shop, late)).text
        assert "This page closes at" not in Browser(shop.app).get(path_of(shop, early)).text
    assert len(written) == 1


def test_where_a_payer_says_to_be_is_on_no_other_page(euro: Any, written: list[Any]) -> None:
    link = make_link(euro)
    with unit(euro.app):
        switch_method(euro.vendor, "test", "bank_redirect", on=True, by="usr_x")
    belgian, anybody = make_payment(euro, link), make_payment(euro, link)
    with unit(euro.app):
        note_country(again(belgian), "BE")
    for _ in range(2):
        assert [one.attrs["value"] for one in Browser(euro.app).get(path_of(euro, belgian)).all("option", selected="")] == ["BE"]
        page = Browser(euro.app).get(path_of(euro, anybody))
        assert page.all("select", id="country") and not [one for one in page.all("option") if "selected" in one.attrs]
    assert len(written) == 2


def test_the_paid_page_names_its_own_payer_and_nobody_else(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    people = ["o'neil&sons@example.com", "wilhelmina@example.com"]
    payments = [make_paid(shop, link, email=email) for email in people]
    pages = [Browser(shop.app).get(path_of(shop, payment)) for payment in payments]
    assert len(written) == 1
    for page, payment, email in zip(pages, payments, people, strict=True):
        assert f"on its way to {email}." in page.text and payment.reference in page.text and "Visa ending in 4242" in page.text
        assert not [other for other in people if other != email and other in page.text]
        (receipt,) = [one for one in page.all("a") if one.text == "See the receipt"]
        assert payment.reference in Browser(shop.app).get(receipt.attrs["href"]).text
        assert page.response.headers.getlist("Set-Cookie") == [], "there is no form on it, so there is no token and no cookie"
    assert pages[0].html.count("o&#39;neil&amp;sons@example.com") == 1


def test_money_that_goes_back_is_said_on_that_page_alone(shop: Any, written: list[Any]) -> None:
    link = make_link(shop)
    whole, part = make_paid(shop, link), make_paid(shop, link)
    with unit(shop.app):
        again(part).refunded_minor = 700
    for _ in range(2):
        assert "£7.00" in Browser(shop.app).get(path_of(shop, part)).text
        assert "Refunded" not in Browser(shop.app).get(path_of(shop, whole)).text
    assert len(written) == 2


def test_a_page_inside_another_site_is_never_kept(shop: Any, written: list[Any]) -> None:
    with unit(shop.app):
        allow_origin(shop.vendor, "test", "https://shop.example", by="usr_x")
    path, around = path_of(shop, make_payment(shop, make_link(shop))), {"Sec_Fetch_Dest": "iframe", "Referer": "https://shop.example/"}
    for _ in range(2):
        assert "framed" in Browser(shop.app).get(f"/embed{path}", **around).all("body")[0].attrs["class"]
    assert written == []
