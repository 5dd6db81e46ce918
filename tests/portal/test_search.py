"""Finding payments at the desk: what is typed is read generously, filters narrow the list and its file alike, and are kept."""

from __future__ import annotations

import csv
import io
from urllib.parse import quote

import pytest
from flask import Flask

from core.payments.search_words import read_words, terms_of
from tests.browser import Browser
from tests.factories import (  # fmt: skip
    Shop,
    again,
    fresh,
    make_colleague,
    make_declined,
    make_link,
    make_paid,
    make_shop,
    unit,
)
from tests.portal.tokens import token

# --- search ---


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("7k3f9 qx2ma", "reference", "7K3F9-QX2MA"), ("7K3F9-QX2MO", "reference", "7K3F9-QX2M0"), ("ref:abc", "reference", "ABC"),
        ("4242", "last4", "4242"), ("last4:4242", "last4", "4242"), ("Ada@Example.com", "name", "ada@example.com"), ("hopper", "name", "hopper"),
        ("status:failed", "status", "requires_method"), ("status:paid", "status", "succeeded"), ("status:refunded", "status", "refunded"), ("status:partly refunded", "status", "partly_refunded"), ("status:nonsense", "status", None),
        ("£12.50", "sum", "GBP 12.50"), ("12,50 EUR", "sum", "EUR 12.50"), ("1,234.50", "sum", "GBP 1234.50"), ("amount:1250 jpy", "sum", "JPY 1250"),
        ("status:Faild", "status", "requires_method"), ("State: expired", "status", "expired"), ("declined", "status", "requires_method"),
        ("•••• 4242", "last4", "4242"), ("card: ending in 4242", "last4", "4242"), ("project:roof", "own_column", "('project', 'roof')"),
        ("meta:roof", "any_column", "roof"), ("ref:inv-2041", "theirs", "inv-2041"), ("E-Mail: Ada@Example.com", "name", "ada@example.com"),
        ("Betrag: 12,50", "sum", "GBP 12.50"), ("https://example.com", "own_column", None),
        ("1e3", "sum", None), ("-5", "sum", None), ("pay_0000000000000000000000", "public_id", "pay_0000000000000000000000"),
    ],
)  # fmt: skip
def test_what_is_typed_is_read_generously(typed: str, field: str, value: str | None) -> None:
    read = getattr(read_words(typed, "GBP"), field)
    assert (str(read) if read is not None else None) == value


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("status:failed email: ada@example.com", ["status:failed", "email: ada@example.com"]),
        ("grace hopper status:paid", ["grace hopper", "status:paid"]), ("status:", []), ("  ", []), ("see http://x.test/a", ["see http://x.test/a"]),
        ("note:call back: tomorrow status:paid", ["note:call back: tomorrow", "status:paid"]),
    ],
)  # fmt: skip
def test_several_terms_all_count(typed: str, terms: list[str]) -> None:
    assert terms_of(typed) == terms


def test_terms_narrow_each_other_and_slips_are_forgiven(shop: Shop, owner: Browser) -> None:
    from core.payments.sharing import Sharing, set_sharing

    link = make_link(shop, title="Roof", kind="reusable")
    with unit(shop.app):
        set_sharing(again(link), by=shop.user.public_id, sharing=Sharing(key_values={"project": "roof"}, reference_label="Invoice number"))
    link = fresh(shop, link)
    grace, sam = (
        make_paid(shop, link, email="g@example.com", name="Grace Hopper"),
        make_declined(shop, link, email="s@example.com", name="Sam Whitlock"),
    )
    with unit(shop.app):
        again(sam).payer_reference = "INV-2041"
    for words, found in (
        ("status:paid name:hopper", [grace]), ("status:failed name:hopper", []), ("whitlok", [sam]), ("Roof", [grace, sam]),
        ("meta:ROOF status:paid", [grace]), ("project:roof", [grace, sam]), ("project:cellar", []), ("ref:inv-2041", [sam]), ("inv-2041", [sam]),
        ("4242 status:payed", [grace]),
    ):  # fmt: skip
        page = owner.get(f"/portal/payments?q={quote(words)}")
        assert [one.public_id in page.html for one in (grace, sam)] == [one in found for one in (grace, sam)], words
        everywhere = owner.get(f"/portal/search?q={quote(words)}")
        assert [one.public_id in everywhere.html for one in (grace, sam)] == [one in found for one in (grace, sam)], words


