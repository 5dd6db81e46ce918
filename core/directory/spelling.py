"""Words as they may have been meant: what stands in the directory, compared with what somebody typed."""

from __future__ import annotations

from collections import defaultdict

from core.directory.words import LONGEST, allowed_slip, least_slip, slip
from core.kernel.ask import ask_for

MOST_TRIES = 4  # of spellings, when nothing is found
# Each word with which none of the directory begins, and words of the directory that look like it: those that share three-letter pieces, and those
# with two neighbours swapped. Of so few pieces as a short word has a swap leaves hardly any, so these are looked up as they are. How many pieces
# they must share is said first: whatever is compared there comes out of the same expression.
ALIKE = f"""
    SELECT u.word, n.word FROM (
        SELECT a.word || left(set_config('pg_trgm.similarity_threshold', '0.2', true), 0) AS word FROM unnest(CAST(%(words)s AS text[])) AS a(word)
        WHERE NOT EXISTS (SELECT FROM directory_words k WHERE k.word >= a.word AND k.word < a.word || %(beyond)s) OFFSET 0) u
    CROSS JOIN LATERAL (
        SELECT k.word FROM directory_words k WHERE k.word = ANY(ARRAY(
            SELECT left(u.word, n - 1) || substr(u.word, n + 1, 1) || substr(u.word, n, 1) || substr(u.word, n + 2)
            FROM generate_series(1, {LONGEST}) AS n WHERE n < length(u.word)))
        UNION (SELECT k.word FROM directory_words k WHERE k.word %% u.word ORDER BY similarity(k.word, u.word) DESC, k.word LIMIT 40)) n"""


def spellings(words: list[str]) -> list[list[str]]:
    """The words as they may have been meant, the likeliest first: each that stands nowhere in the directory in the place of near ones."""
    near = _nearest(words)
    choices = [near.get(word) or [word] for word in words]
    likeliest = [nearby[0] for nearby in choices]
    found = [likeliest] if likeliest != words else []
    for place, nearby in enumerate(choices):
        found += [[*likeliest[:place], other, *likeliest[place + 1 :]] for other in nearby[1:]]
    return found[:MOST_TRIES]


def whole_words(words: list[str]) -> set[str]:
    """Those that stand in the directory as they are: they are looked for as they are, which costs little however common they are."""
    asked = "SELECT word FROM directory_words WHERE word = ANY(%(words)s)"
    return {word for (word,) in ask_for(asked, {"words": words})} if words else set()


def _nearest(words: list[str]) -> dict[str, list[str]]:
    """Of each that stands nowhere in the directory the words that differ by a slip of the finger, all judged letter by letter."""
    asked = [word for word in words if len(word) >= 3 and word.isalpha()]
    found: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for word, other in ask_for(ALIKE, {"words": asked, "beyond": "\U0010ffff"}) if asked else []:
        if least_slip(word, other) <= allowed_slip(word) and (wrong := slip(word, other)) <= allowed_slip(word):
            found[word].append((wrong, abs(len(word) - len(other)), other))
    return {word: [other for _, _, other in sorted(judged)[:3]] for word, judged in found.items()}
