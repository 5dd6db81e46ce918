"""A card form as a payer filled it in: read once, checked, and never kept with its number."""

import datetime
import re

from core.web.wire.errors import WireError
from sandbox import published
from sandbox.methods import check_cvc

_EXPIRY = re.compile(r"([0-9]{1,2})\s*[/\-. ]?\s*([0-9]{4}|[0-9]{2})", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_ORDER = ("email", "number", "expiry", "cvc", "name")
FILLED_EXPIRY, FILLED_CVC = "12 / 34", {"amex": "1234"}
LONGEST_YEARS = 50


def is_email(text):
    return bool(_EMAIL.fullmatch(text or "")) and not published.looks_like_card_number(text)


class Typed:
    """What the payer typed, with the errors found in it. Number and CVC are read once and never shown again."""

    def __init__(self, values, *, wants_email):
        self.name, self.email = values.get("name", "").strip()[:120], values.get("email", "").strip()[:254]
        self.expiry, self.wants_email = values.get("expiry", "").strip(), wants_email
        self._number, self._cvc = values.get("number", "")[:60], values.get("cvc", "").strip()[:8]
        self._errors, self.filled, self.filled_cvc = {}, None, ""

    @property
    def errors(self):
        """Field -> what to mend, in the order of the form."""
        return {name: self._errors[name] for name in _ORDER if name in self._errors}

    def fill(self, token):
        """Puts a published card into the form, keeping the rest."""
        self.filled = published.card_by_token(token)
        if self.filled:
            self.expiry, self.filled_cvc = FILLED_EXPIRY, FILLED_CVC.get(self.filled.brand, "123")

    def card(self, now):
        """(card, month, year, cvc check), or None with `errors` saying what to mend."""
        self._check_texts()
        expiry, card = self._read_expiry(now), self._read_number()
        check = self._read_cvc(card)
        return None if self._errors else (card, *expiry, check)

    def _read_number(self):
        if not self._number.strip():
            return self._mend("number", "Enter a card number.")
        return self._unless_refused("number", lambda: published.card_by_number(self._number))

    def _read_cvc(self, card):
        if not self._cvc:
            return self._mend("cvc", "Enter the security code.")
        return self._unless_refused("cvc", lambda: check_cvc(card, self._cvc))

    def _read_expiry(self, now):
        found = _EXPIRY.fullmatch(self.expiry)
        if not found or not 1 <= int(found.group(1)) <= 12:
            self.expiry = self.expiry if found else ""  # whatever it is, it may be a card number
            return self._mend("expiry", "Enter the expiry date as month and year, like 12 / 34.")
        month, year = int(found.group(1)), int(found.group(2))
        year += 2000 if year < 100 else 0
        today = datetime.datetime.fromtimestamp(now, datetime.UTC)
        if (year, month) < (today.year, today.month):
            return self._mend("expiry", "This card has expired.")
        if year > today.year + LONGEST_YEARS:
            return self._mend("expiry", "Check the year of the expiry date.")
        return month, year

    def _check_texts(self):
        for name in ("name", "email"):
            text = getattr(self, name)
            if published.looks_like_card_number(text) or "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
                setattr(self, name, "")
                self._mend(name, "This looks like a card number or is unreadable. Nothing of it was kept.")
        if not self.name and "name" not in self._errors:
            self._mend("name", "Enter the name on the card.")
        if self.wants_email and "email" not in self._errors and not _EMAIL.fullmatch(self.email):
            self._mend("email", "Enter an e-mail address, like name@example.com.")

    def _unless_refused(self, name, read):
        try:
            return read()
        except WireError as refusal:
            return self._mend(name, refusal.message)

    def _mend(self, name, message):
        self._errors[name] = message
