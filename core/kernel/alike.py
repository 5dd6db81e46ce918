"""How alike two spellings are, in whole hundredths: 100 for the same, 0 for nothing in common."""

from __future__ import annotations

from difflib import SequenceMatcher


def likeness(one: str, other: str) -> int:
    """Twice the signs they have in common, of all that both have."""
    both = len(one) + len(other)
    common = sum(block.size for block in SequenceMatcher(None, one, other).get_matching_blocks())
    return 200 * common // both if both else 100
