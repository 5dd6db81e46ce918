"""A signed statement about a payment: anybody checks it with the public keys, by the very lines of the how-to, and every change is noticed."""

from __future__ import annotations

import base64
import json
import re
import secrets
import subprocess
import sys
from pathlib import Path

import jwt
import playwright
import pytest
from flask import Flask

from core.kernel.attest import NotOurs, looks_attested, read_attested
from core.kernel.config import settings
from core.payments.models import Payment
from core.payments.start import receipt_token
from core.payments.statement import statement_of
from tests.browser import Browser
from tests.checkout.test_verify import said
from tests.factories import Shop, ask_refund, fresh, make_paid, make_payment, tell_refund, unit
from tests.portal.caller import HOME, Caller, problem

HOW_TO = (Path(__file__).resolve().parents[2] / "docs/how-to/signed-statements.md").read_text()
NODE = Path(playwright.__file__).parent / "driver/node"
KEYS = "/.well-known/jwks.json"


@pytest.fixture
def payment(shop: Shop) -> Payment:
    return make_paid(shop)


@pytest.fixture
def statement(shop: Shop, payment: Payment) -> str:
    with unit(shop.app):
        return statement_of(shop.vendor, fresh(shop, payment))


def test_a_receipts_page_leads_to_it_and_it_says_what_was_taken_and_nothing_of_the_payer(
    payer: Browser, shop: Shop, payment: Payment
) -> None:
    with unit(shop.app):
        path = f"/receipt/{receipt_token(shop.vendor, payment)}"
    assert f"{path}/statement.jwt" in payer.get(path).links()
    answer = payer.client.get(f"{path}/statement.jwt")
    assert (
        answer.content_type == "application/jwt" and f'filename="receipt-{payment.reference}.jwt"' in answer.headers["Content-Disposition"]
    )
    claims = read_attested(answer.text)
    assert (claims["sub"], claims["iss"], claims["mode"]) == (payment.public_id, settings().public_url, "test")
    assert claims["vendor"] == {"id": shop.vendor.public_id, "name": shop.vendor.name} and claims["status"] == "succeeded"
    assert claims["captured"] == {"amount": payment.amount_minor, "currency": payment.currency} and claims["refunded"]["amount"] == 0
    assert payment.email not in json.dumps(claims) and payment.payer_name not in json.dumps(claims)


def test_it_says_what_has_gone_back_by_then(shop: Shop, payment: Payment, statement: str) -> None:
    refund = ask_refund(shop, payment)
    tell_refund(shop, refund, "succeeded")
    with unit(shop.app):
        later = read_attested(statement_of(shop.vendor, fresh(shop, payment)))
    assert later["refunded"] == later["captured"] and later["refunded"]["amount"] > 0
    assert read_attested(statement)["refunded"]["amount"] == 0, "the earlier one stays true of its moment"


def test_what_is_not_paid_has_none_at_its_receipt_and_a_true_one_by_the_api(payer: Browser, shop: Shop) -> None:
    begun = make_payment(shop)
    with unit(shop.app):
        path = f"/receipt/{receipt_token(shop.vendor, begun)}/statement.jwt"
    assert payer.client.get(path).status_code == 404
    answer = Caller(shop).get(f"{HOME}/payments/{begun.public_id}/statement").get_json()
    assert answer["payment"] == begun.public_id and answer["keys"] == settings().public_url + KEYS
    claims = read_attested(answer["statement"])
    assert claims["status"] == "created" and claims["captured"]["amount"] == 0 and claims["captured_at"] is None
    problem(Caller(shop).get(f"{HOME}/payments/pay_{'x' * 22}/statement"), 404, "not_found")


