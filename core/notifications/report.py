"""Reads what mail servers report about a letter: that it could not be delivered (RFC 3464), or that its reader complained (RFC 5965).

Anybody can write to the address reports come to, so nothing here trusts a word of it: it says what stands there, or that it is no report.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Mail

from core.notifications.return_address import names_in

LARGEST = 1_000_000  # bytes that are read; what is said stands in front of the letter that came back
MOST_PARTS = 50
SAID = 300  # characters of what a mail server said
ENHANCED = re.compile(r"(?<![0-9.])([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![0-9.])")
CODE = re.compile(r"(?<![0-9.])([245][0-9]{2})(?![0-9.])")
# RFC 3463: no such mailbox, host or address; a mailbox that is switched off or has moved away; no such host.
NOBODY = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
NOBODY_CODES = frozenset({"550", "551", "553"})  # without an enhanced code to say more
OURS = re.compile(r"relay|spam|blocked|blacklist|blocklist|policy|reputation|dmarc|spf|dkim|authenticat", re.I)  # about us, not about them
DAMAGED = (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError)  # what the parser raises on broken mail
WANTED_FEEDBACK = {"abuse": "complaint", "fraud": "complaint", "opt-out": "reader"}


@dataclass(frozen=True, slots=True)
class Report:
    """`kind`: bounced, complaint or reader (they ask for no more). `nobody`: the address itself takes no letters. `names`: what may be ours."""

    kind: str
    names: tuple[str, ...]
    nobody: bool = False
    said: str = ""


def read_report(raw: bytes, *, recipient: str = "") -> Report | None:
    """What a message says of one of our letters; None when it says nothing that counts. `recipient`: where the mail server took it in."""
    try:
        mail = email.message_from_bytes(raw[:LARGEST])
        if mail.get_content_type() != "multipart/report":
            return None
        parts = list(_parts(mail))
        names = tuple(dict.fromkeys(_names(mail, parts, recipient)))
        return _bounce(parts, names) or _complaint(parts, names)
    except DAMAGED:
        return None


def takes_nobody(code: str, words: str) -> bool:
    """Whether a refusal for good is about the address. An enhanced code says so; without one a plain code that is not about us."""
    found = ENHANCED.search(words)
    if found and not found[1].endswith(".0.0"):
        return found[1] in NOBODY
    return code in NOBODY_CODES and not OURS.search(words)


def _parts(mail: Mail) -> Iterator[Mail]:
    for number, part in enumerate(mail.walk()):
        if number >= MOST_PARTS:
            return
        yield part


def _blocks(parts: list[Mail], content_type: str) -> list[Mail]:
    """The groups of fields that a part of such a type is made of."""
    for part in parts:
        payload = part.get_payload()
        if part.get_content_type() == content_type and isinstance(payload, list):
            return [block for block in payload if isinstance(block, Mail)]
    return []


def _bounce(parts: list[Mail], names: tuple[str, ...]) -> Report | None:
    """Each of our letters has one reader, so whatever failed is about that one."""
    for block in _blocks(parts, "message/delivery-status"):
        if _field(block, "Action").lower() != "failed":
            continue
        return failed(names, _field(block, "Status"), _field(block, "Diagnostic-Code").partition(";")[2].strip())
    return None


def failed(names: tuple[str, ...], status: str, diagnosis: str) -> Report:
    """It came back: with a status as RFC 3463 has it, and in a mail server's own words."""
    code = CODE.search(diagnosis)
    nobody = status.startswith("5") and takes_nobody(code[1] if code else "", f"{status} {diagnosis}" if not _vague(status) else diagnosis)
    return Report("bounced", names, nobody, (diagnosis or status)[:SAID])


def _vague(status: str) -> bool:
    """5.0.0 says no more than that it failed."""
    return status.endswith(".0.0") or not ENHANCED.search(status)


def _complaint(parts: list[Mail], names: tuple[str, ...]) -> Report | None:
    for block in _blocks(parts, "message/feedback-report"):
        if kind := WANTED_FEEDBACK.get(_field(block, "Feedback-Type").lower()):
            return Report(kind, names)
    return None


def _names(mail: Mail, parts: list[Mail], recipient: str) -> Iterator[str]:
    """Where a letter's name can stand: in the address the report came to, and among the headers of the letter it quotes."""
    yield from names_in(recipient)
    for header in ("To", "Delivered-To", "X-Original-To", "Envelope-To"):
        yield from names_in(_field(mail, header))
    for block in _blocks(parts, "message/feedback-report"):
        yield from names_in(_field(block, "Original-Mail-From"))
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            yield from _quoted(email.message_from_string(str(part.get_payload())))
        elif part.get_content_type() == "message/rfc822":
            for letter in _blocks([part], "message/rfc822"):
                yield from _quoted(letter)


def _quoted(letter: Mail) -> Iterator[str]:
    for header in ("Return-Path", "X-Letter"):
        yield from names_in(_field(letter, header))


def _field(block: Mail, name: str) -> str:
    """On one line, without anything that could not be stored or shown."""
    return on_one_line(str(block.get(name) or ""))


def on_one_line(text: str) -> str:
    """Without anything that could not be stored or shown."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
