"""Parameters, lists, expansion, signatures, errors and idempotent replay of the wire format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.web.wire import lists, replay
from core.web.wire.encode import dumps, fields_changed
from core.web.wire.errors import WireError, card_refused, missing_parameter
from core.web.wire.expand import expand
from core.web.wire.params import Params
from core.web.wire.signature import BadSignature, read_header, sign, verify


def refused(act, *words):
    with pytest.raises(WireError) as refusal:
        act(*words)
    return refusal.value


# --- parameters --------------------------------------------------------------------------------------------------------


def test_a_parameter_nobody_asked_for_is_refused_by_its_full_name():
    params = Params({"card": {"number": "1", "colour": "red"}})
    inner = params.inner("card")
    inner.text("number")
    assert refused(inner.finish).param == "card[colour]"


@pytest.mark.parametrize("text", ["1.0", "1e3", " 1", "1_000", "٥", "--1", "9" * 16, "true"])
def test_an_integer_is_written_in_ascii_digits(text):
    assert refused(Params({"amount": text}).integer, "amount").code == "parameter_invalid_integer"


@pytest.mark.parametrize(("text", "truth"), [("true", True), ("True", True), ("false", False), ("False", False), ("", None)])
def test_a_boolean_has_four_spellings_and_empty_means_absent(text, truth):
    assert Params({"live": text}).boolean("live") is truth


def test_a_missing_parameter_is_named():
    error = refused(lambda: Params({}).text("currency", required=True))
    assert error.envelope() == {
        "error": {
            "type": "invalid_request_error",
            "code": "parameter_missing",
            "message": "Missing required param: currency.",
            "param": "currency",
        }
    }


@pytest.mark.parametrize("text", ["https://shop.test", "http://127.0.0.1:8000/a?b=c#d", "http://[::1]:8000/", "https://shop.test?x={ID}"])
def test_an_address_has_a_plain_host(text):
    assert Params({"u": text}).url("u") == text


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "//shop.test",
        "http://",
        "http://a;script-src *",
        "http://127.0.0.1\\@good.test/",
        "http://u@h/",
        "http://h:port/",
        "ftp://h/",
        "http://h/ x",
        "http://h/\n",
        "https://é.test/",
        " http://h/",
    ],
)
def test_an_address_that_two_readers_would_read_differently_is_refused(text):
    assert refused(Params({"u": text}).url, "u").code == "url_invalid"


def test_an_empty_value_unsets_one_name_of_the_metadata_and_an_empty_metadata_all():
    assert Params({"metadata": {"a": "", "c": "3"}}).metadata({"a": "1", "b": "2"}) == {"b": "2", "c": "3"}
    assert Params({"metadata": ""}).metadata({"a": "1"}) == {}
    assert Params({}).metadata({"a": "1"}) == {"a": "1"}


def test_metadata_has_limits():
    assert refused(Params({"metadata": {"k" * 41: "v"}}).metadata).status == 400
    assert refused(Params({"metadata": {str(n) + "k": "v" for n in range(51)}}).metadata).status == 400


# --- lists -------------------------------------------------------------------------------------------------------------

ROWS = [{"id": f"x_{number}", "place": number} for number in range(10, 0, -1)]


def walk(**query):
    def fetch(before, after, count):
        if after is not None:
            return [row for row in ROWS if row["place"] > after][-count:]
        return [row for row in ROWS if before is None or row["place"] < before][:count]

    found = lists.page(
        "/v1/x",
        lists.page_query(Params({name: str(value) for name, value in query.items()})),
        fetch,
        lambda identity, param: int(identity.removeprefix("x_")),
    )
    return [row["place"] for row in found["data"]], found["has_more"]


def test_lists_begin_with_the_newest():
    assert walk(limit=3) == ([10, 9, 8], True)


def test_walking_on_takes_up_after_the_cursor():
    assert walk(limit=3, starting_after="x_8") == ([7, 6, 5], True)
    assert walk(limit=3, starting_after="x_4") == ([3, 2, 1], False)


def test_walking_back_gives_the_page_next_to_the_cursor():
    assert walk(limit=3, ending_before="x_4") == ([7, 6, 5], True)
    assert walk(limit=3, ending_before="x_8") == ([10, 9], False)


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"limit": "ten"}, {"starting_after": "x_1", "ending_before": "x_2"}])
def test_a_page_that_cannot_be_is_refused(query):
    assert refused(lambda: walk(**query)).status == 400


# --- expansion ---------------------------------------------------------------------------------------------------------

OBJECTS = {"ch_1": {"id": "ch_1", "balance_transaction": "txn_1"}, "txn_1": {"id": "txn_1", "fee": 3}}


def test_ids_become_objects_along_the_path():
    found = expand({"latest_charge": "ch_1"}, ["latest_charge.balance_transaction"], OBJECTS.get)
    assert found["latest_charge"]["balance_transaction"]["fee"] == 3


def test_every_row_of_a_list_is_expanded():
    found = expand({"data": [{"charge": "ch_1"}, {"charge": None}]}, ["data.charge"], OBJECTS.get)
    assert [row["charge"] and row["charge"]["id"] for row in found["data"]] == ["ch_1", None]


@pytest.mark.parametrize("path", ["nothing", "charge.id.more", "a.b.c.d.e"])
def test_what_cannot_be_expanded_is_named(path):
    assert path in refused(expand, {"charge": "ch_1"}, [path], OBJECTS.get).message


# --- errors and encoding -----------------------------------------------------------------------------------------------


def test_an_envelope_leaves_out_what_is_not_known():
    assert card_refused("No.", "card_declined", "lost_card").envelope() == {
        "error": {"type": "card_error", "code": "card_declined", "message": "No.", "decline_code": "lost_card"}
    }


def test_validation_leaves_no_trace_and_a_decline_does():
    assert not missing_parameter("a").stored and card_refused("No.", "card_declined").stored


def test_json_never_carries_what_json_does_not_have():
    assert dumps({"a": "\ud800£"}) == b'{\n  "a": "\\ud800\\u00a3"\n}'
    with pytest.raises(ValueError):
        dumps({"a": float("nan")})


def test_previous_attributes_are_those_that_changed():
    assert fields_changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}) == {"b": 2, "c": None}


# --- signatures --------------------------------------------------------------------------------------------------------


def test_the_official_sdk_accepts_our_signature():
    import stripe

    body = b'{"object": "event"}'
    import time

    assert stripe.WebhookSignature.verify_header(body, sign("whsec_a", body, int(time.time())), "whsec_a", 300)


def test_while_a_secret_is_changed_both_verify():
    header = sign(["whsec_new", "whsec_old"], b"{}", 1000)
    verify(b"{}", header, "whsec_old", 1000)
    verify(b"{}", header, ["whsec_unknown", "whsec_new"], 1000)


@pytest.mark.parametrize("now", [1301, 699])
def test_a_signature_is_good_for_five_minutes_either_way(now):
    with pytest.raises(BadSignature):
        verify(b"{}", sign("whsec_a", b"{}", 1000), "whsec_a", now)


@given(st.text(max_size=80) | st.none() | st.integers())
def test_no_header_is_worse_than_a_refusal(header):
    with pytest.raises(BadSignature):
        verify(b"{}", header, "whsec_a", 1000)


def test_unknown_schemes_are_skipped():
    assert read_header("t=5,v0=zz,v1=" + "a" * 64) == (5, ["a" * 64])


# --- replay ------------------------------------------------------------------------------------------------------------


class Shelf(dict):
    def recall(self, scope, key):
        return self.get((scope, key))


def test_the_same_request_is_answered_with_its_end():
    mark = replay.fingerprint("POST", "/v1/refunds", b"amount=1")
    end = replay.Remembered(mark, 402, b"no")
    assert replay.replayed(Shelf({("a", "k"): end}), "a", "k", mark) is end
    assert replay.replayed(Shelf({("a", "k"): end}), "b", "k", mark) is None


def test_another_request_under_the_same_key_is_refused():
    end = replay.Remembered(replay.fingerprint("POST", "/v1/refunds", b"amount=1"), 200, b"")
    error = refused(replay.replayed, Shelf({("a", "k"): end}), "a", "k", replay.fingerprint("POST", "/v1/refunds", b"amount=2"))
    assert (error.status, error.kind) == (400, "idempotency_error")


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "a\nb"])
def test_a_key_is_short_printable_ascii(key):
    assert refused(replay.check_key, key).status == 400
