"""Webhook requests that are hostile, broken or stale: read_event refuses them and raises nothing else."""

import contextlib
import hashlib
import hmac
import json
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel import clock
from core.providers.contract import SignatureRefused
from core.providers.stripe import Stripe
from core.providers.stripe_shapes import HEARD, HEARD_OF_SELLERS

SECRET = "whsec_one"
ADAPTER = Stripe("sandbox", "test", key="sk_test_x", publishable_key="", secrets=["whsec_two", SECRET])
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "created": 1_790_000_000,
    "livemode": False,
    "data": {
        "object": {
            "id": "pi_1",
            "object": "payment_intent",
            "status": "succeeded",
            "amount_received": 2500,
            "currency": "gbp",
            "latest_charge": "ch_1",
            "metadata": {"attempt": "att_1"},
        }
    },
}


def mark(body, at, secret=SECRET):
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def signed(body, at=None, secret=SECRET):
    at = int(time.time()) if at is None else at
    return {"Stripe-Signature": f"t={at},v1={mark(body, at, secret)}"}


def refused(body, headers, mode="test"):
    with pytest.raises(SignatureRefused):
        ADAPTER.read_event(body, headers, mode)


BODY = json.dumps(EVENT).encode()


def test_an_authentic_event_is_read():
    event = ADAPTER.read_event(BODY, signed(BODY), "test")
    assert (event.event_id, event.kind, event.metadata, event.outcome.charge) == ("evt_1", "payment", {"attempt": "att_1"}, "ch_1")
    assert event.raw == EVENT


def test_every_secret_that_counts_today_is_tried():
    assert ADAPTER.read_event(BODY, signed(BODY, secret="whsec_two"), "test").event_id == "evt_1"


def test_the_headers_name_may_be_spelt_in_any_case():
    value = signed(BODY)["Stripe-Signature"]
    assert ADAPTER.read_event(BODY, {"stripe-signature": value}, "test")
    assert ADAPTER.read_event(BODY, {"STRIPE-SIGNATURE": value}, "test")


@pytest.mark.parametrize("sign", [rb"\u0000", rb"\ud800", rb"\udfff"])
@pytest.mark.parametrize("where", [b"ch_1", b"att_1", b"attempt"])
def test_what_no_text_can_hold_is_refused_wherever_it_stands(where, sign):
    odd = BODY.replace(b'"%s"' % where, b'"%s%s"' % (where, sign), 1)
    assert odd != BODY
    refused(odd, signed(odd))


def test_a_sign_that_is_written_as_a_pair_is_a_sign():
    body = BODY.replace(b'"att_1"', rb'"att_1\ud83d\ude00 \\u0000"', 1)
    assert ADAPTER.read_event(body, signed(body), "test").metadata == {"attempt": "att_1😀 \\u0000"}


def test_a_body_changed_by_one_byte_is_refused():
    refused(BODY.replace(b"2500", b"2501"), signed(BODY))


@pytest.mark.parametrize("off", [timedelta(seconds=301), timedelta(seconds=-301)])
def test_a_stale_or_future_signature_is_refused(off):
    with clock.shifted(off):
        refused(BODY, signed(BODY))


def test_a_signature_is_still_good_after_five_minutes():
    with clock.frozen(clock.now()):
        at = int(clock.now().timestamp()) - 300
        assert ADAPTER.read_event(BODY, signed(BODY, at), "test")


NOW = int(time.time())
GOOD = mark(BODY, NOW)
HOSTILE = [
    "",
    " ",
    ",",
    "=",
    "t",
    "t=",
    "v1=",
    f"t={NOW}",
    f"v1={GOOD}",
    f"t={NOW} v1={GOOD}",
    f"t={NOW},,v1=",
    f"t={NOW},v1={GOOD[:-1]}",
    f"t={NOW},v1={GOOD}0",
    f"t={NOW},v1={GOOD.upper()}",
    f"t={NOW},v0={GOOD}",
    f"t={NOW}.0,v1={GOOD}",
    f"t=1.79e9,v1={GOOD}",
    f"t={NOW // 1000}_{NOW % 1000},v1={GOOD}",
    f"t=-{NOW},v1={GOOD}",
    f"t=+{NOW},v1={GOOD}",
    f"t= {NOW},v1={GOOD}",
    f"t={NOW},t={NOW},v1={GOOD}",
    f"t={NOW},v1=é{GOOD[1:]}",
    f"t=٥,v1={GOOD}",
    "t=" + "9" * 400 + f",v1={GOOD}",
    "v1=" + "a" * 5000,
    f"t={NOW}," + ",".join(["v1=" + "0" * 64] * 60),
    f"t={NOW},v1=\x00",
    None,
    5,
    b"t=1",
    ["t=1"],
]


@pytest.mark.parametrize("header", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_header_is_refused(header):
    refused(BODY, {"Stripe-Signature": header})


@pytest.mark.parametrize("headers", [{}, None, [], "text", {1: 2}, {"Stripe-Signature": "x", "stripe-signature": "y"}])
def test_headers_that_are_no_headers_are_refused(headers):
    refused(BODY, headers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"{",
        b"{}",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"livemode": false}',
        json.dumps({**EVENT, "id": 5}).encode(),
        json.dumps({**EVENT, "id": "pi_1"}).encode(),
        json.dumps({**EVENT, "type": None}).encode(),
        json.dumps({**EVENT, "data": []}).encode(),
        json.dumps({**EVENT, "data": {"object": "text"}}).encode(),
        json.dumps({**EVENT, "created": 1e300}).encode(),
        json.dumps({**EVENT, "created": "soon"}).encode(),
        json.dumps({**EVENT, "livemode": True}).encode(),
        json.dumps({**EVENT, "livemode": "false"}).encode(),
        json.dumps({**EVENT, "id": "evt_" + "x" * 200}).encode(),
        b" " * 1_048_577,
    ],
)
def test_an_authentic_body_that_is_no_event_is_refused(body):
    refused(body, signed(body))


@pytest.mark.parametrize("body", [None, "text", 5, bytearray(b"{}")])
def test_a_body_that_is_not_bytes_is_refused(body):
    refused(body, signed(BODY))


@given(st.binary(max_size=200), st.text(max_size=120))
def test_nothing_but_a_refusal_comes_out(body, header):
    with pytest.raises(SignatureRefused):
        ADAPTER.read_event(body, {"Stripe-Signature": header}, "test")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "type", "data", "object", "created", "metadata", "status", "x"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_an_authentic_but_odd_event_is_read_or_refused(tree):
    body = json.dumps({**EVENT, "data": {"object": tree}}).encode()
    with contextlib.suppress(SignatureRefused):
        ADAPTER.read_event(body, signed(body), "test")


def test_without_a_secret_nothing_is_believed():
    nobody = Stripe("sandbox", "test", key="sk_test_x", publishable_key="", secrets=["", ""])
    with pytest.raises(SignatureRefused):
        nobody.read_event(BODY, signed(BODY, secret=""), "test")


def test_the_page_about_stripe_names_the_events_that_the_portal_hears():
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "stripe.md").read_text()
    own, sellers = page.split("3. **News of your own account.**")[1].split("4. **News of sellers")
    named = [re.findall(r"`([a-z_]+\.[a-z_.]+)`", part) for part in (own.split("All events will do")[0], sellers.split("5. ")[0])]
    assert named == [list(HEARD), list(HEARD_OF_SELLERS)]
