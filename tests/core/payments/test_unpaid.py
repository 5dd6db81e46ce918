"""The end of a payment nobody paid, and who is asked about it until then."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from core.kernel.clock import frozen, now
from core.payments.attempt import record_opening
from core.payments.close import record_close
from core.payments.models import Attempt, Payment
from core.payments.poll import GRACE, claim_due_attempts, claim_overdue_payments
from core.providers.contract import Opening, Outcome
from tests.core.payments.begun import begin
from tests.core.payments.settled import again, held
from tests.factories import Shop, fresh, make_payment, open_payment, tell, unit


def close(shop: Shop, payment: Payment, attempt: Attempt | None, outcome: Outcome | None) -> str:
    with unit(shop.app):
        return record_close(shop.vendor, again(payment), attempt and again(attempt), outcome, to="expired", actor="system")


def test_a_payment_ends_when_the_provider_has_closed_its_attempt(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    closed = Outcome(state="canceled", provider_reference=attempt.provider_reference or "")
    assert close(shop, payment, attempt, closed) == "expired"
    assert fresh(shop, attempt).state == "abandoned"


@pytest.mark.parametrize("before", ["processing", "unknown"])
def test_a_payment_we_did_not_know_of_ends_when_the_provider_has_closed_its_attempt(before: str, shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    tell(shop, payment, attempt, before)
    assert close(shop, payment, attempt, Outcome(state="canceled", provider_reference=attempt.provider_reference or "")) == "expired"


def test_a_payer_who_was_faster_has_paid(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    faster = Outcome(state="succeeded", provider_reference="cs", charge="ch_1", captured=payment.amount)
    assert close(shop, payment, attempt, faster) == "succeeded"
    assert held(shop)["psp_clearing"] == 2_500


@pytest.mark.parametrize("told", ["processing", "unknown", "requires_action"])
def test_nothing_ends_while_the_provider_is_not_sure(told: str, shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    assert close(shop, payment, attempt, Outcome(state=told, provider_reference="cs")) != "expired"


def test_nothing_ends_while_another_attempt_is_open(shop: Shop) -> None:
    payment = make_payment(shop)
    open_payment(shop, payment)  # after it was looked whether one is open
    assert close(shop, payment, None, None) == "requires_action"


def test_an_attempt_that_was_opened_while_it_was_taken_for_unopened_is_not_given_up(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt = open_payment(shop, payment)
    assert close(shop, payment, attempt, Outcome(state="canceled", provider_reference="")) == "requires_action"


def test_an_attempt_opened_after_it_was_given_up_is_to_be_closed_at_once(shop: Shop) -> None:
    payment = make_payment(shop)
    with unit(shop.app):
        attempt = begin(shop, payment)
    close(shop, payment, attempt, Outcome(state="canceled", provider_reference=""))
    with unit(shop.app):
        record_opening(shop.vendor, attempt, Opening(provider_reference="cs_late", redirect_url="http://127.0.0.1/card"))
    late = fresh(shop, attempt)
    assert (late.state, late.provider_reference) == ("abandoned", "cs_late")
    assert late.next_inquiry_at and late.next_inquiry_at <= now()
    assert fresh(shop, payment).state == "expired"


def claimed(shop: Shop, claim: Any) -> list[Any]:
    with unit(shop.app):
        return [key for key in claim(limit=100_000) if key[0] == shop.vendor.id]


def test_time_is_up_only_after_a_moment_of_grace(shop: Shop) -> None:
    payment = make_payment(shop)
    with frozen(payment.expires_at + GRACE - timedelta(seconds=1)):
        assert claimed(shop, claim_overdue_payments) == []
    with frozen(payment.expires_at + GRACE):
        assert claimed(shop, claim_overdue_payments) == [(shop.vendor.id, "test", payment.id)]


def test_open_attempts_are_asked_about_ever_more_slowly_but_at_least_every_45_seconds(shop: Shop) -> None:
    payment = make_payment(shop)
    attempt, begun, asked = open_payment(shop, payment), now(), []
    for second in range(0, 240):
        with frozen(begun + timedelta(seconds=second)):
            if claimed_one(shop, attempt):
                asked.append(second)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert asked[0] <= 21
    assert gaps[:4] == [15, 20, 30, 45] and set(gaps[3:]) == {45}


def claimed_one(shop: Shop, attempt: Attempt) -> bool:
    row = fresh(shop, attempt)
    return row.next_inquiry_at <= now() and claimed(shop, claim_due_attempts) != []
