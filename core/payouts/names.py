"""Whose account is it? The name that a seller gives is held against the names that the staff know the business by, before money goes there."""

from __future__ import annotations

import re

from sqlalchemy import exists, select

from core.accounts.house import find_details
from core.accounts.models import Vendor
from core.admission.apply import find_last
from core.kernel.db import db
from core.payouts.models import Payout, PayoutAccount

# What stands behind a firm's name and says what kind it is. Banks write it in one way, people in another, or not at all.
FORMS = frozenset((
    "ab", "ag", "aps", "as", "asbl", "bv", "bvba", "co", "company", "corp", "corporation", "doo", "eg", "ehf", "ek", "eurl", "ev",
    "gbr", "gmbh", "inc", "incorporated", "kft", "kg", "kk", "lda", "limited", "llc", "llp", "lp", "ltd", "mbh", "nv", "oe", "ohg",
    "oy", "plc", "pte", "pty", "sa", "sarl", "sas", "sasu", "sc", "sca", "scs", "se", "sl", "slu", "snc", "sp", "spa", "spol",
    "sprl", "srl", "sro", "ug", "uab", "zoo", "zrt",
))  # fmt: skip


def known_names(vendor: Vendor) -> list[str]:
    """By law and of the person who answers for it, as the staff have let it in; of one that was let in without being asked, what it says itself."""
    looked_at = find_last(vendor)
    if looked_at is not None and looked_at.state == "approved":
        return [looked_at.legal_name, looked_at.owner_name]
    details = find_details(vendor.id)
    return [vendor.name, details.legal_name if details else ""]


def fits(holder: str, names: list[str]) -> bool:
    """Whether the account is in one of these names, whatever is written short or left out behind it."""
    theirs = _words(holder)
    return any(theirs == known for name in names if (known := _words(name)))


def is_in_another_name(vendor: Vendor, account: PayoutAccount) -> bool:
    """Whether a person has to look whose account this is before money goes there: it is in no name that is known, and nobody has looked yet.

    Of real money, and of accounts that are named here: whose account stands behind the one at a processor, the processor has asked.
    """
    if account.mode != "live" or account.rail != "bank" or fits(account.holder, known_names(vendor)):
        return False
    mine = (Payout.vendor_id == vendor.id, Payout.mode == account.mode, Payout.account_id == account.id)
    return not db.session.scalar(select(exists().where(*mine, Payout.approved_by != "")))


def _words(name: str) -> frozenset[str]:
    """The words of a name, in plain letters, without what kind of firm it is."""
    from text_unidecode import unidecode  # its tables are read only where a name is compared

    plain = unidecode(name).casefold().replace("&", " ").replace(".", "")
    found = frozenset(re.findall(r"[a-z0-9]+", plain))
    return found - FORMS - {"and", "und", "et", "y", "e", "i", "the"} or found
