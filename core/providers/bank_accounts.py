"""The platform's own bank accounts into which payers transfer: one for each currency, named by the operator and checked before use.

BANK_TEST_ACCOUNTS and BANK_LIVE_ACCOUNTS hold JSON: [{"currency": "EUR", "iban": "DE...", "bic": "...", "holder": "..."}, ...].
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from stdnum import bic as bics
from stdnum import iban as ibans
from stdnum.exceptions import ValidationError

from core.kernel.config import settings
from core.kernel.currency import is_currency


class BadAccounts(RuntimeError):
    """The setting names an account to which nobody could transfer: refuse to start rather than print it for payers."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where transfers in one currency go."""

    currency: str
    iban: str
    bic: str
    holder: str


@cache
def accounts(text: str) -> dict[str, Account]:
    """By currency; empty when nothing is set. Raises BadAccounts, naming what is wrong with which."""
    if not text.strip():
        return {}
    try:
        rows = json.loads(text)
        found = [Account(r["currency"], r["iban"], r.get("bic", ""), " ".join(r["holder"].split())) for r in rows]
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise BadAccounts(f"The setting with the bank accounts is not a list of accounts as JSON: {problem!r}") from None
    checked = {account.currency: _checked(account) for account in found}
    if len(checked) != len(found):
        raise BadAccounts("The setting with the bank accounts names two accounts for one currency.")
    return checked


def _checked(account: Account) -> Account:
    if not is_currency(account.currency):
        raise BadAccounts(f"{account.currency!r} is not a currency we keep books in.")
    if not 1 <= len(account.holder) <= 70:
        raise BadAccounts(f"The account for {account.currency} needs a holder of 70 characters at most.")
    try:
        iban = ibans.validate(account.iban)
    except ValidationError as problem:
        raise BadAccounts(f"The IBAN of the account for {account.currency} is wrong: {problem}") from None
    try:
        bic = bics.validate(account.bic) if account.bic else ""
    except ValidationError as problem:
        raise BadAccounts(f"The BIC of the account for {account.currency} is wrong: {problem}") from None
    return Account(account.currency, iban, bic, account.holder)


def has_line(mode: str) -> bool:
    """Whether this installation reaches its bank by itself. Only the sandbox's bank has such a line; elsewhere people carry the files."""
    return mode == "test" and bool(settings().sandbox_url and settings().bank_accounts.get("test"))


def check_iban(text: str) -> str:
    """An IBAN somebody typed, without its blanks; empty when it is not one."""
    try:
        return str(ibans.validate(text))
    except ValidationError:
        return ""
