"""What each role of a vendor may do: one table, read by the guard in front of every page."""

from __future__ import annotations

OWNER, ADMIN, MANAGER, ACCOUNTANT, SUPPORT = "owner", "admin", "manager", "accountant", "support"
DEVELOPER, VIEWER = "developer", "viewer"
CUSTOM = "custom"  # a role that a vendor put together: core/accounts/roles.py
EVERYONE = (OWNER, MANAGER, ACCOUNTANT, SUPPORT, DEVELOPER, VIEWER)
WORKING = (OWNER, MANAGER, ACCOUNTANT, SUPPORT)  # whoever looks after payers
GIVEN = (ADMIN, MANAGER, ACCOUNTANT, SUPPORT, DEVELOPER, VIEWER)  # may be given to somebody; an owner is made by handing over

_GRANTED: dict[str, tuple[str, ...]] = {
    "home.see": EVERYONE,
    "links.see": EVERYONE,
    "links.edit": (OWNER, MANAGER),
    "listings.see": EVERYONE,
    "listings.edit": (OWNER, MANAGER),  # what the public directory says of the business
    "payments.see": EVERYONE,
    "payments.refund": (OWNER, MANAGER, ACCOUNTANT),
    "refunds.approve": (OWNER, MANAGER, ACCOUNTANT),  # let money go to an account that a payer named
    "payments.mark": (OWNER, MANAGER, ACCOUNTANT),  # as paid elsewhere, or as not valid
    "payments.archive": WORKING,
    "orders.deliver": WORKING,  # say that an order has reached its payer, which releases its money
    "transfers.resolve": (OWNER, MANAGER, ACCOUNTANT),
    "payments.export": (OWNER, MANAGER, ACCOUNTANT),
    "remarks.write": WORKING,
    "remarks.moderate": (OWNER, MANAGER),  # other people's notes and shared filters
    "customers.see": EVERYONE,
    "customers.block": (OWNER, MANAGER),
    "customers.personal_data": (OWNER, MANAGER),  # hand it out, erase it
    "memberships.see": EVERYONE,
    "memberships.edit": (OWNER, MANAGER),  # the plans it sells to its customers
    "memberships.cancel": (OWNER, MANAGER, SUPPORT),  # for a member who asks for it
    "balance.see": (OWNER, MANAGER, ACCOUNTANT),
    "balance.exchange": (OWNER, MANAGER, ACCOUNTANT),  # from one currency into another
    "payouts.request": (OWNER, MANAGER, ACCOUNTANT),  # ask for one, and say when they are made
    "payouts.account": (OWNER,),  # to which bank account the balance goes
    "disputes.answer": (OWNER, MANAGER, ACCOUNTANT, SUPPORT),  # what a payer's bank is told, once; or give in
    "messages.see": EVERYONE,
    "messages.send": (OWNER, MANAGER, SUPPORT),
    "team.see": EVERYONE,
    "team.edit": (OWNER, ADMIN),
    "live.switch_on": (OWNER,),
    "plan.manage": (OWNER, ADMIN),  # change the plan the business subscribes to, and pay for it
    "settings.see": EVERYONE,
    "settings.edit": (OWNER, MANAGER),
    "keys.manage": (OWNER, DEVELOPER),  # secret keys for the business's own software
    "business.close": (OWNER,),  # the whole account, for good
    "security.edit": (OWNER,),  # what is asked of everybody who signs in
    "audit.see": (OWNER, MANAGER),  # who did what in this account
    "account.own": EVERYONE,  # one's own password, sessions, test or live view
}

# An admin may do whatever a manager may.
PERMISSIONS: dict[str, tuple[str, ...]] = {
    name: (*roles, ADMIN) if MANAGER in roles and ADMIN not in roles else roles for name, roles in _GRANTED.items()
}
# Without these nobody could do anything here at all, so every role has them.
ALWAYS = frozenset({"home.see", "team.see", "account.own", "settings.see"})

# What is left of a role for somebody who is limited to branches: nothing that is about the whole business. Which pages that opens is a list
# of its own (portal/within_branches.py), and whose rows they show is in the queries (core/payments/seen.py).
WITHIN_BRANCHES = frozenset(
    {
        "home.see", "account.own", "settings.see", "listings.see", "links.see", "links.edit", "payments.see", "payments.refund",
        "payments.export",
    }
)  # fmt: skip


def granted_by(role: str) -> frozenset[str]:
    """Everything this role may do. KeyError for one that is not of the house's own."""
    if role not in (OWNER, *GIVEN):
        raise KeyError(role)
    return frozenset(name for name, roles in PERMISSIONS.items() if role in roles)


def allows(role: str, permission: str) -> bool:
    """Whether this role may do that. An unknown permission is a bug, not a no."""
    return role in PERMISSIONS[permission]


def roles_that_may(permission: str) -> tuple[str, ...]:
    """Who can help somebody who may not."""
    return PERMISSIONS[permission]