def test_the_verifying_page_knows_it_and_every_change_of_a_letter(
    payer: Browser, shop: Shop, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = payer.submit(payer.get("/verify").form("/verify"), what=f"  {statement[:80]}\n{statement[80:]} ")
    assert page.heading == "Genuine" and shop.vendor.name in page.text and "how the payment stood" in page.text and "test mode" in page.text
    head, body, signature = statement.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["captured"]["amount"] += 1
    more = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert said(payer, f"{head}.{more}.{signature}") == "altered"
    assert said(payer, statement[:-1] + ("A" if statement[-1] != "A" else "Q")) == "altered"
    stranger = [{"kid": "s-other", "key": secrets.token_urlsafe(32)}]
    monkeypatch.setitem(settings().secrets, "statement_keys", stranger)
    assert said(payer, statement) == "unknown"


def test_each_place_of_the_signature_is_read_in_one_spelling_only(statement: str) -> None:
    """The last of its 86 letters carries four bits that say nothing: sixteen spellings of the same bytes, of which one is ours."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    kept = [letter for letter in letters if _reads(statement[:-1] + letter)]
    assert kept == [statement[-1]]


def _reads(text: str) -> bool:
    try:
        read_attested(text)
    except NotOurs:
        return False
    return True


@pytest.mark.parametrize(
    "text", ["eyJ.eyJ.x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwYXlfeCJ9.", "a.b.c", "eyJ" + "A" * 40 + ".eyJ" + "A" * 40 + "." + "A" * 86]
)
def test_what_is_none_is_none(text: str, app: Flask) -> None:
    with pytest.raises(NotOurs):
        read_attested(text)


def test_a_statement_that_names_no_signature_or_another_kind_of_it_is_refused(statement: str, app: Flask) -> None:
    kid = jwt.get_unverified_header(statement)["kid"]
    public = app.test_client().get(KEYS).get_json()["keys"][0]["x"]
    for forged in (
        jwt.encode({"sub": "pay_x", "iat": 0, "iss": settings().public_url}, None, algorithm="none", headers={"kid": kid}),
        jwt.encode({"sub": "pay_x", "iat": 0, "iss": settings().public_url}, public, algorithm="HS256", headers={"kid": kid}),
    ):
        with pytest.raises(NotOurs):
            read_attested(forged)


def test_a_new_key_is_told_before_it_signs_and_an_old_one_is_believed_while_it_is_kept(
    app: Flask, shop: Shop, payment: Payment, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = settings().secrets["statement_keys"][0], {"kid": "s-new", "key": secrets.token_urlsafe(32)}
    monkeypatch.setitem(settings().secrets, "statement_keys", [new, old])
    answer = app.test_client().get(KEYS)
    assert [key["kid"] for key in answer.get_json()["keys"]] == ["s-new", old["kid"]] and "max-age=3600" in answer.headers["Cache-Control"]
    assert all(key.keys() == {"kty", "crv", "x", "kid", "alg", "use"} for key in answer.get_json()["keys"]), "nothing of the private half"
    with unit(app):
        assert jwt.get_unverified_header(statement_of(shop.vendor, payment))["kid"] == "s-new"
    assert read_attested(statement)["sub"] == payment.public_id
    assert looks_attested(statement)


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_lines_of_the_how_to_check_it(language: str, shop: Shop, statement: str, live_server: str) -> None:
    lines = re.search(rf"```{language}\n(.*?)```", HOW_TO, re.S)[1].replace('"live"', '"test"')
    given = {"statement": statement, "issuer": settings().public_url, "vendor": shop.vendor.public_id}
    if language == "python":
        told = "".join(f"{name} = {value!r}\n" for name, value in given.items())
        command = [sys.executable, "-c", f"{told}{lines}\nprint(claims['sub'])"]
    else:
        told = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
        command = [str(NODE), "--input-type=module", "-e", f"{told}{lines}\nconsole.log(claims.sub)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.startswith("pay_"), done.stderr
    forged = [part.replace(statement, statement[:-10] + "AAAAAAAAAA") for part in command]
    assert subprocess.run(forged, capture_output=True, text=True, timeout=60).returncode != 0
