"""What each role of a vendor may do: one table, read by the guard in front of every page."""

from __future__ import annotations

OWNER, MANAGER, ACCOUNTANT, SUPPORT = "owner", "manager", "accountant", "support"
EVERYONE = (OWNER, MANAGER, ACCOUNTANT, SUPPORT)

PERMISSIONS: dict[str, tuple[str, ...]] = {
    "home.see": EVERYONE,
    "links.see": EVERYONE,
    "links.edit": (OWNER, MANAGER),
    "listings.see": EVERYONE,
    "listings.edit": (OWNER, MANAGER),  # what the public directory says of the business
    "payments.see": EVERYONE,
    "payments.refund": (OWNER, MANAGER, ACCOUNTANT),
    "transfers.resolve": (OWNER, MANAGER, ACCOUNTANT),
    "payments.export": (OWNER, MANAGER, ACCOUNTANT),
    "remarks.write": EVERYONE,
    "remarks.moderate": (OWNER, MANAGER),  # other people's notes and shared filters
    "customers.see": EVERYONE,
    "customers.block": (OWNER, MANAGER),
    "customers.personal_data": (OWNER, MANAGER),  # hand it out, erase it
    "balance.see": (OWNER, MANAGER, ACCOUNTANT),
    "balance.exchange": (OWNER, MANAGER, ACCOUNTANT),  # from one currency into another
    "messages.see": EVERYONE,
    "messages.send": (OWNER, MANAGER, SUPPORT),
    "team.see": EVERYONE,
    "team.edit": (OWNER,),
    "live.switch_on": (OWNER,),
    "settings.see": EVERYONE,
    "settings.edit": (OWNER, MANAGER),
    "audit.see": (OWNER, MANAGER),  # who did what in this account
    "account.own": EVERYONE,  # one's own password, sessions, test or live view
}


def allows(role: str, permission: str) -> bool:
    """Whether this role may do that. An unknown permission is a bug, not a no."""
    return role in PERMISSIONS[permission]


def roles_that_may(permission: str) -> tuple[str, ...]:
    """Who can help somebody who may not."""
    return PERMISSIONS[permission]
