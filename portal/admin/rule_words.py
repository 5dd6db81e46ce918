"""Rules, lists and reviews in words, as the staff read them."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from core.kernel.money import Money
from core.payments.review_models import Screening
from core.risk.rules import Condition
from core.web.filters import money

ACTIONS = {
    "allow": later("Let it through"), "authenticate": later("Ask for 3-D Secure"), "review": later("Review it"), "block": later("Refuse it"),
}  # fmt: skip
ACTION_TONES = {"allow": "good", "authenticate": "info", "review": "warn", "block": "bad"}
LISTS = {"block": later("Block list"), "allow": later("Allow list"), "watch": later("Watch list")}
LIST_TONES = {"block": "bad", "allow": "good", "watch": "warn"}
KINDS = {
    "email": later("E-mail address"), "domain": later("Domain of an e-mail address"), "address": later("Network address or range"),
    "card": later("Card, by the processor’s mark"), "country": later("Country"),
}  # fmt: skip
COUNTED = {"email": later("the same e-mail address"), "address": later("the same network address"), "card": later("the same card")}
STATES = {
    "waiting": (later("Waits for a decision"), "warn"), "approved": (later("Let go on"), "good"), "refunded": (later("Not accepted"), "bad"),
    "fraud": (later("Not accepted: suspected fraud"), "bad"), "lapsed": (later("Ended by the clock"), "quiet"),
    "gone": (later("Nothing left to decide"), "quiet"),
}  # fmt: skip
UNKNOWN = {
    "address": later("network addresses"), "card": later("cards"), "country": later("where cards come from"),
}  # fmt: skip


def condition_words(one: Condition) -> str:
    """One condition as part of a sentence."""
    if one.what == "amount":
        return _("over %(amount)s", amount=money(Money(one.minor, one.currency)))
    if one.what == "often":
        hours = ngettext("%(num)s hour", "%(num)s hours", one.hours)
        return _(
            "more than %(most)s payments at one seller with %(what)s within %(hours)s", most=one.most, what=COUNTED[one.of], hours=hours
        )
    if one.what == "country":
        return _("the card comes from another country than the payer says")
    if one.what == "new_payer":
        return _("nothing was paid to the seller with this e-mail address before")
    return _("something of it is on the watch list")


def reason_words(reasons: list[dict[str, str]]) -> list[str]:
    """Why a payment waits."""
    said = []
    for reason in reasons:
        if "rule" in reason:
            said.append(reason["rule"])
        elif reason.get("list") in LISTS:
            said.append(_("%(list)s: %(kind)s", list=LISTS[reason["list"]], kind=KINDS.get(reason.get("kind", ""), "")))
    return said


def fact_rows(row: Screening) -> list[tuple[str, Any]]:
    """What was known of the payer when the try began."""
    facts, yes_no = row.facts, {True: _("yes"), False: _("no")}
    rows: list[tuple[str, Any]] = [
        (_("Country the payer gave"), facts.get("payer_country") or _("not asked")),
        (_("First payment with this e-mail"), yes_no.get(facts.get("new_payer"), _("no rule asked"))),
    ]
    if facts.get("card_country"):
        rows.append((_("Country of the saved card"), facts["card_country"]))
    for name, number in sorted(facts.get("counts", {}).items()):
        of, _sep, hours = name.partition(":")
        within = ngettext("%(num)s hour", "%(num)s hours", int(hours))
        rows.append((_("Payments with %(what)s within %(hours)s", what=COUNTED.get(of, of), hours=within), number))
    return rows
