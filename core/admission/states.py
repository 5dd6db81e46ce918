"""What can be stopped for a business, and how far a wish to be let into live mode may be."""

from __future__ import annotations

STOPPABLE = ("payments", "payouts", "listing", "embed", "api")

# asked: the staff have put something back to the business. What is refused can be sent anew, as another application.
APPLICATION: dict[str, frozenset[str]] = {
    "sent": frozenset({"asked", "approved", "refused"}),
    "asked": frozenset({"sent", "approved", "refused"}),
    "approved": frozenset(),
    "refused": frozenset(),
}
OPEN = frozenset({"sent", "asked"})
NOTES = ("sent", "asked", "answered", "approved", "refused")
REVIEWS = ("", "accepted", "refused")  # of one paper
FILES = ("register", "person", "address", "bank", "other")
