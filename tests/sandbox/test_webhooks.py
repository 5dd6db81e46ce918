"""Signed webhooks: delivered, retried, told about in stories, and none lost by a kill."""

import json

import stripe

from tests.sandbox.running import Catcher, Sandbox, new_key, pay, wait_until


def test_a_payment_is_told_by_signed_events(api, catcher, session):
    opened = session()
    pay(opened.url)
    catcher.hear("checkout.session.completed")
    headers, body, _, _ = catcher.caught[0]
    assert stripe.Webhook.construct_event(body, headers["Stripe-Signature"], catcher.secret).id.startswith("evt_")
    catcher.hear("payment_intent.created", "charge.succeeded", "payment_intent.succeeded")
    listed = {event.id: event.type for event in api.events.list({"limit": 100}).data}
    assert {json.loads(body)["id"] for _, body, _, _ in catcher.caught} == set(listed)


def test_an_endpoint_hears_only_what_it_asked_for(api, sandbox, key):
    caught = Catcher()
    try:
        made = api.webhook_endpoints.create({"url": caught.url, "enabled_events": ["charge.succeeded"]})
        assert made.secret.startswith("whsec_") and "secret" not in api.webhook_endpoints.retrieve(made.id).to_dict()
        api.payment_intents.create({"amount": 500, "currency": "gbp", "payment_method": "pm_card_visa", "confirm": True})
        caught.wait_for(lambda c: c.caught)
        assert caught.types() == ["charge.succeeded"]
    finally:
        caught.close()


def test_a_failed_delivery_is_tried_again_with_the_same_body_and_a_new_signature(api, catcher):
    catcher.statuses = [500, 302]
    api.customers.create({"name": "Ada"})
    catcher.wait_for(lambda c: len(c.caught) == 3)
    assert len({body for _, body, _, _ in catcher.caught}) == 1 and [status for _, _, status, _ in catcher.caught] == [500, 302, 200]
    assert len({headers["Stripe-Signature"] for headers, _, _, _ in catcher.caught}) == 3


def test_presetting_an_endpoint_twice_is_presetting_it_once(sandbox, key):
    for secret in ("whsec_first", "whsec_second"):
        status, made = sandbox.control("PUT", "webhook_endpoint", key, api_key=key, url="http://127.0.0.1:9/x", secret=secret)
        assert status == 200 and "secret" not in made
    assert len(sandbox.call("GET", "webhook_endpoints", key)[2]["data"]) == 1


def test_a_lost_webhook_never_arrives_and_the_next_payment_is_told(sandbox, key, session, catcher):
    sandbox.story(key, "webhook_lost", times=1)
    lost, told = session(), session()
    pay(lost.url)
    pay(told.url)
    catcher.hear("checkout.session.completed")
    assert lost.id not in str(catcher.caught) and told.id in str(catcher.caught)


def test_a_doubled_webhook_arrives_twice(sandbox, key, session, catcher):
    sandbox.story(key, "webhook_doubled", seconds=0.1)
    pay(session().url)
    catcher.wait_for(lambda c: c.types().count("payment_intent.succeeded") == 2)
    ids = [json.loads(body)["id"] for _, body, _, _ in catcher.caught if b"payment_intent.succeeded" in body]
    assert len(set(ids)) == 1


def test_a_late_webhook_arrives_late(sandbox, key, api, session, catcher):
    sandbox.story(key, "webhook_late", seconds=1)
    pay(session().url)
    event = api.events.list({"type": "payment_intent.succeeded"}).data[0]
    assert event.pending_webhooks == 1 and catcher.caught == []
    catcher.hear("payment_intent.succeeded")
    wait_until(lambda: api.events.retrieve(event.id).pending_webhooks == 0)


def test_webhooks_out_of_order_tell_the_end_before_the_beginning(sandbox, key, session, catcher):
    sandbox.story(key, "webhook_out_of_order", seconds=1)
    pay(session().url)
    catcher.hear("payment_intent.created", "payment_intent.succeeded")
    assert catcher.types().index("payment_intent.succeeded") < catcher.types().index("payment_intent.created")


def test_an_event_can_be_sent_again(sandbox, key, api, catcher):
    api.customers.create({})
    catcher.wait_for(lambda c: c.caught)
    event = api.events.list().data[0]
    assert sandbox.control("POST", "deliveries", key, event=event.id) == (200, {"queued": 1})
    catcher.wait_for(lambda c: len(c.caught) == 2)


def test_nothing_is_lost_or_doubled_when_the_processor_is_killed(tmp_path):
    running, key, caught = Sandbox(tmp_path).start(), new_key(), Catcher()
    try:
        running.control("PUT", "webhook_endpoint", key, api_key=key, url=caught.url, secret="whsec_kept")
        caught.statuses = [503]
        status, _, paid = running.call(
            "POST", "payment_intents", key, idempotency_key="k1", amount=900, currency="gbp", payment_method="pm_card_visa", confirm="true"
        )
        assert status == 200
        running.stop(signal=9)
        running.start()
        again = running.call(
            "POST", "payment_intents", key, idempotency_key="k1", amount=900, currency="gbp", payment_method="pm_card_visa", confirm="true"
        )
        assert again[2] == paid and [charge["amount"] for charge in running.charges(key)] == [900]
        caught.wait_for(lambda c: set(c.types()) == {"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"})
    finally:
        running.stop()
        caught.close()
