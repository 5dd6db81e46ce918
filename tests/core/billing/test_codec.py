"""What a database keeps of a subscription: plain, exact, and nothing that is silently forgotten."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction

import pytest

from core.billing.codec import decode, encode
from core.billing.fx import Rate
from core.billing.midnight import midnight
from core.billing.renew import Offer
from core.billing.subscription import Subscription
from core.billing.terms import POLICY, Terms
from tests.core.billing.story import Story


def test_a_stored_subscription_goes_on_as_if_it_had_never_been_stored() -> None:
    rate = Rate("EUR", Fraction("1.1532"), "ECB", date(2026, 10, 30))
    story = Story("pro", date(2026, 11, 1), rate=rate)
    story.offer = Offer(POLICY, (rate,))
    story.to(date(2026, 11, 30))
    again = decode(Subscription, json.loads(json.dumps(encode(story.state))))
    assert midnight(again, story.offer) == midnight(story.state, story.offer)


def test_a_field_that_nobody_knows_is_an_error() -> None:
    plain = encode(Story("pro", date(2026, 11, 1)).state)
    with pytest.raises((TypeError, KeyError)):
        decode(Subscription, {**plain, "colour": "red"})


def test_a_number_where_a_text_belongs_is_an_error() -> None:
    plain = encode(Story("pro", date(2026, 11, 1)).state)
    with pytest.raises(TypeError):
        decode(Subscription, {**plain, "tier": 3})


def test_what_has_no_plain_form_is_not_stored() -> None:
    with pytest.raises(TypeError):
        encode(object())


def test_a_price_list_from_before_tiers_had_names_is_read() -> None:
    kept = encode(POLICY)
    for tier in kept["tiers"]:
        del tier["name"], tier["about"]
    assert decode(Terms, json.loads(json.dumps(kept))) == POLICY
