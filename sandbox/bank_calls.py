"""The bank under /_sandbox/bank/: what an owner of collecting accounts may ask and tell it, with the test key as a Bearer token."""

import datetime

from flask import Blueprint, Response, request

from core.web.wire.errors import WireError, bad_parameter
from sandbox import bank
from sandbox.bank_files import LARGEST, STORIES
from sandbox.control import account, answer, read_json

LARGEST_NUMBER = 10**9


def make_bank_calls(api):
    """The blueprint."""
    blueprint, calls = Blueprint("bank_calls", __name__, url_prefix="/_sandbox/bank"), Calls(api)
    blueprint.register_error_handler(WireError, lambda error: answer(error.envelope(), error.status))
    blueprint.get("/accounts")(calls.accounts)
    blueprint.post("/transfers")(calls.transfer)
    blueprint.post("/reversals")(calls.reverse)
    blueprint.post("/orders")(calls.order)
    blueprint.post("/order-files")(calls.take_file)
    blueprint.get("/status-reports")(calls.answers)
    blueprint.get("/statements")(calls.statements)
    blueprint.post("/statements")(calls.close)
    blueprint.get("/statements/<iban>/<int:number>.xml")(calls.file)
    return blueprint


def texts(body, *names):
    """The named texts of a body; one that is no short text is refused."""
    found = {}
    for name in names:
        value = body.get(name, "")
        if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
            raise bad_parameter("parameter_invalid", name, f"{name} is a text of 200 characters at most.")
        found[name] = value.strip()
    return found


class Calls:
    """Each call is one transaction of the store."""

    def __init__(self, api):
        self.api = api

    def accounts(self):
        return answer({"accounts": bank.accounts_of(account())})

    def transfer(self):
        owner, body = account(), read_json()
        given = texts(body, "iban", "amount", "name", "from_iban", "reference", "text", "booked_on")
        times = body.get("times", 1)
        if type(times) is not int or not 1 <= times <= 10:
            raise bad_parameter("parameter_invalid", "times", "times is a number from 1 to 10.")
        given["booked_on"] = bank_day(given["booked_on"])
        with self.api.store.change() as connection:
            currency = bank.Teller(connection, owner).transfer(**given, times=times)
        return answer({"currency": currency}, 201)

    def reverse(self):
        owner, seq = account(), read_json().get("seq")
        if type(seq) is not int or not 0 < seq < LARGEST_NUMBER:
            raise bad_parameter("parameter_invalid", "seq", "seq is the number of an entry.")
        with self.api.store.change() as connection:
            bank.Teller(connection, owner).reverse(seq)
        return answer({"reversed": seq}, 201)

    def order(self):
        owner, given = account(), texts(read_json(), "iban", "to_iban", "to_name", "amount", "end_to_end", "text")
        with self.api.store.change() as connection:
            currency = bank.Teller(connection, owner).order(**given)
        return answer({"currency": currency}, 201)

    def take_file(self):
        """The body is the file itself; `?story=` says how the bank answers."""
        owner, story = account(), request.args.get("story", "accept")
        request.max_content_length = LARGEST
        raw = request.get_data()
        if story not in STORIES:
            raise bad_parameter("parameter_invalid", "story", f"Choose one of {', '.join(STORIES)}.")
        with self.api.store.change() as connection:
            number = bank.Teller(connection, owner).take_file(raw, story)
        return answer({"answer": number}, 201)

    def answers(self):
        """What the bank answered to files, after a number."""
        owner, after = account(), min(request.args.get("after", 0, type=int), LARGEST_NUMBER)
        with self.api.store.look() as connection:
            rows = bank.Teller(connection, owner).answers(after)
        return answer({"reports": [{"number": row["number"], "identity": row["identity"], "xml": row["xml"]} for row in rows]})

    def statements(self):
        """Statements of one account after a number; entries that have waited long enough are closed into one first."""
        owner, after = account(), min(request.args.get("after", 0, type=int), LARGEST_NUMBER)
        currency = self._currency(owner, request.args.get("iban", ""))
        with self.api.store.change() as connection:
            teller = bank.Teller(connection, owner)
            teller.close_statements(older_than=bank.statement_seconds())
            rows = teller.statements(currency, after)
        return answer({"statements": [{"number": row["number"], "identity": row["identity"], "xml": row["xml"]} for row in rows]})

    def close(self):
        owner = account()
        with self.api.store.change() as connection:
            made = bank.Teller(connection, owner).close_statements()
        return answer({"made": made}, 201)

    def file(self, iban, number):
        owner = account()
        currency = self._currency(owner, iban)
        with self.api.store.look() as connection:
            row = next(iter(bank.Teller(connection, owner).statements(currency, min(number, LARGEST_NUMBER) - 1)), None)
        if row is None or row["number"] != number:
            raise WireError(404, "invalid_request_error", "There is no such statement.")
        return Response(row["xml"], mimetype="application/xml")

    def _currency(self, owner, iban):
        currency = bank.currency_of(owner, iban)
        if currency is None:
            raise WireError(404, "invalid_request_error", "There is no such account at this bank.")
        return currency


def bank_day(text):
    """A day as YYYY-MM-DD, or None for today."""
    if not text:
        return None
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise bad_parameter("parameter_invalid", "booked_on", "Write the day as 2026-11-30.") from None
    if not 2000 <= day.year <= 2100:
        raise bad_parameter("parameter_invalid", "booked_on", "Write the day as 2026-11-30.")
    return day.isoformat()
