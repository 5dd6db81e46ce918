"""What a dispute may become. A move that is not in the table does not happen."""

from __future__ import annotations

# inquiry: the bank only asks. won is not the end for ever: the payer's bank may open it a second time.
DISPUTE: dict[str, frozenset[str]] = {
    "inquiry": frozenset({"needs_response", "closed"}),
    "needs_response": frozenset({"under_review", "accepted", "lost"}),
    "under_review": frozenset({"won", "lost"}),
    "won": frozenset({"needs_response"}),
    "lost": frozenset(),
    "accepted": frozenset(),
    "closed": frozenset(),
}
OPEN = frozenset({"needs_response", "under_review"})  # money is taken and nothing is decided
ANSWERABLE = frozenset({"inquiry", "needs_response"})
OVER = frozenset({"won", "lost", "accepted", "closed"})
WISHES = frozenset({"answer", "accept"})
# What stands between two states when the news in the middle was missed.
WAY = {"won": ("under_review",)}
