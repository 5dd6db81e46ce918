"""What a payment, an attempt and a refund may become. A move that is not in these tables does not happen."""

from __future__ import annotations

from core.kernel.errors import Conflict

# Money that arrives after an end is booked, never ignored: hence canceled and expired may still become succeeded.
PAYMENT: dict[str, frozenset[str]] = {
    "created": frozenset(
        {"requires_method", "requires_action", "processing", "succeeded", "marked_paid", "canceled", "expired", "unknown"}
    ),
    "requires_method": frozenset({"requires_action", "processing", "succeeded", "marked_paid", "canceled", "expired", "unknown"}),
    "requires_action": frozenset({"requires_method", "processing", "succeeded", "marked_paid", "canceled", "expired", "unknown"}),
    "processing": frozenset({"requires_method", "requires_action", "succeeded", "canceled", "unknown"}),
    "unknown": frozenset({"requires_method", "requires_action", "processing", "succeeded", "canceled", "expired"}),
    "succeeded": frozenset(),
    "canceled": frozenset({"succeeded", "marked_paid"}),
    "expired": frozenset({"succeeded", "marked_paid"}),
    "marked_paid": frozenset({"succeeded", "canceled"}),  # paid elsewhere by the vendor's word; nothing of it is in the books
}
ATTEMPT: dict[str, frozenset[str]] = {
    "started": frozenset({"action_required", "submitted", "succeeded", "declined", "error", "unknown", "abandoned"}),
    "action_required": frozenset({"submitted", "succeeded", "declined", "error", "unknown", "abandoned"}),
    "submitted": frozenset({"action_required", "succeeded", "declined", "error", "unknown", "abandoned"}),
    "unknown": frozenset({"action_required", "submitted", "succeeded", "declined", "error", "abandoned"}),
    "succeeded": frozenset(),
    "declined": frozenset({"succeeded"}),
    "error": frozenset({"succeeded"}),
    "abandoned": frozenset({"succeeded"}),
}
REFUND: dict[str, frozenset[str]] = {
    "queued": frozenset({"requested", "canceled"}),  # the seller's balance does not hold it yet, and nothing is booked
    "requested": frozenset({"submitted", "failed", "canceled"}),
    "submitted": frozenset({"pending", "succeeded", "failed", "canceled", "unknown"}),
    "pending": frozenset({"succeeded", "failed", "canceled"}),
    "unknown": frozenset({"pending", "succeeded", "failed", "canceled"}),
    "succeeded": frozenset({"failed"}),  # a bank can send a refund back weeks later
    "failed": frozenset(),
    "canceled": frozenset(),
}
RETURN: dict[str, frozenset[str]] = {
    "requested": frozenset({"sent", "settled", "failed"}),
    "sent": frozenset({"settled", "failed"}),
    "settled": frozenset({"failed"}),  # a transfer to a closed account comes back days later
    "failed": frozenset(),
}
# A refund link. The refund that pays it says whether it is paid, and a bank may send that back weeks later.
CLAIM: dict[str, frozenset[str]] = {
    "open": frozenset({"claimed", "expired", "revoked"}),
    "claimed": frozenset({"approved", "refused", "revoked"}),  # taken back only with the account it was practised in
    "approved": frozenset({"paid", "failed"}),
    "paid": frozenset({"failed"}),
    "refused": frozenset(),
    "failed": frozenset(),
    "expired": frozenset(),
    "revoked": frozenset(),
}
EXPORT: dict[str, frozenset[str]] = {
    "waiting": frozenset({"running", "ready", "failed"}),
    "running": frozenset({"ready", "failed"}),
    "ready": frozenset({"expired"}),
    "failed": frozenset(),
    "expired": frozenset(),
}
# What the rules thought of one try. expected: to be reviewed when its money has come or is authorised; refused: by a rule, once the card
# was known; lapsed: nobody decided before the authorisation ended; gone: the payer's bank let it go, or the money went back in another way.
REVIEW: dict[str, frozenset[str]] = {
    "passed": frozenset({"waiting", "refused"}),
    "expected": frozenset({"waiting", "passed", "refused"}),
    "waiting": frozenset({"approved", "refunded", "fraud", "lapsed", "gone"}),
    "approved": frozenset(),
    "refused": frozenset(),
    "refunded": frozenset(),
    "fraud": frozenset(),
    "lapsed": frozenset(),
    "gone": frozenset(),
}
# partial: some of it came; over: more than was asked; late: the payment was over before the money came.
CASE_KINDS = frozenset({"partial", "over", "late"})
LIVE_ATTEMPT = frozenset({"started", "action_required", "submitted", "unknown"})
PAID = frozenset({"succeeded", "marked_paid"})
PAID_OR_OVER = PAID | {"canceled", "expired"}


class IllegalMove(Conflict):
    """The thing cannot go from where it is to where it was told to go."""

    code = "illegal_move"


def may_move(table: dict[str, frozenset[str]], old: str, new: str) -> bool:
    """Whether the table allows the move."""
    return new in table[old]


def check_move(table: dict[str, frozenset[str]], old: str, new: str) -> None:
    """Refuse a move the table does not allow."""
    if not may_move(table, old, new):
        raise IllegalMove(f"This cannot go from {old.replace('_', ' ')} to {new.replace('_', ' ')}.")
