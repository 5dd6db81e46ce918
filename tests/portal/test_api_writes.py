"""What else a vendor's software does and not only reads: sessions, payouts, customers, disputes, listings, branches, its own keys, changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from core.accounts.api_keys import make_key
from core.accounts.key_models import ApiKey, KeptAnswer
from core.hooks.prune import prune_told
from core.hooks.relay import relay
from core.hooks.states import KEPT
from core.invoices.issue import bring_up_to_date
from core.invoices.queries import PAPER
from core.invoices.switch import switch_invoices
from core.kernel import clock
from core.kernel.clock import shifted
from core.kernel.db import db
from core.notifications.papers import keep_paper
from core.payments.models import PaymentLink
from core.payouts.accounts import add_account
from tests.browser import Browser
from tests.core.directory.stalls import make_listing
from tests.core.disputes.cases import case_of
from tests.core.invoices.conftest import with_details
from tests.core.payments.carts import buy, paid
from tests.core.payments.conftest import another_shop
from tests.core.payouts.sellers import THEIRS, Seller
from tests.core.subscriptions.plans import Life, publish
from tests.factories import Shop, again, fresh, make_paid, make_shop, unit
from tests.portal.caller import HOME, Caller, problem
from tests.portal.person_app import App

SESSIONS, KEYS = f"{HOME}/checkout-sessions", f"{HOME}/keys"
BASKET: dict[str, Any] = {
    "title": "Your basket", "currency": "GBP", "metadata": {"order": "4711"}, "success_url": "http://localhost:8100/thanks",
    "lines": [{"name": "Rye loaf", "unit_amount": "4.50", "quantity": 2, "most": 5}, {"name": "Apron", "unit_amount": 1500}],
}  # fmt: skip


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def caller(first: Shop) -> Caller:
    return Caller(another_shop(first))


# --- checkout sessions --------------------------------------------------------------------------------------------------------


def test_a_session_is_opened_shown_to_its_payer_and_listed_apart_from_links(caller: Caller) -> None:
    made = caller.post(SESSIONS, BASKET).get_json()
    assert (made["status"], made["payment"], made["metadata"]) == ("open", None, {"order": "4711"})
    assert [(one["quantity"], one["most"], one["unit_amount"]["amount"]) for one in made["lines"]] == [(2, 5, 450), (1, 1, 1500)]
    page = Browser(caller.shop.app).get(made["url"].removeprefix(made["url"].split("/pay/")[0]))
    assert "Rye loaf" in page.text and "£24.00" in page.text
    assert [one["id"] for one in caller.get(SESSIONS).get_json()["data"]] == [made["id"]]
    assert caller.get(f"{HOME}/payment-links").get_json()["data"] == []
    assert caller.get(f"{SESSIONS}/{made['id']}").get_json() == made


def test_a_paid_session_names_its_payment_and_an_ended_one_takes_none(caller: Caller) -> None:
    made, ended = caller.post(SESSIONS, BASKET).get_json(), caller.post(SESSIONS, BASKET).get_json()
    with unit(caller.shop.app):
        link = db.session.query(PaymentLink).filter_by(public_id=made["id"]).one()
        payment = buy(caller.shop, link, choices={"quantities": {"line_0": 3}})  # type: ignore[arg-type]
    done = paid(caller.shop, payment)
    assert done.captured.minor == 3 * 450 + 1500 and done.key_values == {"order": "4711"}
    now = caller.get(f"{SESSIONS}/{made['id']}").get_json()
    assert (now["status"], now["payment"]) == ("complete", done.public_id)
    assert caller.post(f"{SESSIONS}/{ended['id']}/expire").get_json()["status"] == "expired"
    with shifted(timedelta(minutes=61)):
        assert caller.get(f"{SESSIONS}/{caller.post(SESSIONS, BASKET).get_json()['id']}").get_json()["status"] == "open"


def test_the_session_itself_is_protected_when_its_answer_is_kept_no_more(caller: Caller) -> None:
    made = caller.post(SESSIONS, BASKET, key="cart-1").get_json()
    with unit(caller.shop.app):
        db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id).delete()
    assert caller.post(SESSIONS, BASKET, key="cart-1").get_json()["id"] == made["id"]
    with unit(caller.shop.app):
        db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id).delete()
    other = BASKET | {"lines": BASKET["lines"][:1]}
    problem(caller.post(SESSIONS, other, key="cart-1"), 409, "session_differs", "lines")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"name": "x", "unit_amount": 0}]}, "lines.0.unit_amount"),
        ({"lines": [{"name": "x", "unit_amount": "1.001"}]}, "lines.0.unit_amount"),
        ({"lines": [{"name": "x", "unit_amount": 100, "quantity": 3, "most": 2}]}, "lines.0.most"),
        ({"lines": [{"name": "x", "unit_amount": 100, "colour": "red"}]}, "lines.0.colour"),
        ({"success_url": "https://elsewhere.example/"}, "success_url"),
        ({"expires_in_minutes": 1}, "expires_in_minutes"),
        ({"currency": "XXX"}, "currency"),
        ({"title": "Basket \u202efdp.exe"}, "title"),
        ({"lines": [{"name": "Rye \u2067loaf", "unit_amount": 100}]}, "lines.0.name"),
    ],
)
def test_a_basket_that_cannot_be_is_refused_at_its_field(caller: Caller, change: dict[str, Any], field: str) -> None:
    answer = caller.post(SESSIONS, BASKET | change)
    assert (answer.status_code, answer.get_json()["field"]) == (422, field)


def test_a_link_is_no_session_and_a_link_asked_for_twice_is_one(caller: Caller) -> None:
    wish = {"title": "Workshop", "currency": "GBP", "amount": 500}
    made = caller.post(f"{HOME}/payment-links", wish, key="link-1").get_json()
    problem(caller.get(f"{SESSIONS}/{made['id']}"), 404, "not_found")
    with unit(caller.shop.app):
        db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id).delete()
    assert caller.post(f"{HOME}/payment-links", wish, key="link-1").get_json()["id"] == made["id"]


# --- money out, customers, disputes -------------------------------------------------------------------------------------------


def test_a_payout_is_asked_for_once_and_needs_an_account(caller: Caller) -> None:
    problem(caller.post(f"{HOME}/payouts", {"currency": "USD"}), 422, "not_payable")
    with unit(caller.shop.app):
        add_account(caller.shop.vendor, "test", currency="USD", holder="Blue Door Bakery Ltd", iban=THEIRS, by="usr_x")
    seller = Seller(caller.shop)
    seller.sells("100.00")
    with shifted(timedelta(days=30)):
        seller.release()
        made = caller.post(f"{HOME}/payouts", {"currency": "USD"}, key="payout-1")
        assert made.status_code == 201 and made.get_json()["amount"]["amount"] > 9000
        with unit(caller.shop.app):
            db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id).delete()
        assert caller.post(f"{HOME}/payouts", {"currency": "USD"}, key="payout-1").get_json()["id"] == made.get_json()["id"]
        problem(caller.post(f"{HOME}/payouts", {"currency": "USD"}), 422, "not_payable")
    problem(caller.post(f"{HOME}/payouts", {"currency": "usd"}), 422, "invalid_request", "currency")


def test_an_app_asks_for_a_payout_only_for_somebody_who_has_just_signed_in(first: Shop) -> None:
    app = App(first)
    problem(app.ask("POST", f"{HOME}/payouts", {"currency": "USD"}), 422, "not_payable")
    with shifted(timedelta(minutes=11)):
        app.keep(app.renew())
        problem(app.ask("POST", f"{HOME}/payouts", {"currency": "USD"}), 403, "sign_in_again")


def test_a_customer_is_written_down_once_and_stays_blocked(caller: Caller) -> None:
    made = caller.post(f"{HOME}/customers", {"email": "Ada@Example.com", "name": "Ada"}).get_json()
    assert (made["email"], made["name"]) == ("ada@example.com", "Ada")
    again = caller.post(f"{HOME}/customers", {"email": "ada@example.com", "name": "Ada Lovelace"}).get_json()
    assert (again["id"], again["name"]) == (made["id"], "Ada Lovelace")
    caller.post(f"{HOME}/customers/{made['id']}/block", {"because": "x"})
    assert caller.post(f"{HOME}/customers", {"email": "ada@example.com"}).get_json()["blocked"] is True
    problem(caller.post(f"{HOME}/customers", {"email": "nobody"}), 422, "invalid_request", "email")


def test_a_dispute_is_answered_once_and_for_good(caller: Caller) -> None:
    seller = Seller(caller.shop)
    case = case_of(seller, seller.sells("40.00"))
    case.tell()
    at = f"{HOME}/disputes/{case.here.public_id}"
    asked = caller.get(at).get_json()["questions"]
    stranger = next(name for name in ("duplicate_charge_id", "cancellation_rebuttal") if name not in asked)
    problem(caller.post(f"{at}/answer", {"evidence": {stranger: "x"}}), 422, "invalid_request", f"evidence.{stranger}")
    problem(caller.post(f"{at}/answer", {"evidence": {}}), 422, "nothing_to_say", "evidence.uncategorized_text")
    told = caller.post(f"{at}/answer", {"evidence": {"product_description": "Bread"}}).get_json()
    assert told["asked_for"] == "answer" and case.here.draft == {"product_description": "Bread"}
    assert caller.post(f"{at}/answer", {"evidence": {"product_description": "Cake"}}).status_code == 200
    assert case.here.draft == {"product_description": "Bread"}
    problem(caller.post(f"{at}/accept"), 409, "not_answerable")


def test_a_dispute_is_given_in_to(caller: Caller) -> None:
    seller = Seller(caller.shop)
    case = case_of(seller, seller.sells("40.00"))
    case.tell()
    at = f"{HOME}/disputes/{case.here.public_id}/accept"
    assert [caller.post(at).get_json()["asked_for"] for _ in range(2)] == ["accept", "accept"]
    problem(caller.post(f"{HOME}/disputes/dp_x/accept"), 404, "not_found")


def test_what_was_issued_for_a_payment_is_listed_with_its_paper(caller: Caller) -> None:
    with_details(caller.shop)
    with unit(caller.shop.app):
        switch_invoices(caller.shop.vendor, "test", on=True, by="usr_owner")
    payment = make_paid(caller.shop)
    at = f"{HOME}/payments/{payment.public_id}/documents"
    assert caller.get(at).get_json()["data"] == []
    with unit(caller.shop.app):
        bring_up_to_date(caller.shop.vendor, again(payment))
    (one,) = caller.get(at).get_json()["data"]
    assert (one["kind"], one["gross"]["amount"], one["pdf"]) == ("invoice", payment.captured.minor, None)
    with unit(caller.shop.app):
        keep_paper(caller.shop.vendor.id, "test", about=one["id"], kind=PAPER, pdf=b"%PDF-1.7 printed")
    printed = caller.get(at).get_json()["data"][0]["pdf"]
    paper = caller.client.get("/receipt/" + printed.partition("/receipt/")[2])
    assert paper.status_code == 200 and paper.data == b"%PDF-1.7 printed"
    problem(caller.get(f"{HOME}/payments/pay_x/documents"), 404, "not_found")


# --- the directory ------------------------------------------------------------------------------------------------------------


def test_a_listing_is_made_changed_and_put_away(caller: Caller, first: Shop) -> None:
    made = caller.post(f"{HOME}/listings", {"title": "Blue Door", "category": "bakery", "phone": "+44 117 496 0000"}).get_json()
    at = f"{HOME}/listings/{made['id']}"
    assert (made["status"], made["title"]) == ("draft", "Blue Door")
    changed = caller.patch(at, {"summary": "Slow bread."}).get_json()
    assert (changed["title"], changed["summary"], changed["phone"]) == ("Blue Door", "Slow bread.", made["phone"])
    problem(caller.patch(at, {"category": "nothing"}), 422, "bad_listing", "category")
    assert caller.patch(at, {"title": "Blue \u202erooD"}).get_json()["field"] == "title"
    problem(caller.patch(at, {"payment_link": "lnk_x"}), 404, "not_found")
    assert caller.post(f"{at}/archive", {}).get_json()["archived"] is True
    assert caller.post(f"{at}/archive", {"archived": False}).get_json()["archived"] is False
    problem(Caller(another_shop(first)).patch(at, {"title": "Mine"}), 404, "not_found")


def test_what_is_shown_is_taken_out_at_once(caller: Caller) -> None:
    listing = make_listing(caller.shop)
    assert caller.post(f"{HOME}/listings/{listing.public_id}/unpublish").get_json()["status"] == "draft"


def test_a_branch_is_added_changed_and_put_away(caller: Caller, first: Shop) -> None:
    listing = make_listing(caller.shop, publish=False)
    wish = {
        "listing": listing.public_id, "name": "Harbour", "town": "Bristol", "latitude_e6": 51_454_500, "longitude_e6": -2_587_900,
        "hours": {"monday": "9:00-12:30, 14:00-18:00"}, "exceptions": {"2027-12-24": "09:00-13:00", "2027-12-25": "closed"},
    }  # fmt: skip
    made = caller.post(f"{HOME}/branches", wish).get_json()
    assert made["hours"] == {"monday": "09:00-12:30, 14:00-18:00"} and made["country"] == caller.shop.vendor.country
    assert made["exceptions"] == {"2027-12-24": "09:00-13:00", "2027-12-25": "closed"} and made["archived"] is False
    at = f"{HOME}/branches/{made['id']}"
    changed = caller.patch(at, {"name": "Docks", "exceptions": None}).get_json()
    assert (changed["name"], changed["hours"], changed["exceptions"], changed["longitude_e6"]) == ("Docks", made["hours"], {}, -2_587_900)
    for wrong, field in (
        ({"hours": {"monday": "all day"}}, "hours.monday"), ({"hours": {"someday": "9:00-10:00"}}, "hours.someday"),
        ({"exceptions": {"24 December": "closed"}}, "exceptions"), ({"latitude_e6": None}, "latitude_e6"), ({"country": "XX"}, "country"),
        ({"time_zone": "Moon"}, "time_zone"),
    ):  # fmt: skip
        answer = caller.patch(at, wrong)
        assert (answer.status_code, answer.get_json()["field"]) == (422, field), answer.text
    assert caller.post(f"{at}/archive").get_json()["archived"] is True
    problem(caller.get(at), 404, "not_found")
    assert caller.post(f"{at}/archive", {"archived": False}).get_json()["archived"] is False
    problem(Caller(another_shop(first)).post(f"{at}/archive"), 404, "not_found")


def test_what_software_publishes_counts_for_the_plan(app: Flask) -> None:
    day = clock.now().date()
    publish(app)
    life = Life(app, day)
    caller, listing = Caller(life.shop), make_listing(life.shop)
    made = caller.post(f"{HOME}/products", {"listing": listing.public_id, "name": "Rye", "currency": "GBP", "price": 450}).get_json()
    before = life.state()
    assert caller.post(f"{HOME}/products/{made['id']}/publish").get_json()["status"] == "published"
    branches = [
        caller.post(f"{HOME}/branches", {"listing": listing.public_id, "name": name, "town": "Bristol"}).get_json()
        for name in ("One", "Two")
    ]
    now = life.state()
    assert now.products.count == before.products.count + 1 and now.branches.count == before.branches.count + 1  # the first is in the price
    caller.post(f"{HOME}/branches/{branches[1]['id']}/archive")
    caller.post(f"{HOME}/products/{made['id']}/archive")
    assert life.state().products.count == before.products.count


# --- keys ---------------------------------------------------------------------------------------------------------------------


def test_a_key_is_read_rolls_itself_once_and_its_secret_is_kept_nowhere(caller: Caller) -> None:
    mine = caller.key.public_id
    assert [one["id"] for one in caller.get(KEYS).get_json()["data"]] == [mine]
    assert caller.get(f"{KEYS}/{mine}").get_json()["secret"] is None
    made = caller.post(f"{KEYS}/{mine}/roll", {"overlap_hours": 1}, key="roll-1")
    new = made.get_json()
    assert made.status_code == 201 and new["secret"].startswith("portal_sk_test_")
    again = caller.post(f"{KEYS}/{mine}/roll", {"overlap_hours": 1}, key="roll-1")
    assert again.headers["Idempotent-Replayed"] == "true" and again.get_json() == new | {"secret": None}
    with unit(caller.shop.app):
        kept = db.session.query(KeptAnswer).filter_by(vendor_id=caller.shop.vendor.id).all()
    assert kept and not any(new["secret"] in str(one.body) for one in kept)
    assert caller.get(KEYS, Authorization=f"Bearer {new['secret']}").status_code == 200
    old = caller.get(f"{KEYS}/{mine}").get_json()
    assert (old["status"], old["replaced_by"]) == ("rolled", new["id"])
    problem(caller.post(f"{KEYS}/{mine}/roll", {}), 409, "key_over")
    with shifted(timedelta(hours=2)):
        problem(caller.get(KEYS), 401, "key_refused")


def test_a_key_rolls_no_other_and_no_app_rolls_any(caller: Caller, first: Shop) -> None:
    with unit(caller.shop.app):
        other, _ = make_key(caller.shop.vendor, "test", name="Other", by="usr_x")
    problem(caller.post(f"{KEYS}/{other.public_id}/roll", {}), 403, "rolls_only_itself")
    problem(App(first).ask("POST", f"{KEYS}/{other.public_id}/roll", {}), 403, "role_may_not")
    problem(Caller(caller.shop, kind="rk", scopes=["payments:write"]).get(KEYS), 403, "scope_missing")
    problem(caller.post(f"{KEYS}/key_x/roll", {}), 404, "not_found")
    revoked = caller.post(f"{KEYS}/{other.public_id}/revoke", {"because": "Left the company"}).get_json()
    assert revoked["status"] == "revoked" and fresh(caller.shop, other).revoked_note == "Left the company"


def test_what_a_leaked_key_has_rolled_itself_into_goes_with_it(caller: Caller) -> None:
    new = caller.post(f"{KEYS}/{caller.key.public_id}/roll", {"overlap_hours": 0}).get_json()
    stranger = caller.shop.app.test_client()
    stranger.post(f"{HOME}/leaked-keys", json={"key": caller.secret})
    problem(caller.get(KEYS, Authorization=f"Bearer {new['secret']}"), 401, "key_refused")
    with unit(caller.shop.app):
        row = db.session.query(ApiKey).filter_by(public_id=new["id"]).one()
    assert row.revoked_because == "leaked"


# --- changes ------------------------------------------------------------------------------------------------------------------


def test_changes_are_followed_by_a_number_and_say_when_it_is_gone(caller: Caller) -> None:
    changes = f"{HOME}/changes"
    assert caller.get(changes).get_json() == {"object": "list", "data": [], "next": 0, "has_more": False}
    payment = make_paid(caller.shop)
    with unit(caller.shop.app):
        while relay(caller.shop.vendor.id, "test"):
            pass
    whole = caller.get(changes).get_json()
    assert [one["sequence"] for one in whole["data"]] == list(range(1, whole["next"] + 1))
    assert payment.public_id in {one["about"] for one in whole["data"] if one["type"] == "payment.succeeded"}
    seen, after = [], 0
    while True:
        part = caller.get(f"{changes}?after={after}&limit=2").get_json()
        seen, after = seen + part["data"], part["next"]
        if not part["has_more"]:
            break
    assert seen == whole["data"] and caller.get(f"{changes}?after={after}").get_json()["data"] == []
    assert {one["type"] for one in caller.get(f"{changes}?type=link.*").get_json()["data"]} == {"link.created"}
    problem(caller.get(f"{changes}?after={after + 1}"), 410, "cursor_gone", "after")
    problem(caller.get(f"{changes}?limit=1001"), 422, "invalid_request", "limit")
    problem(caller.get(f"{changes}?type=nothing"), 422, "no_such_type", "type")
    with unit(caller.shop.app), shifted(KEPT + timedelta(days=1)):
        while prune_told(1000):
            pass
    problem(caller.get(f"{changes}?after=1"), 410, "cursor_gone", "after")
    assert caller.get(f"{changes}?after={after}").get_json()["next"] == after
