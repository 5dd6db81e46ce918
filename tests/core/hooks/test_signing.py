"""Signatures: the published vector, the official verifiers and the lines of the how-to on what really arrives, and secrets that overlap."""

from __future__ import annotations

import base64
import binascii
import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import playwright
import pytest
import stripe
from standardwebhooks import Webhook, WebhookVerificationError

from core.hooks import endpoints
from core.hooks.models import HookEndpoint
from core.hooks.sign import headers, key_pair, secret_text
from core.kernel.attest import private_key
from core.kernel.clock import now, shifted
from tests.core.hooks.conftest import Hooked
from tests.factories import again, unit

ANOTHER = "whsec_" + base64.b64encode(bytes(24)).decode()
HOW_TO = (Path(__file__).resolve().parents[3] / "docs/how-to/webhooks.md").read_text()
NODE = Path(playwright.__file__).parent / "driver/node"


def secrets_that_sign(endpoint: HookEndpoint) -> list[str]:
    return [secret_text(row) for row in endpoints.signing_keys(endpoint)]


def checks(public_key: str, told: dict[str, str], body: bytes, language: str = "python") -> bool:
    """What the very lines of the how-to say of a delivery, in a process of their own."""
    lines = re.search(rf"```{language}\n(.*?)```", HOW_TO, re.S)[1]
    given = json.dumps([public_key, told, base64.b64encode(body).decode()])
    if language == "python":
        script = f"import json\n{lines}\nkey, headers, body = json.loads({given!r})\nprint(is_ours(key, headers, base64.b64decode(body)))"
        command = [sys.executable, "-c", script]
    else:
        script = f"{lines}\nconst [key, headers, body] = {given};\nconsole.log(isOurs(key, headers, Buffer.from(body, 'base64')));"
        command = [str(NODE), "--input-type=commonjs", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return {"true": True, "false": False}[done.stdout.strip().lower()]


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
    assert [one.partition(",")[0] for one in told["webhook-signature"].split(" ")] == ["v1", "v1", "v1a", "v1a"]
    assert told["portal-signature"].count("v1=") == 2
    for secret in (hooked.secret, new):
        Webhook(secret).verify(body, told)
        stripe.Webhook.construct_event(body, told["portal-signature"], secret)
    with unit(hooked.app), shifted(timedelta(hours=3)):
        assert secrets_that_sign(hooked.endpoint) == [new]


def test_a_secret_that_leaked_ends_at_once(hooked: Hooked) -> None:
    with unit(hooked.app):
        new = endpoints.roll_secret(hooked.endpoint, by="usr_x", overlap=timedelta(0))
        assert secrets_that_sign(hooked.endpoint) == [new]
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


# --- with a public key -------------------------------------------------------------------------------------------------------


def test_what_is_signed_is_what_the_algorithm_says() -> None:
    """The second vector of RFC 8032, section 7.1, told as its message; and a delivery under its key."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    key = private_key(seed)
    assert key.public_key().public_bytes_raw().hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    made = headers([], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key])
    version, _, signature = made["webhook-signature"].partition(",")
    key.public_key().verify(base64.b64decode(signature, validate=True), b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}')
    assert version == "v1a" and len(base64.b64decode(signature)) == 64


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_the_lines_of_the_how_to_take_what_arrives_and_nothing_else(hooked: Hooked, language: str) -> None:
    hooked.pays()
    hooked.turn()
    told, body = hooked.receiver.got[-1]
    with unit(hooked.app):
        (mine,) = endpoints.public_keys(hooked.endpoint)
        (strange,) = endpoints.public_keys(Hooked(hooked.shop, hooked.receiver).endpoint)
    assert mine != strange and checks(mine, told, body, language)
    assert not checks(mine, told, body + b" ", language)
    assert not checks(strange, told, body, language), "a delivery to one endpoint passes at another"
    assert not checks(mine, {**told, "webhook-timestamp": str(int(told["webhook-timestamp"]) - 301)}, body, language)
    without = " ".join(one for one in told["webhook-signature"].split(" ") if not one.startswith("v1a,"))
    assert not checks(mine, {**told, "webhook-signature": without}, body, language)
    assert not checks(mine, {**told, "webhook-signature": "v1a v1a, v1a,%%% v1a,AAAA"}, body, language)


def test_the_private_key_stands_nowhere_and_is_another_one_than_the_secret(hooked: Hooked) -> None:
    with unit(hooked.app):
        (row,) = endpoints.secrets_of(hooked.endpoint)
        raw, kept = key_pair(row).private_bytes_raw(), [getattr(row, column.name) for column in row.__table__.columns]
    assert raw not in kept and raw != row.salt
    assert not raw.startswith(base64.b64decode(hooked.secret.removeprefix("whsec_")))


def test_rolled_with_overlap_both_keys_are_told_and_both_check(hooked: Hooked) -> None:
    with unit(hooked.app):
        former = endpoints.public_keys(hooked.endpoint)
        endpoints.roll_secret(hooked.endpoint, by="usr_x", overlap=timedelta(hours=2))
        both = endpoints.public_keys(hooked.endpoint)
    assert len(both) == 2 and both[1:] == former and both[0] != former[0]
    hooked.pays()
    hooked.turn()
    told, body = hooked.receiver.got[0]
    assert all(checks(key, told, body) for key in both)
    with unit(hooked.app), shifted(timedelta(hours=3)):
        assert endpoints.public_keys(hooked.endpoint) == both[:1]
