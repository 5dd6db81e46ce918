"""What the roles of a vendor's people and of the staff are called in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

WORDS = {
    "owner": _l("owner"), "admin": _l("admin"), "manager": _l("manager"), "accountant": _l("finance"), "support": _l("support"),
    "developer": _l("developer"), "viewer": _l("viewer"), "custom": _l("a role of its own"),
    "reviewer": _l("reviewer"), "finance": _l("finance"), "superuser": _l("superuser"),
}  # fmt: skip
# What each permission lets somebody do. Those that every role has need no words.
DEEDS: dict[str, Any] = {
    "links.see": _l("See links"),
    "links.edit": _l("Make and change links"),
    "payments.see": _l("See payments"),
    "payments.refund": _l("Refund"),
    "refunds.approve": _l("Approve refunds to an account that a payer named"),
    "disputes.answer": _l("Answer disputes"),
    "payments.mark": _l("Mark payments as paid or not valid by hand"),
    "payments.archive": _l("Put payments away from the list"),
    "orders.deliver": _l("Say that an order is delivered"),
    "transfers.resolve": _l("Decide about bank transfers that do not fit"),
    "payments.export": _l("Export lists"),
    "remarks.write": _l("Write notes"),
    "remarks.moderate": _l("Remove other people’s notes"),
    "customers.see": _l("See customers"),
    "customers.block": _l("Refuse customers"),
    "customers.personal_data": _l("Hand out and erase personal data"),
    "listings.see": _l("See the business’s directory pages"),
    "listings.edit": _l("Change the business’s directory pages"),
    "memberships.see": _l("See plans and members"),
    "memberships.edit": _l("Make and change plans for members"),
    "memberships.cancel": _l("Cancel memberships"),
    "balance.see": _l("See balance and statements"),
    "balance.exchange": _l("Exchange money into another currency"),
    "payouts.request": _l("Ask for payouts and say when they are made"),
    "payouts.account": _l("Change the bank account for payouts"),
    "messages.see": _l("See what was written to payers"),
    "messages.send": _l("Send receipts again"),
    "team.edit": _l("Invite and remove people, give roles"),
    "live.switch_on": _l("Go live"),
    "plan.manage": _l("Change the plan and pay for it"),
    "settings.edit": _l("Change settings"),
    "keys.manage": _l("Make and revoke API keys"),
    "business.close": _l("Close the business’s account"),
    "security.edit": _l("Change what is asked for safety"),
    "audit.see": _l("See who did what"),
}


def role_word(role: str) -> str:
    """One role."""
    return str(WORDS.get(role, role))


def may_not(role: str, those_who_may: Iterable[str]) -> str:
    """The sentence for somebody whose role does not permit it."""
    return _("Your role (%(role)s) may not do this. It takes the role %(roles)s.", role=role_word(role), roles=either(those_who_may))


def may_not_here(role: str, permission: str, those_who_may: Iterable[str], those_who_give: Iterable[str]) -> str:
    """The same in a business: what it is that the role lacks, which roles have it, the business's own among them, and who gives roles."""
    if permission not in DEEDS:
        return may_not(role, those_who_may)
    lacks = _(
        "Your role (%(role)s) does not include “%(deed)s”. It takes the role %(roles)s.",
        role=role_word(role), deed=DEEDS[permission], roles=either(those_who_may),
    )  # fmt: skip
    gives = _("Roles are given by: %(who)s.", who=either(those_who_give))
    return f"{lacks} {gives}"


def either(roles: Iterable[str]) -> str:
    """Some roles, of which one is enough."""
    return reduce(lambda some, one: _("%(some)s or %(one)s", some=some, one=one), map(role_word, roles))


def not_within_branches() -> str:
    """Why somebody who is limited to branches does not get a page, whatever their role."""
    return _("Your access is limited to branches, and this is about the whole business. Whoever looks after the team can change that.")
