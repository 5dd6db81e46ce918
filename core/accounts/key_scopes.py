"""What a key may be good for: each resource of the API, to read it or to change it."""

from __future__ import annotations

from collections.abc import Iterable

from core.kernel.errors import NotAllowed, Refusal
from core.kernel.sentence import said

READ, WRITE = "read", "write"
# A resource, and the first words of the addresses that belong to it.
RESOURCES: dict[str, tuple[str, ...]] = {
    "payments": ("payments", "orders"),
    "payment-links": ("payment-links", "checkout-sessions"),
    "refunds": ("refunds",),
    "refund-links": ("refund-links",),  # apart: whoever may refund has not thereby been let send money to another account
    "customers": ("customers",),
    "disputes": ("disputes",),
    "payouts": ("payouts",),
    "balance": ("balance", "wallet", "ledger"),
    "memberships": ("memberships", "membership-plans"),
    "subscription": ("subscription", "invoices"),
    "directory": ("listings", "branches", "products"),
    "webhooks": ("webhook-endpoints", "events", "changes"),
    "messages": ("messages",),
    "keys": ("keys",),
}
# What a person's app may do, by the first word of an address: the permission that the person's role needs to read there, and to change
# something. None: nothing is changed there.
FOR_PEOPLE: dict[str, tuple[str, str | None]] = {
    "payments": ("payments.see", "links.edit"),
    "orders": ("payments.see", "orders.deliver"),
    "payment-links": ("links.see", "links.edit"),
    "checkout-sessions": ("links.see", "links.edit"),
    "refunds": ("payments.see", "payments.refund"),
    "refund-links": ("payments.see", "payments.refund"),
    "customers": ("customers.see", "customers.block"),
    "disputes": ("payments.see", "disputes.answer"),
    "payouts": ("balance.see", "payouts.request"),
    "balance": ("balance.see", None),
    "wallet": ("balance.see", None),
    "ledger": ("balance.see", None),
    "memberships": ("memberships.see", "memberships.cancel"),
    "membership-plans": ("memberships.see", None),
    "subscription": ("plan.manage", None),
    "invoices": ("plan.manage", None),
    "listings": ("listings.see", "listings.edit"),
    "branches": ("listings.see", "listings.edit"),
    "products": ("listings.see", "listings.edit"),
    "webhook-endpoints": ("keys.manage", "keys.manage"),
    "events": ("keys.manage", None),
    "changes": ("keys.manage", None),
    "messages": ("messages.see", None),
    "keys": ("keys.manage", None),
}
# Where an act at such an address asks for another one: the last word of the address says which.
OF_ACTS = {("refund-links", "approve"): "refunds.approve", ("refund-links", "refuse"): "refunds.approve"}
OF_WORD = {word: resource for resource, words in RESOURCES.items() for word in words}
SCOPES = frozenset(f"{resource}:{what}" for resource in RESOURCES for what in (READ, WRITE))


class BadScopes(Refusal):
    """A restricted key has to be good for something, and for nothing that there is not."""

    code = "bad_scopes"


class ScopeMissing(NotAllowed):
    """The key counts, and is not good for this."""

    code = "scope_missing"


def scope_of(word: str, *, writes: bool) -> str:
    """What a call needs whose address begins with this word. Raises KeyError for a word that belongs to no resource."""
    return f"{OF_WORD[word]}:{WRITE if writes else READ}"


def permission_for(word: str, *, writes: bool, act: str = "") -> str:
    """What a person's role needs for a call whose address begins with this word, and ends with that of an act. Raises KeyError where no
    person's app calls."""
    reading, changing = FOR_PEOPLE[word]
    found = OF_ACTS.get((word, act), changing) if writes else reading
    if found is None:
        raise KeyError(word)
    return found


def read_scopes(named: Iterable[str]) -> list[str]:
    """Each once, in order. Who may change something may read it too. Refuses BadScopes."""
    found = set(named)
    if unknown := found - SCOPES:
        raise BadScopes(said("There is no scope “%(scope)s”.", scope=min(unknown)[:60]), field="scopes")
    if not found:
        raise BadScopes("Choose what the key is good for.", field="scopes")
    found |= {f"{scope.partition(':')[0]}:{READ}" for scope in found}
    return sorted(found)


def check_scope(scopes: Iterable[str], needed: str) -> None:
    """Refuses ScopeMissing, naming what is missing."""
    if needed not in scopes:
        raise ScopeMissing(said("This key is not good for that. It would need the scope %(scope)s.", scope=needed))
