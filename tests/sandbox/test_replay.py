"""Idempotency at the processor: one effect for one key, whatever happens to the answers."""

import threading

from tests.sandbox.running import new_key


def test_the_same_key_is_answered_byte_for_byte_and_done_once(sandbox, key):
    first = sandbox.call("POST", "customers", key, idempotency_key="k1", name="Ada")
    second = sandbox.call("POST", "customers", key, idempotency_key="k1", name="Ada")
    assert first[2] == second[2] and second[1]["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first[1]
    assert len(sandbox.call("GET", "customers", key)[2]["data"]) == 1


def test_a_decline_is_repeated_and_tried_once(sandbox, key):
    words = {"amount": 500, "currency": "gbp", "payment_method": "pm_card_visa_chargeDeclined", "confirm": "true"}
    first = sandbox.call("POST", "payment_intents", key, idempotency_key="k1", **words)
    second = sandbox.call("POST", "payment_intents", key, idempotency_key="k1", **words)
    assert (first[0], first[2]) == (402, second[2]) == (second[0], first[2]) and len(sandbox.charges(key)) == 1


def test_another_request_under_the_key_is_refused(sandbox, key):
    sandbox.call("POST", "customers", key, idempotency_key="k1", name="Ada")
    status, _, body = sandbox.call("POST", "customers", key, idempotency_key="k1", name="Bob")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")


def test_what_could_not_be_read_leaves_the_key_free(sandbox, key):
    assert sandbox.call("POST", "customers", key, idempotency_key="k1", colour="red")[0] == 400
    assert sandbox.call("POST", "customers", key, idempotency_key="k1", name="Ada")[0] == 200


def test_keys_of_two_accounts_do_not_meet(sandbox, key):
    assert (
        sandbox.call("POST", "customers", key, idempotency_key="k1", name="Ada")[2]["id"]
        != sandbox.call("POST", "customers", new_key(), idempotency_key="k1", name="Ada")[2]["id"]
    )


def test_a_twin_in_flight_is_told_to_wait(sandbox, key):
    sandbox.story(key, "timeout_after", seconds=0, times=1, path="/v1/nothing")
    answers, words = [], {"amount": 500, "currency": "gbp", "payment_method": "pm_card_visa", "confirm": "true"}

    def one():
        answers.append(sandbox.call("POST", "payment_intents", key, idempotency_key="k1", **words))

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    statuses = [status for status, _, _ in answers]
    assert set(statuses) <= {200, 409} and 200 in statuses and len(sandbox.charges(key)) == 1
    assert all(body["error"]["code"] == "idempotency_key_in_use" for status, _, body in answers if status == 409)


def test_a_failure_after_the_effect_is_repeated_and_the_effect_stands(sandbox, key):
    words = {"amount": 500, "currency": "gbp", "payment_method": "pm_card_visa", "confirm": "true"}
    sandbox.story(key, "error_after", times=1)
    assert sandbox.call("POST", "payment_intents", key, idempotency_key="k1", **words)[0] == 500
    assert sandbox.call("POST", "payment_intents", key, idempotency_key="k1", **words)[0] == 500
    assert len(sandbox.charges(key)) == 1


def test_a_failure_before_the_effect_leaves_the_key_free(sandbox, key):
    sandbox.story(key, "error_before", times=1)
    assert sandbox.call("POST", "customers", key, idempotency_key="k1")[0] == 500
    assert sandbox.call("POST", "customers", key, idempotency_key="k1")[0] == 200
