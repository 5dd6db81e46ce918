"""What vendors set for selling: links with lists, tax, tips, questions and ways back; discount codes; tax rates; return domains."""

from __future__ import annotations

import pytest

from core.accounts.domains import record_check
from core.kernel.db import db
from core.payments.basket import offer_of
from core.payments.models import PaymentLink
from core.payments.offer import Item, Offer, Question, Terms, Tips
from tests.browser import Browser, Page
from tests.factories import Shop, link_address, make_colleague, make_link, unit

ITEMS = {
    "title": "Breakfast", "currency": "GBP", "amount_kind": "items", "amount": "", "kind": "reusable",
    "item_0_title": "Loaf", "item_0_price": "4.50", "item_0_most": "10",
    "item_2_title": "Jam", "item_2_price": "3.20", "item_2_least": "0", "item_2_most": "5",
}  # fmt: skip


def make(browser: Browser, *, status: int = 200, **changes: str) -> Page:
    return browser.submit(browser.get("/portal/links/new").form(), status=status, **{**ITEMS, **changes})


def newest(shop: Shop) -> PaymentLink:
    with shop.app.app_context():
        mine = db.select(PaymentLink).where(PaymentLink.vendor_id == shop.vendor.id).order_by(PaymentLink.id.desc())
        found = db.session.scalars(mine).first()
        assert found
        return found


def test_a_list_is_made_shown_and_sold(shop: Shop, owner: Browser, stranger: Browser) -> None:
    page = make(owner)
    assert page.heading == "Breakfast" and "Loaf £4.50 · 1 to 10" in page.text and "Jam £3.20 · 0 to 5" in page.text
    link = newest(shop)
    assert [(item.title, item.unit_minor, item.least, item.most) for item in offer_of(link).items] == [
        ("Loaf", 450, 1, 10),
        ("Jam", 320, 0, 5),
    ]
    assert link.amount_minor is None and "A list of things" in owner.get("/portal/links").text
    assert "Continue to pay £4.50" in stranger.get(link_address(shop, link)).text


def test_editing_keeps_what_is_there_and_clears_what_is_emptied(shop: Shop, owner: Browser) -> None:
    make(owner)
    link = newest(shop)
    loaf = offer_of(link).items[0].id
    form = owner.get(f"/portal/links/{link.public_id}/edit").form()
    assert (form.values["item_0_title"], form.values["item_1_title"], form.values["item_1_least"]) == ("Loaf", "Jam", "0")
    owner.submit(form, item_1_title="", item_1_price="", item_2_title="Tea", item_2_price="2")
    kept = offer_of(newest(shop)).items
    assert [item.title for item in kept] == ["Loaf", "Tea"] and kept[0].id == loaf


def test_saving_an_unchanged_link_changes_nothing(shop: Shop, owner: Browser) -> None:
    offer = Offer(
        items=(Item("itm_1", "Loaf", 450, 0, 9),), tips=Tips((500, 1_250), 500), discounts=True, business=True,
        questions=(Question("size", "Size", "select", True, ("S", "M")), Question("note", "A note")), terms=Terms("I do", "All\nof it."),
        phone="optional", billing="required", success_url="http://localhost:8080/thanks/{PAYMENT}",
    )  # fmt: skip
    link = make_link(shop, amount=None, offer=offer)
    owner.submit(owner.get(f"/portal/links/{link.public_id}/edit").form())
    assert offer_of(newest(shop)) == offer
    shown = owner.get(f"/portal/links/{link.public_id}")
    for words in ("Tips 5%, 12.5%", "Size *", "Must be given", "http://localhost:8080/thanks/{PAYMENT}"):
        assert words in shown.text, words


