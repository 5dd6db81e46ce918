"""What a payout may become. A move that is not in the table does not happen."""

from __future__ import annotations

# requested waits for a person of the staff; what is paid can still come back from a closed account, days later.
PAYOUT: dict[str, frozenset[str]] = {
    "requested": frozenset({"approved", "canceled"}),
    "approved": frozenset({"submitted", "canceled"}),
    "submitted": frozenset({"in_transit", "paid", "failed", "canceled"}),  # called off as long as nobody has told the bank of its order
    "in_transit": frozenset({"paid", "failed"}),
    "paid": frozenset({"returned"}),
    "failed": frozenset(),
    "returned": frozenset(),
    "canceled": frozenset(),
}
OVER = frozenset({"paid", "failed", "returned", "canceled"})
GIVEN_BACK = frozenset({"failed", "returned", "canceled"})  # its money stands with the seller again
# What carries the money: an order for the bank, or a transfer to the seller's account at a processor and a payout from there.
RAILS = ("bank", "processor")
RECEIVER = ("opening", "to_complete", "under_review", "ready", "restricted")
# move it to the seller's account, pay it out from there, watch what the bank does with it, take it back, done
CARRIED = ("move", "pay", "watch", "back", "done")
SCHEDULES = ("on_request", "daily", "weekly", "monthly")
