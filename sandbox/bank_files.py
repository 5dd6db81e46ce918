"""Files of transfers that the bank is given (pain.001), and its answers to them (pain.002): everything, a part of it, or nothing is taken."""

import datetime
import re
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

from core.web.wire.errors import bad_parameter
from sandbox.bank_camt import decimal

ASKED, ANSWERED = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09", "urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"
LARGEST = 6_000_000
# How the bank answers; of a refusal the standard's code and what the bank writes beside it.
STORIES = {
    "accept": "Everything is accepted",
    "first": "The first account does not exist: the rest is accepted",
    "each": "Each transfer is answered by itself: the last account is closed",
    "poor": "The account does not hold enough: nothing is accepted",
    "later": "Received, and not looked at yet",
}
REASONS = {
    "AC01": "Account number incorrect",
    "AC04": "Account closed",
    "AM04": "Insufficient funds",
    "DUPL": "Message was received before",
}


def read_orders(raw):
    """(the message's number, its transfers) of a file. Refuses what is none."""
    if len(raw) > LARGEST or b"<!DOCTYPE" in raw or b"<!ENTITY" in raw or b"\x00" in raw:
        raise bad_parameter("parameter_invalid", "file", "This is no file of transfers.")
    try:
        root = ET.fromstring(raw)
    except (ET.ParseError, ValueError):
        raise bad_parameter("parameter_invalid", "file", "This is no file of transfers.") from None
    message, batches = _text(root, ".//p:GrpHdr/p:MsgId"), root.findall(".//p:PmtInf", {"p": ASKED})
    if root.tag != f"{{{ASKED}}}Document" or not message or len(batches) != 1:
        raise bad_parameter("parameter_invalid", "file", "The bank takes files of the kind pain.001.001.09, with one batch each.")
    sender = _text(batches[0], "p:DbtrAcct/p:Id/p:IBAN")
    orders = [
        {
            "iban": sender, "to_iban": _text(one, "p:CdtrAcct/p:Id/p:IBAN"), "to_name": _text(one, "p:Cdtr/p:Nm"),
            "amount": _text(one, "p:Amt/p:InstdAmt"), "end_to_end": _text(one, "p:PmtId/p:EndToEndId"), "text": _text(one, "p:RmtInf/p:Ustrd"),
        }
        for one in batches[0].findall("p:CdtTrfTxInf", {"p": ASKED})
    ]  # fmt: skip
    if not orders or not all(re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,2})?", one["amount"]) for one in orders):
        raise bad_parameter("parameter_invalid", "file", "Each transfer has an amount in euros.")
    return message, orders


def _text(element, path):
    found = element.find(path, {"p": ASKED})
    return (found.text or "").strip()[:140] if found is not None else ""


def refusals(story, orders):
    """By end-to-end reference, why the bank does not make a transfer."""
    if story == "poor":
        return {one["end_to_end"]: "AM04" for one in orders}
    if story == "first":
        return {orders[0]["end_to_end"]: "AC01"}
    return {orders[-1]["end_to_end"]: "AC04"} if story == "each" else {}


def write_answer(identity, message, orders, story, refused, now, *, again=False):
    """The bank's answer as pain.002. `again`: the file was given before, and nothing of it is made a second time."""
    made = datetime.datetime.fromtimestamp(now, datetime.UTC).isoformat(timespec="milliseconds")
    whole, reason = _whole(story, orders, refused, again)
    total = decimal(sum(cents(one["amount"]) for one in orders), "EUR")
    transfers = [] if again else [_transfer(one, refused.get(one["end_to_end"])) for one in orders if _is_told(one, story, refused)]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<Document xmlns="{ANSWERED}">',
            "<CstmrPmtStsRpt>",
            f"<GrpHdr><MsgId>{identity}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>",
            f"<OrgnlGrpInfAndSts><OrgnlMsgId>{escape(message)}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>",
            f"<OrgnlNbOfTxs>{len(orders)}</OrgnlNbOfTxs><OrgnlCtrlSum>{total}</OrgnlCtrlSum><GrpSts>{whole}</GrpSts>{reason}</OrgnlGrpInfAndSts>",
            *(
                [f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{escape(message)}</OrgnlPmtInfId>", *transfers, "</OrgnlPmtInfAndSts>"]
                if transfers
                else []
            ),
            "</CstmrPmtStsRpt>",
            "</Document>",
        ]
    )


def cents(text):
    """12.5 -> 1250"""
    whole, _, rest = text.partition(".")
    return int(whole) * 100 + int(rest.ljust(2, "0"))


def _whole(story, orders, refused, again):
    if again:
        return "RJCT", _reason("DUPL")
    if story == "later":
        return "RCVD", ""
    if len(refused) == len(orders):
        return "RJCT", _reason(next(iter(refused.values())))
    return ("PART", "") if refused else ("ACCP", "")


def _is_told(order, story, refused):
    """Banks tell the refused ones; some tell each."""
    return (story == "each" or order["end_to_end"] in refused) and story != "poor"


def _transfer(order, code):
    return (
        f"<TxInfAndSts><OrgnlEndToEndId>{escape(order['end_to_end'])}</OrgnlEndToEndId><TxSts>{'RJCT' if code else 'ACSP'}</TxSts>"
        f'{_reason(code) if code else ""}<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">{order["amount"]}</InstdAmt></Amt>'
        f"<CdtrAcct><Id><IBAN>{escape(order['to_iban'])}</IBAN></Id></CdtrAcct></OrgnlTxRef></TxInfAndSts>"
    )


def _reason(code):
    return f"<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>{REASONS[code]}</AddtlInf></StsRsnInf>"