def test_more_rows_keep_everything_and_make_nothing(shop: Shop, owner: Browser) -> None:
    page = make(owner, more="items", title="", question_0_label="Size?", terms_text="Words")
    values = page.form().values
    assert (values["item_0_title"], values["item_1_title"], values["question_0_label"], values["terms_text"]) == (
        "Loaf",
        "Jam",
        "Size?",
        "Words",
    )
    assert "item_6_title" in values and page.errors == []
    page = owner.submit(page.form(), more="questions")
    assert "question_4_label" in page.form().values
    with shop.app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(PaymentLink).where(PaymentLink.vendor_id == shop.vendor.id)) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"item_0_title": ""}, "item_0_title"),
        ({"item_0_price": ""}, "item_0_price"),
        ({"item_0_price": "NaN"}, "item_0_price"),
        ({"item_0_price": "-1"}, "item_0_price"),
        ({"item_0_price": "1e400"}, "item_0_price"),
        ({"item_0_price": "4.505"}, "item_0_price"),
        ({"item_0_price": "４.50"}, "item_0_price"),
        ({"item_0_price": "9999999999"}, "item_0_price"),
        ({"item_0_most": "1000"}, "item_0_most"),
        ({"item_0_least": "5", "item_0_most": "2"}, "item_0_most"),
        ({"item_0_least": "-1"}, "item_0_least"),
        ({"item_0_rate": "txr_nobodys"}, "item_0_rate"),
        ({"tip_presets": "5, ten"}, "tip_presets"),
        ({"tip_presets": "1,2,3,4,5"}, "tip_presets"),
        ({"tip_presets": "5", "tip_usual": "6"}, "tip_usual"),
        ({"tip_presets": "5", "tip_taxed": "y"}, "rate"),
        ({"question_0_label": "Size", "question_0_kind": "select", "question_0_options": "S"}, "question_0_options"),
        ({"question_0_label": "Size", "question_0_kind": "file"}, "question_0_kind"),
        ({"phone": "always"}, "phone"),
        ({"success_url": "https://nobody.example/"}, "success_url"),
        ({"success_url": "javascript:alert(1)"}, "success_url"),
        ({"cancel_url": "//evil.example"}, "cancel_url"),
        ({"terms_text": "a\x00b"}, "terms_text"),
    ],
)
def test_what_cannot_be_sold_is_said_at_its_field_and_nothing_is_lost(
    shop: Shop, owner: Browser, changes: dict[str, str], field: str
) -> None:
    page = make(owner, status=422, **changes)
    targets = [e.attrs["href"].lstrip("#") for e in page.all("a") if any("error-summary" in p.attrs.get("class", "") for p in e.parents)]
    assert targets == [field], page.error_summary
    assert page.form().values["item_1_title"] == "Jam" and len(page.errors) == 1


def test_a_list_without_things_is_refused(owner: Browser) -> None:
    page = make(owner, status=422, **{name: "" for name in ITEMS if name.startswith("item_")})
    assert page.errors == ["Write down at least one thing with its price."]


def test_a_list_that_is_not_chosen_is_not_kept(shop: Shop, owner: Browser) -> None:
    make(owner, amount_kind="fixed", amount="45.00")
    assert newest(shop).amount_minor == 4_500 and newest(shop).offer is None


# --- tax rates and codes ----------------------------------------------------------------------------------------------------


def test_a_rate_is_made_chosen_and_put_away(shop: Shop, owner: Browser) -> None:
    page = owner.submit(owner.get("/portal/settings/taxes").form("/portal/settings/taxes"), name="VAT", percent="20", how="exclusive")
    assert "VAT 20% are without it" in page.text
    rate = next(e.attrs["value"] for e in owner.get("/portal/links/new").all("option") if e.text.startswith("VAT"))
    make(owner, item_0_rate=rate)
    assert offer_of(newest(shop)).items[0].rate == rate
    page = owner.submit(page.form(f"/portal/settings/taxes/{rate}/put-away"))
    assert "No rates yet" in page.text
    link = newest(shop)
    owner.submit(owner.get(f"/portal/links/{link.public_id}/edit").form())
    assert offer_of(newest(shop)).items[0].rate == rate


@pytest.mark.parametrize("percent", ["", "NaN", "-1", "101", "1e400", "１０", "20.001"])
def test_a_strange_rate_is_refused_at_its_field(owner: Browser, percent: str) -> None:
    page = owner.submit(owner.get("/portal/settings/taxes").form("/portal/settings/taxes"), status=422, name="VAT", percent=percent)
    assert len(page.errors) == 1 and page.form("/portal/settings/taxes").values["name"] == "VAT"


def test_a_code_is_made_listed_and_ended(shop: Shop, owner: Browser) -> None:
    page = owner.get("/portal/discounts")
    assert "No codes yet" in page.text
    page = owner.submit(page.form("/portal/discounts"), code="spring 20", percent="20", most_uses="5", most_each="1")
    assert "SPRING20" in page.text and "0 of 5 · at most 1 per customer" in page.text and "In use" in page.text
    end = next(f.attrs["action"] for f in page.all("form") if f.attrs.get("action", "").endswith("/end"))
    page = owner.submit(page.form(end))
    assert "SPRING20 has ended." in page.text and "Ended" in page.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"code": ""}, "code"), ({"code": "!!"}, "code"), ({"percent": ""}, "percent"), ({"percent": "0"}, "percent"), ({"percent": "NaN"}, "percent"),
        ({"amount": "1.00"}, "percent"), ({"percent": "", "amount": "1e400"}, "amount"), ({"most_uses": "0"}, "most_uses"), ({"most_each": "١"}, "most_each"),
        ({"ends_at": "2001-01-01"}, "ends_at"), ({"starts_at": "tomorrow"}, "starts_at"), ({"currency": "XXX", "percent": "", "amount": "1"}, "currency"),
    ],
)  # fmt: skip
def test_a_strange_code_is_refused_at_its_field(owner: Browser, typed: dict[str, str], field: str) -> None:
    page = owner.submit(
        owner.get("/portal/discounts").form("/portal/discounts"), status=422, **({"code": "SPRING", "percent": "20"} | typed)
    )
    assert any(e.attrs.get("href") == f"#{field}" for e in page.all("a")), page.error_summary


