"""Refund links by the API: asked for once, read without a whole account, decided by who may, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from core.accounts.key_models import KeptAnswer
from core.accounts.models import Membership
from core.accounts.roles import make_role
from core.kernel.clock import now, shifted
from core.kernel.db import db
from core.payments.claim import LIFE
from core.payments.claim_data import forget_claims
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund_models import Refund
from tests.core.payments.claims import THEIRS, bank_says, failed_refund, named, opened, refund_of, send
from tests.core.payments.conftest import another_shop
from tests.core.payments.transfers import TestBank, begin_transfer, euros_at_another_bank
from tests.core.providers.statements import Line, Tx
from tests.factories import Shop, again, ask_refund, fresh, make_colleague, make_link, make_paid, make_payment, make_shop, unit
from tests.portal.caller import HOME, Caller, problem
from tests.portal.person_app import App

LINKS = f"{HOME}/refund-links"


@pytest.fixture(autouse=True)
def euros() -> Iterator[None]:
    with euros_at_another_bank():
        yield


@pytest.fixture(scope="module")
def first(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def shop(first: Shop) -> Shop:
    return another_shop(first)


@pytest.fixture
def caller(shop: Shop) -> Caller:
    return Caller(shop)


@pytest.fixture
def stuck(shop: Shop) -> tuple[Payment, Refund]:
    return failed_refund(shop)


@pytest.fixture
def claim(shop: Shop, stuck: tuple[Payment, Refund]) -> RefundClaim:
    return named(shop, opened(shop, *stuck))


def asked(stuck: tuple[Payment, Refund], **more: object) -> dict[str, object]:
    payment, refund = stuck
    return {"payment": payment.public_id, "refund": refund.public_id, **more}


def ids(caller: Caller, narrow: str = "") -> list[str]:
    return [one["id"] for one in caller.get(f"{LINKS}{narrow}").get_json()["data"]]


def test_from_a_refund_that_failed_to_money_on_another_account(shop: Shop, caller: Caller, stuck: tuple[Payment, Refund]) -> None:
    payment, refund = stuck
    answer = caller.post(LINKS, asked(stuck))
    made = answer.get_json()
    assert answer.status_code == 201 and made["id"].startswith("rcl_")
    assert (made["status"], made["amount"], made["payment"], made["refund"], made["account"], made["paid_by"]) == (
        "open", {"amount": 4000, "currency": "EUR"}, payment.public_id, refund.public_id, None, None,
    )  # fmt: skip
    with unit(shop.app):
        row = db.session.query(RefundClaim).filter_by(vendor_id=shop.vendor.id, public_id=made["id"]).one()
    at = f"{LINKS}/{made['id']}"
    problem(caller.post(f"{at}/approve"), 409, "refund_link_moved_on")
    named(shop, row)
    shown = caller.get(at)
    assert shown.get_json()["account"] == {"holder": "Ada Payer", "masked": "DE·· ···· 9890"} and THEIRS not in shown.text
    assert shown.get_json()["status"] == "claimed" and shown.get_json()["named_at"]
    done = caller.post(f"{at}/approve")
    paying = refund_of(shop, row)
    assert (done.get_json()["status"], done.get_json()["paid_by"]) == ("approved", paying.public_id) and THEIRS not in done.text
    assert caller.post(f"{at}/approve").get_json() == done.get_json(), "approved again nothing changes"
    send(shop, paying)
    bank_says(shop, paying)
    paid = caller.get(at).get_json()
    assert paid["status"] == "paid" and paid["settled_at"]
    assert caller.get(f"{HOME}/refunds/{paying.public_id}").get_json()["status"] == "succeeded"


def test_the_same_wish_is_one_link_also_when_its_answer_is_kept_no_more(shop: Shop, caller: Caller, stuck: tuple[Payment, Refund]) -> None:
    made = caller.post(LINKS, asked(stuck), key="one").get_json()
    same = caller.post(LINKS, asked(stuck), key="one")
    assert same.get_json() == made and same.headers["Idempotent-Replayed"] == "true"
    problem(caller.post(LINKS, {"payment": stuck[0].public_id}, key="one"), 422, "idempotency_key_reused", "Idempotency-Key")
    caller.post(f"{LINKS}/{made['id']}/revoke")
    with unit(shop.app):
        forget_answers(shop)
    anew = caller.post(LINKS, asked(stuck), key="one").get_json()
    assert (anew["id"], anew["status"]) == (made["id"], "revoked") and ids(caller) == [made["id"]]
    assert caller.post(LINKS, asked(stuck), key="two").get_json()["id"] != made["id"]


def forget_answers(shop: Shop) -> None:
    db.session.query(KeptAnswer).filter_by(vendor_id=shop.vendor.id).delete()


def test_what_cannot_be_asked_for_is_refused_at_its_field(shop: Shop, caller: Caller, stuck: tuple[Payment, Refund], first: Shop) -> None:
    refund = stuck[1]
    fine = make_paid(shop, make_link(shop, amount="40.00", currency="EUR"))
    under_way = ask_refund(shop, fine, "10.00")
    strange = failed_refund(another_shop(first))
    pounds = failed_refund(shop, currency="GBP")
    problem(caller.post(LINKS, {}), 422, "invalid_request", "payment")
    problem(caller.post(LINKS, asked(stuck, amount=100)), 422, "invalid_request", "amount")
    problem(caller.post(LINKS, asked(stuck, currency="GBP")), 422, "invalid_request", "currency")
    problem(caller.post(LINKS, asked(stuck, iban=THEIRS)), 422, "invalid_request", "iban")
    problem(caller.post(LINKS, {"payment": fine.public_id}), 422, "no_refund_link")
    problem(caller.post(LINKS, {"payment": fine.public_id, "refund": under_way.public_id}), 422, "no_refund_link")
    problem(caller.post(LINKS, {"payment": fine.public_id, "refund": refund.public_id}), 404, "not_found")
    problem(caller.post(LINKS, asked(strange)), 404, "not_found")
    assert "carries euros only" in problem(caller.post(LINKS, asked(pounds)), 422, "no_refund_link")["detail"]
    assert ids(caller) == []
    assert caller.post(LINKS, asked(stuck)).status_code == 201
    assert "already" in problem(caller.post(LINKS, asked(stuck)), 422, "no_refund_link")["detail"]


def test_of_a_transfer_from_nobody_knows_where_a_part_is_asked_for(shop: Shop, caller: Caller) -> None:
    payment = make_payment(shop, make_link(shop, amount="60.00", currency="EUR"))
    attempt = begin_transfer(shop, payment)
    TestBank(shop, "EUR").tell(Line((Tx(6_000, reference=attempt.provider_reference or "", name=""),), booked_on=now().date()))
    for wrong in (6_001, 0, -5):
        problem(caller.post(LINKS, {"payment": payment.public_id, "amount": wrong}), 422, "no_refund_link", "amount")
    part = caller.post(LINKS, {"payment": payment.public_id, "amount": "25.00", "currency": "EUR"}).get_json()
    assert (part["amount"]["amount"], part["refund"]) == (2_500, None)
    assert caller.post(f"{LINKS}/{part['id']}/revoke").get_json()["status"] == "revoked"
    assert caller.post(LINKS, {"payment": payment.public_id}).get_json()["amount"]["amount"] == 6_000


def test_they_are_listed_by_state_and_payment_page_by_page(shop: Shop, caller: Caller, claim: RefundClaim) -> None:
    waits, (payment, refund) = opened(shop, *failed_refund(shop)), failed_refund(shop)
    newest = opened(shop, payment, refund)
    everything = [newest.public_id, waits.public_id, claim.public_id]
    assert ids(caller) == everything and ids(caller, "?status=claimed") == [claim.public_id] and ids(caller, "?status=paid") == []
    assert ids(caller, f"?payment={payment.public_id}") == [newest.public_id]
    page = caller.get(f"{LINKS}?limit=1&starting_after={newest.public_id}").get_json()
    assert [one["id"] for one in page["data"]] == [waits.public_id] and page["has_more"]
    assert ids(caller, f"?ending_before={waits.public_id}") == [newest.public_id]
    assert caller.get(LINKS).get_json()["data"][0] == caller.get(f"{LINKS}/{newest.public_id}").get_json()
    assert THEIRS not in caller.get(LINKS).text
    with unit(shop.app):
        again(waits).expires_at = now()
    assert ids(caller, "?status=open") == [newest.public_id] and ids(caller, "?status=expired") == [waits.public_id]
    assert caller.get(f"{LINKS}/{waits.public_id}").get_json()["status"] == "expired"
    problem(caller.get(f"{LINKS}?status=lost"), 422, "invalid_request", "status")
    problem(caller.get(f"{LINKS}?starting_after=rcl_x"), 422, "cursor_unknown", "starting_after")
    problem(caller.get(f"{LINKS}?payment=pay_x"), 404, "not_found")
    problem(caller.get(f"{LINKS}/rcl_x"), 404, "not_found")


def test_it_is_refused_with_a_reason_that_the_payer_reads(shop: Shop, caller: Caller, claim: RefundClaim) -> None:
    at = f"{LINKS}/{claim.public_id}"
    problem(caller.post(f"{at}/refuse", {}), 422, "invalid_request", "reason")
    problem(caller.post(f"{at}/refuse", {"reason": "x" * 301}), 422, "invalid_request", "reason")
    assert caller.post(f"{at}/refuse", {"reason": "  "}).status_code == 422
    problem(caller.post(f"{at}/revoke"), 409, "refund_link_moved_on")
    done = caller.post(f"{at}/refuse", {"reason": "The name is another one."}).get_json()
    assert (done["status"], done["reason"], done["paid_by"]) == ("refused", "The name is another one.", None)
    problem(caller.post(f"{at}/approve"), 409, "refund_link_moved_on")
    assert fresh(shop, claim).paid_by is None


def test_once_the_payer_is_erased_no_account_is_left(shop: Shop, caller: Caller, stuck: tuple[Payment, Refund], claim: RefundClaim) -> None:
    at = f"{LINKS}/{claim.public_id}"
    caller.post(f"{at}/refuse", {"reason": "Call us, Ada."})
    with unit(shop.app):
        forget_claims(shop.vendor, "test", stuck[0].email)
    shown = caller.get(at).get_json()
    assert (shown["account"], shown["reason"], shown["status"]) == (None, None, "refused") and shown["named_at"]


def test_a_key_for_refunds_does_not_approve_other_accounts(shop: Shop, claim: RefundClaim) -> None:
    at = f"{LINKS}/{claim.public_id}"
    refunds = Caller(shop, kind="rk", scopes=["refunds:write", "payments:write"])
    for answer in (refunds.get(LINKS), refunds.post(f"{at}/approve"), refunds.post(f"{at}/refuse", {"reason": "x"})):
        problem(answer, 403, "scope_missing")
    reads = Caller(shop, kind="rk", scopes=["refund-links:read"])
    assert reads.get(at).status_code == 200
    problem(reads.post(f"{at}/approve"), 403, "scope_missing")
    assert Caller(shop, kind="rk", scopes=["refund-links:write"]).post(f"{at}/approve").get_json()["status"] == "approved"


def test_nobody_elses_are_seen_or_decided(first: Shop, claim: RefundClaim) -> None:
    stranger, at = Caller(another_shop(first)), f"{LINKS}/{claim.public_id}"
    for answer in (
        stranger.get(at),
        stranger.post(f"{at}/approve"),
        stranger.post(f"{at}/revoke"),
        stranger.post(f"{at}/refuse", {"reason": "x"}),
    ):
        problem(answer, 404, "not_found")
    assert ids(stranger) == []


def test_a_persons_app_approves_what_its_role_may_and_just_after_signing_in(app: Flask) -> None:
    shop = make_shop(app)
    claim = named(shop, opened(shop, *failed_refund(shop)))
    at, helper = f"{LINKS}/{claim.public_id}", make_colleague(shop, "viewer")
    with unit(shop.app):
        role = make_role(shop.vendor, name="Asks", permissions={"payments.see", "payments.refund"}, by=shop.user.public_id)
        membership = db.session.query(Membership).filter_by(vendor_id=shop.vendor.id, user_id=helper.user.id).one()
        membership.role, membership.custom_role_id = "custom", role.id
    asks = App(helper)
    assert asks.get(at).status_code == 200
    problem(asks.ask("POST", f"{at}/approve"), 403, "role_may_not")
    problem(asks.ask("POST", f"{at}/refuse", {"reason": "x"}), 403, "role_may_not")
    problem(asks.ask("POST", f"{at}/revoke"), 409, "refund_link_moved_on")
    owner = App(shop)
    with shifted(timedelta(minutes=11)):
        owner.keep(owner.renew())
        problem(owner.ask("POST", f"{at}/approve"), 403, "sign_in_again")
    assert fresh(shop, claim).state == "claimed"
    owner.keep(owner.sign_in())
    assert owner.ask("POST", f"{at}/approve").get_json()["status"] == "approved"
    assert fresh(shop, claim).decided_by == shop.user.public_id


def test_the_document_names_no_whole_account_and_how_long_it_lasts(app: Flask, caller: Caller, stuck: tuple[Payment, Refund]) -> None:
    told = json.dumps(app.test_client().get(f"{HOME}/openapi.json").get_json()["components"]["schemas"]["RefundLink"])
    assert "masked" in told and '"iban"' not in told
    made = caller.post(LINKS, asked(stuck)).get_json()
    assert (made["expires_at"][:10], made["created_at"][:10]) == ((now() + LIFE).date().isoformat(), now().date().isoformat())
