"""The pretend registry of VAT numbers: answers as the European Commission's VIES does, about numbers that nobody has.

Every number is valid until somebody says otherwise: `PUT /_sandbox/vies/numbers/DE136695976` with `{"answer": "invalid"}` or `"down"`.
"""

import datetime
import re
import secrets

from flask import Blueprint, Response, request

from core.web.wire.encode import dumps

ANSWERS = ("valid", "invalid", "down")
MOST = 10_000  # numbers that are remembered; the oldest are forgotten
NUMBER = re.compile(r"[A-Z0-9]{2,20}")


def make_vies(now=lambda: datetime.datetime.now(datetime.UTC)):
    """The blueprint. What was said of a number is forgotten when the process ends."""
    blueprint, said = Blueprint("vies", __name__, url_prefix="/_sandbox/vies"), {}

    @blueprint.put("/numbers/<number>")
    def decide(number):
        body = request.get_json(force=True, silent=True)
        answer = body.get("answer") if isinstance(body, dict) else None
        if answer not in ANSWERS or not NUMBER.fullmatch(number):
            return _json({"error": f"Say one of {', '.join(ANSWERS)} of a number like DE136695976."}, 400)
        said[number] = answer
        while len(said) > MOST:
            said.pop(next(iter(said)))
        return _json({"number": number, "answer": answer})

    @blueprint.post("/rest-api/check-vat-number")
    def check():
        body = request.get_json(force=True, silent=True)
        body = body if isinstance(body, dict) else {}
        country, number = str(body.get("countryCode", "")), str(body.get("vatNumber", ""))
        if not NUMBER.fullmatch(country + number) or len(country) != 2:
            return _problem("INVALID_INPUT", 400)
        answer = said.get(country + number, "valid")
        if answer == "down":
            return _problem("MS_UNAVAILABLE", 500)
        valid = answer == "valid"
        known = body.get("requesterMemberStateCode") and body.get("requesterNumber")
        return _json(
            {
                "countryCode": country,
                "vatNumber": number,
                "requestDate": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "valid": valid,
                "requestIdentifier": f"WAPIAAA{secrets.token_hex(5).upper()}" if known and valid else "",
                "name": f"Practice Trader {number[-4:]}" if valid else "---",
                "address": f"1 Practice Street, {country}" if valid else "---",
            }
        )

    return blueprint


def _problem(word, status):
    return _json({"actionSucceed": False, "errorWrappers": [{"error": word}]}, status)


def _json(body, status=200):
    return Response(dumps(body), status, mimetype="application/json")