def test_another_vendor_can_neither_see_nor_end_what_is_not_theirs(shop: Shop, owner: Browser, app) -> None:
    from tests.factories import make_shop

    owner.submit(owner.get("/portal/discounts").form("/portal/discounts"), code="OURS", percent="20")
    owner.submit(owner.get("/portal/settings/domains").form("/portal/settings/domains"), host="ours.example")
    addresses = [
        form.attrs["action"]
        for path in ("/portal/discounts", "/portal/settings/domains")
        for form in owner.get(path).all("form")
        if form.attrs.get("action", "").endswith(("/end", "/check", "/remove"))
    ]
    assert len(addresses) == 3
    other = make_shop(app).browser()
    assert "OURS" not in other.get("/portal/discounts").text and "ours.example" not in other.get("/portal/settings/domains").text
    token = other.get("/portal/discounts").form("/portal/discounts").values["csrf_token"]
    for address in addresses:
        assert other.client.post(address, data={"csrf_token": token}).status_code == 404


def test_who_may_only_look_finds_no_forms(shop: Shop) -> None:
    viewer = make_colleague(shop, "support").browser()
    for path in ("/portal/discounts", "/portal/settings/taxes", "/portal/settings/domains"):
        page = viewer.get(path)
        assert [form for form in page.all("form") if form.within("main")] == []


# --- return domains ---------------------------------------------------------------------------------------------------------


def name_host(owner: Browser, host: str, *, status: int = 200) -> Page:
    return owner.submit(owner.get("/portal/settings/domains").form("/portal/settings/domains"), status=status, host=host)


def test_a_host_is_named_proved_by_what_a_worker_finds_and_then_used(shop: Shop, owner: Browser, stranger: Browser) -> None:
    from core.accounts.domains import list_domains

    page = name_host(owner, " Shop.Example. ")
    assert "shop.example" in page.text and "https://shop.example/.well-known/payment-return.txt" in page.text
    assert "_payment-return.shop.example" in page.text and page.all("input", class_="code")[0].attrs["value"].startswith("payment-return=")
    refused = make(owner, status=422, success_url="https://shop.example/thanks")
    assert "Prove first that shop.example is yours" in refused.errors[0]
    with unit(shop.app):
        (domain,) = list_domains(shop.vendor)
        record_check(domain, found_by="file")
    assert "Proved by the file" in owner.get("/portal/settings/domains").text
    make(owner, success_url="https://shop.example/thanks?p={PAYMENT}", cancel_url="https://shop.example/basket")
    page = stranger.get(link_address(shop, newest(shop)))
    assert [e.attrs["href"] for e in page.all("a") if e.text == "Back to Blue Door Bakery"] == ["https://shop.example/basket"]
    owner.submit(owner.get("/portal/settings/domains").form(f"/portal/settings/domains/{domain.public_id}/remove"))
    assert "Back to Blue Door Bakery" not in stranger.get(link_address(shop, newest(shop))).text


def test_a_look_is_the_workers_and_says_what_it_found(shop: Shop, owner: Browser, work) -> None:
    """The host exists nowhere (RFC 6761 keeps .invalid free), so nothing is reached from here."""
    page = name_host(owner, "shop.invalid")
    check = next(f.attrs["action"] for f in page.all("form") if f.attrs.get("action", "").endswith("/check"))
    page = owner.submit(page.form(check))
    assert "Looking" in page.text and "every 2s" in page.html
    assert "asked just now" in owner.submit(page.form(check)).text
    work()
    page = owner.get("/portal/settings/domains")
    assert "shop.invalid has no address in DNS." in page.text and "every 2s" not in page.html


@pytest.mark.parametrize(
    "host", ["", "localhost", "127.0.0.1", "[::1]", "https://shop.example", "shop.example/x", "shop.example:80", "a b.example", "-a.example", "ｓhop.example", "x" * 300, "shop", "a..b", "*.example.com", "a\x00.example"]
)  # fmt: skip
def test_what_is_no_host_name_is_refused_at_its_field(owner: Browser, host: str) -> None:
    page = name_host(owner, host, status=422)
    assert len(page.errors) == 1
