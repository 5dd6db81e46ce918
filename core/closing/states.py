"""What becomes of a wish to close a business's account. A move that is not in the table does not happen."""

from __future__ import annotations

# closing is the time in which it can be taken back; from erasing on nothing can.
CLOSING: dict[str, frozenset[str]] = {
    "paying_back": frozenset({"closing", "taken_back", "failed"}),
    "closing": frozenset({"erasing", "taken_back"}),
    "erasing": frozenset({"closed"}),
    "closed": frozenset(),
    "taken_back": frozenset(),
    "failed": frozenset(),  # the balance of the plan did not arrive where it came from; it can be asked for again
}
OPEN = frozenset({"paying_back", "closing", "erasing"})
CAN_BE_TAKEN_BACK = frozenset({"paying_back", "closing"})
