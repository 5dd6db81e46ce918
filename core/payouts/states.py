"""What a payout may become. A move that is not in the table does not happen."""

from __future__ import annotations

# requested waits for a person of the staff; what is paid can still come back from a closed account, days later.
PAYOUT: dict[str, frozenset[str]] = {
    "requested": frozenset({"approved", "canceled"}),
    "approved": frozenset({"submitted", "canceled"}),
    "submitted": frozenset({"in_transit", "paid", "failed"}),
    "in_transit": frozenset({"paid", "failed"}),
    "paid": frozenset({"returned"}),
    "failed": frozenset(),
    "returned": frozenset(),
    "canceled": frozenset(),
}
OVER = frozenset({"paid", "failed", "returned", "canceled"})
GIVEN_BACK = frozenset({"failed", "returned", "canceled"})  # its money stands with the seller again
SCHEDULES = ("on_request", "daily", "weekly", "monthly")
