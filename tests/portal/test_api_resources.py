"""Whatever else a vendor's software reads and keeps up to date: every answer as the document says, and nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from core.kernel.clock import shifted
from core.notifications.notify import notify
from core.notifications.send import record_bounced, record_sent
from core.payouts.accounts import add_account
from tests.core.directory.stalls import make_branch, make_listing, make_product
from tests.core.disputes.cases import case_of
from tests.core.memberships.joined import Joined, sell
from tests.core.payments.conftest import another_shop
from tests.core.payouts.sellers import THEIRS, Seller
from tests.factories import Shop, make_paid, make_shop, unit
from tests.member_pages import days_ago, joined
from tests.portal.caller import HOME, Caller, problem


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


def rows(caller: Caller, path: str) -> list[dict[str, object]]:
    return list(caller.get(f"{HOME}/{path}").get_json()["data"])


def test_customers_are_read_blocked_and_allowed(caller: Caller) -> None:
    paid = make_paid(caller.shop)
    (one,) = rows(caller, f"customers?email={paid.email.upper()}")
    at = f"{HOME}/customers/{one['id']}"
    assert caller.get(at).get_json()["email"] == paid.email
    blocked = caller.post(f"{at}/block", {"because": "Three disputes"}).get_json()
    assert (blocked["blocked"], blocked["blocked_because"]) == (True, "Three disputes")
    said = caller.post(f"{HOME}/payments", {"amount": 500, "currency": "GBP", "payer": {"email": paid.email}, "description": "Again"})
    assert said.status_code == 422 and said.get_json()["code"] == "customer_blocked"
    assert caller.post(f"{at}/allow").get_json()["blocked"] is False
    assert rows(caller, "customers?email=nobody@example.com") == []


def test_wallet_and_ledger_say_what_the_books_say(caller: Caller) -> None:
    paid = make_paid(caller.shop)
    (purse,) = caller.get(f"{HOME}/wallet").get_json()["balances"]
    assert purse["pending"]["amount"] == paid.captured_minor - paid.fee_minor and purse["available"]["amount"] == 0
    journals = rows(caller, f"ledger?about={paid.public_id}&limit=1")
    assert len(journals) == 1
    entries = journals[0]["entries"]
    assert isinstance(entries, list) and sum(leg["amount"]["amount"] for leg in entries) == 0
    newest, older = rows(caller, "ledger?limit=1"), rows(caller, "ledger")
    assert rows(caller, f"ledger?ending_before={older[-1]['id']}")[-1:] == older[:-1][-1:] and newest == older[:1]


def test_payouts_and_disputes_are_read(caller: Caller) -> None:
    with unit(caller.shop.app):
        add_account(caller.shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by="usr_x")
    seller = Seller(caller.shop)
    payment = seller.sells("100.00")
    disputed = seller.sells("40.00")
    with shifted(timedelta(days=30)):
        seller.release()
        paid_out = seller.pays_out()
    case_of(seller, disputed).tell()
    (payout,) = rows(caller, "payouts")
    assert payout["bank_reference"] == seller.on_their_statement(paid_out) != ""
    assert payout["account"] == THEIRS[-4:] and caller.get(f"{HOME}/payouts/{payout['id']}").get_json() == payout
    assert rows(caller, f"payouts?status={payout['status']}") == [payout] and rows(caller, "payouts?status=paid") == []
    (dispute,) = rows(caller, "disputes")
    assert dispute["payment"] == disputed.public_id and rows(caller, f"disputes?payment={payment.public_id}") == []
    assert caller.get(f"{HOME}/disputes/{dispute['id']}").get_json() == dispute
    problem(caller.get(f"{HOME}/disputes/dp_x"), 404, "not_found")
    problem(caller.get(f"{HOME}/payouts/po_x"), 404, "not_found")


def test_whether_a_letter_arrived_is_told_without_its_words(caller: Caller, first: Shop) -> None:
    shop = caller.shop
    paid = make_paid(shop, email="ada@example.com")
    with unit(shop.app):
        gone = notify(shop.vendor, "receipt", mode="test", to="ada@example.com", payment=paid.public_id)
        team = notify(shop.vendor, "payment_received", mode="test", to=shop.email, payment=paid.public_id)
        record_sent(gone, subject="Your receipt", text="the words", html="<p>the words</p>")
        record_bounced(gone, reason="550 5.1.1 no such mailbox")
    with unit(shop.app), shifted(timedelta(seconds=1)):  # of two letters of one millisecond neither is the newer one
        page = notify(shop.vendor, "payer_page", mode="test", to="ada@example.com", key="a-key-to-a-page")
    at = f"{HOME}/messages/{gone.public_id}"
    shown = caller.get(at).get_json()
    assert (shown["status"], shown["why"], shown["about"], shown["to"]) == (
        "bounced", "550 5.1.1 no such mailbox", paid.public_id, "ada@example.com",
    )  # fmt: skip
    assert shown["sent_at"] and "the words" not in str(shown) and "Your receipt" not in str(shown)
    about = rows(caller, f"messages?about={paid.public_id}&limit=100")
    assert shown in about and team.public_id not in [one["id"] for one in about]
    assert rows(caller, "messages?status=bounced") == [shown] and rows(caller, "messages?about=a-key-to-a-page") == []
    assert caller.get(f"{HOME}/messages/{page.public_id}").get_json()["about"] is None
    newest = rows(caller, "messages?limit=1")
    assert newest[0]["id"] == page.public_id and shown in rows(caller, f"messages?starting_after={page.public_id}")
    problem(caller.get(f"{HOME}/messages/{team.public_id}"), 404, "not_found")
    problem(caller.get(f"{HOME}/messages?status=lost"), 422, "invalid_request", "status")
    problem(Caller(another_shop(first)).get(at), 404, "not_found")
    problem(Caller(shop, kind="rk", scopes=["payments:read"]).get(at), 403, "scope_missing")
    assert Caller(shop, kind="rk", scopes=["messages:read"]).get(at).get_json() == shown


def test_whether_somebody_is_a_member_is_answered_and_a_membership_is_ended(caller: Caller) -> None:
    sell(caller.shop, "Bread club", "14.00", on=days_ago(60))
    ada = joined(caller.shop, 20)
    never = Joined(caller.shop, days_ago(3), "Bread club", card=False)
    (plan,) = rows(caller, "membership-plans")
    assert caller.get(f"{HOME}/membership-plans/{plan['id']}").get_json() == plan
    (one,) = rows(caller, f"memberships?email={ada.email}")
    assert (one["active"], one["status"], one["plan"]) == (True, "active", plan["code"])
    assert rows(caller, f"memberships?email={never.email}") == []
    at = f"{HOME}/memberships/{one['id']}"
    invoices = rows(caller, f"memberships/{one['id']}/invoices")
    assert invoices and invoices[0]["kind"] == "invoice"
    assert caller.post(f"{at}/cancel", {}).get_json()["active"] is True  # until the end of what is paid for
    assert caller.post(f"{at}/keep").get_json()["status"] == "active"
    assert caller.post(f"{at}/cancel", {"at_once": True}).status_code == 200
    problem(caller.get(f"{HOME}/memberships/mbr_x"), 404, "not_found")


def test_a_plan_that_nobody_chose_is_not_there(caller: Caller) -> None:
    problem(caller.get(f"{HOME}/subscription"), 404, "not_found")
    assert rows(caller, "invoices") == []
    problem(caller.get(f"{HOME}/invoices/doc_x"), 404, "not_found")


def test_what_stands_in_the_directory_is_read_and_products_are_kept_up_to_date(caller: Caller, first: Shop) -> None:
    listing = make_listing(caller.shop, publish=False)
    branch = make_branch(caller.shop, listing)
    loaf = make_product(caller.shop, listing, publish=False)
    assert [one["id"] for one in rows(caller, "listings")] == [listing.public_id]
    assert [one["id"] for one in rows(caller, f"branches?listing={listing.public_id}")] == [branch.public_id]
    assert caller.get(f"{HOME}/branches/{branch.public_id}").get_json()["listing"] == listing.public_id
    made = caller.post(f"{HOME}/products", {"listing": listing.public_id, "name": "Rye", "currency": "GBP", "price": "4.50"}).get_json()
    assert (made["price"]["amount"], made["status"]) == (450, "draft")
    assert [one["id"] for one in rows(caller, "products")] == [made["id"], loaf.public_id]
    at = f"{HOME}/products/{made['id']}"
    changed = caller.patch(at, {"price": None, "attributes": {"flour": "rye", "contains": ["milk", "nuts"]}}).get_json()
    assert (changed["price"], changed["name"], changed["attributes"]) == (None, "Rye", {"flour": "rye", "contains": ["milk", "nuts"]})
    assert caller.post(f"{at}/publish").get_json()["status"] == "published"
    assert caller.post(f"{at}/unpublish").get_json()["status"] == "draft"
    problem(caller.patch(at, {"name": " "}), 422, "bad_listing", "name")
    assert caller.post(f"{at}/archive").get_json()["archived"] is True
    problem(caller.get(at), 404, "not_found")
    other = Caller(another_shop(first))
    problem(other.get(f"{HOME}/products/{loaf.public_id}"), 404, "not_found")
    problem(other.post(f"{HOME}/products", {"listing": listing.public_id, "name": "x", "currency": "GBP"}), 404, "not_found")
