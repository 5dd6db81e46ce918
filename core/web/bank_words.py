"""What banks say of transfers in words: the standard's codes for why one was refused or came back, and for how far it is."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from core.kernel.sentence import Sentence, said
from core.web.languages import written

# The codes of ISO 20022 (external code sets) that banks use for transfers of ours.
REASONS: dict[str, Sentence] = {
    "AC01": said("the account number is wrong"),
    "AC03": said("the account number does not fit to the bank"),
    "AC04": said("the account is closed"),
    "AC06": said("the account is blocked"),
    "AG01": said("the account takes no transfers"),
    "AG02": said("the bank does not make such transfers"),
    "AM02": said("the amount is not allowed"),
    "AM04": said("our account does not hold enough"),
    "AM05": said("the same transfer was made already"),
    "BE04": said("the receiver’s address is missing"),
    "BE05": said("the bank does not know who asks for it"),
    "BE06": said("the bank does not know the receiver"),
    "CNOR": said("the receiver’s bank cannot be reached"),
    "CUST": said("it was called back"),
    "DNOR": said("our bank cannot make it"),
    "DS02": said("a signature is missing"),
    "DT01": said("the day is wrong"),
    "DUPL": said("the same file was given before"),
    "FF01": said("the file is not as the bank wants it"),
    "FOCR": said("it was called back"),
    "MD07": said("the receiver has died"),
    "MS02": said("the receiver does not want it"),
    "MS03": said("the bank does not say why"),
    "NARR": said("the bank wrote why"),
    "RC01": said("the bank’s code is wrong"),
    "RR01": said("a number that the law asks for is missing"),
    "RR02": said("a name or address that the law asks for is missing"),
    "RR03": said("a name or address that the law asks for is missing"),
    "RR04": said("the law forbids it"),
    "TM01": said("it came too late that day"),
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
    """`AC04 Konto erloschen` as the staff read it: what the code means, what the bank wrote, and the code to ask the bank about."""
    code, _blank, rest = (text or "").partition(" ")
    if code not in REASONS:
        return (text or "").replace("_", " ")
    return f"{'; '.join([written(REASONS[code]), *([rest] if rest else [])])} ({code})"


def bank_status(code: str | None) -> str:
    """How far a transfer is by the bank's word."""
    return str(STATUSES[code][0]) if code in STATUSES else code or ""


def bank_tone(code: str | None) -> str:
    """How that looks."""
    return STATUSES[code][1] if code in STATUSES else "calm"
