"""Mail relays that tell of bounces and complaints as JSON over HTTP: each proves itself in its own way and writes its own words.

A relay is an object of four things (`Relay`): a name, which is the end of its address `/hooks/mail/<name>`; the headers by which a letter is
known to it; whether a message is from it; and what a message says. Whatever it says, only a name under our own signature finds a letter
(core/notifications/return_address.py), so a relay speaks of no letter but those that were handed to it. Nothing here reads or writes a row.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from core.kernel.clock import now
from core.kernel.config import settings
from core.notifications.report import CODE, ENHANCED, OURS, Report, failed, on_one_line
from core.notifications.return_address import names_in

LARGEST_NEWS = 1_000_000  # bytes of one message; SendGrid puts up to 768 kilobytes of events into one, the others a single event
FRESH = 86_400  # seconds: a signature that does not cover the message counts for a day; a relay tries for eight hours
MARK = "letter"  # under which a relay gives a letter's name back


class Relay(Protocol):
    """What the door asks of a relay. None of it may fail, whatever came in."""

    name: str

    def marks(self, letter: str) -> dict[str, str]:
        """Headers of an outgoing letter of that name, so that the relay says the name whenever it speaks of it. In ASCII, without line ends."""

    def is_from_it(self, secret: str, raw: bytes, headers: Mapping[str, str], told: Any) -> bool:
        """Whether the relay that knows `secret` sent these bytes; `told` is what they say as JSON, or None. Compared in constant time."""

    def reports(self, told: Any) -> Iterator[Report]:
        """What is worth hearing of it: letters that came back for good, complaints, and readers who want no more. Nothing else."""


class Postmark:
    """One event a message; proves itself by the user and password that stand in the address it was given (Basic)."""

    name = "postmark"
    # A letter that is only late, an automatic answer, or somebody who signed on again is none of these.
    FAILED = frozenset({
        "HardBounce", "SoftBounce", "DnsError", "SpamNotification", "VirusNotification", "BadEmailAddress", "Blocked", "DMARCPolicy",
    })  # fmt: skip
    NOBODY = frozenset({"HardBounce", "BadEmailAddress"})

    def marks(self, letter: str) -> dict[str, str]:
        return {f"X-PM-Metadata-{MARK}": letter}

    def is_from_it(self, secret: str, raw: bytes, headers: Mapping[str, str], told: Any) -> bool:
        return _same(headers.get("Authorization", ""), f"Basic {base64.b64encode(secret.encode()).decode()}")

    def reports(self, told: Any) -> Iterator[Report]:
        names, kind, type_ = _names(_at(told, "Metadata", MARK)), _at(told, "RecordType"), _at(told, "Type")
        if kind == "Bounce" and type_ in self.FAILED:
            yield _failed(names, "", _at(told, "Details") or _at(told, "Description"), nobody=type_ in self.NOBODY)
        elif kind == "SpamComplaint":
            yield Report("complaint", names)
        elif kind == "SubscriptionChange" and self._signed_off(told):
            yield Report("reader", names)

    def _signed_off(self, told: dict[str, Any]) -> bool:
        """By its reader: what a complaint or a bounce did to the list is told by itself, and so is nothing that the account did."""
        by_hand = (_at(told, "SuppressionReason"), _at(told, "Origin")) == ("ManualSuppression", "Recipient")
        return by_hand and told.get("SuppressSending") is True


class Mailgun:
    """One event a message; an HMAC over a time and a token stands beside the event, under the account's webhook signing key."""

    name = "mailgun"

    def marks(self, letter: str) -> dict[str, str]:
        return {"X-Mailgun-Variables": json.dumps({MARK: letter})}

    def is_from_it(self, secret: str, raw: bytes, headers: Mapping[str, str], told: Any) -> bool:
        at, token, signature = (_at(told, "signature", name) for name in ("timestamp", "token", "signature"))
        mine = hmac.digest(secret.encode(), f"{at}{token}".encode("utf-8", "replace"), hashlib.sha256).hex()
        return _same(signature, mine) and at.isascii() and at.isdigit() and abs(now().timestamp() - int(at[:12])) <= FRESH

    def reports(self, told: Any) -> Iterator[Report]:
        event = told.get("event-data") if isinstance(told, dict) else None
        names, kind = _names(_at(event, "user-variables", MARK)), _at(event, "event")
        if kind == "failed" and _at(event, "severity") == "permanent":
            code, words = _at(event, "delivery-status", "code"), _at(event, "delivery-status", "message")
            words = f"{code if CODE.fullmatch(code) else ''} {words or _at(event, 'delivery-status', 'description')}"
            suppressed = _at(event, "reason") == "suppress-bounce"  # it had come back before, and was not tried
            yield _failed(names, _at(event, "delivery-status", "enhanced-code"), words, nobody=suppressed)
        elif kind == "complained":
            yield Report("complaint", names)
        elif kind == "unsubscribed":
            yield Report("reader", names)


