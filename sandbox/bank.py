"""The sandbox's bank: accounts for every test key, transfers people enter in a pretend banking app, orders, and statements of it all.

Money moves only on paper here. A transfer is booked at once and stands on the next statement, which is closed by a button, by a call,
or by itself after a while (SANDBOX_BANK_SECONDS).
"""

import datetime
import hashlib
import os
import re
import time

from core.web.wire.errors import WireError, bad_parameter
from sandbox.bank_camt import write_statement
from sandbox.bank_files import read_orders, refusals, write_answer
from sandbox.currencies import DECIMALS

CURRENCIES = ("EUR", "GBP", "USD", "CHF", "JPY", "KWD")
HOLDER = "Sandbox Collections"
NAME = "Sandbox Bank"
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,3})?")
MOST_ROWS = 100


def statement_seconds():
    """How long an entry waits for the end of the bank's day."""
    return float(os.environ.get("SANDBOX_BANK_SECONDS", "15"))


def iban_of(account, currency):
    """The collecting account of a test key for a currency: made from the key, so that it is the same for ever."""
    digits = str(int(hashlib.sha256(f"{account}|{currency}".encode()).hexdigest(), 16))[:10]
    if currency == "GBP":
        return _checked("GB", f"SBOX040075{digits[:8]}")
    return _checked("DE", f"50031900{digits}")


def _checked(country, rest):
    """An IBAN with its check digits (ISO 7064, mod 97-10)."""
    number = "".join(str(int(letter, 36)) for letter in f"{rest}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{rest}"


def is_iban(text):
    """Whether the check digits are right."""
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}", text):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def accounts_of(account):
    """What an operator enters as its collecting accounts."""
    return [
        {"currency": code, "iban": iban_of(account, code), "bic": "SBOXGB2L" if code == "GBP" else "SBOXDEFF", "holder": HOLDER}
        for code in CURRENCIES
    ]


def currency_of(account, iban):
    """Which account of this key it is; None for somebody else's."""
    packed = iban.replace(" ", "").upper()
    return next((code for code in CURRENCIES if iban_of(account, code) == packed), None)


def minor_of(text, currency, param="amount"):
    """An amount as people type it in the currency's minor units."""
    digits = DECIMALS[currency.lower()]
    if not _AMOUNT.fullmatch(text) or len(text.partition(".")[2]) > digits:
        raise bad_parameter("parameter_invalid", param, f"Enter an amount in {currency} with {digits} decimals at most.")
    whole, _, rest = text.partition(".")
    minor = int(whole) * 10**digits + int(rest.ljust(digits, "0") or 0)
    if not minor:
        raise bad_parameter("parameter_invalid", param, "Enter an amount above zero.")
    return minor


def today():
    """The day on which the bank books what comes in now."""
    return datetime.datetime.now(datetime.UTC).date()


