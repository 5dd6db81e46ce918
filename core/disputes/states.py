"""What a dispute may become. A move that is not in the table does not happen."""

from __future__ import annotations

# inquiry: the bank only asks. No end is one for ever: the payer's bank may open what was won a second time, give back what was lost (reversed),
# and make a dispute of an inquiry it had closed.
DISPUTE: dict[str, frozenset[str]] = {
    "inquiry": frozenset({"needs_response", "closed"}),
    "needs_response": frozenset({"under_review", "accepted", "lost"}),
    "under_review": frozenset({"won", "lost"}),
    "won": frozenset({"needs_response"}),
    "lost": frozenset({"reversed"}),
    "accepted": frozenset({"reversed"}),
    "reversed": frozenset({"needs_response"}),
    "closed": frozenset({"needs_response"}),
}
OPEN = frozenset({"needs_response", "under_review"})  # money is taken and nothing is decided
ANSWERABLE = frozenset({"inquiry", "needs_response"})
LOST = frozenset({"lost", "accepted"})
OVER = frozenset({"won", "reversed", "closed"}) | LOST
SIDES = frozenset({"vendor", "staff"})  # who writes about a dispute
WISHES = frozenset({"answer", "accept"})
# What stands between two states when the news in the middle was missed.
WAY = {"won": ("under_review",)}
