"""What a subscription may become. A move that is not in this table does not happen."""

from __future__ import annotations

from core.kernel.errors import Conflict
from core.kernel.sentence import said

TRIALING, ACTIVE, PAST_DUE = "trialing", "active", "past_due"
SUSPENDED, HIBERNATING, CANCELLED = "suspended", "hibernating", "cancelled"

# trialing -> suspended: the trial ended and no card was there. hibernating -> suspended: its fee was not paid for sixteen days.
# Cancelling is possible from everywhere; nothing leads out of it, a merchant who comes back begins a new subscription.
SUBSCRIPTION: dict[str, frozenset[str]] = {
    TRIALING: frozenset({ACTIVE, SUSPENDED, CANCELLED}),
    ACTIVE: frozenset({PAST_DUE, HIBERNATING, CANCELLED}),
    PAST_DUE: frozenset({ACTIVE, SUSPENDED, CANCELLED}),
    SUSPENDED: frozenset({ACTIVE, CANCELLED}),
    HIBERNATING: frozenset({ACTIVE, SUSPENDED, CANCELLED}),
    CANCELLED: frozenset(),
}
IN_SEARCH = frozenset({TRIALING, ACTIVE, PAST_DUE})
MAY_EDIT = frozenset({TRIALING, ACTIVE, PAST_DUE, HIBERNATING})


class SubscriptionCannotMove(Conflict):
    """The subscription cannot go from where it is to where it was told to go."""

    code = "subscription_cannot_move"


def check_move(old: str, new: str) -> None:
    """Refuse a move the table does not allow."""
    if new not in SUBSCRIPTION[old]:
        words = said("A subscription cannot go from %(old)s to %(new)s.", old=old.replace("_", " "), new=new.replace("_", " "))
        raise SubscriptionCannotMove(words)