class Teller:
    """One test key's business at the bank, inside one transaction of the store."""

    def __init__(self, connection, account):
        self.connection, self.account, self.now = connection, account, time.time()

    def transfer(self, *, iban, amount, name, from_iban="", reference="", text="", booked_on=None, times=1):
        """A payer sends money to one of the collecting accounts. Answers its currency."""
        currency = currency_of(self.account, iban)
        if currency is None:
            raise bad_parameter("parameter_invalid", "iban", "There is no such account at this bank. Check the IBAN.")
        minor = minor_of(amount, currency)
        sender = from_iban.replace(" ", "").upper()
        if sender and not is_iban(sender):
            raise bad_parameter("parameter_invalid", "from_iban", "Your own IBAN is mistyped. Leave it empty to send without one.")
        structured = _structured(reference)
        for _ in range(times):
            self.book(
                currency,
                1,
                minor,
                name=name[:140],
                iban=sender,
                reference=structured,
                text=text or ("" if structured else reference),
                booked_on=booked_on,
            )
        return currency

    def book(self, currency, sign, minor, *, name, iban, reference="", text="", end_to_end="", reversal=0, returned="", booked_on=None):
        """One entry; it stands on the next statement."""
        day = booked_on or today().isoformat()
        return self.connection.execute(
            "INSERT INTO bank_entries (account, currency, sign, amount, name, iban, reference, text, end_to_end, reversal, returned, booked_on, entered)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.account, currency, sign, minor, name, iban, reference, text[:140], end_to_end, reversal, returned, day, self.now),
        ).lastrowid

    def reverse(self, seq):
        """The bank takes back a credit it has booked."""
        row = self.connection.execute(
            "SELECT * FROM bank_entries WHERE account = ? AND seq = ? AND sign = 1 AND reversal = 0", (self.account, seq)
        ).fetchone()
        if row is None:
            raise WireError(404, "invalid_request_error", "There is no such transfer.")
        self.book(
            row["currency"], -1, row["amount"], name=row["name"], iban=row["iban"], reference=row["reference"], text=row["text"],
            end_to_end=row["end_to_end"], reversal=1,
        )  # fmt: skip

    def close_account(self, iban):
        """What is sent to this account comes back from now on."""
        self.connection.execute("INSERT OR IGNORE INTO bank_closed VALUES (?, ?)", (self.account, iban.replace(" ", "").upper()))

    def order(self, *, iban, to_iban, to_name, amount, end_to_end, text=""):
        """The owner of a collecting account sends money. The same end-to-end reference again is the same order."""
        currency = currency_of(self.account, iban)
        if currency is None or not is_iban(to_iban) or not 1 <= len(end_to_end) <= 35:
            raise bad_parameter("parameter_invalid", "iban", "Name an account of yours, the receiver's IBAN and an end-to-end reference.")
        minor, body = minor_of(amount, currency), repr((iban, to_iban, to_name, amount, text))
        known = self.connection.execute(
            "SELECT body FROM bank_orders WHERE account = ? AND end_to_end = ?", (self.account, end_to_end)
        ).fetchone()
        if known is not None:
            if known["body"] != body:
                raise WireError(400, "idempotency_error", "This end-to-end reference was used for another order.")
            return currency
        self.connection.execute("INSERT INTO bank_orders VALUES (?, ?, ?)", (self.account, end_to_end, body))
        self.book(currency, -1, minor, name=to_name[:140], iban=to_iban, text=text, end_to_end=end_to_end)
        if self.connection.execute("SELECT 1 FROM bank_closed WHERE account = ? AND iban = ?", (self.account, to_iban)).fetchone():
            self.book(currency, 1, minor, name=to_name[:140], iban=to_iban, text="Account closed", end_to_end=end_to_end, returned="AC04")
        return currency

    def take_file(self, raw, story):
        """The owner of a collecting account gives a file of transfers to the bank, which answers it, and carries out what it accepts.

        The same message again is refused as given before: nothing of it is made twice. Answers the number of the bank's answer.
        """
        message, orders = read_orders(raw)
        if any(currency_of(self.account, one["iban"]) != "EUR" or not is_iban(one["to_iban"]) for one in orders):
            raise bad_parameter("parameter_invalid", "file", "It sends from an account that is none of yours, or to no IBAN.")
        before = self.connection.execute(
            "SELECT story FROM bank_answers WHERE account = ? AND message = ? ORDER BY number DESC", (self.account, message)
        ).fetchone()
        again = before is not None and before["story"] != "later"
        refused = {} if again else refusals(story, orders)
        for one in orders:
            if not again and story != "later" and one["end_to_end"] not in refused:
                self.order(**one)
        number = self.connection.execute(
            "INSERT INTO bank_answers (account, message, identity, story, orders, refused, xml) VALUES (?, ?, '', ?, ?, ?, '')",
            (self.account, message, "again" if again else story, len(orders), len(orders) if again else len(refused)),
        ).lastrowid
        identity = f"SBXANS{number:010d}"
        xml = write_answer(identity, message, orders, story, refused, self.now, again=again)
        self.connection.execute("UPDATE bank_answers SET identity = ?, xml = ? WHERE number = ?", (identity, xml, number))
        return number

    def answers(self, after=0, count=MOST_ROWS):
        """Answers to files after a number, oldest first."""
        return self.connection.execute(
            "SELECT * FROM bank_answers WHERE account = ? AND number > ? ORDER BY number LIMIT ?", (self.account, after, count)
        ).fetchall()

    def latest_answers(self, count=20):
        """The same for the page, newest first."""
        return self.connection.execute(
            "SELECT * FROM bank_answers WHERE account = ? ORDER BY number DESC LIMIT ?", (self.account, count)
        ).fetchall()

    def close_statements(self, *, older_than=0.0):
        """Ends the bank's day for every account with entries that have waited so many seconds. Answers how many statements that made."""
        waiting = self.connection.execute(
            "SELECT currency, min(entered) AS first FROM bank_entries WHERE account = ? AND statement IS NULL GROUP BY currency",
            (self.account,),
        ).fetchall()
        due = [row["currency"] for row in waiting if row["first"] <= self.now - older_than]
        for currency in due:
            self._close(currency)
        return len(due)

    def _close(self, currency):
        last = self.connection.execute(
            "SELECT number, closing FROM bank_statements WHERE account = ? AND currency = ? ORDER BY number DESC LIMIT 1",
            (self.account, currency),
        ).fetchone()
        number, opening = (last["number"] + 1, last["closing"]) if last else (1, 0)
        rows = self.connection.execute(
            "SELECT * FROM bank_entries WHERE account = ? AND currency = ? AND statement IS NULL ORDER BY seq", (self.account, currency)
        ).fetchall()
        iban = iban_of(self.account, currency)
        identity, closing = f"SBX{iban[-8:]}-{number:06d}", opening + sum(row["sign"] * row["amount"] for row in rows)
        xml = write_statement(identity, number, iban, currency, HOLDER, opening, rows, self.now)
        self.connection.execute(
            "INSERT INTO bank_statements VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self.account, currency, number, identity, closing, self.now, len(rows), xml),
        )
        self.connection.execute(
            "UPDATE bank_entries SET statement = ? WHERE account = ? AND currency = ? AND statement IS NULL",
            (number, self.account, currency),
        )

    def statements(self, currency, after=0):
        """The statements of one account after a number, oldest first."""
        return self.connection.execute(
            "SELECT * FROM bank_statements WHERE account = ? AND currency = ? AND number > ? ORDER BY number LIMIT ?",
            (self.account, currency, after, MOST_ROWS),
        ).fetchall()

    def latest(self, count=20):
        """(entries, statements) for the page, newest first."""
        entries = self.connection.execute(
            "SELECT * FROM bank_entries WHERE account = ? ORDER BY seq DESC LIMIT ?", (self.account, count)
        ).fetchall()
        statements = self.connection.execute(
            "SELECT * FROM bank_statements WHERE account = ? ORDER BY closed DESC, number DESC LIMIT ?", (self.account, count)
        ).fetchall()
        return entries, statements


def _structured(reference):
    """A creditor reference that is right is handed on as one; anything else is only text, as banks treat it."""
    packed = reference.replace(" ", "").upper()
    if not re.fullmatch(r"RF[0-9]{2}[0-9A-Z]{1,21}", packed):
        return ""
    return packed if int("".join(str(int(letter, 36)) for letter in packed[4:] + packed[:4])) % 97 == 1 else ""


def garble(reference):
    """The same reference with two neighbouring digits changed, as people mistype it."""
    packed = list(reference.replace(" ", ""))
    for at in range(len(packed) - 2, 3, -1):
        if packed[at] != packed[at + 1]:
            packed[at], packed[at + 1] = packed[at + 1], packed[at]
            break
    return "".join(packed)
