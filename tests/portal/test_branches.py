"""Links and payments of a branch: chosen beside the link, named on a poster of its own, and a filter above every list and its file."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.browser import Browser, Form
from tests.core.directory.stalls import live_shop, make_branch, make_listing
from tests.factories import again, ask_refund, fresh, link_address, make_link, make_paid, make_shop, unit

if TYPE_CHECKING:
    from flask import Flask

    from core.directory.models import Branch
    from tests.browser import Page
    from tests.factories import Shop


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def owner(shop: Shop) -> Browser:
    return shop.browser()


@pytest.fixture
def places(shop: Shop) -> tuple[Branch, Branch]:
    listing = make_listing(shop, publish=False)
    return make_branch(shop, listing, name="Quayside", town="Bristol"), make_branch(shop, listing, name="Old Mill", town="Bath")


def paid_at(shop: Shop, branch: Branch | None, *, title: str = "Loaf") -> str:
    """The public id of a payment made through a link of this branch."""
    from core.payments.sharing import Sharing, set_sharing

    link = make_link(shop, title=title)
    if branch:
        with unit(shop.app):
            set_sharing(again(link), by=shop.user.public_id, sharing=Sharing(branch=branch.public_id))
    return make_paid(shop, fresh(shop, link), email=f"p-{secrets.token_hex(4)}@example.com").public_id


def listed(text: str, *payments: str) -> list[bool]:
    return [payment in text for payment in payments]


def test_a_vendor_without_branches_is_asked_for_none(owner: Browser) -> None:
    for path in ("/portal/payments", "/portal/refunds", "/portal/links", "/portal/links/new"):
        assert not [e for e in owner.get(path).all("select") if e.attrs.get("name") == "branch"]


def test_the_list_and_its_file_show_all_branches_or_one_or_none(owner: Browser, shop: Shop, places: tuple[Branch, Branch]) -> None:
    quay, mill, nowhere = paid_at(shop, places[0]), paid_at(shop, places[1]), paid_at(shop, None)
    for wish, shown in (
        ("", [True, True, True]),
        (f"?branch={places[0].public_id}", [True, False, False]),
        (f"?branch={places[1].public_id}&status=succeeded", [False, True, False]),
        ("?branch=none", [False, False, True]),
    ):
        assert listed(owner.get(f"/portal/payments{wish}").html, quay, mill, nowhere) == shown, wish
        assert listed(owner.get(f"/portal/payments.csv{wish}").html, quay, mill, nowhere) == shown, wish
    assert "Quayside, Bristol" in owner.get(f"/portal/payments.csv?branch={places[0].public_id}").html
    assert "Quayside, Bristol" in owner.get(f"/portal/payments/{quay}").text


def test_refunds_follow_the_branch_of_their_payment(owner: Browser, shop: Shop, places: tuple[Branch, Branch]) -> None:
    from core.payments.queries import get_payment

    quay, mill = paid_at(shop, places[0]), paid_at(shop, places[1])
    with shop.app.app_context():
        rows = [get_payment(shop.vendor, shop.mode, one) for one in (quay, mill)]
    refunds = [ask_refund(shop, row, "1.00").public_id for row in rows]
    for path in ("/portal/refunds", "/portal/refunds.csv"):
        page = owner.get(f"{path}?branch={places[0].public_id}")
        assert listed(page.html, rows[0].reference, rows[1].reference) == [True, False], path
    assert listed(owner.get("/portal/refunds.csv").html, *refunds) == [True, True]


def test_a_long_export_keeps_to_the_branch(shop: Shop, places: tuple[Branch, Branch]) -> None:
    from core.payments.export import payment_rows
    from core.payments.export_narrow import narrow_from_plain, narrow_to_plain
    from core.payments.lists import PaymentFilter

    quay, _mill = paid_at(shop, places[0]), paid_at(shop, places[1])
    kept = narrow_to_plain(PaymentFilter(branch=places[0].public_id))
    assert kept == {"branch": places[0].public_id}
    with shop.app.app_context():
        from core.kernel.db import db
        from core.payments.models import Payment

        found = payment_rows(shop.vendor, shop.mode, narrow_from_plain(shop.vendor, shop.mode, kept)).add_columns(Payment.public_id)
        assert [row.public_id for row in db.session.execute(found)] == [quay]


def test_another_vendors_branch_is_no_branch(app: Flask, owner: Browser, shop: Shop, places: tuple[Branch, Branch]) -> None:
    other = make_shop(app)
    theirs = make_branch(other, make_listing(other, publish=False), name="Elsewhere")
    paid_at(shop, places[0])
    assert "Choose one from the list" in owner.get(f"/portal/payments?branch={theirs.public_id}").text
    link = make_link(shop)
    form = owner.get(f"/portal/links/{link.public_id}/edit").form()
    owner.submit(form, branch=theirs.public_id, status=422)
    assert fresh(shop, link).branch_id is None
    owner.get(f"/portal/links/{link.public_id}/poster?branch={theirs.public_id}", status=404)


def test_a_link_is_filed_under_a_branch_from_its_form_and_its_payments_with_it(
    owner: Browser, shop: Shop, stranger: Browser, places: tuple[Branch, Branch]
) -> None:
    link = make_link(shop, title="Table for two")
    owner.submit(owner.get(f"/portal/links/{link.public_id}/edit").form(), branch=places[1].public_id)
    assert fresh(shop, link).branch_id == places[1].id and "Old Mill, Bath" in owner.get(f"/portal/links/{link.public_id}").text
    assert "Table for two" in owner.get(f"/portal/links?branch={places[1].public_id}").text
    assert "Table for two" not in owner.get(f"/portal/links?branch={places[0].public_id}").text
    page = stranger.get(f"{link_address(shop, fresh(shop, link))}?branch={places[0].public_id}")
    stranger.submit(page.form(), email="guest@example.com")
    assert branch_of_the_newest(shop) == places[1].id, "a link of one branch stays so, whatever the address says"


def branch_of_the_newest(shop: Shop) -> object:
    from core.payments.lists import list_payments

    with shop.app.app_context():
        return list_payments(shop.vendor, shop.mode).rows[0].branch_id


def poster_form(page: Page, size: str) -> Form:
    return next(form for e in page.all("form") if (form := Form(page, e)).values.get("size") == size)


def test_each_branch_has_a_poster_that_names_it_and_whoever_scans_it_is_filed_under_it(
    owner: Browser, shop: Shop, stranger: Browser, places: tuple[Branch, Branch], monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal import link_poster

    asked: list[dict[str, object]] = []
    monkeypatch.setattr(link_poster, "ask_for_poster", lambda link, **what: asked.append(what))
    link = make_link(shop, title="A round of bread")
    page = owner.get(f"/portal/links/{link.public_id}/poster?branch={places[0].public_id}")
    assert "Below your name it names the branch: Quayside" in page.text
    owner.submit(poster_form(page, "a6"))
    owner.submit(poster_form(owner.get(f"/portal/links/{link.public_id}/poster"), "a6"))
    assert asked[0]["branch"] == places[0].id and str(asked[0]["address"]).endswith(f"?ref=poster&branch={places[0].public_id}")
    assert asked[1]["branch"] is None and str(asked[1]["address"]).endswith("?ref=poster")
    scanned = "/pay/" + str(asked[0]["address"]).partition("/pay/")[2]
    stranger.submit(stranger.get(scanned).form(), email="scanner@example.com")
    assert branch_of_the_newest(shop) == places[0].id


def test_the_pay_button_of_a_branchs_page_says_which_branch_as_a_poster_does(app: Flask) -> None:
    from core.directory.index import address_of

    shop = live_shop(app)
    listing = make_listing(shop, link=make_link(shop).public_id)
    branch, reader = make_branch(shop, listing), Browser(app)
    with unit(app):
        address = f"/directory/{address_of(again(listing))}"
    for page, said in ((f"{address}/{branch.slug}", f"?ref=directory&branch={branch.public_id}"), (address, "?ref=directory")):
        assert next(e.attrs["href"] for e in reader.get(page).all("a") if e.text.startswith("Pay ")).endswith(said)


def test_an_address_that_names_nobodys_branch_is_read_without_it(shop: Shop, places: tuple[Branch, Branch]) -> None:
    link = make_link(shop)
    for wrong in ("brn_nothing", "brn_" + "A" * 22, "'--", "%00"):
        stranger = Browser(shop.app)
        stranger.submit(stranger.get(f"{link_address(shop, link)}?branch={wrong}").form(), email="x@example.com")
        assert branch_of_the_newest(shop) is None
