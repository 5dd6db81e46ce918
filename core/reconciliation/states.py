"""What files, lines and exceptions may become, the classes of exceptions, and what each pass of the matching means."""

from __future__ import annotations

from core.kernel.errors import Conflict

FILE: dict[str, frozenset[str]] = {
    "unmapped": frozenset({"checked", "refused"}),  # a table whose columns a person has to name first
    "refused": frozenset({"checked", "refused"}),  # something in it is wrong, and nothing of it was taken
    "checked": frozenset({"checked", "refused", "importing", "imported", "stopped"}),
    "importing": frozenset({"imported", "stopped"}),
    "stopped": frozenset(),  # it says something else than what is here already: a person looks
    "imported": frozenset(),
}
LINE = frozenset({"new", "matched", "open"})  # open: an exception is about it
EXCEPTION: dict[str, frozenset[str]] = {
    "waiting": frozenset({"open", "proposed", "resolved", "closed"}),  # it may go away by itself
    "open": frozenset({"proposed", "resolved", "closed"}),
    "proposed": frozenset({"open", "resolved", "closed"}),  # a second person has to agree
    "resolved": frozenset({"open"}),  # by a person or a rule, with a reason
    "closed": frozenset({"open", "waiting"}),  # it was no longer so
}
UNSETTLED = ("waiting", "open", "proposed")
KINDS = (
    "missing_in_ledger", "missing_at_processor", "amount_mismatch", "fee_mismatch", "currency_mismatch", "duplicate_external",
    "duplicate_payment", "late_payment", "status_conflict", "settlement_sum", "bank_missing", "bank_unknown", "stale_in_flight",
    "balance_break", "cut_off",
)  # fmt: skip
# A day is not closed while one of these is open, whatever was accepted.
BLOCKING = frozenset({"settlement_sum", "balance_break", "duplicate_external"})
# Pass 1 to 6. Each match keeps the number of its pass; the sentences stand beside the page that shows them.
EXACT, SAME_ID, REFERENCE, TOGETHER, SUBSET, ALONE = 1, 2, 3, 4, 5, 6


def check_move(table: dict[str, frozenset[str]], old: str, new: str) -> None:
    """Refuse a move the table does not allow: somebody was faster."""
    if new not in table[old]:
        raise Conflict("Somebody has decided about this already. Please look again.")