def test_a_payment_is_found_by_whatever_the_customer_reads_out(shop: Shop, owner: Browser) -> None:
    link = make_link(shop, amount="43.21", title="Rye & seeds", kind="reusable")
    paid, other = (
        make_paid(shop, link, email="grace@example.com", name="Grace Hopper"),
        make_declined(shop, email="x@example.com", name="X Y"),
    )
    for words in (
        paid.reference.replace("-", " ").lower(),
        paid.public_id,
        "grace@example.com",
        "GRACE@",
        "grace",
        "hopper",
        "4242",
        "43.21",
        "£43.21",
    ):
        page = owner.get("/portal/search?q=" + words.replace("£", "%C2%A3").replace(" ", "+"))
        assert paid.reference in page.text and other.reference not in page.text, words
    assert "Rye & seeds" in owner.get("/portal/search?q=RYE").text
    assert "Going live" in owner.get("/portal/search?q=real+money").text and "Nothing fits" in owner.get("/portal/search?q=zzzz").text
    for words in ("%00", "%25", "_", "' OR 1=1 --", "x" * 300, "status:", "%F0%9F%99%82", "id:" + "9" * 200):
        assert owner.get(f"/portal/search?q={words}").status == 200


def test_search_stays_within_the_vendor_the_mode_and_the_role(app: Flask, shop: Shop, owner: Browser) -> None:
    theirs = make_shop(app)
    secret = make_paid(theirs, make_link(theirs, title="Their secret"), email="their@example.com", name="Theirs")
    for words in (secret.reference, secret.public_id, "their@example.com", "their", "4242"):
        assert secret.reference not in owner.get(f"/portal/search?q={words}").text.replace(words, "")
    assert "Statements" not in [
        e.text
        for e in make_colleague(shop, "support").browser().get("/portal/search?q=accounting").all("a", href="/portal/statements")
        if e.within("main")
    ]


# --- filters ---


def test_each_filter_narrows_the_list_and_its_file_alike(shop: Shop, owner: Browser) -> None:
    small, large = make_link(shop, amount="5.00", kind="reusable"), make_link(shop, amount="50.00", kind="reusable")
    one, two = make_paid(shop, small, email="one@example.com"), make_paid(shop, large, email="two@example.com")
    for query, there, gone in (
        ("least=10", two, one), ("most=10", one, two), ("least=5&most=5.00", one, two), ("customer=ONE@example.com", one, two),
        (f"link={large.public_id}", two, one), ("q=5.00", one, two),
    ):  # fmt: skip
        text_ = owner.get(f"/portal/payments?{query}").text
        assert there.reference in text_ and gone.reference not in text_, query
        rows = list(csv.DictReader(io.StringIO(owner.client.get(f"/portal/payments.csv?{query}").get_data(as_text=True))))
        assert [row["reference"] for row in rows] == [there.reference], query
    assert (
        one.reference in owner.get("/portal/payments?method=visa").text
        and one.reference not in owner.get("/portal/payments?method=amex").text
    )
    for query in ("least=x", "most=-1", "customer=nobody", "link=lnk_0000000000000000000000", "method=cash", "least=1e9"):
        assert owner.get(f"/portal/payments?{query}").error_summary, query


def test_a_filter_is_saved_shared_found_again_and_removed(shop: Shop, owner: Browser) -> None:
    make_paid(shop)
    other = make_colleague(shop, "support")
    keep = "/portal/payments/filters"
    form = owner.get("/portal/payments?status=succeeded&q=25.00").form(keep)
    assert owner.submit(form, status=422, name="").errors
    page = owner.submit(form, name="Twenty-five", shared="y")
    saved = next(e for e in page.all("a", class_="chip"))
    assert saved.text == "Twenty-five" and "status=succeeded" in saved.attrs["href"] and owner.get(saved.attrs["href"]).status == 200
    assert owner.submit(form, status=422, name="twenty-FIVE").errors, "one name, one filter"
    owner.submit(form, name="Mine alone")
    theirs = other.browser().get("/portal/payments")
    assert [e.text for e in theirs.all("a", class_="chip")] == ["Twenty-five"]
    removals = [e.attrs["action"] for e in theirs.all("form") if e.attrs.get("action", "").endswith("/remove")]
    assert other.browser().post(removals[0], {"csrf_token": token(other.browser())}).status in (400, 403)
    seen = other.browser()
    assert seen.post(removals[0], {"csrf_token": token(seen)}).status == 403
    page = owner.submit(owner.get("/portal/payments").form(removals[0]))
    assert [e.text for e in page.all("a", class_="chip")] == ["Mine alone"]