class SendGrid:
    """Many events a message; an ECDSA signature over a time and the very bytes, checked with the public key that the account shows."""

    name = "sendgrid"
    SIGNATURE, AT = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"

    def marks(self, letter: str) -> dict[str, str]:
        return {"X-SMTPAPI": json.dumps({"unique_args": {MARK: letter}})}

    def is_from_it(self, secret: str, raw: bytes, headers: Mapping[str, str], told: Any) -> bool:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        try:
            key = load_der_public_key(base64.b64decode(secret))
            signature, signed = base64.b64decode(headers.get(self.SIGNATURE, "")), headers.get(self.AT, "").encode() + raw
            if isinstance(key, EllipticCurvePublicKey):
                key.verify(signature, signed, ECDSA(SHA256()))
                return True
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            pass
        return False

    def reports(self, told: Any) -> Iterator[Report]:
        for event in told if isinstance(told, list) else ():
            names, kind, reason = _names(_at(event, MARK)), _at(event, "event"), _at(event, "reason")
            if kind == "bounce":
                yield _failed(names, _at(event, "status"), reason, nobody=False)
            elif kind == "dropped":  # it was not tried
                yield _failed(names, "", reason, nobody=reason == "Bounced Address")
            elif kind == "spamreport":
                yield Report("complaint", names)
            elif kind in ("unsubscribe", "group_unsubscribe"):
                yield Report("reader", names)


RELAYS: dict[str, Relay] = {relay.name: relay for relay in (Postmark(), Mailgun(), SendGrid())}


def relay_marks(letter: str) -> dict[str, str]:
    """The headers by which the relays that may tell us of letters know this one."""
    return {
        name: value for relay in RELAYS.values() if settings().mail_relays.get(relay.name) for name, value in relay.marks(letter).items()
    }


def is_from(relay: Relay, raw: bytes, headers: Mapping[str, str], told: Any) -> bool:
    """Whether it is from this relay, which may be known by several secrets, separated by commas, while one takes another's place."""
    secrets = settings().mail_relays.get(relay.name, "").split(",")
    return any([relay.is_from_it(secret.strip(), raw, headers, told) for secret in secrets if secret.strip()])


def as_json(raw: bytes) -> Any:
    """What these bytes say; None where they are no JSON."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _failed(names: tuple[str, ...], status: str, words: str, *, nobody: bool) -> Report:
    """It came back. `nobody`: so the relay has it, which counts where the mail server's own words say nothing else."""
    report = failed(names, status or "5.0.0", words)
    silent = not (ENHANCED.search(words) or CODE.search(words) or OURS.search(words))
    return replace(report, nobody=report.nobody or (nobody and silent))


def _names(text: str) -> tuple[str, ...]:
    return tuple(names_in(text))


def _at(told: Any, *path: str) -> str:
    """The text or the number that stands there, on one line; empty for anything else."""
    for name in path:
        told = told.get(name) if isinstance(told, dict) else None
    return on_one_line(str(told)) if isinstance(told, str | int) and not isinstance(told, bool) else ""


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
