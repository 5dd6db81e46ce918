"""Signatures: the published vector, both official verifiers on what really arrives, and secrets that overlap."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta

import pytest
import stripe
from standardwebhooks import Webhook, WebhookVerificationError

from core.hooks import endpoints
from core.hooks.sign import headers
from core.kernel.clock import now, shifted
from tests.core.hooks.conftest import Hooked
from tests.factories import again, unit

ANOTHER = "whsec_" + base64.b64encode(bytes(24)).decode()


def test_the_published_vector() -> None:
    made = headers(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert made["webhook-timestamp"] == "1614265330"


def test_a_secret_has_24_bytes_and_stands_nowhere_in_the_database(hooked: Hooked) -> None:
    raw = base64.b64decode(hooked.secret.removeprefix("whsec_"), validate=True)
    assert len(raw) == 24
    with unit(hooked.app):
        (row,) = endpoints.secrets_of(hooked.endpoint)
        kept = [getattr(row, column.name) for column in row.__table__.columns]
    assert hooked.secret not in map(str, kept) and raw not in kept and raw not in row.salt


def test_both_official_verifiers_take_what_arrives(hooked: Hooked) -> None:
    payment = hooked.pays()
    assert hooked.turn() == 4
    for told, body in hooked.receiver.got:
        event = Webhook(hooked.secret).verify(body, told)
        assert event["id"] == told["webhook-id"]
        same = stripe.Webhook.construct_event(body, told["portal-signature"], hooked.secret)
        assert same["id"] == event["id"] and same["type"] == event["type"]
    assert hooked.receiver.types == ["link.created", "payment.created", "payment.requires_action", "payment.succeeded"]
    assert hooked.receiver.events[-1]["data"]["object"]["id"] == payment.public_id


def test_a_changed_byte_or_another_secret_is_refused(hooked: Hooked) -> None:
    hooked.pays()
    hooked.turn()
    told, body = hooked.receiver.got[0]
    for secret, spoiled in ((hooked.secret, body + b" "), (ANOTHER, body)):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(spoiled, told)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(spoiled, told["portal-signature"], secret)


def test_two_secrets_sign_while_they_overlap(hooked: Hooked) -> None:
    with unit(hooked.app):
        new = endpoints.roll_secret(hooked.endpoint, by="usr_x", overlap=timedelta(hours=2))
    assert new != hooked.secret
    hooked.pays()
    hooked.turn()
    told, body = hooked.receiver.got[0]
    assert len(told["webhook-signature"].split(" ")) == 2 and told["portal-signature"].count("v1=") == 2
    for secret in (hooked.secret, new):
        Webhook(secret).verify(body, told)
        stripe.Webhook.construct_event(body, told["portal-signature"], secret)
    with unit(hooked.app), shifted(timedelta(hours=3)):
        assert endpoints.signing_keys(hooked.endpoint) == [new]


def test_a_secret_that_leaked_ends_at_once(hooked: Hooked) -> None:
    with unit(hooked.app):
        new = endpoints.roll_secret(hooked.endpoint, by="usr_x", overlap=timedelta(0))
        assert endpoints.signing_keys(hooked.endpoint) == [new]
        assert endpoints.overlap_ends(hooked.endpoint) is None


def test_rolling_twice_does_not_lengthen_the_life_of_the_first(hooked: Hooked) -> None:
    with unit(hooked.app):
        endpoints.roll_secret(hooked.endpoint, by="usr_x", overlap=timedelta(hours=1))
        endpoints.roll_secret(hooked.endpoint, by="usr_x", overlap=timedelta(days=7))
        first, second, third = endpoints.secrets_of(hooked.endpoint)
        assert first.ends_at and second.ends_at and third.ends_at is None
        assert first.ends_at < now() + timedelta(hours=2) < second.ends_at


def test_software_reads_its_secret_for_an_hour(hooked: Hooked) -> None:
    with unit(hooked.app):
        assert endpoints.young_secret(again(hooked.endpoint)) == hooked.secret
    with unit(hooked.app), shifted(timedelta(minutes=61)), pytest.raises(endpoints.SecretNotShown):
        endpoints.young_secret(hooked.endpoint)


def test_secrets_of_two_endpoints_differ(hooked: Hooked) -> None:
    other = Hooked(hooked.shop, hooked.receiver)
    assert other.secret != hooked.secret
    with pytest.raises((WebhookVerificationError, binascii.Error)):
        Webhook(other.secret).verify(b"{}", headers([hooked.secret], "evt_x", int(now().timestamp()), b"{}"))
