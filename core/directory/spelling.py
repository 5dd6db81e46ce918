"""Words as they may have been meant: what stands in the directory, compared with what somebody typed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.directory.words import LONGEST, allowed_slip, least_slip, slip
from core.kernel.ask import ask_again

MOST_TRIES = 4  # of spellings, when nothing is found
LEAST = 3  # letters of a word that is compared
# The words, so that PostgreSQL does not see how many they are: one plan is then as good as another for it, and it makes none anew.
WORDS = "unnest(ARRAY(SELECT one FROM unnest(CAST(%(words)s AS text[])) AS one))"
# Of each word the first of the directory that begins with it: the word itself where that stands in it. Where none does, those that may differ by
# one slip: it is in one half of the word, and the other half stands as it is, or it has swapped the two letters in the middle.
LOOKED_UP = f"""
    SELECT a.word, a.first, n.word
    FROM (SELECT b.*, b.first IS NULL AND b.size >= {LEAST} AS is_lost
          FROM (SELECT a.word, length(a.word) AS size, length(a.word) / 2 AS half, (
                    SELECT k.word FROM directory_words k WHERE k.word >= a.word AND k.word < a.word || %(beyond)s ORDER BY k.word LIMIT 1) AS first
                FROM {WORDS} AS a(word) OFFSET 0) b) a
    LEFT JOIN LATERAL (
        SELECT k.word FROM directory_words k
        WHERE a.is_lost AND k.word >= left(a.word, half) AND k.word < left(a.word, half) || %(beyond)s AND length(k.word) BETWEEN size - 1 AND size + 1
        UNION SELECT k.word FROM directory_words k
        WHERE a.is_lost AND reverse(k.word) >= reverse(substr(a.word, half + 1)) AND reverse(k.word) < reverse(substr(a.word, half + 1)) || %(beyond)s
              AND length(k.word) BETWEEN size - 1 AND size + 1
        UNION SELECT k.word FROM directory_words k
        WHERE a.is_lost AND k.word = left(a.word, half - 1) || substr(a.word, half + 1, 1) || substr(a.word, half, 1) || substr(a.word, half + 2)
    ) n ON true"""
# Words of the directory that look like one of these: those that share three-letter pieces, and those with two neighbours swapped. Of so few
# pieces as a short word has a swap leaves hardly any, so these are looked up as they are. How many pieces they must share is said first:
# whatever is compared there comes out of the same expression.
ALIKE = f"""
    SELECT u.word, n.word FROM (
        SELECT a.word || left(set_config('pg_trgm.similarity_threshold', '0.2', true), 0) AS word
        FROM {WORDS} AS a(word) OFFSET 0) u
    CROSS JOIN LATERAL (
        SELECT k.word FROM directory_words k WHERE k.word = ANY(ARRAY(
            SELECT left(u.word, n - 1) || substr(u.word, n + 1, 1) || substr(u.word, n, 1) || substr(u.word, n + 2)
            FROM generate_series(1, {LONGEST}) AS n WHERE n < length(u.word)))
        UNION (SELECT k.word FROM directory_words k WHERE k.word %% u.word ORDER BY similarity(k.word, u.word) DESC, k.word LIMIT 40)) n"""


@dataclass(frozen=True, slots=True)
class Known:
    """Of some words those that stand in the directory as they are, and those with which none of its words begins, each with the words that differ
    from it by one slip. (What stands only in descriptions is none of its words: see index.py.)"""

    whole: set[str]
    unknown: dict[str, set[str]]


def look_up(words: list[str]) -> Known:
    """How these words stand in the directory. Those that are whole are looked for as they are, which costs little however common they are."""
    known = Known(set(), {})
    for word, first, other in ask_again(LOOKED_UP, {"words": words, "beyond": "\U0010ffff"}) if words else []:
        if first is not None:
            known.whole.update([word] if word == first else [])
            continue
        near = known.unknown.setdefault(word, set())
        if other and _is_compared(word) and _wrong(word, other, 1):
            near.add(other)
    return known


def spellings(words: list[str], known: Known) -> Iterator[list[str]]:
    """The words as they may have been meant, the likeliest first: each that is unknown in the place of near ones.

    Whether there are any with more slips is looked at only when the nearest are not what was meant, or there are none.
    """
    asked = [word for word in words if word in known.unknown and _is_compared(word)]
    tried: list[list[str]] = []
    if asked and all(known.unknown[word] for word in asked):
        nearest = {word: _nearest(word, known.unknown[word])[0] for word in asked}
        tried = [[nearest.get(word, word) for word in words]]
        yield tried[0]
    near = {word: _nearest(word, others) for word, others in _alike(asked, known).items()}
    choices = [near.get(word) or [word] for word in words]
    likeliest = [nearby[0] for nearby in choices]
    found = [likeliest] if likeliest != words else []
    for place, nearby in enumerate(choices):
        found += [[*likeliest[:place], other, *likeliest[place + 1 :]] for other in nearby[1:]]
    yield from [one for one in found[:MOST_TRIES] if one not in tried]


def _alike(words: list[str], known: Known) -> dict[str, set[str]]:
    """Of each all that look like it, those that differ by one slip among them."""
    found = {word: set(known.unknown[word]) for word in words}
    for word, other in ask_again(ALIKE, {"words": words}) if words else []:
        found[word].add(other)
    return found


def _nearest(word: str, others: set[str]) -> list[str]:
    """The three that differ by the fewest slips of the finger, and by no more than are forgiven, all judged letter by letter."""
    judged = [
        (wrong, abs(len(word) - len(other)), other) for other in others if (wrong := _wrong(word, other, allowed_slip(word))) is not None
    ]
    return [other for _, _, other in sorted(judged)[:3]]


def _wrong(word: str, other: str, most: int) -> int | None:
    """How many slips lie between them, unless they are more than so many."""
    if least_slip(word, other) > most:
        return None
    wrong = slip(word, other)
    return wrong if wrong <= most else None


def _is_compared(word: str) -> bool:
    return len(word) >= LEAST and word.isalpha()
