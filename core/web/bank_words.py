"""What banks say of transfers in words: the standard's codes for why one was refused or came back, and for how far it is."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

# The codes of ISO 20022 (external code sets) that banks use for transfers of ours.
REASONS: dict[str, Any] = {
    "AC01": _l("the account number is wrong"),
    "AC03": _l("the account number does not fit to the bank"),
    "AC04": _l("the account is closed"),
    "AC06": _l("the account is blocked"),
    "AG01": _l("the account takes no transfers"),
    "AG02": _l("the bank does not make such transfers"),
    "AM02": _l("the amount is not allowed"),
    "AM04": _l("our account does not hold enough"),
    "AM05": _l("the same transfer was made already"),
    "BE04": _l("the receiver’s address is missing"),
    "BE05": _l("the bank does not know who asks for it"),
    "BE06": _l("the bank does not know the receiver"),
    "CNOR": _l("the receiver’s bank cannot be reached"),
    "CUST": _l("it was called back"),
    "DNOR": _l("our bank cannot make it"),
    "DS02": _l("a signature is missing"),
    "DT01": _l("the day is wrong"),
    "DUPL": _l("the same file was given before"),
    "FF01": _l("the file is not as the bank wants it"),
    "FOCR": _l("it was called back"),
    "MD07": _l("the receiver has died"),
    "MS02": _l("the receiver does not want it"),
    "MS03": _l("the bank does not say why"),
    "NARR": _l("the bank wrote why"),
    "RC01": _l("the bank’s code is wrong"),
    "RR01": _l("a number that the law asks for is missing"),
    "RR02": _l("a name or address that the law asks for is missing"),
    "RR03": _l("a name or address that the law asks for is missing"),
    "RR04": _l("the law forbids it"),
    "TM01": _l("it came too late that day"),
}
STATUSES: dict[str, tuple[Any, str]] = {
    "RCVD": (_l("Received by the bank"), "wait"),
    "PDNG": (_l("Not looked at yet"), "wait"),
    "PATC": (_l("Waits for a signature"), "wait"),
    "ACTC": (_l("Accepted for carrying out"), "wait"),
    "ACCP": (_l("Accepted for carrying out"), "wait"),
    "ACFC": (_l("Accepted for carrying out"), "wait"),
    "ACWC": (_l("Accepted with a change"), "wait"),
    "ACWP": (_l("On its way"), "wait"),
    "ACSP": (_l("On its way"), "wait"),
    "ACSC": (_l("Carried out, the bank says"), "good"),
    "ACCC": (_l("Carried out, the bank says"), "good"),
    "PART": (_l("Accepted in part"), "wait"),
    "RJCT": (_l("Refused by the bank"), "bad"),
}


def bank_reason(text: str | None) -> str:
    """`AC04 Konto erloschen` as a person reads it: what the code means, what the bank wrote, and the code to ask the bank about."""
    code, _blank, rest = (text or "").partition(" ")
    if code not in REASONS:
        return (text or "").replace("_", " ")
    return _("%(reason)s (%(code)s)", reason="; ".join([str(REASONS[code]), *([rest] if rest else [])]), code=code)


def bank_status(code: str | None) -> str:
    """How far a transfer is by the bank's word."""
    return str(STATUSES[code][0]) if code in STATUSES else code or ""


def bank_tone(code: str | None) -> str:
    """How that looks."""
    return STATUSES[code][1] if code in STATUSES else "calm"
