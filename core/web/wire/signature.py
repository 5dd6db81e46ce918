"""The signature header of webhooks, `t=<seconds>,v1=<hex>`: written, and read without ever trusting the sender."""

import hashlib
import hmac
import re

TOLERANCE_SECONDS = 300
MAX_HEADER = 4_096
_SECONDS = re.compile(r"[0-9]{1,12}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")


class BadSignature(ValueError):
    """The header is absent, malformed, too old or too new, or was made with another secret."""


def digest(secret, timestamp, body):
    return hmac.new(secret.encode("utf-8"), b"%d." % timestamp + body, hashlib.sha256).hexdigest()


def sign(secret, body, timestamp):
    """The header for one delivery; several secrets (a list) give several v1 entries while a secret is being changed."""
    secrets = [secret] if isinstance(secret, str) else secret
    return ",".join([f"t={timestamp}", *(f"v1={digest(one, timestamp, body)}" for one in secrets)])


def read_header(header):
    """(timestamp, [hex, ...]) of a header, or BadSignature. Unknown schemes are skipped, two timestamps are refused."""
    if not isinstance(header, str) or not header or len(header) > MAX_HEADER or not header.isascii():
        raise BadSignature("The signature header is missing or unreadable.")
    stamps, marks = [], []
    for item in header.split(","):
        scheme, _, value = item.strip(" ").partition("=")
        if scheme == "t":
            stamps.append(value)
        elif scheme == "v1" and _HEX.match(value):
            marks.append(value)
    if len(stamps) != 1 or not _SECONDS.match(stamps[0]) or not marks:
        raise BadSignature("The signature header is incomplete.")
    return int(stamps[0]), marks


def verify(body, header, secrets, now, tolerance=TOLERANCE_SECONDS):
    """Returns when one entry matches one secret and the time is within `tolerance` of `now` in either direction."""
    if not isinstance(body, (bytes, bytearray)):
        raise BadSignature("The body is not bytes.")
    timestamp, marks = read_header(header)
    secrets = [secret for secret in ([secrets] if isinstance(secrets, str) else secrets) if secret]
    expected = [digest(secret, timestamp, bytes(body)) for secret in secrets]
    matches = [hmac.compare_digest(mark, one) for one in expected for mark in marks]
    if not any(matches):
        raise BadSignature("No entry of the header was made with our secret.")
    if abs(now - timestamp) > tolerance:
        raise BadSignature("The signature is too old or from the future.")
