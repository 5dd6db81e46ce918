"""What mail servers write when a letter does not arrive, or its reader complains."""

from __future__ import annotations

from email.message import EmailMessage

SAID = "550 5.1.1 <ada@example.com>: no such mailbox"


def bounced(
    letter: EmailMessage, to: str, *, action: str = "failed", status: str = "5.1.1", said: str = SAID, quotes: bool = True
) -> bytes:
    """A delivery status notification (RFC 3464) as Postfix writes it, with the letter that came back or without."""
    quoted = (
        ["Content-Type: message/rfc822", "", letter.as_string()] if quotes else ["Content-Type: text/plain", "", "The letter is not kept."]
    )
    return _report(
        to,
        "delivery-status",
        [
            "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example.com", "Arrival-Date: Thu, 26 Nov 2026 10:00:00 +0000", "",
            f"Final-Recipient: rfc822; {letter['To']}", f"Action: {action}", f"Status: {status}", f"Diagnostic-Code: smtp; {said}",
        ],
        quoted,
    )  # fmt: skip


def complained(letter: EmailMessage, return_to: str, *, kind: str = "abuse") -> bytes:
    """A feedback report (RFC 5965) as a mail provider writes it, to an address of its own choosing."""
    return _report(
        "complaints@portal.example",
        "feedback-report",
        ["Content-Type: message/feedback-report", "", f"Feedback-Type: {kind}", "User-Agent: Some/1.0", "Version: 1", f"Original-Mail-From: {return_to}"],
        ["Content-Type: text/rfc822-headers", "", f"Message-ID: {letter['Message-ID']}", f"Subject: {letter['Subject']}"],
    )  # fmt: skip


def _report(to: str, kind: str, told: list[str], quoted: list[str]) -> bytes:
    lines = [
        "From: MAILER-DAEMON@mx.example.com", f"To: <{to}>", "Subject: Undelivered Mail Returned to Sender", "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="=_b"', "", "--=_b", "Content-Type: text/plain", "", "This is the mail system.",
        "--=_b", *told, "", "--=_b", *quoted, "", "--=_b--", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")
