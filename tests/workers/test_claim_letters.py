"""Letters about refund links: each in the language of its reader, with the facts, and only while what they say is true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from core.kernel.db import db
from core.notifications.models import Message
from core.notifications.notify import notify
from core.payments.claim import refuse_claim, revoke_claim
from core.payments.claim_models import RefundClaim
from core.payments.models import Payment
from core.payments.refund_models import Refund
from tests.core.payments.claims import approved, bank_says, failed_refund, named, opened, refund_of, send
from tests.core.payments.transfers import euros_at_another_bank
from tests.factories import Shop, again, make_shop, unit
from workers.messages import send_message

CODES = ("en", "de", "fr", "es", "pl", "ar", "ja")


@pytest.fixture
def shop(app: Flask) -> Iterator[Shop]:
    with euros_at_another_bank():
        yield make_shop(app)


@pytest.fixture
def stuck(shop: Shop) -> tuple[Payment, Refund]:
    return failed_refund(shop)


def written(shop: Shop, kind: str, code: str, **ids: str) -> Message:
    with unit(shop.app):
        asked = notify(shop.vendor, kind, mode="test", to="ada@example.com", locale=code, **ids)
    with shop.app.app_context():
        send_message(shop.vendor.id, mode="test", message=str(asked.id))
        return db.session.get_one(Message, (asked.vendor_id, asked.mode, asked.id), populate_existing=True)


def check(letter: Message, code: str, *words: str) -> None:
    assert letter.state == "kept", letter.last_error
    for form in (letter.text or "", letter.html or ""):
        assert all(word in form for word in ("40", *words)) and "%(" not in form
    assert f'lang="{code}"' in (letter.html or "") and "%(" not in (letter.subject or "")


def test_each_is_written_in_every_language(shop: Shop, stuck: tuple[Payment, Refund]) -> None:
    payment, refund = stuck
    claim = opened(shop, payment, refund)
    ids = {"payment": payment.public_id, "claim": claim.public_id}
    for code in CODES:
        check(written(shop, "refund_claim", code, **ids), code, "/claim/")
    named(shop, claim)
    for code in ("en", "de"):
        check(written(shop, "refund_claimed", code, **ids), code, f"/portal/refund-links/{claim.public_id}")
    with unit(shop.app):
        refuse_claim(shop.vendor, again(claim), reason="The name is another one.", by="usr_x")
    for code in CODES:
        check(written(shop, "refund_claim_refused", code, **ids), code, "The name is another one.", "9890", "/claim/")
    second: RefundClaim = approved(shop, named(shop, opened(shop, payment, refund)))
    paying = refund_of(shop, second)
    send(shop, paying)
    bank_says(shop, paying)
    for code in CODES:
        check(written(shop, "refund_sent", code, payment=payment.public_id, refund=paying.public_id), code, "9890")


def test_none_is_sent_once_it_is_not_true_any_more(shop: Shop, stuck: tuple[Payment, Refund]) -> None:
    claim = opened(shop, *stuck)
    ids = {"payment": stuck[0].public_id, "claim": claim.public_id}
    for kind in ("refund_claimed", "refund_claim_refused"):
        assert "is open by now" in (written(shop, kind, "en", **ids).last_error or "")
    with unit(shop.app):
        revoke_claim(shop.vendor, again(claim), by="usr_x")
    late = written(shop, "refund_claim", "en", **ids)
    assert late.state == "overtaken" and "is revoked by now" in (late.last_error or "")
