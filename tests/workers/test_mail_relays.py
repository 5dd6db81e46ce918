"""Mail relays that tell of bounces as JSON: each proves itself in its own way, and what it says has the effects of any letter that came back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from core.kernel.clock import now
from core.kernel.config import BadSetting, _mail_relays, settings
from core.kernel.db import db
from core.notifications.models import Notice
from core.notifications.relays import RELAYS, as_json
from core.notifications.report import Report
from core.notifications.return_address import letter_name
from tests.factories import Shop, make_shop, unit
from tests.workers.inbox import Inbox
from tests.workers.test_mail_returned import again, fate, send, stop_of

LOGIN, SIGNING_KEY = "portal:a-long-password-of-ours", "key-0123456789abcdef0123456789abcdef"
OURS = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(OURS.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SAID = "550 5.1.1 The email account that you tried to reach does not exist"


@pytest.fixture
def shop(app: Flask) -> Shop:
    return make_shop(app)


@pytest.fixture
def relays(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in (("POSTMARK", LOGIN), ("MAILGUN", SIGNING_KEY), ("SENDGRID", PUBLIC)):
        monkeypatch.setenv(f"MAIL_HOOK_{name}", value)
    settings.cache_clear()
    yield
    settings.cache_clear()


def basic(login: str = LOGIN) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def signed_by_mailgun(event: Any, *, key: str = SIGNING_KEY, at: int | str | None = None) -> dict[str, Any]:
    """As Mailgun documents it: hexadecimal HMAC-SHA256 over time and token."""
    at, token = str(at if at is not None else int(now().timestamp())), secrets.token_hex(25)
    signature = hmac.new(key.encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": at, "token": token, "signature": signature}, "event-data": event}


def signed_by_sendgrid(raw: bytes, *, key: ec.EllipticCurvePrivateKey = OURS, at: str = "1600112502") -> dict[str, str]:
    signature = base64.b64encode(key.sign(at.encode() + raw, ec.ECDSA(SHA256()))).decode()
    return {"X-Twilio-Email-Event-Webhook-Signature": signature, "X-Twilio-Email-Event-Webhook-Timestamp": at}


def tell(shop: Shop, relay: str, told: Any) -> TestResponse:
    """In the relay's own way of proving itself; the others' are wrong at this door."""
    told = signed_by_mailgun(told) if relay == "mailgun" else told
    raw = json.dumps(told).encode()
    headers = {"postmark": basic(), "mailgun": {}, "sendgrid": signed_by_sendgrid(raw)}[relay]
    return knock(shop, relay, raw, headers)


def knock(shop: Shop, relay: str, raw: bytes, headers: dict[str, str]) -> TestResponse:
    return shop.app.test_client().post(f"/hooks/mail/{relay}", data=raw, content_type="application/json", headers=headers)


def postmark_bounce(name: str, **more: Any) -> dict[str, Any]:
    return {
        "RecordType": "Bounce", "MessageStream": "outbound", "ID": 4323372036854775807, "Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce",
        "Tag": "", "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Metadata": {"letter": name}, "ServerID": 23,
        "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).", "Details": f"smtp;{SAID}",
        "Email": "ada@example.com", "From": "pay@portal.example", "BouncedAt": "2026-11-05T16:33:54.9070259Z", "DumpAvailable": True,
        "Inactive": True, "CanActivate": True, "Subject": "A link", "Content": "...",
    } | more  # fmt: skip


def mailgun_failed(name: str, **more: Any) -> dict[str, Any]:
    return {
        "event": "failed", "severity": "permanent", "reason": "generic", "id": "G9Bn5sl1TC6nu79C8C0bwg", "timestamp": 1521233195.375624,
        "recipient": "ada@example.com", "recipient-domain": "example.com", "log-level": "error", "tags": [], "campaigns": [],
        "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": SAID, "description": "", "attempt-no": 1, "session-seconds": 0.4},
        "user-variables": {"letter": name}, "message": {"headers": {"message-id": "x@portal.example", "to": "ada@example.com"}, "size": 111},
    } | more  # fmt: skip


def sendgrid_bounce(name: str, **more: Any) -> dict[str, Any]:
    return {
        "email": "ada@example.com", "timestamp": 1513299569, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>", "event": "bounce", "type": "bounce",
        "sg_event_id": "6g4ZI7SA-xmRDv57GoPIPw==", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001", "reason": SAID, "status": "5.1.1", "letter": name,
    } | more  # fmt: skip


BOUNCED = {"postmark": postmark_bounce, "mailgun": mailgun_failed, "sendgrid": lambda name: [sendgrid_bounce(name)]}
COMPLAINED = {
    "postmark": lambda name: postmark_bounce(
        name, RecordType="SpamComplaint", Type="SpamComplaint", TypeCode=100001, Name="Spam complaint"
    ),
    "mailgun": lambda name: mailgun_failed(name, event="complained", severity="", **{"delivery-status": {}}),
    "sendgrid": lambda name: [sendgrid_bounce(name, event="spamreport", reason="", status="", type="")],
}
SIGNED_OFF = {
    "postmark": lambda name: {
        "RecordType": "SubscriptionChange", "Metadata": {"letter": name}, "SuppressSending": True, "SuppressionReason": "ManualSuppression", "Origin": "Recipient",
    },
    "mailgun": lambda name: {"event": "unsubscribed", "user-variables": {"letter": name}},
    "sendgrid": lambda name: [{"event": "unsubscribe", "letter": name}],
}  # fmt: skip


@pytest.mark.parametrize("relay", BOUNCED)
def test_a_letter_a_relay_could_not_deliver_is_seen_and_its_address_gets_no_more(
    shop: Shop, inbox: Inbox, relays: None, relay: str
) -> None:
    link, letter = send(shop)
    told = BOUNCED[relay](letter_name(letter.id))
    for _ in range(2):  # twice is one piece of news
        answer = tell(shop, relay, told)
        assert (answer.status_code, answer.get_json()) == (200, {"received": True})
    assert (again(shop, letter).state, stop_of(shop), fate(shop, link).state) == ("bounced", (True, False), "bounced")
    assert SAID in (fate(shop, link).problem or "")
    assert "Came back" in shop.browser().get("/portal/outbox?state=lost").text
    assert send(shop, link)[1].state == "held"
    with unit(shop.app):
        assert db.session.query(Notice).filter_by(vendor_id=shop.vendor.id, kind="letter_returned").count() == 1


@pytest.mark.parametrize("relay", COMPLAINED)
@pytest.mark.parametrize("what", [COMPLAINED, SIGNED_OFF])
def test_a_complaint_and_a_reader_who_signs_off_end_what_nobody_asked_for(
    shop: Shop, inbox: Inbox, relays: None, relay: str, what: dict[str, Any]
) -> None:
    link, letter = send(shop)
    assert tell(shop, relay, what[relay](letter_name(letter.id))).status_code == 200
    kept = again(shop, letter)
    assert (kept.state, stop_of(shop), kept.complained_at is not None) == ("sent", (False, True), what is COMPLAINED)
    assert send(shop, link)[1].state == "held"


def test_every_relay_is_given_the_letters_name_in_its_own_header(shop: Shop, inbox: Inbox, relays: None) -> None:
    _, letter = send(shop)
    name, mail = letter_name(letter.id), inbox.mails[0]
    assert mail["X-PM-Metadata-letter"] == name == mail["X-Letter"]
    assert json.loads(mail["X-Mailgun-Variables"]) == {"letter": name}
    assert json.loads(mail["X-SMTPAPI"]) == {"unique_args": {"letter": name}}


def test_without_a_setting_there_is_no_door_and_no_header(shop: Shop, inbox: Inbox) -> None:
    _, letter = send(shop)
    for relay in (*RELAYS, "nobody", "test"):
        assert knock(shop, relay, json.dumps(postmark_bounce(letter_name(letter.id))).encode(), basic()).status_code == 404
    assert not {"X-SMTPAPI", "X-Mailgun-Variables", "X-PM-Metadata-letter"} & set(inbox.mails[0].keys())


def wrong_knocks(name: str) -> dict[str, list[tuple[bytes, dict[str, str]]]]:
    other = ec.generate_private_key(ec.SECP256R1())
    mailgun = [
        signed_by_mailgun(mailgun_failed(name), key="another-key-of-somebody"), signed_by_mailgun(mailgun_failed(name), at=int(now().timestamp()) - 90_000),
        signed_by_mailgun(mailgun_failed(name), at=int(now().timestamp()) + 90_000), signed_by_mailgun(mailgun_failed(name), at="soon"),
        signed_by_mailgun(mailgun_failed(name), at="9" * 400), {"event-data": mailgun_failed(name)}, {"signature": [], "event-data": mailgun_failed(name)},
        {"signature": {"timestamp": 1, "token": None, "signature": "é"}}, [], None,
    ]  # fmt: skip
    events = json.dumps([sendgrid_bounce(name)]).encode()
    good = signed_by_sendgrid(events)
    first, second = good
    return {
        "postmark": [
            (json.dumps(postmark_bounce(name)).encode(), headers)
            for headers in ({}, basic("portal:wrong"), basic(""), {"Authorization": "Basic é"}, {"Authorization": f"Bearer {LOGIN}"}, good)
        ],
        "mailgun": [(json.dumps(one).encode(), basic()) for one in mailgun] + [(b"", {}), (b"{", {})],
        "sendgrid": [
            (events, headers)
            for headers in (
                {}, basic(), signed_by_sendgrid(events, key=other), signed_by_sendgrid(events + b" "), good | {second: "1600112503"},
                good | {first: "not base64!"}, good | {first: ""}, good | {first: good[first][:-8]}, {first: good[first]},
            )
        ],
    }  # fmt: skip


@pytest.mark.parametrize("relay", RELAYS)
def test_whoever_does_not_prove_to_be_the_relay_is_refused_and_changes_nothing(shop: Shop, inbox: Inbox, relays: None, relay: str) -> None:
    _, letter = send(shop)
    for raw, headers in wrong_knocks(letter_name(letter.id))[relay]:
        assert knock(shop, relay, raw, headers).status_code == 401, (raw[:80], headers)
    assert (again(shop, letter).state, stop_of(shop)) == ("sent", (False, False))


@pytest.mark.parametrize("relay", RELAYS)
def test_only_a_name_under_our_signature_finds_a_letter(shop: Shop, inbox: Inbox, relays: None, relay: str) -> None:
    _, letter = send(shop)
    name = letter_name(letter.id)
    forged = name[:-1] + ("a" if name[-1] != "a" else "b")
    for one in (forged, "", letter.public_id, str(letter.id), "x" * 10_000, "\ud800", "\x00", {"a": 1}, ["b"], 7, None, True):
        with capture_logs() as lines:
            answer = tell(shop, relay, BOUNCED[relay](one))
        assert (answer.status_code, answer.get_json()) == (200, {"received": True}), "an unknown letter is answered as a known one"
        assert [line["outcome"] for line in lines if line["event"] == "mail_returned"] == ["ignored"] and "ada@" not in str(lines)
    assert again(shop, letter).state == "sent"


@pytest.mark.parametrize(
    ("relay", "told"),
    [
        ("postmark", lambda name: postmark_bounce(name, Type="Transient", Details="smtp;450 4.2.1 try later")),
        ("postmark", lambda name: postmark_bounce(name, Type="AutoResponder")), ("postmark", lambda name: postmark_bounce(name, RecordType="Delivery")),
        ("postmark", lambda name: SIGNED_OFF["postmark"](name) | {"SuppressSending": False}), ("postmark", lambda name: SIGNED_OFF["postmark"](name) | {"Origin": "Admin"}),
        ("mailgun", lambda name: mailgun_failed(name, severity="temporary")), ("mailgun", lambda name: mailgun_failed(name, event="delivered")),
        ("sendgrid", lambda name: [sendgrid_bounce(name, event=event) for event in ("deferred", "processed", "delivered", "open", "click", "group_resubscribe")]),
    ],
)  # fmt: skip
def test_what_is_no_end_of_it_changes_nothing(shop: Shop, inbox: Inbox, relays: None, relay: str, told: Any) -> None:
    _, letter = send(shop)
    assert tell(shop, relay, told(letter_name(letter.id))).status_code == 200
    assert (again(shop, letter).state, stop_of(shop)) == ("sent", (False, False))


def test_many_events_at_once_each_about_its_own_letter(shop: Shop, inbox: Inbox, relays: None) -> None:
    other = make_shop(shop.app)
    (_, mine), (_, theirs), (_, third) = send(shop), send(other), send(shop, to="cy@example.com")
    names = [letter_name(one.id) for one in (mine, theirs, third)]
    full = "552 5.2.2 mailbox full"
    told = [
        sendgrid_bounce(names[0]),
        5,
        None,
        {},
        sendgrid_bounce(names[1], event="spamreport"),
        sendgrid_bounce(names[2], reason=full, status="5.2.2"),
    ]
    assert tell(shop, "sendgrid", told).status_code == 200
    assert [again(one, letter).state for one, letter in ((shop, mine), (other, theirs), (shop, third))] == ["bounced", "sent", "bounced"]
    assert (stop_of(shop), stop_of(other), stop_of(shop, "cy@example.com")) == ((True, False), (False, True), (False, False))


@pytest.mark.parametrize("relay", RELAYS)
@pytest.mark.parametrize(
    "told", [5, "text", [], {}, [[]], {"event-data": []}, {"Metadata": []}, {"RecordType": {}}, [{"event": ["bounce"]}], [None]]
)
def test_other_shapes_from_the_relay_itself_are_taken_and_say_nothing(shop: Shop, relays: None, relay: str, told: Any) -> None:
    assert tell(shop, relay, told).status_code == 200


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"RecordType=Bounce"])
def test_what_is_no_json_is_a_bad_request(shop: Shop, relays: None, raw: bytes) -> None:
    assert knock(shop, "postmark", raw, basic()).status_code == 400
    assert knock(shop, "sendgrid", raw, signed_by_sendgrid(raw)).status_code == 400
    assert knock(shop, "mailgun", raw, {}).status_code == 401  # the proof stands in the JSON


def test_a_message_that_is_too_large_is_not_read(shop: Shop, relays: None) -> None:
    assert knock(shop, "postmark", b'{"a": "' + b"x" * 1_000_000 + b'"}', basic()).status_code == 413
    assert shop.app.test_client().get("/hooks/mail/postmark").status_code == 405


def test_two_secrets_count_while_one_takes_the_others_place(shop: Shop, relays: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_HOOK_POSTMARK", f"{LOGIN}, portal:the-next-one-of-ours")
    settings.cache_clear()
    answers = [
        knock(shop, "postmark", b"{}", basic(one)).status_code
        for one in (LOGIN, "portal:the-next-one-of-ours", f"{LOGIN}, portal:the-next-one-of-ours")
    ]
    assert answers == [200, 200, 401]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POSTMARK", "a-long-password-alone"), ("POSTMARK", "user:short"), ("POSTMARK", f"{LOGIN},"), ("MAILGUN", "short"), ("MAILGUN", "with a blank in between"),
        ("SENDGRID", "-----BEGIN PUBLIC KEY-----"), ("SENDGRID", PUBLIC[:40]),
    ],
    ids=["no-name", "short-password", "one-and-nothing", "short", "a-blank", "a-beginning", "half-a-key"],
)  # fmt: skip
def test_a_secret_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"MAIL_HOOK_{name}", value)
    with pytest.raises(BadSetting, match=f"MAIL_HOOK_{name}") as refused:
        _mail_relays()
    assert value not in str(refused.value)


def test_sendgrids_own_published_example_is_taken_as_theirs() -> None:
    """From the tests of their library for Python: key, signature, time and bytes as SendGrid sends them."""
    public = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
        "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
    }
    event = {
        "email": "hello@world.com", "event": "dropped", "reason": "Bounced Address", "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
        "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0", "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
        "timestamp": 1600112492,
    }  # fmt: skip
    raw = json.dumps([event], separators=(",", ":")).encode() + b"\r\n"
    relay = RELAYS["sendgrid"]
    assert relay.is_from_it(public, raw, headers, as_json(raw)) and not relay.is_from_it(PUBLIC, raw, headers, as_json(raw))
    assert list(relay.reports(as_json(raw))) == [Report("bounced", (), nobody=True, said="Bounced Address")]


@pytest.mark.parametrize(
    ("relay", "told", "nobody"),
    [
        ("postmark", postmark_bounce(""), True), ("postmark", postmark_bounce("", Details="Test bounce details"), True),
        ("postmark", postmark_bounce("", Details="", Type="SoftBounce"), False), ("postmark", postmark_bounce("", Details="smtp;550 5.7.1 blocked by policy"), False),
        ("postmark", postmark_bounce("", Type="Blocked", Details="smtp;550 Your IP is on a blocklist"), False),
        ("postmark", postmark_bounce("", Type="SpamNotification", Details="considered spam"), False),
        ("mailgun", mailgun_failed(""), True), ("mailgun", mailgun_failed("", **{"delivery-status": {"code": 550, "message": "no such user"}}), True),
        ("mailgun", mailgun_failed("", **{"delivery-status": {"code": 552, "enhanced-code": "5.2.2", "message": "mailbox full"}}), False),
        ("mailgun", mailgun_failed("", reason="suppress-bounce", **{"delivery-status": {"code": 605, "description": "Not delivering to previously bounced address"}}), True),
        ("mailgun", mailgun_failed("", reason="suppress-complaint", **{"delivery-status": {"code": 607, "description": "Not delivering to a user who marked your messages as spam"}}), False),
        ("mailgun", mailgun_failed("", **{"delivery-status": None}), False),
        ("sendgrid", [sendgrid_bounce("")], True), ("sendgrid", [sendgrid_bounce("", type="blocked", status="5.7.1", reason="550 5.7.1 blocked")], False),
        ("sendgrid", [sendgrid_bounce("", status="5.0.0", reason="500 unknown recipient")], False), ("sendgrid", [sendgrid_bounce("", event="dropped", reason="Unsubscribed Address")], False),
    ],
)  # fmt: skip
def test_a_refusal_is_about_the_address_or_about_something_else(relay: str, told: Any, nobody: bool) -> None:
    (report,) = RELAYS[relay].reports({"event-data": told} if relay == "mailgun" else told)
    assert (report.kind, report.nobody) == ("bounced", nobody), report


SHAPES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(["event", "event-data", "signature", "timestamp", "Metadata", "letter", "RecordType", "delivery-status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(told=SHAPES, text=some.text(max_size=60))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_comes_in_breaks_a_relay(app: Flask, told: Any, text: str) -> None:
    for relay in RELAYS.values():
        headers = {"Authorization": text, "X-Twilio-Email-Event-Webhook-Signature": text, "X-Twilio-Email-Event-Webhook-Timestamp": text}
        assert not relay.is_from_it(PUBLIC, text.encode("utf-8", "replace"), headers, told)
        for report in relay.reports(told):
            assert report.said.isprintable() and not report.names
